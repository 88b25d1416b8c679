/** The rows of the list of events: how many are kept, and what waits while somebody reads. Pure. */
import type { StreamEvent } from './sse.ts'

export const ROWS_MAX = 500
/** Over which the rate is told. */
const RATE_MS = 10_000

export type Row =
  | {
      readonly kind: 'event'
      /** Counts up: for lists. */
      readonly n: number
      readonly atMs: number
      readonly id: string
      readonly type: string
      readonly tenant: string | null
      readonly characterId: number | null
      readonly noteId: number | null
      readonly transactionId: string | null
      readonly body: string
    }
  | {
      readonly kind: 'gap'
      readonly n: number
      readonly atMs: number
      readonly text: string
      readonly lost: number | null
    }
  | {
      readonly kind: 'said'
      readonly n: number
      readonly atMs: number
      readonly text: string
      readonly tone: 'warn' | 'good'
    }

const object = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null)
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

export function rowOf({ event, data, id }: StreamEvent, n: number, atMs: number): Row {
  let value: unknown = null
  try {
    value = JSON.parse(data)
  } catch {}
  const of = object(value)
  if (event === 'gap') {
    const [from, to] = [numberOf(of['from']), numberOf(of['to'])]
    const reason = textOf(of['reason']) ?? 'unknown'
    return {
      kind: 'gap',
      n,
      atMs,
      lost: from !== null && to !== null ? to - from : null,
      text: `${reason}: ${of['topic']}-${of['partition']}, offsets ${from} up to ${to}`,
    }
  }
  const body = object(of['body'])
  return {
    kind: 'event',
    n,
    atMs,
    id,
    type: event === 'message' ? (textOf(of['type']) ?? event) : event,
    tenant: textOf(of['tenantId']),
    characterId: numberOf(of['characterId']),
    noteId: numberOf(body['noteId']),
    transactionId: textOf(of['transactionId']),
    body: of['body'] === undefined ? data : JSON.stringify(of['body']),
  }
}

/** `topic-partition@offset` of the event itself; null: the id tells none. */
export function placeOf(id: string): { topic: string; partition: number; offset: number } | null {
  const match = /^(.+?):(\d+):(\d+)(?:[,@]|$)/.exec(id)
  return match && { topic: match[1]!, partition: Number(match[2]), offset: Number(match[3]) }
}

export interface Rows {
  /** Newest first. */
  readonly shown: readonly Row[]
  /** Come while it is held, newest first. */
  readonly waiting: readonly Row[]
  readonly held: boolean
  /** Of those that wait: how many there was no room for. */
  readonly dropped: number
  /** All that have come. */
  readonly total: number
}

export const NO_ROWS: Rows = { shown: [], waiting: [], held: false, dropped: 0, total: 0 }

/** `rows` newest last, as they came. */
export function added(old: Rows, rows: readonly Row[]): Rows {
  if (rows.length === 0) return old
  const events = rows.filter(({ kind }) => kind === 'event').length
  const young = rows.slice(-ROWS_MAX).reverse()
  const total = old.total + events
  if (!old.held) return { ...old, shown: [...young, ...old.shown].slice(0, ROWS_MAX), total }
  const waiting = [...young, ...old.waiting]
  return {
    ...old,
    waiting: waiting.slice(0, ROWS_MAX),
    dropped: old.dropped + (rows.length - young.length) + Math.max(0, waiting.length - ROWS_MAX),
    total,
  }
}

export const held = (old: Rows): Rows => ({ ...old, held: true })

export const continued = (old: Rows): Rows => ({
  ...old,
  held: false,
  shown: [...old.waiting, ...old.shown].slice(0, ROWS_MAX),
  waiting: [],
  dropped: 0,
})

/** Events a second over the last ten, of counts told with their times. */
export class RateMeter {
  #counts: { atMs: number; count: number }[] = []

  add(atMs: number, count: number): void {
    this.#counts.push({ atMs, count })
  }

  /** `sinceMs`: when it began to listen. */
  perSecond(nowMs: number, sinceMs: number): number {
    this.#counts = this.#counts.filter(({ atMs }) => nowMs - atMs < RATE_MS)
    const spanMs = Math.min(RATE_MS, Math.max(1_000, nowMs - sinceMs))
    return (this.#counts.reduce((sum, { count }) => sum + count, 0) * 1_000) / spanMs
  }
}
