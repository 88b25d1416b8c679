/**
 * Canaries: what the stock client (exact version in package.json) does wrong, one test per trap, so that an upgrade that
 * changes one is noticed. Those that were only read in the source: kafka-source-canary.test.ts. None of this is used by the
 * engine. A canary that fails after an upgrade is good news: read the trap again, then change or delete the test.
 */

import {
  Connection,
  compatibilityPartitioner,
  defaultBaseOptions,
  defaultPartitioner,
  endTxnV4,
  findErrorBy,
  heartbeatV4,
  type Message,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  ProtocolError,
  Reader,
  Writer,
} from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Kafka } from '../../engine/ports.ts'
import { at, createTopic, Owner, openKafka, unique, until } from './kafka-support.ts'
import { base, minusOne, stockClients } from './stock-client.ts'

const patient = { timeout: 30_000 }

let kafka: Kafka
beforeAll(() => {
  kafka = openKafka()
})
afterAll(() => kafka.close())

const clients = stockClients()
const { keep } = clients
const producer = (transactionalId: string, extra: object = minusOne) =>
  clients.producer(transactionalId, { timeout: 30_000, ...extra })
const consumer = (groupId: string, extra: object = {}) => clients.consumer(groupId, 6_000, extra)

type Stock = ReturnType<typeof producer>
const send = (partition: number, value: string, topic: string) => ({
  messages: [{ topic, partition, key: 'k', value }],
})

async function transact(stock: Stock, topic: string, values: readonly string[], commit: boolean, partition = 0) {
  const transaction = await stock.beginTransaction()
  for (const value of values) await transaction.send(send(partition, value, topic))
  await (commit ? transaction.commit() : transaction.abort())
}

/** Reads a partition from its start until the value 'END'; the values before it, cut to the first word. */
async function valuesUntilEnd(topic: string, options: object = {}): Promise<string[]> {
  const stream = await consumer(unique('reader')).consume({
    topics: [topic],
    mode: MessagesStreamModes.EARLIEST,
    autocommit: false,
    ...options,
  })
  const values: string[] = []
  for await (const message of stream) {
    if (message.value === 'END') break
    values.push(message.value!.split(' ')[0]!)
  }
  await stream.close()
  return values
}

/** Errors come wrapped in errors; is one of them this one? */
const has = (error: unknown, id: string): boolean => findErrorBy(error as Error, 'apiId', id) !== null
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

describe('reading', () => {
  test('P1: of two aborted transactions of a producer in one fetch the first is delivered', async () => {
    const topic = unique('p1')
    await createTopic(kafka, topic, 1)
    const stock = producer(topic)
    await transact(stock, topic, ['first-aborted'], false)
    await transact(stock, topic, ['second-aborted'], false)
    await transact(stock, topic, ['committed', 'END'], true)
    expect(await valuesUntilEnd(topic)).toEqual(['first-aborted', 'committed'])
  })

  test('P2: an aborted transaction whose marker comes in a later fetch is delivered', async () => {
    const topic = unique('p2')
    await createTopic(kafka, topic, 1)
    const stock = producer(topic)
    await transact(stock, topic, Array(6).fill(`aborted ${'x'.repeat(20_000)}`), false)
    await transact(stock, topic, ['committed', 'END'], true)
    const values = await valuesUntilEnd(topic, { maxBytes: 45_000, maxBytesPerPartition: 45_000 })
    expect(values).toContain('aborted')
    expect(values.at(-1)).toBe('committed')
  })

  test('P3: a group consumer starts in front of an offset that is pending and then commits', async () => {
    const topic = unique('p3')
    await createTopic(kafka, topic, 1)
    await transact(producer(unique('p3-seed')), topic, ['m0', 'm1', 'END'], true)
    const owner = await Owner.start(kafka, unique('p3-owner'), topic)
    expect(await owner.offsets([at(topic, 0, 2)])).toEqual([0])
    const stream = await consumer(topic).consume({
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      autocommit: false,
    })
    const [first] = (await take(stream, 1)) as [Message<string, string, string, string>]
    expect(first.value).toBe('m0')
    // The owner committed 2, and m0 is processed a second time.
    expect(await owner.end(true)).toBe(0)
    await stream.close()
  })

  test('P11: a rejoin rewinds the partitions that were kept and delivers again', async () => {
    const topic = unique('p11')
    await createTopic(kafka, topic, 2)
    const seed = producer(unique('p11-seed'))
    for (const partition of [0, 1]) await transact(seed, topic, ['v0', 'v1', 'v2'], true, partition)
    const options = {
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      autocommit: false,
    }
    const first = consumer(topic)
    const stream = await first.consume(options)
    const seen: string[] = []
    stream.on('data', (message) => seen.push(`${message.partition}:${message.offset}`))
    await expect.poll(() => seen.length, patient).toBe(6)
    const owner = await Owner.start(kafka, unique('p11-owner'), topic)
    const membership = { memberId: first.memberId!, generation: first.generationId, instanceId: null }
    expect(await owner.offsets([at(topic, 0, 1), at(topic, 1, 1)], membership)).toEqual([0, 0])
    expect(await owner.end(true)).toBe(0)
    const second = await consumer(topic).consume(options)
    for (const each of [stream, second]) each.on('error', () => {}) // it fails when its consumer goes first
    second.on('data', () => {})
    await expect.poll(() => seen.length, patient).toBeGreaterThan(6)
    expect(new Set(seen).size).toBe(6)
    await Promise.all([stream.close(), second.close()])
  })

  test('P21: what a custom parser cuts out of a fetch answer is not a Buffer', () => {
    const reader = Reader.from(Writer.create().append(Buffer.from([1, 2, 3])))
    expect(Buffer.isBuffer(reader.buffer.subarray(0, 2))).toBe(false)
    expect(Buffer.isBuffer(reader.buffer.slice(0, 2))).toBe(true)
  })
})

async function take<T>(stream: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  const iterator = stream[Symbol.asyncIterator]()
  while (taken.length < count) {
    const { value, done } = await iterator.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

describe('transactions', () => {
  test('P4: of concurrent addOffset calls one is sent and all resolve', async () => {
    const topic = unique('p4')
    await createTopic(kafka, topic, 3)
    const seed = producer(unique('p4-seed'))
    for (const partition of [0, 1, 2]) await transact(seed, topic, ['in'], true, partition)
    const stock = consumer(topic)
    const stream = await stock.consume({
      topics: [topic],
      mode: MessagesStreamModes.EARLIEST,
      autocommit: false,
    })
    const messages = await take(stream, 3)
    const transaction = await producer(unique('p4-tx')).beginTransaction()
    await transaction.addConsumer(stock)
    const results = await Promise.allSettled(messages.map((message) => transaction.addOffset(message)))
    expect(results.map(({ status }) => status)).toEqual(Array(3).fill('fulfilled'))
    await transaction.commit()
    const partitions = [0, 1, 2].map((partition) => ({ topic, partition }))
    const { offsets } = await until(
      () => kafka.groupClient(topic).offsets(partitions, true),
      ({ code }) => code === 0,
    )
    expect(offsets.length).toBe(1)
    await stream.close()
  })

  test('P5: concurrent sends tear a transaction, and it commits all the same', async () => {
    const topic = unique('p5')
    await createTopic(kafka, topic, 3)
    const transaction = await producer(topic).beginTransaction()
    const sends = [0, 1, 2].map((partition) => transaction.send(send(partition, 'x', topic)))
    const results = await Promise.allSettled(sends)
    expect(results.some(({ status }) => status === 'rejected')).toBe(true)
    await transaction.commit()
  })

  test('P6: started again with the same transactional id it is fenced for ever', async () => {
    const topic = unique('p6')
    await createTopic(kafka, topic, 1)
    await transact(producer(topic, {}), topic, ['x'], true)
    const restarted = producer(topic, { retries: 2 })
    for (const _ of [1, 2]) expect(await failure(restarted.beginTransaction())).toBeInstanceOf(Error)
  })

  test('P7: after a send that failed the next transaction is out of sequence', async () => {
    const topic = unique('p7')
    await createTopic(kafka, topic, 1)
    const stock = producer(topic, { ...minusOne, retries: 2 })
    const transaction = await stock.beginTransaction()
    expect(await failure(transaction.send(send(0, 'y'.repeat(1_500_000), topic)))).toBeInstanceOf(Error)
    await transaction.abort()
    // Else it may give up on the markers of the one before.
    await until(
      () => kafka.transactions.describe(topic),
      ({ state }) => state === 'CompleteAbort',
    )
    const next = await failure(transact(stock, topic, ['after'], true))
    expect(has(next, 'OUT_OF_ORDER_SEQUENCE_NUMBER')).toBe(true)
  })

  test('P8: cancel() forgets locally, and the next commit commits what was cancelled', async () => {
    const topic = unique('p8')
    await createTopic(kafka, topic, 1)
    const stock = producer(topic)
    const transaction = await stock.beginTransaction()
    await transaction.send(send(0, 'cancelled', topic))
    await transaction.cancel()
    await transact(stock, topic, ['next', 'END'], true)
    expect(await valuesUntilEnd(topic)).toEqual(['cancelled', 'next'])
  })

  test('P9: the pause before a retry is a second unless set', () => {
    expect(defaultBaseOptions.retryDelay).toBe(1_000)
  })

  test('P10: a partition beyond the count is taken modulo the count', async () => {
    const topic = unique('p10')
    await createTopic(kafka, topic, 3)
    const transaction = await producer(topic).beginTransaction()
    const { offsets } = await transaction.send(send(7, 'x', topic))
    expect(offsets!.map(({ partition }) => partition)).toEqual([1])
    await transaction.abort()
  })

  test('P13: a late EndTxn v4 of a transaction is accepted in the next one', async () => {
    const topic = unique('p13')
    await createTopic(kafka, topic, 1)
    const stock = producer(topic)
    await transact(stock, topic, ['n'], true)
    const transaction = await stock.beginTransaction()
    await transaction.send(send(0, 'half', topic))
    const connection = new Connection('canary')
    keep({ close: () => connection.close() })
    const { host, port } = hostPort(base.bootstrapBrokers[0]!)
    await connection.connect(host, port)
    const late = await endTxnV4.api.async(connection, topic, stock.producerId!, stock.producerEpoch!, true)
    expect(late.errorCode).toBe(0)
  })

  test('P15: PRODUCER_FENCED is not treated as a fence', () => {
    expect(new ProtocolError(47).producerFenced).toBe(true)
    expect(new ProtocolError(90).producerFenced).toBe(false)
  })

  test('P18: the default partitioner differs from the Java one unless the count is a power of two', () => {
    const keys = Array.from({ length: 100 }, (_, index) => Buffer.from(`key-${index}`))
    const message = {} as Parameters<typeof defaultPartitioner>[0]
    const differ = (count: number) =>
      keys.filter((key) => defaultPartitioner(message, key) % count !== compatibilityPartitioner(message, key) % count)
    expect(differ(3).length).toBeGreaterThan(0)
    expect(differ(4)).toEqual([])
  })
})

describe('membership', () => {
  test('P22: the generation is the new one before anybody knows what was lost; a lone member asks no assigner', async () => {
    const topic = unique('p22')
    await createTopic(kafka, topic, 1)
    const log: string[] = []
    const partitionAssigner = (_: string, members: Map<string, unknown>) => {
      log.push(`assigns at ${first.generationId}`)
      return [...members.keys()].map((memberId) => ({ memberId, assignments: new Map() }))
    }
    const [first, second] = [consumer(topic, { partitionAssigner }), consumer(topic, { partitionAssigner })]
    for (const stock of [first, second]) stock.topics.trackAll(topic)
    first.on('consumer:group:join', ({ generationId }) => log.push(`joined ${generationId}`))
    await first.joinGroup({})
    await second.joinGroup({})
    await expect.poll(() => log.at(-1), patient).toBe('joined 2')
    expect(log).toEqual(['joined 1', 'assigns at 2', 'joined 2'])
  })

  test('P23: thrown out of the group, it comes back under another member id as if nothing had happened', async () => {
    const topic = unique('p23')
    await createTopic(kafka, topic, 1)
    const stock = consumer(topic)
    stock.topics.trackAll(topic)
    await stock.joinGroup({})
    const first = stock.memberId!
    const events: string[] = []
    const emit = stock.emit.bind(stock) as (name: string, ...args: unknown[]) => boolean
    stock.emit = ((name: string, ...args: unknown[]) => {
      events.push(name)
      return emit(name, ...args)
    }) as typeof stock.emit
    const group = kafka.groupClient(topic)
    expect(await group.leave({ memberId: first, generation: stock.generationId, instanceId: null }, 'canary')).toBe(0)
    await expect.poll(() => events.includes('consumer:group:join'), patient).toBe(true)
    expect(stock.memberId).not.toBe(first)
    expect(stock.assignments).toEqual([{ topic, partitions: [0] }])
    const told = events.filter((name) => /error|leave|lost|revoke/.test(name) && !name.startsWith('consumer:heartbeat'))
    expect(told).toEqual([])
  })
})

describe('answers', () => {
  test('an error code is thrown, and one that the client does not know loses the answer', () => {
    const answer = (code: number) => Reader.from(Writer.create().appendInt32(0).appendInt16(code).appendTaggedFields())
    expect(() => heartbeatV4.parseResponse(0, 12, 4, answer(25))).toThrow(/Heartbeat/)
    expect(() => heartbeatV4.parseResponse(0, 12, 4, answer(133))).toThrow(TypeError)
  })
})

const hostPort = (address: string) => {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
}
