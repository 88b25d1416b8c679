/**
 * Shows one command's trace end to end in a real Jaeger: a client's span, our `send` span below it under the id that the status
 * event carries, and the batch's `process` span that links to the client's. Run by hand, for it needs what is no dependency:
 *
 *   go get -tool github.com/jaegertracing/jaeger/cmd/jaeger@v1.76.0 && go build -o jaeger github.com/jaegertracing/jaeger/cmd/jaeger
 *   npm install --prefix sdk @opentelemetry/api@1.10.0 @opentelemetry/sdk-trace@3.1.1 @opentelemetry/exporter-trace-otlp-proto@0.301.1
 *   node test/tracing/jaeger.ts --jaeger ./jaeger --sdk ./sdk     (with the broker and Redis of the tests)
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { SpanKind, trace } from '@opentelemetry/api'
import pino from 'pino'
import { startTracing } from '../../api/tracing/sdk.ts'
import { type Config, readConfig } from '../../config.ts'
import { freePorts } from '../../embedded/free-port.ts'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { position } from '../../engine/core/numbers.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import { FetchedRecords } from '../../engine/wire/fetched-records.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { startService } from '../../service.ts'
import { OutputRecord } from '../../testing/output-record.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { testBootstrap, testRedis } from '../support/stack.ts'

const QUERY = 'http://127.0.0.1:16686'
const OTLP = 'http://127.0.0.1:4318'
const PATIENCE_MS = 30_000
const CHARACTER = 7

const { values } = parseArgs({ options: { jaeger: { type: 'string' }, sdk: { type: 'string' } } })
if (!values.jaeger || !values.sdk) {
  process.stderr.write('usage: node test/tracing/jaeger.ts --jaeger <binary> --sdk <folder with node_modules>\n')
  process.exit(2)
}

async function until<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const answer = await ask().catch(() => null)
    if (answer !== null) return answer
    if (performance.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`)
    await sleep(200)
  }
}

const jaeger = spawn(resolve(values.jaeger), [], { stdio: 'ignore' })
const suffix = randomBytes(4).toString('hex')
const [port] = await freePorts(1)
const env = {
  BOOTSTRAP_SERVERS: testBootstrap(),
  REDIS_URL: testRedis(),
  REST_PORT: String(port),
  APPLICATION_ID: `trace-${suffix}`,
  KAFKA_CONSUMER_GROUP: `trace-${suffix}`,
  COMMAND_TOPIC_NOTE: `trace-command-${suffix}`,
  EVENT_TOPIC_CHARACTER_STATUS: `trace-character-${suffix}`,
  EVENT_TOPIC_NOTE_STATUS: `trace-status-${suffix}`,
  COMMAND_TOPIC_SAGA: `trace-saga-${suffix}`,
  TOPIC_PARTITIONS: '1',
  OTEL_EXPORTER_OTLP_ENDPOINT: OTLP,
  OTEL_SERVICE_NAME: `notes-${suffix}`,
}
Object.assign(process.env, env)
try {
  await until('Jaeger answers', async () => ((await fetch(`${QUERY}/api/services`)).ok ? true : null))
  const config = readConfig(env) as Config & { BOOTSTRAP_SERVERS: string; REDIS_URL: string }
  const { resolve: find } = createRequire(join(resolve(values.sdk), 'package.json'))
  const tracing = await startTracing(config, (name) => import(pathToFileURL(find(name)).href))
  console.log('tracing', tracing.start)
  const service = await startService(config, pino({ level: 'silent' }))
  await service.ready

  const client = trace.getTracer('client').startSpan('a player sends a note', { kind: SpanKind.CLIENT })
  const { traceId, spanId } = client.spanContext()
  const builder = new RecordBatchBuilder()
  const value = { type: 'CREATE', characterId: CHARACTER, body: { senderId: 9, message: 'seen in Jaeger' } }
  builder.add(
    Date.now(),
    characterKey(CHARACTER),
    JSON.stringify(value),
    encodeHeaders([
      ['TENANT_ID', Buffer.from('083839c6-c47c-42a6-9585-76492795d123')],
      ['REGION', Buffer.from('GMS')],
      ['MAJOR_VERSION', Buffer.from([0, 83])],
      ['MINOR_VERSION', Buffer.from([0, 1])],
      ['traceparent', Buffer.from(`00-${traceId}-${spanId}-01`)],
    ]),
  )
  const kafka = connectKafka({ bootstrapServers: config.BOOTSTRAP_SERVERS, clientId: 'trace' })
  const nobody = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression: 'none' } as const
  const partition = partitionFor(characterKey(CHARACTER), 1)
  const publisher = kafka.publisher()
  await publisher.publish([{ topic: config.COMMAND_TOPIC_NOTE, partition, bytes: builder.finish(nobody) }])
  client.end()

  const reader = kafka.fetchClient()
  const carried = await until('the status event', async () => {
    const [answer] = await reader.fetch(
      [{ topic: config.EVENT_TOPIC_NOTE_STATUS, partition: 0, position: position(0), maxBytes: 1_048_576 }],
      { maxWaitMs: 500, minBytes: 1, maxBytes: 1_048_576 },
    )
    const view = answer && new FetchedRecords(answer.records, answer.aborted, position(0)).next()
    return view ? (new OutputRecord('status', 0, view).header('traceparent') ?? null) : null
  })
  console.log(`sent      00-${traceId}-${spanId}-01\ncarried   ${carried}`)
  await service.close()
  await tracing.close()
  await publisher.close()
  await reader.close()
  await kafka.close()

  interface JaegerSpan {
    readonly spanID: string
    readonly operationName: string
    readonly references: readonly { refType: string; traceID: string; spanID: string }[]
  }
  const spansOf = async (path: string): Promise<readonly JaegerSpan[]> => {
    const { data } = (await (await fetch(`${QUERY}${path}`)).json()) as { data: { spans: JaegerSpan[] }[] | null }
    return (data ?? []).flatMap(({ spans }) => spans)
  }
  const spans = await until('the trace', async () => {
    const found = await spansOf(`/api/traces/${traceId}`)
    return found.length >= 2 ? found : null
  })
  const operation = encodeURIComponent(`process ${config.COMMAND_TOPIC_NOTE}`)
  const batches = await until('the batch', async () => {
    const found = await spansOf(`/api/traces?service=${env.OTEL_SERVICE_NAME}&operation=${operation}`)
    return found.length > 0 ? found : null
  })
  for (const span of [...spans, ...batches])
    console.log(
      `${span.spanID} ${span.operationName}${span.references.map((r) => `\n    ${r.refType} ${r.traceID}/${r.spanID}`).join('')}`,
    )
  const send = spans.find(({ operationName }) => operationName.startsWith('send '))
  const holds =
    carried === `00-${traceId}-${send?.spanID}-01` &&
    send?.references.some((r) => r.refType === 'CHILD_OF' && r.spanID === spanId) &&
    batches.some(({ references }) => references.some((r) => r.traceID === traceId && r.spanID === spanId))
  console.log(holds ? 'holds: one trace, end to end' : 'DOES NOT HOLD')
  process.exitCode = holds ? 0 : 1
} finally {
  jaeger.kill()
}
