/**
 * What is to be done with one record, before any state is read: processed here, forwarded to its home partition,
 * turned into a dead letter, or ignored. Pure: a function of the record and the plan.
 */
import { DeadLetter } from '../../topology/errors.ts'
import type { Handler, Input, Message, Origin, Source } from '../../topology/sources.ts'
import type { TopicPartition } from '../ports.ts'
import type { HeaderMemo, OutputHeaders } from './header-memo.ts'
import { HeadersCorrupt, keyOf, type RecordView, valueOf } from './headers.ts'
import { positiveHash } from './murmur2.ts'
import type { Position } from './numbers.ts'
import { decodeOrigin, ORIGIN_HEADER } from './origin.ts'
import type { Plan } from './plan.ts'
import { DecodedHeaders } from './record-headers.ts'
import type { SpanContext } from './trace.ts'

interface Read {
  readonly view: RecordView
  readonly from: TopicPartition
  readonly origin: Origin
  readonly headers: DecodedHeaders
  /** Where the partition goes on once this record is done. */
  readonly positionAfter: Position
}

export interface HomeItem extends Read {
  readonly kind: 'home'
  readonly source: Source
  readonly type: string
  readonly handler: Handler<Message, unknown>
  readonly input: Input<Message, unknown>
  /** Of the canonical key; modulo a partition count it gives the partition. */
  readonly keyHash: number
  readonly span: SpanContext
  readonly output: OutputHeaders
}

export interface ForwardItem extends Read {
  readonly kind: 'forward'
  readonly home: number
  readonly keyMismatch: boolean
}

export interface DeadItem extends Read {
  readonly kind: 'dead'
  readonly code: string
  readonly message: string
}

export interface IgnoredItem extends Read {
  readonly kind: 'ignored'
  readonly reason: string
}

export type Item = (HomeItem & { readonly keyMismatch: boolean }) | ForwardItem | DeadItem | IgnoredItem

/** A source that is gone from the topology leaves forwarded records behind: they are dead letters, not lost. */
const sourceOf = (plan: Plan, topic: string): Source | undefined => plan.sources.find((s) => s.topic === topic)?.source

export function classify(
  plan: Plan,
  memo: HeaderMemo,
  task: number,
  from: TopicPartition,
  view: RecordView,
  positionAfter: Position,
): Item {
  const forwarded = from.topic === plan.repartition.topic
  const direct: Origin = { topic: from.topic, partition: from.partition, offset: view.offset }
  const headers = DecodedHeaders.of(view)
  let read: Read = { view, from, origin: direct, headers, positionAfter }
  try {
    if (forwarded) {
      const origin = decodeOrigin(view)
      if (!origin)
        throw new DeadLetter('repartition.origin_invalid', 'a record of the repartition topic without a valid origin')
      read = { view, from, origin, headers, positionAfter }
    }
    const source = sourceOf(plan, read.origin.topic)
    if (!source) throw new DeadLetter('repartition.source_unknown', `no source reads ${read.origin.topic}`)
    return decode(plan, memo, task, source, read, forwarded)
  } catch (error) {
    // Headers that cannot be read are no headers; the record is kept without them.
    if (error instanceof HeadersCorrupt)
      return { ...read, headers: DecodedHeaders.from([]), kind: 'dead', code: error.code, message: error.message }
    if (error instanceof DeadLetter) return { ...read, kind: 'dead', code: error.code, message: error.message }
    return {
      ...read,
      kind: 'dead',
      code: 'decode.failed',
      message: error instanceof Error ? error.message : String(error),
    }
  }
}

function decode(plan: Plan, memo: HeaderMemo, task: number, source: Source, read: Read, forwarded: boolean): Item {
  const { view, headers, origin } = read
  const { context, span, output } = memo.read(view, headers, origin)
  if (!span.continued && plan.requireSpanContext)
    throw new DeadLetter('headers.span_context_invalid', 'traceparent is missing or malformed')
  const message = source.decode(valueOf(view))
  const handler = source.on.get(message.type)
  if (!handler) return { ...read, kind: 'ignored', reason: 'type.ignored' }
  const key = source.key(message, context)
  const keyHash = positiveHash(key)
  const home = toldHome(plan, source, message, context, headers) ?? keyHash % plan.tasks
  const ownKey = keyOf(view)
  const keyMismatch = !forwarded && (ownKey === null || !ownKey.equals(key))
  if (home !== task) {
    if (forwarded) throw new DeadLetter('repartition.misrouted', `home is partition ${home}, not ${task}`)
    return { ...read, kind: 'forward', home, keyMismatch }
  }
  const input = { message, context, headers, timestampMs: view.timestampMs, origin }
  return { ...read, kind: 'home', source, type: message.type, handler, input, keyHash, span, output, keyMismatch }
}

function toldHome(plan: Plan, source: Source, message: Message, context: unknown, headers: DecodedHeaders) {
  const home = source.home?.(message, context, headers, plan)
  if (home === undefined || (Number.isInteger(home) && home >= 0 && home < plan.tasks)) return home
  throw new Error(`${source.name} tells the home ${home}, and there are ${plan.tasks} tasks`)
}

/** A record that is refused before anything of it is read. */
export const deadItem = (
  { topic, partition }: TopicPartition,
  view: RecordView,
  positionAfter: Position,
  code: string,
  message: string,
): DeadItem => ({
  kind: 'dead',
  view,
  from: { topic, partition },
  origin: { topic, partition, offset: view.offset },
  headers: DecodedHeaders.of(view),
  positionAfter,
  code,
  message,
})

/** Headers as they came, without internal ones: what a dead letter and a forwarded record carry on. */
export const outsideHeaders = (item: Read): readonly (readonly [string, Buffer | null])[] =>
  item.headers.entries.filter(({ name }) => name !== ORIGIN_HEADER).map(({ name, value }) => [name, value] as const)
