/**
 * What the changelog says of the application as a whole: the last checkpoint record of any task. Read once at start, for
 * a task without state cannot know by which stride ids were given, or which group runs the others. Owns nothing.
 */
import { type CheckpointRecord, decodeChangelogRecord } from '../stores/core/changelog.ts'
import { type Clock, sleep } from './clock.ts'
import { keyOf, valueOf } from './core/headers.ts'
import { classify, nameOf } from './core/kafka-errors.ts'
import { position } from './core/numbers.ts'
import { StartError } from './core/start-error.ts'
import { type FetchClient, type Kafka, RequestLost, type TopicInfo, type TopicPartition } from './ports.ts'
import { fetchEnd } from './wire/fetch-end.ts'
import { FetchedRecords } from './wire/fetched-records.ts'

export interface Recorded {
  readonly task: number
  readonly record: CheckpointRecord
}

/** Offsets in the first window that is read backwards: the record lies at the end of the last batch. */
const WINDOW_OFFSETS = 256
const WINDOW_GROWTH = 4
const FETCH_BYTES_MAX = 1024 * 1024
const FETCH_WAIT_MS = 50
/** A partition that answers nothing so often is left for the next round. */
const FETCHES_IN_VAIN_MAX = 5
const RETRY_MS = 250

type Found = CheckpointRecord | 'none' | 'unread'

/** Null: no task has state. Throws StartError when that cannot be known within the patience. */
export async function recordedState(
  kafka: Pick<Kafka, 'admin' | 'fetchClient'>,
  clock: Clock,
  { topic, partitions }: TopicInfo,
  patienceMs: number,
): Promise<Recorded | null> {
  const startedAtMs = clock.elapsedMs()
  const fetch = kafka.fetchClient()
  try {
    for (;;) {
      const found = await anyOf(kafka, fetch, topic, partitions)
      if (found !== 'unread') return found
      if (clock.elapsedMs() - startedAtMs > patienceMs)
        throw new StartError('kafka.unreachable', `no partition of ${topic} with state can be read`)
      await sleep(clock, RETRY_MS)
    }
  } finally {
    await fetch.close()
  }
}

async function anyOf(
  { admin }: Pick<Kafka, 'admin'>,
  fetch: FetchClient,
  topic: string,
  count: number,
): Promise<Recorded | null | 'unread'> {
  const all = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
  let unread = false
  try {
    const [starts, ends] = await Promise.all([admin.listOffsets(all, 'earliest'), admin.listOffsets(all, 'stable')])
    for (const [task, at] of all.entries()) {
      const [start, end] = [starts[task], ends[task]]
      if (start?.code !== 0 || end?.code !== 0) {
        unread = true
        continue
      }
      const found = await lastOf(fetch, at, start.position, end.position)
      if (found === 'unread') unread = true
      else if (found !== 'none') return { task, record: found }
    }
  } catch (error) {
    if (!(error instanceof RequestLost)) throw error
    unread = true
  }
  return unread ? 'unread' : null
}

/** Backwards in growing windows. What cannot be decoded says nothing here: the takeover of that task stops with its code. */
async function lastOf(fetch: FetchClient, at: TopicPartition, start: number, end: number): Promise<Found> {
  let windowOffsets = WINDOW_OFFSETS
  for (let to = end; to > start; windowOffsets *= WINDOW_GROWTH) {
    const from = Math.max(start, to - windowOffsets)
    const found = await lastWithin(fetch, at, from, to)
    if (found !== 'none') return found
    to = from
  }
  return 'none'
}

async function lastWithin(
  fetch: FetchClient,
  { topic, partition }: TopicPartition,
  from: number,
  to: number,
): Promise<Found> {
  let last: CheckpointRecord | null = null
  let at = position(from)
  for (let inVain = 0; at < to; ) {
    const [answer] = await fetch.fetch([{ topic, partition, position: at, maxBytes: FETCH_BYTES_MAX }], {
      maxWaitMs: FETCH_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES_MAX,
    })
    if (answer?.code === TOPIC_AUTHORIZATION_FAILED)
      throw new StartError('topic.refused', `${topic}-${partition}: ${nameOf(answer.code)}`)
    // Of a topic that is no more, or another one by now: its takeover says so.
    if (answer && classify(answer.code, 'read') === 'FATAL' && answer.code !== OFFSET_OUT_OF_RANGE) return 'none'
    const end = answer?.code === 0 ? fetchEnd(answer.records, at) : at
    if (end === at) {
      if (++inVain > FETCHES_IN_VAIN_MAX) return 'unread'
      continue
    }
    inVain = 0
    try {
      const records = new FetchedRecords(answer!.records, answer!.aborted, at)
      for (let view = records.next(); view; view = records.next()) {
        const key = keyOf(view)?.toString('utf8') ?? null
        const entry = decodeChangelogRecord(key, valueOf(view)?.toString('utf8') ?? null)
        if (entry.kind === 'checkpoint') last = entry.checkpoint
      }
    } catch (error) {
      if (isUndecodable(error)) return 'none'
      throw error
    }
    at = end
  }
  return last ?? 'none'
}

const isUndecodable = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('wire.')

const OFFSET_OUT_OF_RANGE = 1
const TOPIC_AUTHORIZATION_FAILED = 29
