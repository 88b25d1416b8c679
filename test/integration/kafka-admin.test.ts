import { afterAll, beforeAll, expect, test } from 'vitest'
import { codes } from '../../engine/core/kafka-errors.ts'
import type { Kafka } from '../../engine/ports.ts'
import { at, createTopic, Owner, openKafka, unique, until } from './kafka-support.ts'

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

test('the end of the log includes an open transaction', async () => {
  const topic = unique('end')
  await createTopic(kafka, topic, 1)
  const owner = await Owner.start(kafka, topic, topic)
  await owner.produce(topic, 0, ['pending'])
  const [end] = await kafka.admin.listOffsets([{ topic, partition: 0 }], 'latest')
  expect(end).toMatchObject({ code: 0, position: 1 })
  await owner.end(false)
})
