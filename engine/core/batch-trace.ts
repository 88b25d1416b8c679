/**
 * What a tracing SDK is told of a batch, once it is committed: the first sampled records that ended in it, with the context
 * each came with and the span ids that its outputs carry. Owns the bound. Kept only while an SDK listens; the bytes of the
 * outputs never depend on it.
 */
import { lastWellFormed } from '../../topology/headers.ts'
import type { HomeItem } from './classify.ts'
import { childSpanId, originSeed, parseTraceparent, type SpanContext, TRACEPARENT_SPAN_AT } from './trace.ts'

/** As many links as an SDK keeps of a span by default; the records behind them go untraced, and are counted. */
export const TRACED_RECORDS_MAX = 128
/** A record may cause thousands of outputs (a purge): so many of a batch get a span. */
export const TRACED_OUTPUTS_MAX = 512

export interface TracedOutput {
  readonly topic: string
  readonly partition: number
  /** As in the output's traceparent. */
  readonly spanId: string
}

export interface TracedRecord {
  /** Where it was first read, which for a forwarded one is not where it was processed. */
  readonly topic: string
  readonly span: SpanContext
  /** Of the span that sent it; null: it had none, and its trace begins here. */
  readonly parentSpanId: string | null
  readonly outputs: readonly TracedOutput[]
}

export class BatchTrace {
  /** When computing began, ms since 1970. */
  readonly startedAtMs: number
  readonly records: TracedRecord[] = []
  /** Sampled records beyond the bounds. */
  untraced = 0
  #outputs = 0

  constructor(startedAtMs: number) {
    this.startedAtMs = startedAtMs
  }

  note({ span, origin, headers }: HomeItem, emits: readonly { to: { topic: string }; partition: number }[]): void {
    if (!isSampled(span)) return
    if (this.records.length >= TRACED_RECORDS_MAX || this.#outputs + emits.length > TRACED_OUTPUTS_MAX) {
      this.untraced++
      return
    }
    this.#outputs += emits.length
    const seed = originSeed(origin)
    this.records.push({
      topic: origin.topic,
      span,
      parentSpanId: span.continued ? (lastWellFormed(headers, 'traceparent', spanIdOf) ?? null) : null,
      outputs: emits.map(({ to, partition }, i) => ({ topic: to.topic, partition, spanId: childSpanId(seed, i) })),
    })
  }
}

const isSampled = ({ flags }: SpanContext): boolean => (Number.parseInt(flags, 16) & 1) === 1

const spanIdOf = (value: Buffer): string | undefined =>
  parseTraceparent(value, 0, value.length) && value.latin1Slice(TRACEPARENT_SPAN_AT, TRACEPARENT_SPAN_AT + 16)
