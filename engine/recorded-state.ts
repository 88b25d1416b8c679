/**
 * What the changelog says of the application as a whole: the last checkpoint record of any task. Read at start, for a task
 * without state cannot know by which stride ids were given, or which group runs the others; and by operators' tools, which
 * know no better. Owns nothing; by which names it fails is the caller's.
 */
import type { CheckpointRecord } from '../stores/core/changelog.ts'
import type { Clock } from './clock.ts'
import { changelogEntry } from './core/changelog-entry.ts'
import { classify, codes, nameOf } from './core/kafka-errors.ts'
import { type LogRange, windowsBackwards } from './core/log-windows.ts'
import { everyPartition } from './core/plan.ts'
import { type Portion, portions } from './log-reading.ts'
import { answered } from './patience.ts'
import { type Code, type FetchClient, type Kafka, RequestLost, type TopicPartition } from './ports.ts'
import { WireError } from './wire/wire-error.ts'

export interface Recorded {
  readonly task: number
  readonly record: CheckpointRecord
}

export interface RecordedStateOptions {
  readonly patienceMs: number
  /** What is thrown where the cluster does not allow it. */
  readonly refused: (reason: string) => Error
  /** What is thrown when it cannot be known within the patience. */
  readonly unreachable: (reason: string) => Error
}

const FETCH = { maxBytes: 1024 * 1024, maxWaitMs: 50 } as const
/** A partition that answers nothing so often is left for the next round. */
const FETCHES_IN_VAIN_MAX = 5

/** Some partition cannot be read now, and no other has a record. */
class Unread extends Error {}

/** Null: no task has state. A transaction that is open is not waited for. */
export async function recordedState(
  kafka: Pick<Kafka, 'admin' | 'fetchClient'>,
  clock: Clock,
  changelog: { readonly topic: string; readonly partitions: number },
  options: RecordedStateOptions,
): Promise<Recorded | null> {
  const fetch = kafka.fetchClient()
  const passing = (error: unknown): boolean => error instanceof Unread || error instanceof RequestLost
  try {
    return await answered(
      () => anyOf(kafka, fetch, everyPartition(changelog), options),
      clock,
      options.patienceMs,
      (error) =>
        passing(error) ? options.unreachable(`no partition of ${changelog.topic} with state can be read`) : null,
    )
  } finally {
    await fetch.close()
  }
}

async function anyOf(
  { admin }: Pick<Kafka, 'admin'>,
  fetch: FetchClient,
  all: readonly TopicPartition[],
  options: RecordedStateOptions,
): Promise<Recorded | null> {
  let unread = false
  const [starts, ends] = await Promise.all([admin.listOffsets(all, 'earliest'), admin.listOffsets(all, 'stable')])
  for (const [task, at] of all.entries()) {
    const [start, end] = [starts[task]!, ends[task]!]
    const code = start.code || end.code
    expectAllowed(at, code, options)
    if (code !== codes.NONE) {
      unread = true
      continue
    }
    const found = await lastOf(fetch, at, { start: start.position, end: end.position }, options)
    if (found === 'unread') unread = true
    else if (found !== 'none') return { task, record: found }
  }
  if (unread) throw new Unread()
  return null
}

type Found = CheckpointRecord | 'none' | 'unread'

async function lastOf(
  fetch: FetchClient,
  at: TopicPartition,
  log: LogRange,
  options: RecordedStateOptions,
): Promise<Found> {
  for (const { from, end } of windowsBackwards(log)) {
    const found = await lastWithin(portions(fetch, at, from, end, FETCH), at, options)
    if (found !== 'none') return found
  }
  return 'none'
}

/** What cannot be decoded says nothing here: the takeover of that task stops with its code. */
async function lastWithin(
  window: AsyncIterable<Portion>,
  at: TopicPartition,
  options: RecordedStateOptions,
): Promise<Found> {
  let last: CheckpointRecord | null = null
  let inVain = 0
  try {
    for await (const { answer, records } of window) {
      const code = answer?.code ?? codes.NONE
      expectAllowed(at, code, options)
      // Of a topic that is no more, or another one by now: its takeover says so.
      if (classify(code, 'read') === 'FATAL' && code !== codes.OFFSET_OUT_OF_RANGE) return 'none'
      inVain = records ? 0 : inVain + 1
      if (inVain > FETCHES_IN_VAIN_MAX) return 'unread'
      for (let view = records?.next(); view; view = records?.next()) {
        const entry = changelogEntry(view)
        if (entry.kind === 'checkpoint') last = entry.checkpoint
      }
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return 'none'
  }
  return last ?? 'none'
}

function expectAllowed({ topic, partition }: TopicPartition, code: Code, { refused }: RecordedStateOptions): void {
  if (code === codes.TOPIC_AUTHORIZATION_FAILED) throw refused(`${topic}-${partition}: ${nameOf(code)}`)
}
