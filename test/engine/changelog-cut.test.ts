/** A changelog that lost records at its front: what the store still has goes on, what must be rebuilt stops. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { createRecord, discardRecord, STATUS } from '../contract/notes.ts'

let driver: TopologyTestDriver

beforeEach(async () => {
  driver = await TopologyTestDriver.start(noteTopology, { topicPartitions: 1 })
  await driver.send(createRecord(1))
  await driver.drain()
  const log = driver.world.kafka.cluster.log({ topic: 'test-changelog', partition: 0 })!
  const cut = log.end
  await driver.send(createRecord(2))
  await driver.drain()
  driver.read(STATUS)
  log.deleteBefore(cut)
})
afterEach(() => driver.close())

test('with the store whole it goes on, and has what the log has not', async () => {
  await driver.restart()
  await driver.send(discardRecord(1, [1]))
  await driver.drain()
  expect(driver.read(STATUS)).toHaveLength(1)
})

test('with the store gone it stops: it would run with notes missing', async () => {
  await expect(driver.restart({ storeLost: true })).rejects.toMatchObject({ code: 'changelog.cut' })
})
