/** How the clients find brokers, and what one broker's failure costs, against two fake brokers. */
import { Writer } from '@platformatic/kafka'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { position } from '../../engine/core/numbers.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { Kafka, TransactionClient } from '../../engine/ports.ts'
import { RequestLost } from '../../engine/ports.ts'
import { FakeBroker } from './fake-broker.ts'
import { FakeCluster, fetched, keys, produced } from './fake-cluster.ts'

/** Far above what anything here takes. */
const patient = { timeout: 10_000 }

let cluster: FakeCluster
let kafka: Kafka
beforeEach(async () => {
  cluster = await FakeCluster.start()
  kafka = connectKafka({ bootstrapServers: cluster.bootstrapServers, clientId: 'test' })
})
afterEach(async () => {
  await kafka.close()
  await cluster.stop()
})

const identity = { producerId: 5n, epoch: 3 }
const membership = { memberId: 'm', generation: 1, instanceId: null }
const batch = (partition: number, topic = 'a') => ({ topic, partition, bytes: Buffer.from('batch') })
const transactionClient = (): TransactionClient =>
  kafka.transactionClient({ transactionalId: 'tx', groupId: 'g', transactionTimeoutMs: 1_000 })
const heartbeatAnswer = (code: number) => Writer.create().appendInt32(0).appendInt16(code).appendTaggedFields()

describe('metadata', () => {
  test('bootstrap servers are tried in turn', async () => {
    const gone = await FakeBroker.start()
    const address = gone.address
    await gone.stop()
    const other = connectKafka({ bootstrapServers: `${address},${cluster.brokers[1].address}`, clientId: 'test' })
    expect(await other.admin.cluster()).toEqual({ clusterId: 'fake', brokers: 2 })
    await other.close()
  })

  test('no server answers: lost, not sent', async () => {
    await cluster.stop()
    await expect(kafka.admin.cluster()).rejects.toMatchObject({ name: 'RequestLost', sent: false })
  })

  test('topics: ids and partition counts; one that does not exist is absent', async () => {
    const topics = await kafka.admin.topics(['a', 'nope'])
    expect([...topics.values()]).toEqual([
      { topic: 'a', topicId: '00000000-0000-0000-0000-000000000001', partitions: 4 },
    ])
  })

  test('concurrent refreshes are one request', async () => {
    await Promise.all([kafka.admin.cluster(), kafka.admin.cluster(), kafka.admin.cluster()])
    expect(cluster.seen(keys.metadata)).toBe(1)
  })

  test('a broker that goes away is replaced by the next one', async () => {
    await kafka.admin.cluster()
    await cluster.brokers[0].stop()
    expect(await kafka.admin.cluster()).toMatchObject({ clusterId: 'fake' })
  })
})

describe('topics that are not to be had', () => {
  test('a forbidden topic is refused by name, not taken for an absent one', async () => {
    cluster.topics = [{ name: 'a', topicId: null, leaders: [], code: 29 }]
    await expect(kafka.admin.topics(['a'])).rejects.toMatchObject({ code: 'kafka.refused', kafkaCode: 29 })
    const [answer] = await transactionClient().produce([batch(0)])
    expect(answer!.code).toBe(29)
  })

  test('a broker too old for the question says so', async () => {
    cluster.answer = () => Buffer.from([0, 35, 0, 0, 0, 0])
    await expect(kafka.admin.finalizedFeatures()).rejects.toThrow(/UNSUPPORTED_VERSION/)
  })
})

describe('coordinators', () => {
  test('looked up once, and again after NOT_COORDINATOR', async () => {
    const group = kafka.groupClient('g')
    cluster.answer = () => heartbeatAnswer(0)
    expect([await group.heartbeat(membership), await group.heartbeat(membership)]).toEqual([0, 0])
    expect(cluster.seen(keys.findCoordinator)).toBe(1)
    cluster.answer = () => heartbeatAnswer(16)
    expect(await group.heartbeat(membership)).toBe(16)
    cluster.coordinator = 1
    cluster.answer = (broker) => heartbeatAnswer(broker === 1 ? 0 : 16)
    expect(await group.heartbeat(membership)).toBe(0)
    expect(cluster.seen(keys.findCoordinator)).toBe(2)
  })

  test('looked up again after its connection was lost', async () => {
    const group = kafka.groupClient('g')
    cluster.answer = () => 'cut'
    await expect(group.heartbeat(membership)).rejects.toMatchObject({ api: 'Heartbeat', sent: true })
    cluster.coordinator = 1
    cluster.answer = (broker) => heartbeatAnswer(broker === 1 ? 0 : 16)
    expect(await group.heartbeat(membership)).toBe(0)
  })

  test('the code of a look-up that fails is the answer, in every shape, and is not cached', async () => {
    cluster.coordinator = { code: 15 }
    const group = kafka.groupClient('g')
    const client = transactionClient()
    const offsets = [{ topic: 'a', partition: 0, position: position(1) }]
    expect(await group.heartbeat(membership)).toBe(15)
    expect(await group.offsets([{ topic: 'a', partition: 0 }], true)).toEqual({ code: 15, offsets: [] })
    expect(await client.endTxn(identity, true)).toEqual({ code: 15, identity })
    expect(await client.txnOffsetCommit(identity, membership, offsets)).toEqual([
      { topic: 'a', partition: 0, code: 15 },
    ])
    expect(await kafka.transactions.describe('tx')).toMatchObject({ code: 15, transactionalId: 'tx', partitions: [] })
    cluster.coordinator = 0
    cluster.answer = () => heartbeatAnswer(0)
    expect(await group.heartbeat(membership)).toBe(0)
  })

  test('a look-up that is lost means that the request was not sent', async () => {
    await kafka.admin.cluster()
    const client = transactionClient()
    await cluster.stop()
    await expect(client.endTxn(identity, true)).rejects.toMatchObject({ api: 'FindCoordinator', sent: false })
  })

  test('a join that waits does not hold up a heartbeat', async () => {
    const group = kafka.groupClient('g')
    cluster.answer = (_, { key }) => (key === keys.heartbeat ? heartbeatAnswer(0) : 'silent')
    const join = { memberId: '', instanceId: null, sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 6_000 }
    const joining = group.join({ ...join, protocol: 'p', metadata: Buffer.alloc(0), reason: '' }).catch(() => null)
    expect(await group.heartbeat(membership)).toBe(0)
    const [first, second] = [11, keys.heartbeat].map((key) => cluster.brokers[0].seen(key)[0]!.connection)
    expect(first).not.toBe(second)
    await group.close()
    await joining
  })
})

describe('interruptions', () => {
  test('are those of the whole process: what transactions use may not be told that a broker is gone', async () => {
    const client = transactionClient()
    cluster.answer = () => 'cut'
    const before = client.interruptions
    await expect(kafka.groupClient('g').heartbeat(membership)).rejects.toBeInstanceOf(RequestLost)
    expect(client.interruptions).toBe(before + 1)
    // A coordinator in its place, under another address: nothing of this client's own is lost.
    cluster.coordinator = 1
    cluster.answer = () => heartbeatAnswer(0)
    expect(await kafka.groupClient('g').heartbeat(membership)).toBe(0)
    expect(client.interruptions).toBe(before + 1)
  })

  test('a client that is closed loses nothing', async () => {
    const client = transactionClient()
    const group = kafka.groupClient('g')
    cluster.answer = () => heartbeatAnswer(0)
    await group.heartbeat(membership)
    await group.close()
    expect(client.interruptions).toBe(0)
  })
})

describe('txnOffsetCommit', () => {
  test('a partition that the broker left out of its answer is not committed', async () => {
    cluster.answer = () =>
      Writer.create()
        .appendInt32(0)
        .appendArray(['a'], (writer, name) => {
          writer.appendString(name).appendArray([0], (writer, index) => writer.appendInt32(index).appendInt16(0))
        })
        .appendTaggedFields()
    const offsets = [0, 1].map((partition) => ({ topic: 'a', partition, position: position(1) }))
    const codes = await transactionClient().txnOffsetCommit(identity, membership, offsets)
    expect(codes.map(({ code }) => code)).toEqual([0, -1])
  })
})

describe('endTxn', () => {
  test('an error keeps the identity that was sent, whatever the broker fills in', async () => {
    cluster.answer = () =>
      Writer.create().appendInt32(0).appendInt16(51).appendInt64(-1n).appendInt16(-1).appendTaggedFields()
    expect(await transactionClient().endTxn(identity, true)).toEqual({ code: 51, identity })
  })
})

describe('produce', () => {
  const partitionsOf = (broker: number) =>
    broker === 0
      ? ([
          [2, 0],
          [0, 0],
        ] as const)
      : ([[1, 0]] as const)

  test('split by leader, answered in the order of the batches', async () => {
    cluster.answer = (broker) => produced('a', partitionsOf(broker))
    const answers = await transactionClient().produce([batch(1), batch(0), batch(2)])
    expect(answers.map(({ partition, code, baseOffset }) => [partition, code, baseOffset])).toEqual([
      [1, 0, 101],
      [0, 0, 100],
      [2, 0, 102],
    ])
    expect(cluster.brokers.map((broker) => broker.seen(keys.produce).length)).toEqual([1, 1])
  })

  test('no leader: NOT_LEADER_OR_FOLLOWER; no such topic: UNKNOWN_TOPIC_OR_PARTITION; the others are sent', async () => {
    cluster.answer = () => produced('a', [[0, 0]])
    const answers = await transactionClient().produce([batch(0), batch(3), batch(0, 'nope')])
    expect(answers.map(({ code }) => code)).toEqual([0, 6, 3])
  })

  test('a leader that is away: its partitions answer NOT_LEADER_OR_FOLLOWER, and metadata is asked again', async () => {
    cluster.answer = (broker) => produced('a', partitionsOf(broker))
    const client = transactionClient()
    await client.produce([batch(0)])
    await cluster.brokers[1].stop()
    expect((await client.produce([batch(1), batch(0)])).map(({ code }) => code)).toEqual([6, 0])
    cluster.topics = [{ ...cluster.topics[0]!, leaders: [0, 0, 0, 0] }]
    cluster.answer = () => produced('a', [[1, 0]])
    await expect.poll(async () => (await client.produce([batch(1)]))[0]!.code, patient).toBe(0)
  })

  test('a broker lost after it was sent to: the call throws, after the other broker was heard', async () => {
    cluster.answer = (broker) => (broker === 1 ? 'cut' : produced('a', partitionsOf(broker)))
    await expect(transactionClient().produce([batch(0), batch(1)])).rejects.toMatchObject({
      api: 'Produce',
      sent: true,
    })
    expect(cluster.brokers[0].seen(keys.produce).length).toBe(1)
  })

  test('a partition beyond the count is refused before anything is sent, negative ones too', async () => {
    const client = transactionClient()
    for (const partition of [4, -1]) {
      await expect(client.produce([batch(0), batch(partition)])).rejects.toMatchObject({
        code: 'kafka.produce_refused',
      })
    }
    expect(cluster.seen(keys.produce)).toBe(0)
  })

  test('partitions added meanwhile are seen before a batch is refused', async () => {
    cluster.answer = () => produced('a', [[4, 0]])
    const client = transactionClient()
    await client.produce([])
    await kafka.admin.topics(['a'])
    cluster.topics = [{ ...cluster.topics[0]!, leaders: [0, 0, 0, 0, 0] }]
    expect((await client.produce([batch(4)]))[0]).toMatchObject({ partition: 4, code: 0 })
  })

  test('two batches for one partition in a call are refused', async () => {
    await expect(transactionClient().produce([batch(0), batch(0)])).rejects.toMatchObject({
      code: 'kafka.produce_refused',
    })
  })
})

describe('fetch', () => {
  const id = '00000000-0000-0000-0000-000000000001'
  const options = { maxWaitMs: 10, minBytes: 1, maxBytes: 1024 }
  const ask = (partition: number, topic = 'a') => ({
    topic,
    partition,
    position: position(5 + partition),
    maxBytes: 512,
  })

  test('answers of all leaders in one list, with what was asked', async () => {
    cluster.answer = (broker) => fetched(id, broker === 0 ? [[0, 0, 'x']] : [[1, 0, 'yy']])
    const answers = await kafka.fetchClient().fetch([ask(0), ask(1)], options)
    expect(answers).toMatchObject([
      { topic: 'a', partition: 0, code: 0, asked: 5, highWatermark: 5, records: Buffer.from('x') },
      { topic: 'a', partition: 1, code: 0, asked: 6, records: Buffer.from('yy') },
    ])
  })

  test('a lost broker costs its own partitions only, and then no delay', async () => {
    const client = kafka.fetchClient()
    cluster.answer = (broker) => (broker === 1 ? 'cut' : fetched(id, [[0, 0, 'x']]))
    expect((await client.fetch([ask(0), ask(1)], options)).map(({ code }) => code)).toEqual([0, 13])
    await cluster.brokers[1].stop()
    expect((await client.fetch([ask(0), ask(1)], options)).map(({ code }) => code)).toEqual([0, 13])
  })

  test('a broker that does not answer within maxWaitMs and the grace costs its own partitions only', async () => {
    cluster.answer = (broker) => (broker === 1 ? 'silent' : fetched(id, [[0, 0, 'x']]))
    const answers = await kafka.fetchClient().fetch([ask(0), ask(1)], options)
    expect(answers.map(({ code }) => code)).toEqual([0, 13])
  })

  test('once it is back it is asked again', async () => {
    const client = kafka.fetchClient()
    cluster.answer = (broker) => (broker === 1 ? 'cut' : fetched(id, [[0, 0, 'x']]))
    await client.fetch([ask(0), ask(1)], options)
    cluster.answer = (broker) => fetched(id, broker === 0 ? [[0, 0, 'x']] : [[1, 0, 'yy']])
    await expect
      .poll(async () => (await client.fetch([ask(0), ask(1)], options)).map(({ code }) => code), patient)
      .toEqual([0, 0])
  })

  test('a metadata broker that hangs does not hold up the fetches from others', async () => {
    const client = kafka.fetchClient()
    cluster.topics = [{ ...cluster.topics[0]!, leaders: [1, 0] }]
    cluster.answer = (broker) => (broker === 0 ? 'cut' : fetched(id, [[0, 0, 'x']]))
    await client.fetch([ask(0), ask(1)], options)
    cluster.silentMetadata = 'both'
    const before = cluster.seen(keys.metadata)
    expect((await client.fetch([ask(0), ask(1)], options))[0]!.code).toBe(0)
    // It waited for one broker at most, and not until that one was given up.
    expect(cluster.seen(keys.metadata) - before).toBe(1)
  })

  test('no leader, no topic', async () => {
    const answers = await kafka.fetchClient().fetch([ask(3), ask(0, 'nope')], options)
    expect(answers.map(({ topic, code }) => [topic, code])).toEqual([
      ['a', 6],
      ['nope', 3],
    ])
  })

  test('a recreated topic answers UNKNOWN_TOPIC_ID for ever; the broker merely not knowing the id does not', async () => {
    const client = kafka.fetchClient()
    cluster.answer = () => fetched(id, [[0, 100, '']])
    expect((await client.fetch([ask(0)], options))[0]!.code).toBe(3)
    cluster.answer = () => fetched(id, [[0, 0, 'x']])
    expect((await client.fetch([ask(0)], options))[0]!.code).toBe(0)
    cluster.recreate('a')
    await kafka.admin.topics(['a'])
    const before = cluster.seen(keys.fetch)
    expect((await client.fetch([ask(0)], options))[0]!.code).toBe(100)
    expect((await client.fetch([ask(0)], options))[0]!.code).toBe(100)
    expect(cluster.seen(keys.fetch)).toBe(before)
  })

  test('of a topic whose id is given no other is read, met for the first time or not', async () => {
    cluster.answer = () => fetched(id, [[0, 0, 'x']])
    expect((await kafka.fetchClient(new Map([['a', id]])).fetch([ask(0)], options))[0]!.code).toBe(0)
    cluster.recreate('a')
    await kafka.admin.topics(['a'])
    const before = cluster.seen(keys.fetch)
    expect((await kafka.fetchClient(new Map([['a', id]])).fetch([ask(0)], options))[0]!.code).toBe(100)
    expect(cluster.seen(keys.fetch)).toBe(before)
  })

  test('an error of the whole request is that of each partition', async () => {
    cluster.answer = () =>
      Writer.create()
        .appendInt32(0)
        .appendInt16(70)
        .appendInt32(0)
        .appendArray([], () => {})
        .appendTaggedFields()
    expect((await kafka.fetchClient().fetch([ask(0)], options))[0]!.code).toBe(70)
  })
})

test('close ends what waits and refuses what comes', async () => {
  const client = transactionClient()
  const waiting = client.produce([batch(0)]).catch((error: unknown) => error)
  await expect.poll(() => cluster.seen(keys.produce), patient).toBe(1)
  await kafka.close()
  expect(await waiting).toBeInstanceOf(RequestLost)
  await expect(client.endTxn(identity, true)).rejects.toBeInstanceOf(RequestLost)
})
