/**
 * Committed records of one partition, fetch after fetch. Owns nothing: how long answers without records are put up with,
 * and by which name that ends, is the caller's.
 */
import type { Position } from './core/numbers.ts'
import type { FetchClient, FetchedPartition, TopicPartition } from './ports.ts'
import { fetchEnd } from './wire/fetch-end.ts'
import { FetchedRecords } from './wire/fetched-records.ts'

export interface FetchLimits {
  readonly maxBytes: number
  readonly maxWaitMs: number
}

/** What one fetch of one partition has brought. */
export interface Portion {
  readonly at: Position
  readonly answer: FetchedPartition | undefined
  /** Null: no whole batch, whatever the answer's code. */
  readonly records: FetchedRecords | null
  /** Behind the last whole batch; `at` where there is none. */
  readonly end: Position
}

/** Throws RequestLost. */
export async function fetchPortion(
  fetch: Pick<FetchClient, 'fetch'>,
  { topic, partition }: TopicPartition,
  at: Position,
  { maxBytes, maxWaitMs }: FetchLimits,
): Promise<Portion> {
  const asked = [{ topic, partition, position: at, maxBytes }]
  const [answer] = await fetch.fetch(asked, { maxWaitMs, minBytes: 1, maxBytes })
  const end = answer?.code === 0 ? fetchEnd(answer.records, at) : at
  return { at, answer, records: end > at ? new FetchedRecords(answer!.records, answer!.aborted, at) : null, end }
}

/** Up to `end` and not cut there; one without records is asked for again, unless the caller leaves. Throws RequestLost. */
export async function* portions(
  fetch: FetchClient,
  partition: TopicPartition,
  from: Position,
  end: Position,
  limits: FetchLimits,
): AsyncGenerator<Portion> {
  for (let at = from; at < end; ) {
    const portion = await fetchPortion(fetch, partition, at, limits)
    yield portion
    at = portion.end
  }
}
