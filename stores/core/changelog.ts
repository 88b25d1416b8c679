/**
 * The changelog's records: one per changed entry (key `store/key[/field]`, value JSON, tombstone = deleted) and, last
 * of every batch, the checkpoint record under the fixed key `checkpoint`. Owns that format; knows no Kafka and no Redis.
 */
import * as z from 'zod'
import type { Change } from '../ports.ts'
import { parseEntryName } from './layout.ts'

/** No store can have this entry name: those hold a slash. */
export const CHECKPOINT_KEY = 'checkpoint'

/** Raised when a reader of the old format would misread the new one. Newer than ours: stop `state.format_newer`. */
export const STATE_FORMAT = 1

const numbersByName = z.record(z.string(), z.number().int().nonnegative())

const schema = z.object({
  stateFormat: z.number().int().positive(),
  /** Rises by one per batch of the task. */
  batch: z.number().int().nonnegative(),
  clusterId: z.string(),
  /** Of the consumer group; records of before it was written have none. */
  groupId: z.string().optional(),
  tasks: z.number().int().positive(),
  stride: z.number().int().positive(),
  /** Next offset by source topic and partition: equals the group's committed offsets. */
  positions: z.record(z.string(), numbersByName),
  topicIds: z.record(z.string(), z.string()),
  counters: numbersByName,
  /** Kind of each store: a store that is gone or changed its kind stops the task (`topology.incompatible`). */
  stores: z.record(z.string(), z.string()),
  topology: z.string(),
  transactionalId: z.string(),
})

export type CheckpointRecord = z.infer<typeof schema>

export const encodeCheckpointRecord = (record: CheckpointRecord): string => JSON.stringify(record)

export type ChangelogEntry =
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'checkpoint'; readonly checkpoint: CheckpointRecord }
  | { readonly kind: 'newer-format'; readonly stateFormat: number }
  | { readonly kind: 'foreign'; readonly reason: string }

/** One changelog record. What was not written by this application answers `foreign`: never guessed at. */
export function decodeChangelogRecord(key: string | null, value: string | null): ChangelogEntry {
  if (key === null) return { kind: 'foreign', reason: 'no key' }
  if (key === CHECKPOINT_KEY)
    return value === null ? { kind: 'foreign', reason: 'checkpoint deleted' } : decodeCheckpoint(value)
  const name = parseEntryName(key)
  return name ? { kind: 'change', change: { ...name, json: value } } : { kind: 'foreign', reason: 'unknown key' }
}

function decodeCheckpoint(value: string): ChangelogEntry {
  let json: unknown
  try {
    json = JSON.parse(value)
  } catch {
    return { kind: 'foreign', reason: 'checkpoint is not JSON' }
  }
  const format = (json as { stateFormat?: unknown } | null)?.stateFormat
  if (typeof format === 'number' && format > STATE_FORMAT) return { kind: 'newer-format', stateFormat: format }
  const parsed = schema.safeParse(json)
  return parsed.success
    ? { kind: 'checkpoint', checkpoint: parsed.data }
    : { kind: 'foreign', reason: 'checkpoint of another shape' }
}
