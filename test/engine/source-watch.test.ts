/** A source of which nothing comes, by a transaction of somebody else that does not end or a broker that is away, is told of. */
import { beforeEach, expect, test } from 'vitest'
import { encodeHeaders } from '../../engine/core/headers.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { COMMANDS, createRecord, STATUS } from '../contract/notes.ts'
import { create, tenantHeaders } from '../notes/records.ts'

const PLACE = { topic: COMMANDS, partition: 0 }
/** Longer than any test takes: the coordinator does not end it. */
const TIMEOUT_MS = 900_000

let driver: TopologyTestDriver
let events: EngineEvent[]

beforeEach(async () => {
  events = []
  driver = await TopologyTestDriver.start(noteTopology, { topicPartitions: 1, onEvent: (event) => events.push(event) })
  return () => driver.close()
})

const warnings = (): readonly string[] =>
  events.flatMap((event) => (event.kind === 'warning' && event.code === 'source.waiting' ? [event.message] : []))

/** One record in a transaction that is left open. */
function begin(name: string) {
  const { transactions, cluster } = driver.world.kafka
  const { identity } = transactions.init(name, null, TIMEOUT_MS)
  expect(transactions.enter(name, identity, PLACE)).toBe(0)
  const builder = new RecordBatchBuilder()
  builder.add(
    driver.world.clock.nowMs(),
    characterKey(1),
    JSON.stringify(create(1, 7, name)),
    encodeHeaders(tenantHeaders()),
  )
  const stamp = { ...identity, baseSequence: 0, transactional: true, compression: 'none' } as const
  expect(cluster.append(PLACE, builder.finish(stamp)).code).toBe(0)
  return identity
}

test('said after a minute, with whose it is, and once a minute; then everything is read', async () => {
  const identity = begin('upstream')
  await driver.send(createRecord(1))
  await driver.advance(59_000)
  expect(warnings()).toEqual([])
  await driver.advance(81_000)
  expect(warnings()).toHaveLength(2)
  expect(warnings()[0]).toContain(`${COMMANDS}-0 cannot be read from offset 0 on`)
  expect(warnings()[0]).toContain('upstream (Ongoing)')
  driver.world.kafka.transactions.end('upstream', identity, true)
  await driver.drain()
  expect(driver.read(STATUS)).toHaveLength(2)
  await driver.advance(180_000)
  expect(warnings()).toHaveLength(2)
})

test('its marker is lost: said that no coordinator will end it', async () => {
  const identity = begin('upstream')
  const { cluster, transactions } = driver.world.kafka
  cluster.leaderless.add(`${COMMANDS}-0`)
  transactions.end('upstream', identity, true)
  cluster.leaderless.clear()
  await driver.advance(90_000)
  expect(warnings()[0]).toContain('no coordinator has as open')
  expect(warnings()[0]).toContain('find-hanging')
})

test('transactions that end are not told, however many', async () => {
  for (let i = 0; i < 40; i++) {
    const identity = begin('upstream')
    await driver.advance(5_000)
    driver.world.kafka.transactions.end('upstream', identity, i % 2 === 0)
  }
  await driver.drain()
  expect(warnings()).toEqual([])
  expect(driver.read(STATUS)).toHaveLength(20)
})

test('a partition without a leader: said after a minute, until it has one', async () => {
  const { cluster } = driver.world.kafka
  cluster.leaderless.add(`${COMMANDS}-0`)
  await driver.send(createRecord(1))
  await driver.advance(55_000)
  expect(warnings()).toEqual([])
  await driver.advance(20_000)
  expect(warnings()).toHaveLength(1)
  expect(warnings()[0]).toMatch(new RegExp(`^${COMMANDS}-0 is not served for \\d+ s: NOT_LEADER_OR_FOLLOWER$`))
  cluster.leaderless.clear()
  await driver.drain()
  await driver.advance(120_000)
  expect(warnings()).toHaveLength(1)
  expect(driver.read(STATUS)).toHaveLength(1)
})
