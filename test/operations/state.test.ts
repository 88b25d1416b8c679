/** By which stride ids were given, as operators' tools find it beside a service that goes on. */
import { beforeEach, expect, test } from 'vitest'
import { NO_HEADERS } from '../../engine/core/headers.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { recordedStride } from '../../operations/state.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { characterOf, createRecord } from '../contract/notes.ts'

const TASKS = 4
let driver: TopologyTestDriver

beforeEach(async () => {
  driver = await TopologyTestDriver.start(noteTopology)
  return () => driver.close()
})

/** As found by a tool that is told another NOTE_ID_STRIDE. */
const stride = () => {
  const { plan, world } = driver
  return world.finish(recordedStride({ plan: { ...plan, stride: 64 }, kafka: world.kafka.connect('tool') }))
}

test('the one by which any task has given ids, and else our own', async () => {
  expect(await stride()).toBe(64)
  await driver.send(createRecord(characterOf(2, TASKS)))
  await driver.drain()
  expect(await stride()).toBe(4)
})

test('neither a task without a leader nor an open transaction nor a foreign record is in the way', async () => {
  await driver.send(createRecord(characterOf(2, TASKS)))
  await driver.drain()
  const { cluster } = driver.world.kafka
  const producer = { producerId: 4_711n, epoch: 0, baseSequence: 0, transactional: true, compression: 'none' } as const
  const builder = new RecordBatchBuilder()
  builder.add(0, Buffer.from('of nobody of us'), null, NO_HEADERS)
  const nobody = { ...producer, producerId: -1n, epoch: -1, baseSequence: -1, transactional: false }
  for (const partition of [1, 2]) cluster.append({ topic: 'test-changelog', partition }, builder.finish(nobody))
  for (const partition of [1, 2]) cluster.append({ topic: 'test-changelog', partition }, builder.finish(producer))
  cluster.leaderless.add('test-changelog-0')
  expect(await stride()).toBe(4)
})
