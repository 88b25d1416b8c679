/** What a start refuses before the first record: strides by which two notes would get one id, another group's state. */
import { beforeEach, expect, test } from 'vitest'
import { prepare } from '../../engine/preparation.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { World } from '../../testing/world.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { characterOf, createRecord } from '../contract/notes.ts'

const TASKS = 4
let driver: TopologyTestDriver

beforeEach(async () => {
  driver = await TopologyTestDriver.start(noteTopology)
  return () => driver.close()
})

const startWith = (stride: number | null, groupId = 'test') => {
  const { world } = driver
  return world.finish(
    prepare(world.kafka.connect('later'), world.clock, () => {}, {
      topology: noteTopology,
      application: 'test',
      groupId,
      topicNames: {},
      topicPartitions: TASKS,
      createTopics: false,
      requireSpanContext: false,
      stride,
      patienceMs: 5_000,
    }),
  )
}

test.each([1, 3])('a stride of %i for four tasks: two of them would give the same ids', async (stride) => {
  const refused = { code: 'config.invalid', message: expect.stringContaining(`NOTE_ID_STRIDE is ${stride}`) }
  await expect(World.create(noteTopology, { stride })).rejects.toMatchObject(refused)
  await expect(startWith(stride)).rejects.toMatchObject(refused)
})

test('any stride that the tasks fit into is taken at first start', async () => {
  for (const stride of [4, 5, 64]) expect((await startWith(stride)).plan.stride).toBe(stride)
})

test('another stride than that of any task with state: none may start, those without state neither', async () => {
  await driver.send(createRecord(characterOf(3, TASKS)))
  await driver.drain()
  const refused = { code: 'stride.changed', message: expect.stringContaining('task 3 has given ids with stride 4') }
  await expect(startWith(5)).rejects.toMatchObject(refused)
  expect((await startWith(4)).plan.stride).toBe(4)
  expect((await startWith(null)).plan.stride).toBe(4)
})

test('another group than that of the state', async () => {
  await driver.send(createRecord(characterOf(3, TASKS)))
  await driver.drain()
  await expect(startWith(null, 'other')).rejects.toMatchObject({
    code: 'group.changed',
    message: expect.stringContaining('the state of task 3 is that of group test'),
  })
})

test('a task with state that cannot be read, and no other: the start waits, and then says so', async () => {
  await driver.send(createRecord(characterOf(3, TASKS)))
  await driver.drain()
  driver.world.kafka.cluster.leaderless.add('test-changelog-3')
  await expect(startWith(4)).rejects.toMatchObject({ code: 'kafka.unreachable' })
  driver.world.kafka.cluster.leaderless.clear()
  expect((await startWith(4)).plan.stride).toBe(4)
})
