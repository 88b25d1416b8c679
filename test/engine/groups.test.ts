/** Two consumer groups with one APPLICATION_ID: each would read every input. The one that came later stops. */
import { beforeEach, expect, test } from 'vitest'
import type { Plan } from '../../engine/core/plan.ts'
import type { EngineEvent } from '../../engine/events.ts'
import type { Process } from '../../testing/process.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { createRecord, STATUS } from '../contract/notes.ts'

const TASKS = 4
let driver: TopologyTestDriver
let stops: string[]

beforeEach(async () => {
  stops = []
  const hear = (event: EngineEvent): void => {
    if (event.kind === 'task.stopped') stops.push(event.code)
  }
  driver = await TopologyTestDriver.start(noteTopology, { onEvent: hear })
  return () => driver.close()
})

/** One more process, of the other group; what it does until it has stopped, and its end. */
async function otherGroupComesAndStops(): Promise<void> {
  const { world } = driver
  const { plan } = world
  const swap = world as { plan: Plan }
  swap.plan = { ...plan, groupId: 'other' }
  const process: Process = world.start('later')
  await world.until('stop every task of the other group', () => stops.length === TASKS)
  world.kill(process)
  swap.plan = plan
}

test('without any state: the store knows the group that was there first', async () => {
  await otherGroupComesAndStops()
  expect(new Set(stops)).toEqual(new Set(['group.changed']))
  await driver.send(createRecord(1), createRecord(2), createRecord(3))
  await driver.drain()
  expect(driver.read(STATUS)).toHaveLength(3)
})

test('with state, and the store gone: the changelog knows it', async () => {
  await driver.send(createRecord(1))
  await driver.drain()
  driver.world.redis.flush()
  await otherGroupComesAndStops()
  expect(stops.filter((code) => code === 'group.changed').length).toBeGreaterThan(0)
})
