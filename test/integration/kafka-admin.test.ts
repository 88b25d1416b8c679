import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NO_HEADERS } from '../../engine/core/headers.ts'
import { codes } from '../../engine/core/kafka-errors.ts'
import { position } from '../../engine/core/numbers.ts'
import type { Kafka } from '../../engine/ports.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { at, batchesOf, createTopic, Owner, openKafka, unique, until } from './kafka-support.ts'

const NOBODY = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression: 'none' } as const

let kafka: Kafka
beforeAll(() => {
  kafka = openKafka()
})
afterAll(() => kafka.close())

test('the cluster and its finalized features', async () => {
  const cluster = await kafka.admin.cluster()
  expect(cluster.clusterId).toMatch(/^[\w-]{22}$/)
  expect(cluster.brokers).toBeGreaterThanOrEqual(1)
  const features = await kafka.admin.finalizedFeatures()
  expect(features.get('transaction.version')).toBeGreaterThanOrEqual(2)
})

test('a created topic serves at once; created again it exists; its settings are told', async () => {
  const topic = unique('create')
  const wanted = {
    topic,
    partitions: 3,
    replicationFactor: 1,
    configs: { 'cleanup.policy': 'compact', 'max.message.bytes': '77777' },
  }
  expect(await kafka.admin.createTopics([wanted])).toEqual(new Map([[topic, 0]]))
  const partitions = [0, 1, 2].map((partition) => ({ topic, partition }))
  const ends = await kafka.admin.listOffsets(partitions, 'latest')
  expect(ends).toEqual(partitions.map((partition) => ({ ...partition, code: 0, position: 0 })))
  expect(await kafka.admin.createTopics([wanted])).toEqual(new Map([[topic, codes.TOPIC_ALREADY_EXISTS]]))
  const topics = await kafka.admin.topics([topic, unique('absent')])
  expect([...topics.keys()]).toEqual([topic])
  expect(topics.get(topic)).toMatchObject({ topic, partitions: 3 })
  const configs = await kafka.admin.configs(topic)
  expect([configs.get('cleanup.policy'), configs.get('max.message.bytes')]).toEqual(['compact', '77777'])
  expect(configs.get('retention.ms')).toMatch(/^-?\d+$/)
})

test('what cannot be created answers its code, and the others are created', async () => {
  const topic = unique('mixed')
  const bad = unique('bad')
  const base = { partitions: 1, configs: {} }
  const answer = await kafka.admin.createTopics([
    { ...base, topic, replicationFactor: 1 },
    { ...base, topic: bad, replicationFactor: 99 },
  ])
  expect(answer).toEqual(
    new Map([
      [topic, 0],
      [bad, codes.INVALID_REPLICATION_FACTOR],
    ]),
  )
})

test('the settings of a topic that does not exist are refused, with its name of the error', async () => {
  await expect(kafka.admin.configs('no such topic')).rejects.toMatchObject({ code: 'kafka.refused' })
})

test('records are deleted up to a position, and the log starts there', async () => {
  const topic = unique('delete')
  await createTopic(kafka, topic, 2)
  const owner = await Owner.start(kafka, topic, topic)
  await owner.produce(topic, 0, ['a', 'b', 'c'])
  await owner.end(true)
  const partition = { topic, partition: 0 }
  await until(
    () => kafka.admin.listOffsets([partition], 'latest'),
    ([end]) => end!.position === 4,
  )
  const deleted = await kafka.admin.deleteRecords([at(topic, 0, 2), at(topic, 1, 9), at(topic, 5, 0)])
  expect(new Map(deleted.map(({ partition, code }) => [partition, code]))).toEqual(
    new Map([
      [0, 0],
      [1, codes.OFFSET_OUT_OF_RANGE],
      [5, codes.UNKNOWN_TOPIC_OR_PARTITION],
    ]),
  )
  expect((await kafka.admin.listOffsets([partition], 'earliest'))[0]!.position).toBe(2)
})

test('compaction takes records and leaves the start of the log where it was', { timeout: 120_000 }, async () => {
  const topic = unique('compact')
  await createTopic(kafka, topic, 1, {
    'cleanup.policy': 'compact',
    'segment.ms': '100',
    'min.cleanable.dirty.ratio': '0',
    'delete.retention.ms': '0',
  })
  const publisher = kafka.publisher()
  const fetch = kafka.fetchClient()
  try {
    for (let i = 0; i < 4; i++) {
      const builder = new RecordBatchBuilder()
      builder.add(Date.now(), Buffer.from('key'), `value ${i}`, NO_HEADERS)
      const bytes = builder.finish(NOBODY)
      expect((await publisher.publish([{ topic, partition: 0, bytes }]))[0]!.code).toBe(0)
      await sleep(200)
    }
    // The cleaner looks every 15 s.
    const firstLeft = async (): Promise<number> => {
      const asked = { topic, partition: 0, position: position(0), maxBytes: 100_000 }
      const [answer] = await fetch.fetch([asked], { maxWaitMs: 10, minBytes: 1, maxBytes: 100_000 })
      return batchesOf(answer!.records)[0]?.baseOffset ?? 0
    }
    const deadline = performance.now() + 60_000
    while ((await firstLeft()) === 0 && performance.now() < deadline) await sleep(500)
    expect(await firstLeft()).toBeGreaterThan(0)
    expect((await kafka.admin.listOffsets([{ topic, partition: 0 }], 'earliest'))[0]!.position).toBe(0)
  } finally {
    await publisher.close()
    await fetch.close()
  }
})

test('the end of the log includes an open transaction', async () => {
  const topic = unique('end')
  await createTopic(kafka, topic, 1)
  const owner = await Owner.start(kafka, topic, topic)
  await owner.produce(topic, 0, ['pending'])
  const [end] = await kafka.admin.listOffsets([{ topic, partition: 0 }], 'latest')
  expect(end).toMatchObject({ code: 0, position: 1 })
  await owner.end(false)
})
