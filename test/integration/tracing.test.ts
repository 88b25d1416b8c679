/**
 * A trace from a REST call to what it caused, with the OpenTelemetry SDK that docs/tracing.md names and the spans kept in
 * memory: what is exported and what the records in Kafka carry are one trace. The rules alone: test/api/tracing.test.ts.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type SpanContext, SpanKind, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ATTRIBUTES } from '../../api/tracing/attributes.ts'
import { givenIds } from '../../api/tracing/given-ids.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { internalTopics } from '../../engine/core/plan.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { Kafka } from '../../engine/ports.ts'
import { topicNames } from '../../service-options.ts'
import type { OutputRecord } from '../../testing/output-record.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { COMMANDS, SAGAS, STATUS } from '../contract/notes.ts'
import { CommittedReader, produce } from '../support/kafka-records.ts'
import { testBootstrap } from '../support/stack.ts'
import { http, noteOf, RestService, tenantHeaders } from './rest-support.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const POSTED_BY = 'b7ad6b7169203331'
const DISCARDED_BY = '00f067aa0ba902b7'
const traceparent = (spanId: string): string => `00-${TRACE}-${spanId}-01`
const TENANT = randomUUID()
const CHARACTER = 7
const PATIENCE_MS = 20_000

const exporter = new InMemorySpanExporter()
type Span = ReturnType<typeof exporter.getFinishedSpans>[number]

let rest: RestService
let kafka: Kafka
let named: Readonly<Record<string, string>>
let partitions: number
let posted: readonly OutputRecord[]
let discarded: readonly OutputRecord[]
let spans: readonly Span[]

/** Posts a note by HTTP, then discards it by a record that lies in another partition than the character's. */
beforeAll(async () => {
  const provider = new TracerProvider({
    idGenerator: givenIds,
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  expect(trace.setGlobalTracerProvider(provider)).toBe(true)
  rest = await RestService.configured()
  named = topicNames(rest.config)
  kafka = connectKafka({ bootstrapServers: testBootstrap(), clientId: rest.config.APPLICATION_ID })
  await rest.start()
  const forwarded = internalTopics(rest.config.APPLICATION_ID).repartition
  const topics = [named[COMMANDS]!, named[STATUS]!, named[SAGAS]!, forwarded]
  partitions = (await kafka.admin.topics(topics)).get(named[COMMANDS]!)!.partitions
  const reader = await CommittedReader.open(kafka, topics)
  const publisher = kafka.publisher()
  try {
    const { status, json } = await http(rest.port, 'POST', '/api/notes', {
      headers: { ...tenantHeaders(TENANT), traceparent: traceparent(POSTED_BY), tracestate: 'game=lobby' },
      body: noteOf(CHARACTER, 'meet me'),
    })
    expect(status).toBe(201)
    posted = await reader.read(2)
    const value = { characterId: CHARACTER, type: 'DISCARD', body: { noteIds: [Number(json.data.id)] } }
    await produce(publisher, [
      {
        topic: named[COMMANDS]!,
        partition: (home() + 1) % partitions,
        key: characterKey(CHARACTER),
        value: JSON.stringify(value),
        headers: [...tenantHeadersOfRecord(), ['traceparent', Buffer.from(traceparent(DISCARDED_BY))]],
      },
    ])
    discarded = await reader.read(4)
    // A batch's spans are made when its commit is known, which readers may hear of earlier.
    const deadline = performance.now() + PATIENCE_MS
    while (sends().length < 3 || processes().length < 2) {
      if (performance.now() > deadline) throw new Error(`spans: ${exporter.getFinishedSpans().map(({ name }) => name)}`)
      await sleep(20)
    }
    spans = exporter.getFinishedSpans()
  } finally {
    await publisher.close()
    await reader.close()
  }
})

afterAll(async () => {
  await rest?.stop()
  await kafka?.close()
  trace.disable()
})

const home = (): number => partitionFor(characterKey(CHARACTER), partitions)
const tenantHeadersOfRecord = () =>
  [
    ['TENANT_ID', Buffer.from(TENANT)],
    ['REGION', Buffer.from('GMS')],
    ['MAJOR_VERSION', Buffer.from([0, 83])],
    ['MINOR_VERSION', Buffer.from([0, 1])],
  ] as const

const sends = (): readonly Span[] => exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.PRODUCER)
const processes = (): readonly Span[] => exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CONSUMER)
const inTopic = (records: readonly OutputRecord[], topic: string): OutputRecord => {
  const found = records.filter((record) => record.topic === topic)
  expect(found).toHaveLength(1)
  return found[0]!
}
/** The span under whose id this record was sent. */
const sendOf = (record: OutputRecord): Span => {
  const spanId = record.header('traceparent')?.split('-')[2]
  return sends().find((span) => span.spanContext().spanId === spanId)!
}
const linked = (span: Span): readonly SpanContext[] => span.links.map(({ context }) => context)
const ids = ({ traceId, spanId }: SpanContext) => ({ traceId, spanId })
/** The `process` span that links to what was sent by this span of the client. */
const processOf = (spanId: string): Span => {
  const found = processes().filter((span) => linked(span).some((context) => context.spanId === spanId))
  expect(found).toHaveLength(1)
  return found[0]!
}

test('nothing else was exported', () => {
  expect(spans.map(({ name }) => name).sort()).toEqual(
    [
      ...Array(2).fill(`process ${named[COMMANDS]}`),
      ...Array(2).fill(`send ${named[STATUS]}`),
      `send ${named[SAGAS]}`,
    ].sort(),
  )
})

test('the names of attributes are those of the one file', () => {
  const known = new Set<string>(Object.values(ATTRIBUTES))
  const used = new Set(spans.flatMap(({ attributes }) => Object.keys(attributes)))
  expect([...used].filter((name) => !known.has(name))).toEqual([])
  expect([...known].filter((name) => !used.has(name))).toEqual([])
})

describe('a note that was posted', () => {
  test('is a command with the context of the call, unchanged', () => {
    const record = inTopic(posted, named[COMMANDS]!)
    expect(record.header('traceparent')).toBe(traceparent(POSTED_BY))
    expect(record.header('tracestate')).toBe('game=lobby')
  })

  test('is processed in a trace of its own, which links to the call', () => {
    const span = processOf(POSTED_BY)
    expect(span.parentSpanContext).toBeUndefined()
    expect(span.spanContext().traceId).not.toBe(TRACE)
    expect(linked(span)).toEqual([expect.objectContaining({ traceId: TRACE, spanId: POSTED_BY, isRemote: true })])
    expect(span.attributes).toEqual({
      'messaging.system': 'kafka',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': named[COMMANDS],
      'messaging.consumer.group.name': rest.config.KAFKA_CONSUMER_GROUP,
      'messaging.batch.message_count': 1,
      'tributary.application': rest.config.APPLICATION_ID,
      'tributary.task': home(),
      'tributary.batch': 1,
      'tributary.batch.untraced_records': 0,
      'tributary.batch.dead_letters': 0,
      'tributary.batch.forwarded_records': 0,
    })
  })

  test('causes an event in the trace of the call, under the id of its span', () => {
    const record = inTopic(posted, named[STATUS]!)
    const span = sendOf(record)
    expect(record.header('traceparent')).toBe(traceparent(span.spanContext().spanId))
    expect(record.header('tracestate')).toBe('game=lobby')
    expect(span.name).toBe(`send ${named[STATUS]}`)
    expect(span.spanContext().traceId).toBe(TRACE)
    expect(span.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: POSTED_BY, isRemote: true })
    expect(linked(span).map(ids)).toEqual([ids(processOf(POSTED_BY).spanContext())])
    expect(span.attributes).toEqual({
      'messaging.system': 'kafka',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': named[STATUS],
      'messaging.destination.partition.id': String(record.partition),
      'tributary.application': rest.config.APPLICATION_ID,
      'tributary.task': home(),
      'tributary.batch': 1,
    })
  })
})

describe('a note that is discarded by a record in another partition', () => {
  test('is forwarded with the context that it came with', () => {
    const forwarded = inTopic(discarded, internalTopics(rest.config.APPLICATION_ID).repartition)
    expect(forwarded.partition).toBe(home())
    expect(forwarded.header('traceparent')).toBe(traceparent(DISCARDED_BY))
  })

  test('has one process span, at home, named for the topic where it was first read', () => {
    const span = processOf(DISCARDED_BY)
    expect(span.name).toBe(`process ${named[COMMANDS]}`)
    expect(span.attributes).toMatchObject({ [ATTRIBUTES.task]: home(), [ATTRIBUTES.batchMessages]: 1 })
    expect(linked(span).map(ids)).toEqual([{ traceId: TRACE, spanId: DISCARDED_BY }])
  })

  test.each([STATUS, SAGAS])('causes its record in %s, in the same trace', (topic) => {
    const record = inTopic(discarded, named[topic]!)
    const span = sendOf(record)
    expect(record.header('traceparent')).toBe(traceparent(span.spanContext().spanId))
    expect(span.name).toBe(`send ${named[topic]}`)
    expect(span.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: DISCARDED_BY })
    expect(linked(span).map(ids)).toEqual([ids(processOf(DISCARDED_BY).spanContext())])
    expect(span.attributes).toMatchObject({
      [ATTRIBUTES.destination]: named[topic],
      [ATTRIBUTES.destinationPartition]: String(record.partition),
    })
  })

  test('each output has an id of its own', () => {
    const given = [...posted, ...discarded]
      .filter(({ topic }) => topic === named[STATUS] || topic === named[SAGAS])
      .map((record) => record.header('traceparent'))
    expect(given).toHaveLength(3)
    expect(new Set(given).size).toBe(3)
  })
})
