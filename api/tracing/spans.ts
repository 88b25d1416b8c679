/**
 * Spans of what the engine has committed, for whatever OpenTelemetry SDK is registered; without one nothing is done.
 *
 *   `process <source topic>`   one per batch and source topic, with a link to each record's own span
 *   `send <sink topic>`        one per output, in the record's trace, a child of the record's own span, linked to `process`
 *
 * A `send` span has the very id that the output carries in its traceparent. Spans are made when the commit is known, so an
 * output that was aborted has none and one that was computed twice has one. Docs: docs/decisions/0013.
 */
import {
  type Attributes,
  type Context,
  createTraceState,
  type Link,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { BatchTrace, TracedOutput, TracedRecord } from '../../engine/core/batch-trace.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { ATTRIBUTES, KAFKA } from './attributes.ts'
import { type GivenIds, givenIds } from './given-ids.ts'

const NAME = 'tributary'

/** Whether an SDK is registered. Asked once per batch. */
export function isTracing(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(NAME) !== undefined
}

export interface TracedService {
  readonly application: string
  readonly group: string
}

/** A listener to engine events. */
export function traceEvents(service: TracedService, ids: GivenIds = givenIds): (event: EngineEvent) => void {
  return (event) => {
    if (event.kind !== 'batch.committed' || event.trace === null || event.trace.records.length === 0) return
    const spans = new BatchSpans(service, ids, event, event.trace)
    for (const topic of new Set(event.trace.records.map((record) => record.topic))) spans.make(topic)
  }
}

type Committed = Extract<EngineEvent, { kind: 'batch.committed' }>

class BatchSpans {
  readonly #service: TracedService
  readonly #ids: GivenIds
  readonly #event: Committed
  readonly #trace: BatchTrace
  readonly #tracer: Tracer = trace.getTracer(NAME)

  constructor(service: TracedService, ids: GivenIds, event: Committed, batchTrace: BatchTrace) {
    this.#service = service
    this.#ids = ids
    this.#event = event
    this.#trace = batchTrace
  }

  make(topic: string): void {
    const records = this.#trace.records.filter((record) => record.topic === topic)
    const links = records.flatMap((record): Link[] => {
      const context = contextOf(record)
      return context ? [{ context }] : []
    })
    const process = this.#tracer.startSpan(
      `process ${topic}`,
      {
        root: true,
        kind: SpanKind.CONSUMER,
        startTime: this.#trace.startedAtMs,
        links,
        attributes: this.#processAttributes(topic),
      },
      ROOT_CONTEXT,
    )
    for (const record of records) for (const output of record.outputs) this.#send(record, output, process.spanContext())
    process.end(this.#event.atMs)
  }

  #processAttributes(topic: string): Attributes {
    const { task, batch, tally } = this.#event
    let processed = 0
    for (const count of tally.byType.get(topic)?.values() ?? []) processed += count
    let deadLetters = 0
    for (const count of tally.deadLetters.values()) deadLetters += count
    return {
      [ATTRIBUTES.system]: KAFKA,
      [ATTRIBUTES.operationName]: 'process',
      [ATTRIBUTES.operationType]: 'process',
      [ATTRIBUTES.destination]: topic,
      [ATTRIBUTES.consumerGroup]: this.#service.group,
      [ATTRIBUTES.batchMessages]: processed,
      [ATTRIBUTES.application]: this.#service.application,
      [ATTRIBUTES.task]: task,
      [ATTRIBUTES.batch]: batch,
      [ATTRIBUTES.untraced]: this.#trace.untraced,
      [ATTRIBUTES.deadLetters]: deadLetters,
      [ATTRIBUTES.forwarded]: tally.forwarded,
    }
  }

  #send(record: TracedRecord, { topic, partition, spanId }: TracedOutput, process: SpanContext): void {
    const parent = contextOf(record)
    const context: Context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
    const span = this.#ids.during(record.span.traceId, spanId, () =>
      this.#tracer.startSpan(
        `send ${topic}`,
        {
          kind: SpanKind.PRODUCER,
          startTime: this.#trace.startedAtMs,
          links: [{ context: process }],
          attributes: {
            [ATTRIBUTES.system]: KAFKA,
            [ATTRIBUTES.operationName]: 'send',
            [ATTRIBUTES.operationType]: 'send',
            [ATTRIBUTES.destination]: topic,
            [ATTRIBUTES.destinationPartition]: String(partition),
            [ATTRIBUTES.application]: this.#service.application,
            [ATTRIBUTES.task]: this.#event.task,
            [ATTRIBUTES.batch]: this.#event.batch,
          },
        },
        context,
      ),
    )
    // Somebody else's SDK makes up its own ids: then the output's context is at least linked to.
    if (span.isRecording() && span.spanContext().spanId !== spanId)
      span.addLink({ context: { traceId: record.span.traceId, spanId, traceFlags: 1 } })
    span.end(this.#event.atMs)
  }
}

/** Null when the record came without a context. */
function contextOf({ span, parentSpanId }: TracedRecord): SpanContext | null {
  if (parentSpanId === null) return null
  return {
    traceId: span.traceId,
    spanId: parentSpanId,
    traceFlags: Number.parseInt(span.flags, 16),
    isRemote: true,
    ...(span.tracestate ? { traceState: createTraceState(span.tracestate.toString('latin1')) } : {}),
  }
}
