/** What a start refuses before the first record: here the strides by which two notes would get one id. */
import { beforeEach, expect, test } from 'vitest'
import { prepare } from '../../engine/preparation.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { World } from '../../testing/world.ts'
import { noteTopology } from '../../topology/notes/topology.ts'

const TASKS = 4
let driver: TopologyTestDriver

beforeEach(async () => {
  driver = await TopologyTestDriver.start(noteTopology)
  return () => driver.close()
})

const startWith = (stride: number | null) => {
  const { world } = driver
  return world.finish(
    prepare(world.kafka.connect('later'), world.clock, () => {}, {
      topology: noteTopology,
      application: 'test',
      groupId: 'test',
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
