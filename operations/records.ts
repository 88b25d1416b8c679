/**
 * Reading a partition of a topic, committed records only, from one offset to another. Owns nothing: positions are the
 * caller's, the fetch connection is handed in.
 */

import type { RecordView } from '../engine/core/headers.ts'
import { classify, nameOf } from '../engine/core/kafka-errors.ts'
import { type LogRange, windowsBackwards } from '../engine/core/log-windows.ts'
import type { Position } from '../engine/core/numbers.ts'
import { partitionName } from '../engine/core/plan.ts'
import { portions } from '../engine/log-reading.ts'
import type { FetchClient, Kafka, TopicPartition } from '../engine/ports.ts'
import { OperationError } from './errors.ts'
import { answerOf, PATIENCE_MS, worstOf } from './patience.ts'

const FETCH = { maxBytes: 4 * 1024 * 1024, maxWaitMs: 100 } as const
/** A large window is cut to its newest records now and then, not at each. */
const KEPT_MIN = 100

/** What to do where the records of an open transaction begin, below the end. */
export type AtOpenTransaction = 'wait' | 'stop'

/**
 * Calls `take` for every committed record at offsets from..end-1, in order.
 * @throws OperationError `kafka.transaction_open`, `kafka.refused`, `offset.out_of_range`, `kafka.unreachable`; WireError
 */
export async function readRecords(
  fetch: FetchClient,
  { topic, partition }: TopicPartition,
  from: Position,
  end: Position,
  open: AtOpenTransaction,
  take: (view: RecordView) => void,
): Promise<void> {
  const name = partitionName({ topic, partition })
  let deadline = performance.now() + PATIENCE_MS
  for await (const { at, answer, records } of portions(fetch, { topic, partition }, from, end, FETCH)) {
    if (records) {
      for (let view = records.next(); view && view.offset < end; view = records.next()) take(view)
      deadline = performance.now() + PATIENCE_MS
      continue
    }
    const code = answer?.code ?? -1
    if (answer && code === 0) {
      // Nothing whole below the stable end: what follows is undecided.
      if (open === 'stop' && answer.lastStableOffset < end) return
    } else if (code === 1) {
      throw new OperationError(
        'offset.out_of_range',
        'refused',
        `${name}: its log begins behind offset ${at} by now: ask again`,
      )
    } else if (classify(code, 'read') !== 'RETRY') {
      throw new OperationError('kafka.refused', 'unreachable', `${name}: ${nameOf(code)}`)
    }
    if (performance.now() < deadline) continue
    const seconds = PATIENCE_MS / 1_000
    if (code === 0)
      throw new OperationError(
        'kafka.transaction_open',
        'unreachable',
        `${name}: a transaction is open at ${at} since ${seconds} s`,
      )
    throw new OperationError('kafka.unreachable', 'unreachable', `${name}: still ${nameOf(code)} after ${seconds} s`)
  }
}

/** Start and end (read_uncommitted) of partitions' logs, by `topic-partition`. Throws OperationError. */
export async function logRanges(kafka: Kafka, partitions: readonly TopicPartition[]): Promise<Map<string, LogRange>> {
  if (partitions.length === 0) return new Map()
  const ask = (at: 'earliest' | 'latest') =>
    answerOf('ListOffsets', 'read', () => kafka.admin.listOffsets(partitions, at), worstOf)
  const [starts, ends] = await Promise.all([ask('earliest'), ask('latest')])
  return new Map(
    starts.map(({ topic, partition, position: start }, index) => [
      partitionName({ topic, partition }),
      { start, end: ends[index]!.position },
    ]),
  )
}

export async function logRange(kafka: Kafka, at: TopicPartition): Promise<LogRange> {
  return (await logRanges(kafka, [at])).get(partitionName(at))!
}

/** The end of one partition's log, as read_uncommitted sees it. */
export async function logEnd(kafka: Kafka, at: TopicPartition): Promise<Position> {
  const [end] = await answerOf('ListOffsets', 'read', () => kafka.admin.listOffsets([at], 'latest'), worstOf)
  return end!.position
}

export interface Newest<T> {
  /** Oldest first. */
  readonly items: readonly T[]
  /** False: there may be older ones; the search ended at `offsetsMax`. */
  readonly complete: boolean
}

/** The newest `count` records for which `pick` answers something, searched backwards in growing windows. */
export async function newestRecords<T>(
  fetch: FetchClient,
  at: TopicPartition,
  log: LogRange,
  options: { readonly count: number; readonly open: AtOpenTransaction; readonly offsetsMax: number },
  pick: (view: RecordView) => T | null,
): Promise<Newest<T>> {
  let items: T[] = []
  for (const { from, end } of windowsBackwards(log, options.count * 2)) {
    if (items.length >= options.count) break
    if (log.end - end >= options.offsetsMax) return { items, complete: false }
    const found: T[] = []
    await readRecords(fetch, at, from, end, options.open, (view) => {
      const item = pick(view)
      if (item !== null) found.push(item)
      if (found.length >= KEPT_MIN + 2 * options.count) found.splice(0, found.length - options.count)
    })
    items = [...found, ...items]
  }
  return { items: items.slice(-options.count), complete: true }
}
