/**
 * How long a request is remembered, in the time of the records alone: there is no other clock. An entry is expired for a
 * record whose own timestamp is not before its `expiresAt`. Whoever adds an entry removes up to two that are long expired,
 * so that they never pile up and nobody has to look for them.
 *
 * Every entry stands in one queue, chosen by the hour in which it expires, modulo four. Head and tail of each are counters
 * of the task, so what is to be read follows from the record and the counters. A queue's slot and the entry are written
 * together and name each other: the slot tells the entry's own expiresAt without a second read, and an entry that is
 * replaced takes its slot with it. Records whose clocks differ by less than three hours fill a queue in order of hours. One
 * whose clock is far ahead is moved behind the others when it gets in the way.
 * Why four, why it is bounded, and what a jump of time does: docs/decisions/0012.
 */
import type { Count, Effect } from '../effects.ts'
import type { CounterReader, State } from '../sources.ts'
import { type Counter, counter, map, type Read } from '../stores.ts'
import { type RequestEntry, type RequestOutcome, requests } from './request.ts'

const HOUR_MS = 3_600_000
/** From the timestamp of the record that adds an entry to its expiry. */
export const REMEMBERED_MS = 24 * HOUR_MS
/** An entry is removed no earlier than this after its expiry: a producer's clock may be an hour ahead of another's. */
export const REMOVED_AFTER_MS = 2 * HOUR_MS
/** Slots that one record may remove or move. */
const SLOTS_MAX = 2
const QUEUES = 4

/** An entry, with its key: enough to write it anew when it is moved. */
interface Slot extends RequestOutcome {
  readonly request: string
}

/** Key: number of the queue, field: position in it. */
export const requestQueue = map<number, number, Slot>({ name: 'request-queue', key: String, parseField: Number })

interface Queue {
  readonly number: number
  /** Position of the next slot to remove. */
  readonly head: Counter
  /** Position of the next slot to add; equal to the head: nothing is queued. */
  readonly tail: Counter
  /** When the slot at the head expires; 0: not known, look. */
  readonly due: Counter
}

const queues: readonly Queue[] = Array.from({ length: QUEUES }, (_, number) => ({
  number,
  head: counter({ name: `request-queue-${number}-head`, of: requestQueue }),
  tail: counter({ name: `request-queue-${number}-tail`, of: requestQueue }),
  due: counter({ name: `request-queue-${number}-due`, of: requestQueue }),
}))

export const requestCounters: readonly Counter[] = queues.flatMap(({ head, tail, due }) => [head, tail, due])

export const isExpired = (entry: RequestOutcome, timestampMs: number): boolean => entry.expiresAt <= timestampMs

/** What a record that may add an entry reads beside that entry. */
export function queueReads(timestampMs: number, counters: CounterReader): readonly Read[] {
  const look = lookFor(timestampMs, counters)
  return look ? look.positions.map((position) => requestQueue.read(look.queue.number, position)) : []
}

/** The counters as they will be behind such a record if it removes all it can: for the reads of those behind it. */
export function queueExpects(timestampMs: number, counters: CounterReader): readonly Count[] {
  const look = lookFor(timestampMs, counters)
  const expiresAt = timestampMs + REMEMBERED_MS
  const own = queueOf(expiresAt)
  const tail = counters(own.tail)
  const wasEmpty = counters(own.head) === tail
  return [
    own.tail.set(tail + 1),
    ...(wasEmpty ? [own.due.set(dueOf(expiresAt))] : []),
    ...(look ? [look.queue.head.set(look.positions.at(-1)! + 1), look.queue.due.set(0)] : []),
  ]
}

/** Adds the entry of a request, in the place of `former` if it had one that is expired, and removes old ones. */
export function rememberRequest(
  request: string,
  outcome: RequestOutcome,
  former: RequestEntry | undefined,
  timestampMs: number,
  state: State,
): readonly Effect[] {
  const effects: Effect[] = []
  const tails = queues.map(({ tail }) => state.counter(tail))
  const append = ({ number }: Queue, key: string, { status, noteId, fingerprint, expiresAt }: RequestOutcome): void => {
    const position = tails[number]!++
    effects.push(requestQueue.put(number, position, { request: key, status, noteId, fingerprint, expiresAt }))
    effects.push(requests.put(key, { status, noteId, fingerprint, expiresAt, position }))
  }

  const heads = queues.map(({ head }) => state.counter(head))
  const look = lookFor(timestampMs, (c) => state.counter(c))
  if (look) {
    const { queue } = look
    let due = 0
    for (const position of look.positions) {
      const slot = state.get(requestQueue, queue.number, position)
      const goes = slot === undefined || isLongExpired(slot.expiresAt, timestampMs)
      if (!goes && !isAstray(slot.expiresAt, timestampMs)) {
        due = dueOf(slot.expiresAt)
        break
      }
      heads[queue.number] = position + 1
      // An entry that was replaced has taken its slot with it.
      if (slot === undefined) continue
      effects.push(requestQueue.delete(queue.number, position))
      if (goes) effects.push(requests.delete(slot.request))
      else append(queue, slot.request, slot)
    }
    effects.push(queue.head.set(heads[queue.number]!), queue.due.set(due))
  }

  if (former) effects.push(requestQueue.delete(queueOf(former.expiresAt).number, former.position))
  const own = queueOf(outcome.expiresAt)
  if (heads[own.number] === tails[own.number]) effects.push(own.due.set(dueOf(outcome.expiresAt)))
  append(own, request, outcome)
  for (const { number, tail } of queues)
    if (tails[number] !== state.counter(tail)) effects.push(tail.set(tails[number]!))
  return effects
}

interface Look {
  readonly queue: Queue
  /** One or two, from the head on. */
  readonly positions: readonly number[]
}

/** The slots to look at: of the queue whose head is oldest, if it may be removed or is in the way. */
function lookFor(timestampMs: number, counters: CounterReader): Look | undefined {
  let found: Queue | undefined
  let oldest = Number.POSITIVE_INFINITY
  for (const queue of queues) {
    if (counters(queue.head) === counters(queue.tail)) continue
    const due = counters(queue.due)
    if (due >= oldest || (due > 0 && !isLongExpired(due, timestampMs) && !isAstray(due, timestampMs))) continue
    found = queue
    oldest = due
  }
  if (!found) return undefined
  const head = counters(found.head)
  const end = Math.min(counters(found.tail), head + SLOTS_MAX)
  return { queue: found, positions: Array.from({ length: end - head }, (_, i) => head + i) }
}

const isLongExpired = (expiresAt: number, timestampMs: number): boolean => expiresAt + REMOVED_AFTER_MS < timestampMs

/** It expires so much later than what is added now that others would wait behind it. */
const isAstray = (expiresAt: number, timestampMs: number): boolean =>
  expiresAt > timestampMs + REMEMBERED_MS + REMOVED_AFTER_MS

function queueOf(expiresAt: number): Queue {
  const hour = Math.floor(expiresAt / HOUR_MS)
  return queues[((hour % QUEUES) + QUEUES) % QUEUES]!
}

/** Counters take whole numbers from 0. Kafka has no timestamps before 1970; what has one all the same stays until then. */
const dueOf = (expiresAt: number): number => Math.max(1, expiresAt)
