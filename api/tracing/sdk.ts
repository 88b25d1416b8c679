/**
 * Starts an OpenTelemetry SDK when the environment asks for one and it is installed. The SDK is no dependency of the service:
 * who wants traces installs its two packages beside it, or registers an SDK of their own (`node --import`), which is left alone.
 */
import { type TracerProvider, trace } from '@opentelemetry/api'
import { givenIds } from './given-ids.ts'
import { isTracing } from './spans.ts'

/** Of @opentelemetry/api 1.10; tried with sdk-trace 3.1.1 and exporter-trace-otlp-proto 0.301.1. */
const PACKAGES = ['@opentelemetry/sdk-trace', '@opentelemetry/exporter-trace-otlp-proto', '@opentelemetry/resources']
const FLUSH_MS = 2_000

export interface TracingSettings {
  readonly OTEL_SDK_DISABLED: boolean
  /** The exporter reads them, too, and all other OTEL_EXPORTER_OTLP_… by itself. */
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined
  readonly OTEL_SERVICE_NAME?: string | undefined
  readonly APPLICATION_ID: string
}

export type TracingStart =
  /** Not asked for. */
  | { readonly kind: 'off' }
  /** Another one was registered before. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'started'; readonly endpoint: string }

export interface Tracing {
  readonly start: TracingStart
  /** Sends what is left, within a bound. Never throws. */
  close(): Promise<void>
}

/** As far as it is used here: the packages are not there when this is compiled. */
interface Sdk {
  readonly TracerProvider: new (options: object) => TracerProvider & { shutdown(): Promise<void> }
  readonly BatchSpanProcessor: new (options: { exporter: unknown }) => unknown
}
interface Exporters {
  readonly OTLPTraceExporter: new () => unknown
}
interface Resources {
  resourceFromAttributes(attributes: Record<string, string>): unknown
}

export type Load = (name: string) => Promise<unknown>

const load: Load = (name) => import(name)

export async function startTracing(settings: TracingSettings, from: Load = load): Promise<Tracing> {
  const nothing = (start: TracingStart): Tracing => ({ start, close: async () => {} })
  if (isTracing()) return nothing({ kind: 'foreign' })
  const endpoint = settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? settings.OTEL_EXPORTER_OTLP_ENDPOINT
  if (settings.OTEL_SDK_DISABLED || endpoint === undefined) return nothing({ kind: 'off' })
  let sdk: Sdk
  let exporters: Exporters
  let resources: Resources
  try {
    const [a, b, c] = await Promise.all(PACKAGES.map((name) => from(name)))
    sdk = a as Sdk
    exporters = b as Exporters
    resources = c as Resources
  } catch {
    const message = `OTEL_EXPORTER_OTLP_ENDPOINT is set, and there is no SDK: npm install ${PACKAGES.join(' ')}; going on without traces`
    return nothing({ kind: 'missing', message })
  }
  const provider = new sdk.TracerProvider({
    idGenerator: givenIds,
    resource: resources.resourceFromAttributes({
      'service.name': settings.OTEL_SERVICE_NAME ?? settings.APPLICATION_ID,
    }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new exporters.OTLPTraceExporter() })],
  })
  trace.setGlobalTracerProvider(provider)
  return {
    start: { kind: 'started', endpoint: withoutSecret(endpoint) },
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS).unref())
      await Promise.race([provider.shutdown().catch(() => {}), late])
      trace.disable()
    },
  }
}

const withoutSecret = (url: string): string => url.replace(/\/\/[^@/]*@/, '//***@')
