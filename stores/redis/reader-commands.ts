/**
 * Unguarded reads over one connection that all readers share. Owns that connection: a lost one is thrown away, and the
 * next read opens another.
 */
import type { EntryKey, HashPage, KeyPage, ReaderCommands, ScoredMember, SetPage, TaskFields } from '../commands.ts'
import { pageInOrder } from '../core/field-order.ts'
import { TASK_FIELDS, taskKeys } from '../core/keys.ts'
import type { MemberPage } from '../ports.ts'
import { isList, isTexts, parseKeyPage, parsePage, textOrNull, unexpected } from './replies.ts'
import { ORDERED_FIELDS } from './scripts/ordered-fields.ts'
import type { SharedConnection } from './shared-connection.ts'
import { SCAN_FIELDS, SCAN_KEYS } from './task-commands.ts'

export class RedisReaderCommands implements ReaderCommands {
  readonly #application: string
  readonly #shared: SharedConnection

  constructor(application: string, shared: SharedConnection) {
    this.#application = application
    this.#shared = shared
  }

  async task(task: number): Promise<TaskFields | null> {
    const { owner, instance, transactionalId, checkpoint, building, step } = TASK_FIELDS
    const key = taskKeys(this.#application, task).task
    const reply = await this.#shared.call('HMGET', [key, owner, instance, transactionalId, checkpoint, building, step])
    if (!isList(reply) || reply.length !== 6) throw unexpected('HMGET')
    if (reply.every((value) => value === null)) return null
    const texts = reply.map((value) => textOrNull(value, 'HMGET'))
    return {
      owner: texts[0] ?? null,
      instance: texts[1] ?? null,
      transactionalId: texts[2] ?? null,
      checkpoint: texts[3] ?? null,
      isPartial: texts[4] === null && texts[5] !== null,
    }
  }

  async get(key: string, field: string | null): Promise<string | null> {
    return field === null
      ? textOrNull(await this.#shared.call('GET', [key]), 'GET')
      : textOrNull(await this.#shared.call('HGET', [key, field]), 'HGET')
  }

  async range(key: string, from: number, count: number): Promise<MemberPage> {
    const [members, total] = await Promise.all([
      count > 0 ? this.#shared.call('ZRANGE', [key, from, from + count - 1]) : [],
      this.#shared.call('ZCARD', [key]),
    ])
    if (!isTexts(members) || typeof total !== 'number') throw unexpected('ZRANGE')
    return { members, total }
  }

  async orderedFields(hash: string, set: string, from: number, count: number): Promise<MemberPage> {
    const reply = await this.#shared.call('EVAL', [ORDERED_FIELDS, '2', hash, set, from, count])
    if (!isList(reply) || reply.length !== 2) throw unexpected('EVAL')
    const [total, found] = reply
    if (typeof found === 'string') return pageInOrder(found === '' ? [] : found.split(','), from, count)
    if (!isTexts(found) || typeof total !== 'number') throw unexpected('EVAL')
    return { members: found, total }
  }

  async rangeByScore(key: string, score: number, count: number): Promise<readonly string[]> {
    const reply = await this.#shared.call('ZRANGEBYSCORE', [key, score, score, 'LIMIT', 0, count])
    if (!isTexts(reply)) throw unexpected('ZRANGEBYSCORE')
    return reply
  }

  async getAll(entries: readonly EntryKey[]): Promise<readonly (string | null)[]> {
    const values = new Array<string | null>(entries.length).fill(null)
    /** Where the answers of a bulk command belong. */
    const fill = async (command: string, args: readonly string[], places: readonly number[]): Promise<void> => {
      const reply = await this.#shared.call(command, args)
      if (!isList(reply) || reply.length !== places.length) throw unexpected(command)
      for (const [n, place] of places.entries()) values[place] = textOrNull(reply[n], command)
    }
    const whole: number[] = []
    const byKey = new Map<string, number[]>()
    for (const [place, { key, field }] of entries.entries()) {
      const places = field === null ? whole : (byKey.get(key) ?? [])
      places.push(place)
      if (field !== null) byKey.set(key, places)
    }
    const asked = [...byKey].map(([key, places]) =>
      fill('HMGET', [key, ...places.map((place) => entries[place]!.field!)], places),
    )
    const wholeKeys = whole.map((place) => entries[place]!.key)
    if (whole.length > 0) asked.push(fill('MGET', wholeKeys, whole))
    await Promise.all(asked)
    return values
  }

  async span(key: string): Promise<{ total: number; last: number | null }> {
    const [total, last] = await Promise.all([
      this.#shared.call('ZCARD', [key]),
      this.#shared.call('ZREVRANGE', [key, 0, 0, 'WITHSCORES']),
    ])
    if (typeof total !== 'number' || !isTexts(last)) throw unexpected('ZREVRANGE')
    return { total, last: scored(last).at(0)?.score ?? null }
  }

  async countBelow(key: string, score: number): Promise<number> {
    const count = await this.#shared.call('ZCOUNT', [key, '-inf', `(${score}`])
    if (typeof count !== 'number') throw unexpected('ZCOUNT')
    return count
  }

  async rangeFrom(key: string, score: number, count: number): Promise<readonly ScoredMember[]> {
    const reply = await this.#shared.call('ZRANGEBYSCORE', [key, score, '+inf', 'WITHSCORES', 'LIMIT', 0, count])
    if (!isTexts(reply)) throw unexpected('ZRANGEBYSCORE')
    return scored(reply)
  }

  async scanKeys(task: number, cursor: string): Promise<KeyPage> {
    const { prefix } = taskKeys(this.#application, task)
    return parseKeyPage(await this.#shared.call('SCAN', [cursor, 'MATCH', `${prefix}*`, 'COUNT', SCAN_KEYS]))
  }

  async scanHash(key: string, cursor: string): Promise<HashPage> {
    const [next, pairs] = parsePage(await this.#shared.call('HSCAN', [key, cursor, 'COUNT', SCAN_FIELDS]), 'HSCAN')
    return { cursor: next, pairs }
  }

  async scanSet(key: string, cursor: string): Promise<SetPage> {
    const [next, items] = parsePage(await this.#shared.call('ZSCAN', [key, cursor, 'COUNT', SCAN_FIELDS]), 'ZSCAN')
    return { cursor: next, members: scored(items) }
  }

  async close(): Promise<void> {
    await this.#shared.close()
  }
}

function scored(items: readonly string[]): ScoredMember[] {
  const members: ScoredMember[] = []
  for (let at = 0; at + 1 < items.length; at += 2) members.push({ member: items[at]!, score: Number(items[at + 1]) })
  return members
}
