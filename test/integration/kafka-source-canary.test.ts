/**
 * Canaries for what was only read in a source: of the stock client (P12 to P20, D2 to D4), and of the broker (D1). Each is
 * held here to the pinned versions. Ids as in test/conformance/claims.ts. A canary that fails after an upgrade is good
 * news: read the claim again, then change or delete the test.
 */

import { readFile } from 'node:fs/promises'
import {
  Connection,
  defaultBaseOptions,
  describeTransactionsV0,
  type Message,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  Reader,
  readRecordsBatch,
  Writer,
} from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startKafka } from '../../embedded/kafka.ts'
import { encodeSubscription } from '../../engine/core/consumer-protocol.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { GroupMembership, Kafka } from '../../engine/ports.ts'
import { Member } from '../conformance/players.ts'
import { brokerStage } from '../conformance/stage.ts'
import { Talk } from '../conformance/talk.ts'
import { createTopic, openKafka, unique, until } from './kafka-support.ts'
import { base, minusOne, stockClients } from './stock-client.ts'

const patient = { timeout: 30_000 }

let kafka: Kafka
beforeAll(() => {
  kafka = openKafka()
})
afterAll(() => kafka.close())

const clients = stockClients()
const { keep } = clients
const producer = (transactionalId: string, extra: object = { timeout: 30_000 }) =>
  clients.producer(transactionalId, { ...minusOne, ...extra })
const consumer = (groupId: string, extra: object = {}) => clients.consumer(groupId, 10_000, extra)

const committed = async (stock: ReturnType<typeof producer>, topic: string, values: readonly string[]) => {
  const transaction = await stock.beginTransaction()
  for (const value of values) await transaction.send({ messages: [{ topic, partition: 0, key: 'k', value }] })
  await transaction.commit()
}

/** A connection of the stock client to the only broker of the tests. */
async function connected(): Promise<Connection> {
  const address = base.bootstrapBrokers[0]!
  const connection = new Connection('canary')
  keep({ close: () => connection.close() })
  const colon = address.lastIndexOf(':')
  await connection.connect(address.slice(0, colon), Number(address.slice(colon + 1)))
  return connection
}

describe('the stock client', () => {
  test('P12: an offset commit for a partition that the member does not own is accepted', async () => {
    const topic = unique('p12')
    await createTopic(kafka, topic, 2)
    const owner = consumer(topic)
    // It has nothing: somebody else could have all of it.
    const partitionAssigner = (_: string, members: Map<string, unknown>) =>
      [...members.keys()].map((memberId) => ({ memberId, assignments: new Map() }))
    const other = consumer(topic, { partitionAssigner })
    for (const stock of [owner, other]) stock.topics.trackAll(topic)
    await owner.joinGroup({})
    await other.joinGroup({})
    const stranger = owner.assignments?.some(({ partitions }) => partitions.includes(1)) ? other : owner
    await stranger.commit({ offsets: [{ topic, partition: 1, offset: 5n, leaderEpoch: 0 }] })
    const { offsets } = await kafka.groupClient(topic).offsets([{ topic, partition: 1 }], true)
    expect(offsets.map(({ position }) => position)).toEqual([5])
  })

  test('P14: the transaction timeout is the option timeout, five seconds unless set', async () => {
    const connection = await connected()
    const timeouts: number[] = []
    for (const extra of [{}, { timeout: 7_777 }]) {
      const id = unique('p14')
      await createTopic(kafka, id, 1)
      const transaction = await producer(id, extra).beginTransaction()
      await transaction.send({ messages: [{ topic: id, partition: 0, key: 'k', value: 'v' }] })
      const { transactionStates } = await describeTransactionsV0.api.async(connection, [id])
      timeouts.push(transactionStates[0]!.transactionTimeoutMs)
      await transaction.abort()
    }
    expect(timeouts).toEqual([5_000, 7_777])
  })

  test('P16: without a committed offset it begins at the end: what was there is never read', async () => {
    const topic = unique('p16')
    await createTopic(kafka, topic, 1)
    const stock = producer(topic)
    await committed(stock, topic, ['old'])
    // Until its marker is there, the stable end is before it.
    await until(
      () => kafka.admin.listOffsets([{ topic, partition: 0 }], 'stable'),
      ([end]) => end!.position === 2,
    )
    const stream = await consumer(topic).consume({
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      autocommit: false,
    })
    const seen: string[] = []
    stream.on('data', (message: Message<string, string, string, string>) => seen.push(message.value!))
    stream.on('error', () => {})
    // Where it begins is asked for behind consume(): until it has, another record is there.
    await expect
      .poll(async () => {
        await committed(stock, topic, ['new'])
        return seen.length
      }, patient)
      .toBeGreaterThan(0)
    expect(new Set(seen)).toEqual(new Set(['new']))
    await stream.close()
  })

  test('P17: generation and coordinator are those of when the message was read, whatever came since', async () => {
    const topic = unique('p17')
    await createTopic(kafka, topic, 1)
    await committed(producer(unique('p17-seed')), topic, ['m'])
    const options = {
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      autocommit: false,
    }
    const first = consumer(topic)
    const stream = await first.consume(options)
    stream.on('error', () => {})
    let message: Message<string, string, string, string> | undefined
    stream.on('data', (next: typeof message) => {
      message ??= next
    })
    await expect.poll(() => message?.value, patient).toBe('m')
    const second = await consumer(topic).consume(options)
    second.on('error', () => {})
    second.on('data', () => {})
    await expect.poll(() => first.generationId, patient).toBeGreaterThan(1)
    expect(message!.metadata).toMatchObject({ consumer: { generationId: 1, coordinatorId: expect.any(Number) } })
    await Promise.all([stream.close(), second.close()])
  })

  test('P19: a control batch that the log cleaner has emptied has no record, and the filter looks at its first', async () => {
    const batch = Buffer.alloc(61)
    batch.writeInt32BE(49, 8)
    batch[16] = 2
    batch.writeInt16BE(0x30, 21)
    batch.writeBigInt64BE(5n, 43)
    expect(readRecordsBatch(Reader.from(batch))).toMatchObject({ producerId: 5n, records: [] })
    // No public way leads there but a cleaned log: the place itself.
    const source = await readFile(
      new URL('clients/consumer/consumer.js', import.meta.resolve('@platformatic/kafka')),
      'utf8',
    )
    expect(source).toContain('batch.attributes & IS_CONTROL && batch.records[0].key')
  })

  test('P20: with the protocol of KIP-848 a message carries a generation, not the epoch of the member', async () => {
    const topic = unique('p20')
    await createTopic(kafka, topic, 1)
    await committed(producer(unique('p20-seed')), topic, ['m'])
    const stock = consumer(topic, { groupProtocol: 'consumer' })
    const stream = await stock.consume({
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      autocommit: false,
    })
    stream.on('error', () => {})
    let message: Message<string, string, string, string> | undefined
    stream.on('data', (next: typeof message) => {
      message ??= next
    })
    await expect.poll(() => message?.value, patient).toBe('m')
    // Epochs begin at 1.
    expect(message!.metadata).toMatchObject({ consumer: { generationId: 0 } })
    await stream.close()
  })

  test('D2, D3: a pause of a second before a rejoin, and after three of them it gives up, unless told otherwise', () => {
    expect(defaultBaseOptions).toMatchObject({ retryDelay: 1_000, retries: 3 })
  })

  test('D4: in the revoking round of cooperative-sticky no group:join is told', async () => {
    const topic = unique('d4')
    await createTopic(kafka, topic, 2)
    const protocols = [{ name: 'cooperative-sticky', version: 1 }]
    const [first, second] = [consumer(topic, { protocols }), consumer(topic, { protocols })]
    for (const stock of [first, second]) stock.topics.trackAll(topic)
    const told: number[] = []
    first.on('consumer:group:join', ({ generationId = 0 }) => told.push(generationId ?? -1))
    await first.joinGroup({})
    await second.joinGroup({})
    await expect.poll(() => Math.max(first.generationId, second.generationId), patient).toBeGreaterThanOrEqual(3)
    await expect.poll(() => told.at(-1) ?? 0, patient).toBeGreaterThanOrEqual(3)
    expect(told[0]).toBe(1)
    expect(told).not.toContain(2)
  })
})

const codeOf = (partition: Reader): number => {
  partition.readInt32()
  return partition.readInt16()
}

/** OffsetCommit v4, the last with a retention time: the broker's own shortest is a minute. */
async function commitFor(
  port: number,
  groupId: string,
  { memberId, generation }: GroupMembership,
  topics: readonly string[],
  retentionMs: number,
) {
  const connection = new Connection('canary')
  keep({ close: () => connection.close() })
  await connection.connect('127.0.0.1', port)
  const payload = () =>
    Writer.create()
      .appendString(groupId, false)
      .appendInt32(generation)
      .appendString(memberId, false)
      .appendInt64(BigInt(retentionMs))
      .appendArray(
        [...topics],
        (writer, topic) =>
          writer
            .appendString(topic, false)
            .appendArray(
              [0],
              (each, partition) => each.appendInt32(partition).appendInt64(7n).appendString('', false),
              false,
              false,
            ),
        false,
        false,
      )
  return new Promise<number>((resolve, reject) => {
    connection.send<number>(
      8,
      4,
      payload,
      (_id, _key, _version, reader) => {
        reader.readInt32()
        const codes = reader.readArray(
          (topic) => {
            topic.readString(false)
            return topic.readArray(codeOf, false, false)
          },
          false,
          false,
        ) as number[][]
        return Math.max(...codes.flat())
      },
      false,
      false,
      (error, code) => (error ? reject(error) : resolve(code!)),
    )
  })
}

describe('the broker', () => {
  test('D1: offsets of topics that nobody subscribes to expire, those of a subscription do not', {
    timeout: 120_000,
  }, async () => {
    const broker = await startKafka({
      progress: () => {},
      overrides: { 'offsets.retention.check.interval.ms': '300' },
    })
    const own = connectKafka({ bootstrapServers: broker.bootstrapServers, clientId: 'canary' })
    const stage = brokerStage(broker.bootstrapServers)
    try {
      const [group, read, unread] = ['d1', 'd1-read', 'd1-unread']
      for (const topic of [read, unread]) await createTopic(own, topic, 1)
      const talk = new Talk(stage)
      const member = new Member(talk, 'm', group)
      // The coordinator is there.
      await member.heartbeat({ memberId: 'nobody', generation: 1, instanceId: null })
      const subscription = encodeSubscription({ topics: [read], userData: Buffer.alloc(0) })
      await member.join({ metadata: subscription })
      await member.join({ metadata: subscription })
      await member.sync({ [member.memberId]: 'all' })
      // By the member: from the first moment on one of the two is subscribed to.
      await until(
        () => commitFor(broker.port, group, member.membership, [read, unread], 1_500),
        (code) => code === 0,
      )
      const client = own.groupClient(group)
      const left = await until(
        async () => {
          await member.heartbeat()
          const partitions = [read, unread].map((topic) => ({ topic, partition: 0 }))
          return (await client.offsets(partitions, true)).offsets.map(({ topic }) => topic)
        },
        (topics) => !topics.includes(unread),
      )
      expect(left).toEqual([read])
    } finally {
      await stage.close()
      await own.close()
      await broker.stop()
    }
  })
})
