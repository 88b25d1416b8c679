/**
 * What happened to a note or to a character's notes: every change that the changelog still has, with the command that caused
 * it, which is looked up in its topic while retention has it. Owns the bounds of these reads.
 */

import { changelogEntry } from '../engine/core/changelog-entry.ts'
import { type RecordView, readHeaders, valueOf as valueBytesOf } from '../engine/core/headers.ts'
import { partitionFor } from '../engine/core/murmur2.ts'
import { position } from '../engine/core/numbers.ts'
import { everyPartition, partitionName } from '../engine/core/plan.ts'
import type { FetchClient } from '../engine/ports.ts'
import { FetchedRecords } from '../engine/wire/fetched-records.ts'
import type { Change } from '../stores/ports.ts'
import { characterKey } from '../topology/notes/key.ts'
import { notes } from '../topology/notes/state.ts'
import type { Origin } from '../topology/sources.ts'
import type { KafkaContext } from './context.ts'
import { type EntryChange, HistoryFold } from './core/history.ts'
import { logRange, readRecords } from './records.ts'
import { recordedStride } from './state.ts'

/** Offsets of a changelog that are read, from its end. */
export const HISTORY_OFFSETS_MAX = 5_000_000
/** Commands that are looked up: one small read each. */
const CAUSES_MAX = 1_000
const CAUSE_BYTES_MAX = 64 * 1024

export interface NoteChange extends EntryChange {
  readonly tenantId: string
  readonly characterId: number
  readonly noteId: number
  /** Null: it is not there any more, or not told. */
  readonly command: CommandSeen | null
}

export interface CommandSeen {
  readonly type: string | null
  readonly transactionId: string | null
  readonly traceparent: string | null
}

export interface History {
  /** Null: the id tells none. */
  readonly task: number | null
  /** Oldest first. */
  readonly changes: readonly NoteChange[]
  /** False: there may be older ones. */
  readonly complete: boolean
}

export interface HistoryOf {
  readonly kind: 'note' | 'character'
  readonly id: number
  /** Null: any. */
  readonly tenantId: string | null
  readonly limit: number
}

/** Throws OperationError. */
export async function noteHistory(context: KafkaContext, { kind, id, tenantId, limit }: HistoryOf): Promise<History> {
  const { plan, kafka } = context
  const task =
    kind === 'character' ? partitionFor(characterKey(id), plan.tasks) : (id - 1) % (await recordedStride(context))
  // Character 0 may be named by commands; notes begin at 1.
  if ((kind === 'note' && id < 1) || task >= plan.tasks) return { task: null, changes: [], complete: true }
  const wanted = ({ store, key, field }: Change): boolean => {
    if (store !== notes.name || field === null) return false
    const owner = ownerOf(key)
    if (tenantId !== null && owner.tenantId !== tenantId) return false
    return kind === 'note' ? field === String(id) : owner.characterId === id
  }
  const at = { topic: plan.changelog.topic, partition: task }
  const { start, end } = await logRange(kafka, at)
  const from = Math.max(start, end - HISTORY_OFFSETS_MAX)
  const fold = new HistoryFold(wanted, limit)
  const fetch = kafka.fetchClient()
  try {
    await readRecords(fetch, at, position(from), position(end), 'stop', (view) => fold.take(view, changelogEntry(view)))
    const { changes, complete } = fold.result()
    const commands = await commandsOf(context, fetch, changes)
    return {
      task,
      changes: changes.map((change) => ({
        ...change,
        ...ownerOf(change.change.key),
        noteId: Number(change.change.field),
        command: change.cause && (commands.get(nameOf(change.cause)) ?? null),
      })),
      complete: complete && from === start,
    }
  } finally {
    await fetch.close()
  }
}

function ownerOf(key: string): { tenantId: string; characterId: number } {
  const [tenantId = '', character = ''] = key.split(':')
  return { tenantId, characterId: Number(character) }
}

const nameOf = ({ topic, partition, offset }: Origin): string => `${partitionName({ topic, partition })}@${offset}`

async function commandsOf(
  { plan }: KafkaContext,
  fetch: FetchClient,
  changes: readonly EntryChange[],
): Promise<ReadonlyMap<string, CommandSeen>> {
  const known = new Set(
    plan.sources.flatMap(everyPartition).map(({ topic, partition }) => partitionName({ topic, partition })),
  )
  const causes = new Map<string, Origin>()
  for (const { cause } of changes.slice(-CAUSES_MAX))
    if (cause && known.has(partitionName(cause))) causes.set(nameOf(cause), cause)
  const commands = new Map<string, CommandSeen>()
  for (const [name, cause] of causes) {
    const view = await recordAt(fetch, cause)
    if (view) commands.set(name, commandSeen(view))
  }
  return commands
}

/** Null: it is not there any more. One look: a cause is history, and what cannot be read now is not worth waiting for. */
async function recordAt(fetch: FetchClient, { topic, partition, offset }: Origin): Promise<RecordView | null> {
  const request = { topic, partition, position: position(offset), maxBytes: CAUSE_BYTES_MAX }
  const [answer] = await fetch.fetch([request], { maxWaitMs: 0, minBytes: 0, maxBytes: CAUSE_BYTES_MAX })
  if (answer?.code !== 0) return null
  const view = new FetchedRecords(answer.records, answer.aborted, answer.asked).next()
  return view?.offset === offset ? view : null
}

function commandSeen(view: RecordView): CommandSeen {
  let value: Partial<Record<string, unknown>> = {}
  let traceparent: string | null = null
  try {
    const found: unknown = JSON.parse(valueBytesOf(view)?.toString('utf8') ?? '')
    if (typeof found === 'object' && found !== null) value = found
    traceparent =
      readHeaders(view)
        .findLast(({ name }) => name === 'traceparent')
        ?.value?.toString('latin1') ?? null
  } catch {
    // It was processed once; what is not readable is not told.
  }
  const text = (field: unknown): string | null => (typeof field === 'string' ? field : null)
  return { type: text(value.type), transactionId: text(value.transactionId), traceparent }
}
