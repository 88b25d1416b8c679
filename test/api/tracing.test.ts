/** What a tracing SDK is told: spans with the very ids that the outputs carry, and never at the price of other bytes. */
import { SpanKind, trace } from '@opentelemetry/api'
import { afterEach, describe, expect, test } from 'vitest'
import { ATTRIBUTES } from '../../api/tracing/attributes.ts'
import { GivenIds } from '../../api/tracing/given-ids.ts'
import { startTracing } from '../../api/tracing/sdk.ts'
import { isTracing, traceEvents } from '../../api/tracing/spans.ts'
import { maskedConfig, readConfig } from '../../config.ts'
import { TRACED_OUTPUTS_MAX, TRACED_RECORDS_MAX } from '../../engine/core/batch-trace.ts'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { position } from '../../engine/core/numbers.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { OutputRecord } from '../../testing/output-record.ts'
import { World, type WorldOptions } from '../../testing/world.ts'
import type { HeaderEntry } from '../../topology/headers.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { COMMANDS, STATUS } from '../contract/notes.ts'
import { create, tenantHeaders } from '../notes/records.ts'
import { type IdGenerator, RecordingProvider } from '../support/recording-tracer.ts'

const TASKS = 4
const SERVICE = { application: 'notes', group: 'Notes Service' }
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const traceparent = (flags = '01', traceId = TRACE): HeaderEntry => [
  'traceparent',
  Buffer.from(`00-${traceId}-${PARENT}-${flags}`),
]

afterEach(() => trace.disable())

async function run(sent: readonly { headers?: HeaderEntry[]; partition?: number }[], options: WorldOptions = {}) {
  const world = await World.create(noteTopology, options)
  world.start('a')
  await world.untilRunning()
  const builders = new Map<number, RecordBatchBuilder>()
  sent.forEach(({ headers = [], partition }, i) => {
    const to = partition ?? partitionFor(characterKey(7), TASKS)
    const builder = builders.get(to) ?? new RecordBatchBuilder()
    builders.set(to, builder)
    const value = JSON.stringify(create(7, 9, `m${i}`))
    builder.add(world.clock.nowMs(), characterKey(7), value, encodeHeaders([...tenantHeaders(), ...headers]))
  })
  for (const [partition, builder] of builders) {
    const nobody = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression: 'none' } as const
    const bytes = builder.finish(nobody)
    world.kafka.cluster.append({ topic: COMMANDS, partition, bytes } as never, bytes)
  }
  await world.untilAtRest()
  return world.kafka.cluster.topics
    .get(STATUS)!
    .logs.flatMap((log, partition) =>
      log.committed(position(0)).map(({ view }) => new OutputRecord(STATUS, partition, view)),
    )
}

async function traced(sent: Parameters<typeof run>[0], ids: GivenIds = new GivenIds(), generator: IdGenerator = ids) {
  const provider = new RecordingProvider(generator)
  trace.setGlobalTracerProvider(provider)
  const listener = traceEvents(SERVICE, ids)
  const outputs = await run(sent, { tracing: isTracing, onEvent: listener })
  return { outputs, spans: provider.ended, traceparents: outputs.map((o) => o.header('traceparent')!) }
}

test('without an SDK nothing is kept', async () => {
  expect(isTracing()).toBe(false)
  const traces: unknown[] = []
  await run([{ headers: [traceparent()] }], {
    tracing: isTracing,
    onEvent: (event) => event.kind === 'batch.committed' && traces.push(event.trace),
  })
  expect(traces).toEqual([null])
})

test('the output carries the id of its send span, which is a child of the span that sent the command', async () => {
  const { spans, traceparents } = await traced([{ headers: [traceparent(), ['tracestate', Buffer.from('a=b')]] }])
  const [send, process] = spans
  expect(spans.map(({ name }) => name)).toEqual([`send ${STATUS}`, `process ${COMMANDS}`])
  expect(traceparents).toEqual([`00-${TRACE}-${send?.context.spanId}-01`])
  expect(send?.context.traceId).toBe(TRACE)
  expect(send?.parent).toMatchObject({ traceId: TRACE, spanId: PARENT, isRemote: true })
  expect(send?.parent?.traceState?.serialize()).toBe('a=b')
  expect(send?.options.kind).toBe(SpanKind.PRODUCER)
  expect(send?.links.map(({ context }) => context)).toEqual([process?.context])
  expect(process?.parent).toBeUndefined()
  expect(process?.options.kind).toBe(SpanKind.CONSUMER)
  expect(process?.links.map(({ context: { traceId, spanId } }) => [traceId, spanId])).toEqual([[TRACE, PARENT]])
  expect(process?.attributes).toMatchObject({
    [ATTRIBUTES.system]: 'kafka',
    [ATTRIBUTES.operationName]: 'process',
    [ATTRIBUTES.destination]: COMMANDS,
    [ATTRIBUTES.consumerGroup]: 'Notes Service',
    [ATTRIBUTES.batchMessages]: 1,
  })
  expect(send?.attributes).toMatchObject({ [ATTRIBUTES.operationName]: 'send', [ATTRIBUTES.destination]: STATUS })
})

test('a batch links all its records, of whichever trace', async () => {
  const other = '11111111111111112222222222222222'
  const { spans } = await traced([{ headers: [traceparent()] }, { headers: [traceparent('01', other)] }])
  const processes = spans.filter(({ name }) => name === `process ${COMMANDS}`)
  expect(processes.flatMap(({ links }) => links.map(({ context }) => context.traceId))).toEqual([TRACE, other])
  expect(spans.filter(({ name }) => name === `send ${STATUS}`).map(({ context }) => context.traceId)).toEqual([
    TRACE,
    other,
  ])
})

test('a record without a context begins a trace: its send span is the root, under the id that the output carries', async () => {
  const { spans, traceparents } = await traced([{}])
  const send = spans.find(({ name }) => name === `send ${STATUS}`)
  expect(send?.parent).toBeUndefined()
  expect(traceparents).toEqual([`00-${send?.context.traceId}-${send?.context.spanId}-01`])
  expect(spans.find(({ name }) => name === `process ${COMMANDS}`)?.links).toEqual([])
})

test('a forwarded record is one of the topic where it was first read, with one send span', async () => {
  const away = (partitionFor(characterKey(7), TASKS) + 1) % TASKS
  const { spans, traceparents } = await traced([{ headers: [traceparent()], partition: away }])
  expect(spans.map(({ name }) => name)).toEqual([`send ${STATUS}`, `process ${COMMANDS}`])
  expect(traceparents).toEqual([`00-${TRACE}-${spans[0]?.context.spanId}-01`])
})

test('what the sender has not sampled gets no span', async () => {
  const { spans } = await traced([{ headers: [traceparent('00')] }])
  expect(spans).toEqual([])
})

test('spans per batch are bounded, and what has none is counted', async () => {
  const { spans, outputs } = await traced(
    Array.from({ length: TRACED_RECORDS_MAX + 30 }, () => ({ headers: [traceparent()] })),
  )
  expect(outputs).toHaveLength(TRACED_RECORDS_MAX + 30)
  const processes = spans.filter(({ name }) => name === `process ${COMMANDS}`)
  for (const { links } of processes) expect(links.length).toBeLessThanOrEqual(TRACED_RECORDS_MAX)
  const untraced = processes.reduce((sum, { attributes }) => sum + Number(attributes[ATTRIBUTES.untraced]), 0)
  expect(untraced).toBeGreaterThan(0)
  expect(spans.length - processes.length + untraced).toBe(outputs.length)
  expect(spans.length).toBeLessThan(TRACED_OUTPUTS_MAX)
})

test('the bytes are the same with and without an SDK', async () => {
  const sent = [{ headers: [traceparent()] }, {}, { headers: [traceparent('00')] }]
  const without = await run(sent)
  const { outputs } = await traced(sent)
  const bytes = (records: OutputRecord[]) => records.map((o) => [o.text, o.headers])
  expect(bytes(outputs)).toEqual(bytes(without))
})

test("somebody else's SDK makes up its own ids: the span then links to what the output carries", async () => {
  let number = 0
  const own: IdGenerator = {
    generateTraceId: () => 'f'.repeat(32),
    generateSpanId: () => String(++number).padStart(16, 'e'),
  }
  const { spans, traceparents } = await traced([{ headers: [traceparent()] }], new GivenIds(), own)
  const send = spans.find(({ name }) => name === `send ${STATUS}`)
  const [, traceId, spanId] = traceparents[0]!.split('-')
  expect(send?.context.spanId).not.toBe(spanId)
  expect(send?.links.at(-1)?.context).toMatchObject({ traceId, spanId })
})

describe('starting an SDK', () => {
  const settings = { OTEL_SDK_DISABLED: false, APPLICATION_ID: 'notes' }
  const endpoint = { ...settings, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:secret@127.0.0.1:4318' }
  const missing = (name: string): Promise<never> => Promise.reject(new Error(`no ${name}`))

  test('only when an endpoint is set and it is not disabled', async () => {
    expect((await startTracing(settings, missing)).start).toEqual({ kind: 'off' })
    expect((await startTracing({ ...endpoint, OTEL_SDK_DISABLED: true }, missing)).start).toEqual({ kind: 'off' })
  })

  test('shows no secret of the endpoint in the configuration', () => {
    const shown = JSON.stringify(
      maskedConfig(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint.OTEL_EXPORTER_OTLP_ENDPOINT })),
    )
    expect(shown).toContain('http://***@127.0.0.1:4318')
    expect(shown).not.toContain('secret')
  })

  test('says what to install when it is not there, and goes on', async () => {
    const { start } = await startTracing(endpoint, missing)
    expect(start.kind).toBe('missing')
    expect(start.kind === 'missing' && start.message).toContain('npm install @opentelemetry/sdk-trace')
    expect(isTracing()).toBe(false)
  })

  test('leaves one alone that was registered before', async () => {
    trace.setGlobalTracerProvider(new RecordingProvider(new GivenIds()))
    expect((await startTracing(endpoint, missing)).start).toEqual({ kind: 'foreign' })
  })

  test('gives the SDK our ids and the name of the service, and shuts it down', async () => {
    const calls: unknown[] = []
    class TracerProvider extends RecordingProvider {
      constructor(options: { idGenerator: IdGenerator; resource: unknown }) {
        super(options.idGenerator)
        calls.push(options.resource)
      }
      shutdown = async (): Promise<void> => void calls.push('shutdown')
    }
    const modules: Record<string, unknown> = {
      '@opentelemetry/sdk-trace': { TracerProvider, BatchSpanProcessor: class {} },
      '@opentelemetry/exporter-trace-otlp-proto': { OTLPTraceExporter: class {} },
      '@opentelemetry/resources': { resourceFromAttributes: (attributes: unknown) => attributes },
    }
    const tracing = await startTracing(endpoint, async (name) => modules[name])
    expect(tracing.start).toEqual({ kind: 'started', endpoint: 'http://***@127.0.0.1:4318' })
    expect(isTracing()).toBe(true)
    await tracing.close()
    expect(calls).toEqual([{ 'service.name': 'notes' }, 'shutdown'])
    expect(isTracing()).toBe(false)
  })
})
