/**
 * A topic that is created again under a running fleet, and met by a process that has read nothing of it yet: its plan names
 * the topic of before, and that one only may be read. Else it would go on in the middle of another log, or put the
 * nothing of an empty changelog in the place of the state.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { TASK_FIELDS, taskKeys } from '../../stores/core/keys.ts'
import type { Process } from '../../testing/process.ts'
import { World } from '../../testing/world.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { COMMANDS, STATUS } from '../contract/notes.ts'
import { create, tenantHeaders } from '../notes/records.ts'

const CHANGELOG = 'test-changelog'
const plain = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression: 'none' } as const

let world: World
let owner: Process
let standby: Process

/** One task: the second process has nothing to do until the first is gone. */
beforeEach(async () => {
  world = await World.create(noteTopology, { topicPartitions: 1 })
  owner = world.start('owner')
  await world.untilRunning()
  standby = world.start('standby')
  send(3)
  await world.untilAtRest()
  await world.until('join', () => standby.instance.membership !== null)
  await world.untilAtRest()
  if (owner.instance.tasks.size === 0) [owner, standby] = [standby, owner]
})

function send(count: number): void {
  for (let i = 0; i < count; i++) {
    const builder = new RecordBatchBuilder()
    builder.add(world.clock.nowMs(), characterKey(1), JSON.stringify(create(1, 7, 'm')), encodeHeaders(tenantHeaders()))
    world.kafka.cluster.append({ topic: COMMANDS, partition: 0 }, builder.finish(plain))
  }
}

function recreate(topic: string): void {
  const { cluster } = world.kafka
  const configs = Object.fromEntries(cluster.topics.get(topic)!.configs)
  cluster.delete(topic)
  expect(cluster.create({ topic, partitions: 1, replicationFactor: 1, configs })).toBe(0)
}

const checkpoint = (): string | null =>
  world.redis.keyspace.getField(taskKeys(world.plan.application, 0).task, TASK_FIELDS.checkpoint)
const written = (topic: string): number => world.kafka.cluster.log({ topic, partition: 0 })!.end

describe('its next owner stops', () => {
  test('at a source: nothing of the new one is passed over', async () => {
    const before = written(STATUS)
    world.kill(owner)
    recreate(COMMANDS)
    send(5)
    await world.until('stop', () => standby.stop !== null)
    expect(standby.stop).toMatchObject({ code: 'topic.recreated', message: expect.stringContaining(COMMANDS) })
    expect(written(STATUS)).toBe(before)
  })

  test('at the changelog: the state in the store stays what it is', async () => {
    const before = checkpoint()
    expect(before).toContain('"batch":')
    world.kill(owner)
    recreate(CHANGELOG)
    await world.until('stop', () => standby.stop !== null)
    expect(standby.stop).toMatchObject({ code: 'topic.recreated', message: expect.stringContaining(CHANGELOG) })
    expect(checkpoint()).toBe(before)
  })
})
