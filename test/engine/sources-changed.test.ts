/** Sources that are not those of the state: one that was renamed stops, partitions that were added are kept by whoever does not read them. */
import { afterEach, expect, test } from 'vitest'
import type { Plan } from '../../engine/core/plan.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import type { World } from '../../testing/world.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { COMMANDS, createRecord, STATUS } from '../contract/notes.ts'

let driver: TopologyTestDriver
afterEach(() => driver.close())

/** What starts from now on has this plan. */
const plans = (world: World, plan: Plan): void => {
  const changed = world as { plan: Plan }
  changed.plan = plan
}

test('a source that was renamed: stops, and says which', async () => {
  driver = await TopologyTestDriver.start(noteTopology, { topicPartitions: 1 })
  await driver.send(createRecord(1))
  await driver.drain()
  const { world } = driver
  world.kafka.cluster.create({ topic: 'COMMANDS2', partitions: 1, replicationFactor: 1, configs: {} })
  const { info } = world.kafka.cluster.topics.get('COMMANDS2')!
  const sources = world.plan.sources.map((source) => (source.topic === COMMANDS ? { ...source, ...info } : source))
  plans(world, { ...world.plan, sources })
  await expect(driver.restart()).rejects.toMatchObject({
    code: 'source.removed',
    message: expect.stringContaining(COMMANDS),
  })
})

test('partitions were added, and the task is with one that reads them, with one that does not, and back', async () => {
  driver = await TopologyTestDriver.start(noteTopology, { tasks: 4, topicPartitions: { [COMMANDS]: 6 } })
  const { world } = driver
  const later = world.plan
  const earlier: Plan = {
    ...later,
    sources: later.sources.map((source) => (source.topic === COMMANDS ? { ...source, partitions: 4 } : source)),
  }
  const processed = async (partition: number): Promise<void> => {
    await driver.send(createRecord(1, 'hello', { partition }))
    await driver.drain()
    expect(driver.read(STATUS)).toHaveLength(1)
  }
  const added = (): number | undefined =>
    world.kafka
      .group('test')
      .offsets.fetch([{ topic: COMMANDS, partition: 4 }], false)
      .offsets.map(({ position }) => position)[0]
  await processed(4)
  expect(added()).toBe(1)

  plans(world, earlier)
  await driver.restart()
  await processed(0)
  // Neither lost by what it wrote, nor moved.
  expect(added()).toBe(1)

  plans(world, later)
  await driver.restart()
  await processed(4)
  expect(added()).toBe(2)
})
