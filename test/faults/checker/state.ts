/**
 * Redis and the changelog against the notes that the outputs tell of. Reads Redis by a plain client and the layout that
 * people see (HGETALL, JSON); shares no code with the stores.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Redis } from 'ioredis'
import type { LogRecord } from '../../java/log-record.ts'
import { partitionOf } from './murmur2.ts'
import type { Note } from './outputs.ts'
import type { Report } from './report.ts'

/** `<tenant>:<characterId>:<noteId>` → JSON value. */
export type StoredNotes = ReadonlyMap<string, unknown>

export interface RedisState {
  readonly notes: StoredNotes
  /** The same names, as the order of a character's notes has them, where there is one, and as the index has them. */
  readonly inOrder: ReadonlySet<string>
  readonly byTenant: ReadonlySet<string>
  /** By task. */
  readonly checkpoints: readonly (Record<string, any> | null)[]
  /** Keys that belong to no live version and are not the task's own. */
  readonly strays: readonly string[]
}

export async function readRedis(redis: Redis, application: string, tasks: number): Promise<RedisState> {
  const notes = new Map<string, unknown>()
  const inOrder = new Set<string>()
  const byTenant = new Set<string>()
  const checkpoints: (Record<string, any> | null)[] = []
  const strays: string[] = []
  for (let task = 0; task < tasks; task++) {
    const { checkpoint, keys } = await readTask(redis, application, task)
    checkpoints.push(checkpoint)
    for (const { key, parts } of keys) {
      const [store = '', tenant = '', characterId = ''] = parts
      if (store === 'notes')
        for (const [id, json] of Object.entries(await redis.hgetall(key)))
          notes.set(`${tenant}:${characterId}:${id}`, JSON.parse(json))
      else if (store === 'note-order')
        for (const id of await redis.zrange(key, '0', '-1')) inOrder.add(`${tenant}:${characterId}:${id}`)
      else if (store === 'notes-by-tenant')
        for (const member of await redis.zrange(key, '0', '-1')) byTenant.add(`${tenant}:${member}`)
      else strays.push(key)
    }
  }
  return { notes, inOrder, byTenant, checkpoints, strays }
}

/** The task's checkpoint and its keys but for its own two: in parts as of the live version, none for any other. */
export async function readTask(
  redis: Redis,
  application: string,
  task: number,
): Promise<{
  readonly checkpoint: Record<string, any> | null
  readonly keys: readonly { readonly key: string; readonly parts: readonly string[] }[]
}> {
  const prefix = `{${application}:${task}}:`
  const text = await redis.hget(`${prefix}task`, 'checkpoint')
  const checkpoint: Record<string, any> | null = text ? JSON.parse(text) : null
  const live = `${prefix}${checkpoint?.['stateVersion']}:`
  const keys = (await keysOf(redis, `${prefix}*`)).filter((key) => key !== `${prefix}task` && key !== `${prefix}lease`)
  return {
    checkpoint,
    keys: keys.map((key) => ({ key, parts: key.startsWith(live) ? key.slice(live.length).split(':') : [] })),
  }
}

async function keysOf(redis: Redis, pattern: string): Promise<readonly string[]> {
  const keys = new Set<string>()
  let cursor = '0'
  do {
    const [next, page] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000)
    for (const key of page) keys.add(key)
    cursor = next
  } while (cursor !== '0')
  return [...keys]
}

/** Of a character with more notes their order is kept (docs/redis-keys.md). */
const UNORDERED_MAX = 128
const characterOf = (name: string): string => name.slice(0, name.lastIndexOf(':'))
const nameOf = ({ tenant, characterId, noteId }: Note): string => `${tenant}:${characterId}:${noteId}`
const contentOf = ({ senderId, message, flag, time }: Note) => ({ senderId, message, flag, time })

/** `expected` are the notes that the outputs leave. */
export function checkNotes(
  what: string,
  expected: ReadonlyMap<number, Note>,
  stored: StoredNotes,
  report: Report,
): void {
  const wanted = new Map([...expected.values()].map((note) => [nameOf(note), contentOf(note)]))
  for (const [name, content] of wanted) {
    if (!stored.has(name)) report.add('state', `${what} lacks note ${name}`)
    else if (!isDeepStrictEqual(stored.get(name), content))
      report.add('state', `${what} has note ${name} as ${JSON.stringify(stored.get(name))}`)
  }
  for (const name of stored.keys())
    if (!wanted.has(name)) report.add('state', `${what} has note ${name}, which should not be there`)
}

export function checkRedis(expected: ReadonlyMap<number, Note>, state: RedisState, report: Report): void {
  checkNotes('Redis', expected, state.notes, report)
  const characters = Map.groupBy(state.notes.keys(), characterOf)
  const ordered = new Set(Array.from(state.inOrder, characterOf))
  const mustBeInOrder = (name: string): boolean =>
    ordered.has(characterOf(name)) || characters.get(characterOf(name))!.length > UNORDERED_MAX
  for (const [index, names, must] of [
    ['note-order', state.inOrder, mustBeInOrder],
    ['notes-by-tenant', state.byTenant, () => true],
  ] as const) {
    for (const name of state.notes.keys())
      if (must(name) && !names.has(name)) report.add('state', `index ${index} lacks ${name}`)
    for (const name of names)
      if (!state.notes.has(name)) report.add('state', `index ${index} has ${name}, which is not there`)
  }
  if (state.strays.length > 0) report.add('state', `${state.strays.length} stray keys, such as ${state.strays[0]}`)
}

export interface ChangelogFacts {
  readonly notes: StoredNotes
  /** Last checkpoint record by task. */
  readonly last: readonly (Record<string, any> | null)[]
}

/** Folds the changelog; batch numbers of a task rise by one, and only one owner at a time can have written them. */
export function foldChangelog(
  records: readonly LogRecord[],
  tasks: number,
  report: Report,
  compacted = false,
): ChangelogFacts {
  const notes = new Map<string, unknown>()
  const last: (Record<string, any> | null)[] = new Array(tasks).fill(null)
  for (const { partition, offset, key, value } of records) {
    const name = key?.toString('utf8') ?? ''
    if (name === 'checkpoint') {
      const checkpoint = JSON.parse(value!.toString('utf8')) as Record<string, any>
      checkFollows(last[partition] ?? null, checkpoint, `changelog partition ${partition} offset ${offset}`, {
        compacted,
        report,
      })
      last[partition] = checkpoint
      continue
    }
    const [store, owner = '', noteId = ''] = name.split('/')
    if (store !== 'notes') continue
    const [, characterId = ''] = owner.split(':')
    if (partitionOf(Number(characterId), tasks) !== partition)
      report.add('misplaced', `changelog partition ${partition} has ${name}`)
    if (value === null) notes.delete(`${owner}:${noteId}`)
    else notes.set(`${owner}:${noteId}`, JSON.parse(value.toString('utf8')))
  }
  return { notes, last }
}

/** One batch behind another: its number is the next, and no position goes back. */
export function checkFollows(
  before: Record<string, any> | null,
  checkpoint: Record<string, any>,
  where: string,
  { compacted, report }: { readonly compacted: boolean; readonly report: Report },
): void {
  const number = Number(before?.['batch'] ?? 0)
  const follows = compacted ? checkpoint['batch'] > number : checkpoint['batch'] === number + 1
  if (!follows) report.add('offsets', `${where}: batch ${checkpoint['batch']} follows batch ${number}`)
  checkBack(before, checkpoint, where, report)
}

function checkBack(
  before: Record<string, any> | null,
  after: Record<string, any>,
  where: string,
  report: Report,
): void {
  for (const [topic, positions] of Object.entries<Record<string, number>>(before?.['positions'] ?? {}))
    for (const [partition, at] of Object.entries(positions)) {
      const now = after['positions']?.[topic]?.[partition]
      if (!(now >= at)) report.add('offsets', `${where}: position of ${topic}-${partition} went from ${at} to ${now}`)
    }
}

/** The group's committed offsets are the last checkpoint record's, exactly; and Redis stands there, too. */
export function checkPositions(
  changelog: Pick<ChangelogFacts, 'last'>,
  committed: ReadonlyMap<string, number>,
  state: Pick<RedisState, 'checkpoints'>,
  report: Report,
): void {
  changelog.last.forEach((checkpoint, task) => {
    for (const [topic, positions] of Object.entries<Record<string, number>>(checkpoint?.['positions'] ?? {}))
      for (const [partition, at] of Object.entries(positions)) {
        const name = `${topic}-${partition}`
        if (committed.get(name) !== at)
          report.add('offsets', `${name}: the changelog says ${at}, the group ${committed.get(name)}`)
      }
    const [log, redis] = [Number(checkpoint?.['batch'] ?? 0), Number(state.checkpoints[task]?.['batch'] ?? 0)]
    if (log !== redis) report.add('state', `task ${task}: Redis is at batch ${redis}, the changelog at ${log}`)
  })
}
