/**
 * What is to be done with one record, before any state is read: processed here, forwarded to its home partition,
 * turned into a dead letter, or ignored. Pure: a function of the record and the plan.
 */
import { DeadLetter } from '../../topology/errors.ts'
import type { Handler, Input, Message, Origin, Source } from '../../topology/sources.ts'
import type { TopicPartition } from '../ports.ts'
import { keyOf, type RecordView, valueOf } from './headers.ts'
import type { Position } from './numbers.ts'
import { decodeOrigin, withoutOrigin } from './origin.ts'
import { homeOf, type Plan } from './plan.ts'
import { DecodedHeaders } from './record-headers.ts'
import { type SpanContext, spanContextOf } from './trace.ts'

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
  readonly key: Buffer
  readonly span: SpanContext
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

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A source that is gone from the topology leaves forwarded records behind: they are dead letters, not lost. */
const sourceOf = (plan: Plan, topic: string): Source | undefined => plan.sources.find((s) => s.topic === topic)?.source

export function classify(plan: Plan, task: number, from: TopicPartition, view: RecordView, positionAfter: Position): Item {
  let headers: DecodedHeaders
  try {
    headers = DecodedHeaders.of(view)
  } catch (error) {
    const origin = { topic: from.topic, partition: from.partition, offset: view.offset }
    return { kind: 'dead', view, from, origin, headers: new DecodedHeaders([]), positionAfter, code: 'headers.corrupt', message: messageOf(error) }
  }
  const forwarded = from.topic === plan.repartition.topic
  const direct: Origin = { topic: from.topic, partition: from.partition, offset: view.offset }
  const origin = forwarded ? decodeOrigin(headers) : direct
  const read = { view, from, origin: origin ?? direct, headers, positionAfter }
  if (!origin) return { ...read, kind: 'dead', code: 'repartition.origin_invalid', message: 'a record of the repartition topic without a valid origin' }
  const source = sourceOf(plan, origin.topic)
  if (!source) return { ...read, kind: 'dead', code: 'repartition.source_unknown', message: `no source reads ${origin.topic}` }
  try {
    return decode(plan, task, source, read, forwarded)
  } catch (error) {
    const code = error instanceof DeadLetter ? error.code : 'decode.failed'
    return { ...read, kind: 'dead', code, message: messageOf(error) }
  }
}

function decode(plan: Plan, task: number, source: Source, read: Read, forwarded: boolean): Item {
  const context = plan.topology.context.read(read.headers)
  const span = spanContextOf(read.headers, read.origin)
  if (!span.continued && plan.requireSpanContext)
    throw new DeadLetter('headers.span_context_invalid', 'traceparent is missing or malformed')
  const message = source.decode(valueOf(read.view))
  const handler = source.on.get(message.type)
  if (!handler) return { ...read, kind: 'ignored', reason: 'type.ignored' }
  const key = source.key(message, context)
  const home = homeOf(plan, key)
  const ownKey = keyOf(read.view)
  const keyMismatch = !forwarded && (ownKey === null || !ownKey.equals(key))
  if (home !== task) {
    if (forwarded) throw new DeadLetter('repartition.misrouted', `home is partition ${home}, not ${task}`)
    return { ...read, kind: 'forward', home, keyMismatch }
  }
  const input = { message, context, headers: read.headers, timestampMs: read.view.timestampMs, origin: read.origin }
  return { ...read, kind: 'home', source, type: message.type, handler, input, key, span, keyMismatch }
}

/** Headers as they came, without internal ones: what a dead letter and a forwarded record carry on. */
export const outsideHeaders = (item: Read): readonly (readonly [string, Buffer | null])[] => withoutOrigin(item.headers)
