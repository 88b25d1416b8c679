/**
 * Positions move over what is hidden, too: markers and aborted records of transactional producers. Left behind them, an idle
 * partition has lag for ever, and once retention has deleted them the next owner finds its position outside of the log.
 */
import { beforeEach, expect, test } from 'vitest'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { CHARACTERS, COMMANDS, createRecord, STATUS } from '../contract/notes.ts'
import { create, tenantHeaders } from '../notes/records.ts'

const PLACE = { topic: COMMANDS, partition: 0 }
const OTHER = { topic: CHARACTERS, partition: 0 }

let driver: TopologyTestDriver
beforeEach(async () => {
  driver = await TopologyTestDriver.start(noteTopology, { topicPartitions: 1 })
})

function transaction(name: string, commit: boolean, place = PLACE): void {
  const { transactions, cluster } = driver.world.kafka
  const { identity } = transactions.init(name, null, 5_000)
  const { producerId, epoch } = identity
  expect(transactions.enter(name, identity, place)).toBe(0)
  const builder = new RecordBatchBuilder()
  const value = JSON.stringify(create(1, 7, name))
  builder.add(driver.world.clock.nowMs(), characterKey(1), value, encodeHeaders(tenantHeaders()))
  const bytes = builder.finish({ producerId, epoch, baseSequence: 0, transactional: true, compression: 'none' })
  expect(cluster.append(place, bytes).code).toBe(0)
  expect(transactions.end(name, identity, commit).code).toBe(0)
}

const committed = (place = PLACE): number | undefined => {
  const { kafka, plan } = driver.world
  return kafka.group(plan.groupId).offsets.fetch([place], false).offsets[0]?.position
}
const log = () => driver.world.kafka.cluster.log(PLACE)!
const messages = () => driver.read(STATUS).map(({ json }) => json.body.message as string)

test('within seconds of idleness, and what retention deletes then stops nobody', async () => {
  await driver.send(createRecord(1, 'first'))
  await driver.drain()
  transaction('kept', true)
  await driver.drain()
  transaction('aborted', false)
  await driver.advance(25_000)
  expect(committed()).toBe(log().end)
  log().deleteBefore(log().end)
  await driver.restart()
  await driver.send(createRecord(1, 'last'))
  await driver.drain()
  expect(messages()).toEqual(['first', 'kept', 'last'])
  await driver.close()
})

test('with the next batch of a task that has work: it may never be idle', async () => {
  transaction('aborted', false, OTHER)
  await driver.advance(500)
  await driver.send(createRecord(1, 'busy'))
  await driver.advance(500)
  expect(messages()).toEqual(['busy'])
  expect(committed(OTHER)).toBe(driver.world.kafka.cluster.log(OTHER)!.end)
  await driver.close()
})

test('once, and not again while nothing comes', async () => {
  transaction('aborted', false)
  await driver.advance(25_000)
  const changelog = driver.world.kafka.cluster.log({ topic: driver.world.plan.changelog.topic, partition: 0 })!
  const { end } = changelog
  await driver.advance(60_000)
  expect(changelog.end).toBe(end)
  expect(committed()).toBe(log().end)
  await driver.close()
})
