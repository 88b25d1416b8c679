/** The smallest OpenTelemetry SDK there can be: keeps every span that was ended, asks an id generator as the real one does. */
import {
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'

export interface EndedSpan {
  readonly name: string
  readonly context: SpanContext
  readonly parent: SpanContext | undefined
  readonly options: SpanOptions
  readonly links: readonly Link[]
  readonly attributes: Attributes
  readonly endTime: unknown
}

export interface IdGenerator {
  generateTraceId(): string
  generateSpanId(): string
}

export class RecordingProvider implements TracerProvider {
  readonly ended: EndedSpan[] = []
  readonly #ids: IdGenerator

  constructor(ids: IdGenerator) {
    this.#ids = ids
  }

  getTracer(): Tracer {
    const startSpan = (name: string, options: SpanOptions = {}, context?: Context): Span =>
      this.#start(name, options, context)
    return { startSpan, startActiveSpan: () => undefined } as unknown as Tracer
  }

  #start(name: string, options: SpanOptions, context: Context | undefined): Span {
    const parent = options.root || !context ? undefined : trace.getSpanContext(context)
    const spanId = this.#ids.generateSpanId()
    const traceId = parent?.traceId ?? this.#ids.generateTraceId()
    const own: SpanContext = { traceId, spanId, traceFlags: 1 }
    const links: Link[] = [...(options.links ?? [])]
    const { ended } = this
    return {
      spanContext: () => own,
      isRecording: () => true,
      addLink(link: Link) {
        links.push(link)
        return this
      },
      end: (endTime: unknown) =>
        void ended.push({
          name,
          context: own,
          parent,
          options,
          links,
          attributes: options.attributes ?? {},
          endTime,
        }),
    } as unknown as Span
  }
}
