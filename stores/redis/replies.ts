/** Shapes of Redis replies, checked: what arrives from outside is `unknown` until it has passed here. Pure. */
import type { KeyPage } from '../commands.ts'
import { StoreLost } from '../ports.ts'

export function unexpected(what: string): StoreLost {
  return new StoreLost('redis.reply', `${what}: the reply has an unexpected form`)
}

export function isList(reply: unknown): reply is readonly unknown[] {
  return Array.isArray(reply)
}

export function isTexts(reply: unknown): reply is readonly string[] {
  return Array.isArray(reply) && reply.every((item) => typeof item === 'string')
}

/** The reply of SCAN and HSCAN. */
export function parsePage(reply: unknown, what: string): [cursor: string, items: readonly string[]] {
  if (!isList(reply) || reply.length !== 2) throw unexpected(what)
  const [cursor, items] = reply
  if (typeof cursor !== 'string' || !isTexts(items)) throw unexpected(what)
  return [cursor, items]
}

export function parseKeyPage(reply: unknown): KeyPage {
  const [cursor, keys] = parsePage(reply, 'SCAN')
  return { cursor, keys }
}

export function textOrNull(reply: unknown, what: string): string | null {
  if (reply === null || typeof reply === 'string') return reply
  throw unexpected(what)
}
