/** The exported test driver itself: repeatable, honest about stops, and it shows state as readers see it. */
import { describe, expect, test } from 'vitest'
import { type TestDriverOptions, TopologyStopped, TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteOrder, notes } from '../../topology/notes/state.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { COMMANDS, createRecord, STATUS } from '../contract/notes.ts'
import { TENANT_A } from '../notes/records.ts'
import { entries, moves, out, topologyOf, totals } from './support.ts'

const counting = topologyOf({
  reads: ({ message }) => [totals.read(message.key), entries.readAll(message.key)],
  transform({ message, timestampMs }, state) {
    if (message.do === 'fail') throw new Error('it fails')
    const total = (state.value(totals, message.key) ?? 0) + 1
    return [
      totals.put(message.key, total),
      entries.put(message.key, `f${total}`, timestampMs),
      moves.set(state.counter(moves) + 1),
      out.emit(Buffer.from(message.key), { total, fields: state.all(entries, message.key).length }),
    ]
  },
})

const order = (key: string, what = 'count', more: { partition?: number; timestampMs?: number } = {}) => ({
  topic: 'IN',
  key,
  value: { type: 'ORDER', key, do: what },
  ...more,
})

async function logOf(options: TestDriverOptions): Promise<string> {
  const driver = await TopologyTestDriver.start(counting, options)
  await driver.send(...Array.from({ length: 30 }, (_, i) => order(`k${i % 7}`, 'count', { partition: i % 4 })))
  await driver.drain()
  await driver.restart()
  await driver.send(order('k1'))
  await driver.drain()
  const topics = [...driver.world.kafka.cluster.topics.keys()].flatMap((topic) =>
    driver
      .read(topic)
      .map((r) => [topic, r.partition, r.offset, r.timestampMs, r.key?.toString(), r.text, r.headerTexts]),
  )
  const nowMs = driver.world.clock.nowMs()
  await driver.close()
  return JSON.stringify([topics, nowMs])
}

describe('a run of the driver', () => {
  test('is the same each time, to the byte and the millisecond', async () => {
    const first = await logOf({})
    expect(await logOf({})).toBe(first)
    expect(first.length).toBeGreaterThan(1_000)
  })

  test('takes no real time for the time that passes in it', async () => {
    const driver = await TopologyTestDriver.start(counting)
    const beganMs = driver.world.clock.nowMs()
    await driver.advance(60_000)
    expect(driver.world.clock.nowMs() - beganMs).toBe(60_000)
    await driver.send(order('a'))
    await driver.drain()
    expect(driver.read('OUT')[0]?.timestampMs).toBe(beganMs + 60_000)
    await driver.close()
  })

  test('gives only what is new at each read, in the order in which it was written', async () => {
    const driver = await TopologyTestDriver.start(counting)
    await driver.send(order('a'))
    await driver.drain()
    expect(driver.read('OUT').map((r) => r.json.total)).toEqual([1])
    expect(driver.read('OUT')).toEqual([])
    await driver.send(order('a'), order('a'))
    await driver.drain()
    expect(driver.read('OUT').map((r) => [r.key?.toString(), r.json.total])).toEqual([
      ['a', 2],
      ['a', 3],
    ])
    await driver.close()
  })
})

describe('state', () => {
  test('of maps, values and counters, also after the store was lost', async () => {
    const driver = await TopologyTestDriver.start(counting, { tasks: 2, topicPartitions: 2 })
    await driver.send(order('a', 'count', { timestampMs: 5 }), order('a', 'count', { timestampMs: 6 }), order('b'))
    await driver.drain()
    for (const storeLost of [false, true]) {
      expect(await driver.state.value(totals, 'a')).toBe(2)
      expect(await driver.state.value(totals, 'c')).toBeUndefined()
      expect(await driver.state.get(entries, 'a', 'f2')).toBe(6)
      expect(await driver.state.get(entries, 'a', 'f3')).toBeUndefined()
      expect(await driver.state.all(entries, 'a')).toEqual([
        ['f1', 5],
        ['f2', 6],
      ])
      expect((await driver.state.entries(totals)).map(({ key, value }) => [key, value])).toEqual(
        expect.arrayContaining([
          ['a', 2],
          ['b', 1],
        ]),
      )
      const counters = await Promise.all([0, 1].map((task) => driver.counters(task)))
      expect(counters.reduce((sum, c) => sum + (c.moves ?? 0), 0)).toBe(3)
      await driver.restart({ storeLost })
    }
    await driver.close()
  })

  test('of indexes', async () => {
    const driver = await TopologyTestDriver.start(noteTopology)
    await driver.send(createRecord(5, 'a'), createRecord(5, 'b'))
    await driver.drain()
    const ids = driver.read(STATUS).map((event) => event.json.body.noteId)
    expect(await driver.state.members(noteOrder, `${TENANT_A}:5`)).toEqual(ids.map(String))
    expect(await driver.state.all(notes, { tenantId: TENANT_A, characterId: 5 })).toHaveLength(2)
    await driver.close()
  })
})

describe('what goes wrong', () => {
  test('a topology that stops is an error with its code, at the next drain', async () => {
    const handler = counting.sources[0]!.on.get('ORDER') as never
    const driver = await TopologyTestDriver.start(topologyOf(handler, { onTransformError: 'stop' }))
    await driver.send(order('a', 'fail'))
    const error = await driver.drain().catch((e: unknown) => e)
    expect(error).toBeInstanceOf(TopologyStopped)
    expect(error).toMatchObject({ code: 'transform.failed', message: 'transform.failed: it fails' })
    await driver.close()
  })

  test('a topic that is not there', async () => {
    const driver = await TopologyTestDriver.start(counting)
    await expect(driver.send({ topic: 'NOWHERE', value: '' })).rejects.toThrow('there is no topic NOWHERE')
    expect(() => driver.read('NOWHERE')).toThrow('there is no topic NOWHERE')
    await driver.close()
  })

  test('names of topics may be mapped, as configuration does', async () => {
    const driver = await TopologyTestDriver.start(noteTopology, { topicNames: { [COMMANDS]: 'real-commands' } })
    const [sent] = await driver.send(createRecord(1))
    expect(sent?.topic).toBe('real-commands')
    await driver.drain()
    expect(driver.read(STATUS)).toHaveLength(1)
    await driver.close()
  })
})
