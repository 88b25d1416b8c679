/**
 * What producers of any kind write is read as it was written, through the whole engine on a real broker: every compression of
 * another client, transactions that are aborted, nothing as key or value, many headers, times that the broker gives or nobody,
 * and batches larger than what is asked for in one fetch.
 */
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Producer } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../engine/clock.ts'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { Instance } from '../../engine/instance.ts'
import type { Kafka } from '../../engine/ports.ts'
import { prepare } from '../../engine/preparation.ts'
import type { Compression } from '../../engine/wire/layout.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { MemoryRedis } from '../../stores/memory.ts'
import { storeLayoutOf } from '../../stores/store-layout.ts'
import { defineTopology } from '../../topology/define.ts'
import { sink } from '../../topology/sinks.ts'
import { source } from '../../topology/sources.ts'
import { CommittedReader } from '../support/kafka-records.ts'
import { createTopic, Owner, openKafka, unique } from './kafka-support.ts'
import { base } from './stock-client.ts'

const MIB = 1024 * 1024
const MESSAGE_BYTES_MAX = 12 * MIB
const HEADERS = 100
const STOCK_COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** As the engine told it to the transform. */
interface Seen {
  readonly value: string
  readonly timestampMs: number
  readonly first: string | null
  readonly last: string | null
}

const nameOf = (value: Buffer | null): string =>
  value === null ? 'null' : `${value.length}:${createHash('sha1').update(value).digest('hex')}`

interface Any {
  readonly type: 'ANY'
  readonly name: string
}

const out = sink<Seen>({ topic: 'OUT' })
const any = (topic: string) =>
  source({
    topic,
    decode: (value): Any => ({ type: 'ANY', name: nameOf(value) }),
    key: () => Buffer.from('one'),
    on: {
      ANY: {
        transform: ({ message, headers, timestampMs }) => {
          const text = (name: string): string | null => headers.values(name)[0]?.toString() ?? null
          const last = text(`h${HEADERS - 1}`)
          return [out.emit(null, { value: message.name, timestampMs, first: text('h0'), last })]
        },
      },
    },
  })
const topology = defineTopology<null>({
  name: 'intake',
  context: { read: () => null, write: () => [] },
  sources: [any('IN'), any('TIMED')],
  stores: [],
  sinks: [out],
})

let kafka: Kafka
let instance: Instance
const application = unique('intake')
const IN = `${application}-in`
const TIMED = `${application}-timed`
const OUT = `${application}-out`
let reader: CommittedReader

beforeAll(async () => {
  kafka = openKafka()
  await createTopic(kafka, IN, 1, { 'max.message.bytes': String(MESSAGE_BYTES_MAX) })
  await createTopic(kafka, TIMED, 1, { 'message.timestamp.type': 'LogAppendTime', 'compression.type': 'gzip' })
  const { plan, deleteRetentionMs } = await prepare(kafka, systemClock, () => {}, {
    topology,
    application,
    groupId: application,
    topicNames: { IN, TIMED, OUT },
    topicPartitions: 1,
    createTopics: true,
    requireSpanContext: false,
    stride: null,
    patienceMs: 30_000,
  })
  instance = new Instance({
    plan,
    kafka,
    stores: new MemoryRedis().stores(storeLayoutOf(topology, application)),
    clock: systemClock,
    listener: () => {},
    instanceId: null,
    deleteRetentionMs,
  })
  instance.start()
  reader = await CommittedReader.open(kafka, [OUT])
})
afterAll(async () => {
  await instance?.close(1_000)
  await kafka?.close()
})

type Given = {
  readonly key?: Buffer | null
  readonly value: Buffer | null
  readonly timestampMs?: number
  readonly headers?: number
}

const headersOf = (count: number) =>
  encodeHeaders(Array.from({ length: count }, (_, i) => [`h${i}`, Buffer.from(`v${i}`)] as const))

/** One batch, as it is given. */
async function send(topic: string, records: readonly Given[], compression: Compression = 'none'): Promise<void> {
  const builder = new RecordBatchBuilder()
  for (const { key = null, value, timestampMs = Date.now(), headers = 0 } of records)
    builder.add(timestampMs, key, value, headersOf(headers))
  const stamp = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression }
  const publisher = kafka.publisher()
  const [answer] = await publisher.publish([{ topic, partition: 0, bytes: builder.finish(stamp) }])
  await publisher.close()
  expect(answer!.code).toBe(0)
}

const seen = async (count: number): Promise<readonly Seen[]> =>
  (await reader.read(count)).map(({ json }) => json as Seen)

test.each(STOCK_COMPRESSIONS)('another client, %s', async (compression) => {
  const producer = new Producer({ ...base, compression })
  const values = [...Array.from({ length: 40 }, (_, i) => Buffer.from(`${'text '.repeat(i)}${i}`)), randomBytes(70_000)]
  await producer.send({
    messages: values.map((value) => ({
      topic: IN,
      partition: 0,
      key: Buffer.from('k'),
      value,
      headers: new Map([[Buffer.from('h0'), Buffer.from(compression)]]),
    })),
  })
  await producer.close()
  const found = await seen(values.length)
  expect(found.map(({ value }) => value)).toEqual(values.map(nameOf))
  expect(new Set(found.map(({ first }) => first))).toEqual(new Set([compression]))
})

test('nothing as key, as value, as header, or as time', async () => {
  const times = [-1, 0, 1_700_000_000_000]
  await send(IN, [
    ...times.map((timestampMs) => ({ value: Buffer.from(String(timestampMs)), timestampMs })),
    { value: null },
    { key: Buffer.alloc(0), value: Buffer.alloc(0) },
    { value: Buffer.from('many'), headers: HEADERS },
  ])
  const found = await seen(times.length + 3)
  expect(found.slice(0, times.length).map(({ timestampMs }) => timestampMs)).toEqual(times)
  expect(found.slice(times.length).map(({ value }) => value)).toEqual(
    [null, Buffer.alloc(0), Buffer.from('many')].map(nameOf),
  )
  expect(found.map(({ last }) => last)).toEqual([...Array(times.length + 2).fill(null), `v${HEADERS - 1}`])
})

test.each(['none', 'gzip', 'zstd'] as const)('a batch larger than one fetch, %s', async (compression) => {
  const values = [randomBytes(5 * MIB), randomBytes(3 * MIB), Buffer.from('small')]
  await send(IN, [{ value: values[0]! }, { value: values[1]! }, { value: values[2]! }], compression)
  await send(IN, [{ value: Buffer.from('behind') }])
  expect((await seen(4)).map(({ value }) => value)).toEqual([...values, Buffer.from('behind')].map(nameOf))
})

test('times that the broker gives', async () => {
  const before = Date.now() - 1_000
  await send(TIMED, [
    { value: Buffer.from('a'), timestampMs: 5 },
    { value: Buffer.from('b'), timestampMs: 9 },
  ])
  const found = await seen(2)
  expect(found.map(({ value }) => value)).toEqual([Buffer.from('a'), Buffer.from('b')].map(nameOf))
  for (const { timestampMs } of found) expect(timestampMs).toBeGreaterThan(before)
})

test('transactions of others: aborted ones are not there, and the position goes on over what is hidden', async () => {
  const one = await Owner.start(kafka, unique('one'), unique('group'))
  const two = await Owner.start(kafka, unique('two'), unique('group'))
  for (const round of [0, 1]) {
    await one.produce(IN, 0, [`aborted ${round}`])
    await two.produce(IN, 0, [`committed ${round}`])
    await one.end(false)
    await two.end(true)
  }
  await one.produce(IN, 0, ['aborted last'])
  await one.end(false)
  expect((await seen(2)).map(({ value }) => value)).toEqual(
    ['committed 0', 'committed 1'].map((text) => nameOf(Buffer.from(text))),
  )
  const group = kafka.groupClient(application)
  for (const endMs = performance.now() + 30_000; ; await sleep(50)) {
    // Each time anew: the marker of the last one comes behind the answer to its end.
    const [end] = await kafka.admin.listOffsets([{ topic: IN, partition: 0 }], 'latest')
    const { offsets } = await group.offsets([{ topic: IN, partition: 0 }], true)
    if (offsets[0]?.position === end!.position) break
    if (performance.now() > endMs) throw new Error(`committed ${offsets[0]?.position}, the end is ${end!.position}`)
  }
  await group.close()
  expect(await seen(0)).toEqual([])
})
