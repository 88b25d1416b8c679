/** Fetch v17 read_committed against the broker: what is returned, and what is asked in vain. */
import { Admin } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codes } from '../../engine/core/kafka-errors.ts'
import { position } from '../../engine/core/numbers.ts'
import type { FetchClient, Kafka } from '../../engine/ports.ts'
import { testBootstrap } from '../support/stack.ts'
import { at, batchesOf, createTopic, Owner, openKafka, unique, until } from './kafka-support.ts'

let kafka: Kafka
let client: FetchClient
beforeAll(() => {
  kafka = openKafka()
  client = kafka.fetchClient()
})
afterAll(() => kafka.close())

const options = { maxWaitMs: 200, minBytes: 1, maxBytes: 1_000_000 }
const fetch = async (topic: string, from: number, maxBytes = 1_000_000) =>
  (await client.fetch([{ ...at(topic, 0, from), maxBytes }], options))[0]!

test('two aborted transactions of one producer are both listed, and only their marker is between them', async () => {
  const topic = unique('aborted')
  await createTopic(kafka, topic, 1)
  const owner = await Owner.start(kafka, topic, topic)
  const { producerId } = owner.identity
  for (const commit of [false, false, true]) {
    expect((await owner.produce(topic, 0, ['x'])).code).toBe(0)
    expect(await owner.end(commit)).toBe(0)
  }
  // The broker reads the high watermark first: while a marker is being written, the other one is already beyond it.
  const fetched = await until(
    () => fetch(topic, 0),
    ({ highWatermark, lastStableOffset }) => highWatermark === 6 && lastStableOffset === 6,
  )
  expect(fetched).toMatchObject({ code: 0, asked: 0, highWatermark: 6, logStart: 0 })
  expect([...fetched.aborted].sort((a, b) => a.firstOffset - b.firstOffset)).toEqual([
    { producerId, firstOffset: 0 },
    { producerId, firstOffset: 2 },
  ])
  expect(batchesOf(fetched.records).map(({ control }) => control)).toEqual([false, true, false, true, false, true])
  expect(Buffer.isBuffer(fetched.records)).toBe(true)
})

test('records of an open transaction are held back, the high watermark is past them', async () => {
  const topic = unique('open')
  await createTopic(kafka, topic, 1)
  const owner = await Owner.start(kafka, topic, topic)
  await owner.produce(topic, 0, ['pending'])
  expect(await fetch(topic, 0)).toMatchObject({
    code: 0,
    highWatermark: 1,
    lastStableOffset: 0,
    records: Buffer.alloc(0),
  })
  await owner.end(true)
  const fetched = await until(
    () => fetch(topic, 0),
    ({ records }) => records.length > 0,
  )
  expect(batchesOf(fetched.records)[0]).toMatchObject({ baseOffset: 0, control: false })
})

test('maxBytes cuts, but at least one batch comes', async () => {
  const topic = unique('cut')
  await createTopic(kafka, topic, 1)
  const owner = await Owner.start(kafka, topic, topic)
  for (let sequence = 0; sequence < 4; sequence++) await owner.produce(topic, 0, ['y'.repeat(1_000)], sequence)
  await owner.end(true)
  await until(
    () => fetch(topic, 0),
    ({ lastStableOffset }) => lastStableOffset === 5,
  )
  expect(batchesOf((await fetch(topic, 0, 10)).records).length).toBe(1)
  expect(batchesOf((await fetch(topic, 0, 2_500)).records).length).toBe(2)
  expect(batchesOf((await fetch(topic, 2)).records).map(({ baseOffset }) => baseOffset)).toEqual([2, 3, 4])
})

test('a position outside the log', async () => {
  const topic = unique('range')
  await createTopic(kafka, topic, 1)
  expect((await fetch(topic, 5)).code).toBe(codes.OFFSET_OUT_OF_RANGE)
})

test('a topic and a partition that do not exist', async () => {
  const topic = unique('some')
  await createTopic(kafka, topic, 1)
  const asked = [
    { topic: unique('none'), partition: 0, position: position(0), maxBytes: 1 },
    { topic, partition: 7, position: position(0), maxBytes: 1 },
  ]
  const answers = await client.fetch(asked, options)
  expect(answers.map(({ code }) => code)).toEqual([3, 3])
})

test('a recreated topic is not read as if it were the old one', async () => {
  const topic = unique('recreated')
  await createTopic(kafka, topic, 1)
  const before = (await kafka.admin.topics([topic])).get(topic)!.topicId
  expect((await fetch(topic, 0)).code).toBe(0)
  const stock = new Admin({ clientId: 'it', bootstrapBrokers: testBootstrap().split(',') })
  await stock.deleteTopics({ topics: [topic] })
  await stock.close()
  await until(
    () => kafka.admin.topics([topic]),
    (topics) => topics.size === 0,
  )
  expect((await fetch(topic, 0)).code).toBe(codes.UNKNOWN_TOPIC_OR_PARTITION)
  await createTopic(kafka, topic, 1)
  const after = (await kafka.admin.topics([topic])).get(topic)!.topicId
  expect(after).not.toBe(before)
  await until(
    () => fetch(topic, 0),
    ({ code }) => code === codes.UNKNOWN_TOPIC_ID,
  )
  expect((await fetch(topic, 0)).code).toBe(codes.UNKNOWN_TOPIC_ID)
  const fresh = kafka.fetchClient()
  const [answer] = await fresh.fetch([{ ...at(topic, 0, 0), maxBytes: 1 }], options)
  expect(answer!.code).toBe(0)
})
