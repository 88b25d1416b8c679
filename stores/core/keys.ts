/**
 * Where the state of a task lies in Redis: the names of its keys. Owns the key layout; pure. What is written into the
 * keys: write-plan.ts. The table for people: stores/README.md.
 *
 *   {<app>:<task>}:task                              hash    owner, checkpoint and versions: the guard
 *   {<app>:<task>}:lease                             string  label for operators (lease.ts)
 *   {<app>:<task>}:paused                            string  an operator's order (redis/admin.ts)
 *   {<app>:<task>}:<version>:<store>:<key>           hash    `map` store, field -> JSON
 *   {<app>:<task>}:<version>:<store>:<key>           string  `value` store, JSON
 *   {<app>:<task>}:<version>:<index>:<group>         zset    member by score
 *
 * The braces are Redis Cluster's hash tag: all keys of a task lie in one slot. User text is escaped (text.ts).
 */
import type { StoreLayout } from '../ports.ts'
import { escapeText, unescapeText } from './text.ts'

export const TASK_FIELDS = {
  owner: 'owner',
  instance: 'instance',
  transactionalId: 'transactional-id',
  checkpoint: 'checkpoint',
  /** The version under construction. */
  building: 'building',
  /** JSON list of the versions registered and not yet swept. */
  versions: 'versions',
  /** Present once a whole pass has shown that no key of an unlisted version is left. */
  swept: 'swept',
  /** Chunks written since the claim or the checkpoint, whichever is younger, without a checkpoint of their own; absent for none. */
  step: 'step',
} as const

const NAME = /^[A-Za-z0-9._~@-]+$/
/** Only keys of versions that a store of ours made up are ever removed. */
const VERSION = /^v[0-9a-z]{16}$/

export class LayoutError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'LayoutError'
    this.code = code
  }
}

/** Throws LayoutError `layout.name` when a store or index name would make keys ambiguous. */
export function checkLayout(layout: StoreLayout): void {
  const names = [...layout.stores.map((store) => store.name), ...layout.indexes.map((index) => index.name)]
  const bad = names.find((name) => !NAME.test(name))
  if (bad !== undefined) {
    throw new LayoutError(
      'layout.name',
      `store or index name ${JSON.stringify(bad)}: use letters, digits and . _ ~ @ -`,
    )
  }
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new LayoutError('layout.name', `two stores or indexes are named ${twice}: rename one`)
  for (const index of layout.indexes) {
    if (layout.stores.some((store) => store.name === index.store && store.kind === 'map')) continue
    throw new LayoutError('layout.index', `index ${index.name} names ${index.store}, which is no map store: declare it`)
  }
}

export interface TaskKeys {
  /** `{<app>:<task>}:` */
  readonly prefix: string
  readonly task: string
  readonly lease: string
  readonly paused: string
}

export function taskKeys(application: string, task: number): TaskKeys {
  const prefix = `{${escapeText(application)}:${task}}:`
  return { prefix, task: `${prefix}task`, lease: `${prefix}lease`, paused: `${prefix}paused` }
}

/** A hash: what each instance tells of itself, by its name. */
export const boardKey = (application: string): string => `{${escapeText(application)}:instances}:cards`

/** Glob of every key of the application, of whatever task; a key that matches is its own if isApplicationKey says so. */
export const applicationPattern = (application: string): string => `{${escapeText(application)}:[0-9]*}:*`

export function isApplicationKey(application: string, key: string): boolean {
  const start = `{${escapeText(application)}:`
  return key.startsWith(start) && /^\d{1,9}\}:/.test(key.slice(start.length))
}

/** Key of a store's key or of an index's group; `name` is the store's or index's. */
export function stateKey(keys: TaskKeys, version: string, name: string, text: string): string {
  return stateKeyPrefix(keys, version, name) + escapeText(text)
}

/** What all keys of a store or index begin with. */
export function stateKeyPrefix(keys: TaskKeys, version: string, name: string): string {
  return `${keys.prefix}${version}:${name}:`
}

export interface ParsedStateKey {
  readonly version: string
  /** Store or index. */
  readonly name: string
  readonly text: string
}

/** null for a key that is none of the task's state keys. */
export function parseStateKey(keys: TaskKeys, key: string): ParsedStateKey | null {
  if (!key.startsWith(keys.prefix)) return null
  const afterVersion = key.indexOf(':', keys.prefix.length)
  const afterName = afterVersion < 0 ? -1 : key.indexOf(':', afterVersion + 1)
  if (afterName < 0) return null
  try {
    return {
      version: key.slice(keys.prefix.length, afterVersion),
      name: key.slice(afterVersion + 1, afterName),
      text: unescapeText(key.slice(afterName + 1)),
    }
  } catch {
    return null
  }
}

/** The version a key belongs to, when it is one that a store made up; null otherwise: such a key is not ours to remove. */
export function versionOf(keys: TaskKeys, key: string): string | null {
  if (!key.startsWith(keys.prefix)) return null
  const end = key.indexOf(':', keys.prefix.length)
  if (end < 0) return null
  const version = key.slice(keys.prefix.length, end)
  return VERSION.test(version) ? version : null
}

/** A state version out of 10 random bytes: random, so that two rebuilders never share a key. */
export function versionName(random: Uint8Array): string {
  let value = 0n
  for (const byte of random) value = (value << 8n) | BigInt(byte)
  return `v${value.toString(36).padStart(16, '0').slice(-16)}`
}
