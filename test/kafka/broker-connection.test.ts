import { Writer } from '@platformatic/kafka'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerConnection } from '../../engine/kafka/broker-connection.ts'
import { inflightMax } from '../../engine/kafka/options.ts'
import { heartbeatApi } from '../../engine/kafka/protocol/heartbeat.ts'
import { RequestLost } from '../../engine/ports.ts'
import { FakeBroker } from './fake-broker.ts'

const request = { groupId: 'g', membership: { memberId: 'm', generation: 1, instanceId: null } }
const options = { bootstrapServers: 'unused:1', clientId: 'test' }
const code = (value: number) => Writer.create().appendInt32(0).appendInt16(value).appendTaggedFields()
/** Far above what anything here takes; nothing asserts on it. */
const patientMs = 5_000
/** The shortest time that a request may take to be called lost here. */
const impatientMs = 50

let broker: FakeBroker
let connection: BrokerConnection
beforeEach(async () => {
  broker = await FakeBroker.start()
  connection = new BrokerConnection({ host: '127.0.0.1', port: broker.port }, options)
})
afterEach(async () => {
  connection.close()
  await broker.stop()
})

const lost = async (promise: Promise<unknown>): Promise<RequestLost> => {
  const error = await promise.then(
    () => null,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(RequestLost)
  return error as RequestLost
}

describe('BrokerConnection', () => {
  test('opens on first use, keeps the connection, answers codes as values', async () => {
    broker.answer = () => code(25)
    expect(connection.isOpen).toBe(false)
    expect(await connection.request(heartbeatApi, request, patientMs)).toBe(25)
    expect(await connection.request(heartbeatApi, request, patientMs)).toBe(25)
    expect(broker.connections).toBe(1)
    expect(connection.isOpen).toBe(true)
    expect(broker.requests[0]).toMatchObject({ key: 12, version: 4 })
  })

  test('concurrent first requests share one connection attempt', async () => {
    broker.answer = () => code(0)
    await Promise.all([1, 2, 3].map(() => connection.request(heartbeatApi, request, patientMs)))
    expect(broker.connections).toBe(1)
  })

  test('nobody listens: lost, and nothing was sent', async () => {
    await broker.stop()
    const error = await lost(connection.request(heartbeatApi, request, patientMs))
    expect(error).toMatchObject({ api: 'Heartbeat', sent: false })
    expect(error.message).toContain('ECONNREFUSED')
  })

  test('cut after the request: lost and sent; the next use opens a new connection', async () => {
    broker.answer = () => 'cut'
    expect(await lost(connection.request(heartbeatApi, request, patientMs))).toMatchObject({ sent: true })
    broker.answer = () => code(0)
    expect(await connection.request(heartbeatApi, request, patientMs)).toBe(0)
    expect(broker.connections).toBe(2)
  })

  test('no answer in time: lost and sent, and a late answer reaches nobody', async () => {
    broker.answer = () => 'silent'
    expect(await lost(connection.request(heartbeatApi, request, impatientMs))).toMatchObject({ sent: true })
    expect(connection.isOpen).toBe(false)
    broker.answer = () => code(0)
    expect(await connection.request(heartbeatApi, request, patientMs)).toBe(0)
    expect(broker.requests[1]!.connection).toBe(1)
  })

  test('one lost request takes the others on its connection with it', async () => {
    broker.answer = () => 'silent'
    const patient = connection.request(heartbeatApi, request, patientMs)
    const both = await Promise.all([lost(connection.request(heartbeatApi, request, impatientMs)), lost(patient)])
    expect(both.map(({ sent }) => sent)).toEqual([true, true])
  })

  test('an answer that cannot be read is lost, with the connection', async () => {
    broker.answer = () => Buffer.from([1])
    const error = await lost(connection.request(heartbeatApi, request, patientMs))
    expect(error.sent).toBe(true)
    expect(error.message).toContain('announced')
    expect(connection.isOpen).toBe(false)
  })

  test('an answer to nothing that was asked ends the connection, not the process', async () => {
    broker.answer = ({ socket }) => {
      socket.write(Buffer.from([0, 0, 0, 6, 0x7f, 0, 0, 0, 0, 0]))
      return 'silent'
    }
    expect(await lost(connection.request(heartbeatApi, request, patientMs))).toMatchObject({ sent: true })
  })

  test('the connection dies while idle: the next request uses a new one', async () => {
    broker.answer = () => code(0)
    await connection.request(heartbeatApi, request, patientMs)
    broker.dropConnections()
    await expect.poll(() => connection.isOpen, { timeout: patientMs }).toBe(false)
    expect(await connection.request(heartbeatApi, request, patientMs)).toBe(0)
  })

  test("a request that cannot be written is the caller's mistake, not a lost one", async () => {
    broker.answer = () => code(0)
    const bad = { groupId: 'g', membership: { memberId: 'm', generation: 2 ** 40, instanceId: null } }
    await expect(connection.request(heartbeatApi, bad, patientMs)).rejects.toThrow(RangeError)
    expect(await connection.request(heartbeatApi, request, patientMs)).toBe(0)
    expect(broker.connections).toBe(1)
  })

  test('more requests in flight than the limit are refused, not queued', async () => {
    broker.answer = () => code(0)
    await connection.request(heartbeatApi, request, patientMs)
    broker.answer = () => 'silent'
    const waiting = Array.from({ length: inflightMax }, () =>
      lost(connection.request(heartbeatApi, request, patientMs)),
    )
    expect(await lost(connection.request(heartbeatApi, request, patientMs))).toMatchObject({ sent: false })
    connection.close()
    expect((await Promise.all(waiting)).every(({ sent }) => sent)).toBe(true)
  })

  test('closed: what waits is lost, what comes is not sent', async () => {
    broker.answer = () => 'silent'
    const waiting = lost(connection.request(heartbeatApi, request, patientMs))
    await expect.poll(() => broker.requests.length, { timeout: patientMs }).toBe(1)
    connection.close()
    expect((await waiting).sent).toBe(true)
    expect(await lost(connection.request(heartbeatApi, request, patientMs))).toMatchObject({ sent: false })
  })

  test('closed while connecting', async () => {
    const waiting = lost(connection.request(heartbeatApi, request, patientMs))
    connection.close()
    expect((await waiting).sent).toBe(false)
    expect(connection.isOpen).toBe(false)
  })
})
