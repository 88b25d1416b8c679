/** The last checkpoint record of any task, and by which names it is told that there is none to be had. */
import { beforeEach, describe, expect, test } from 'vitest'
import { NO_HEADERS } from '../../engine/core/headers.ts'
import { codes } from '../../engine/core/kafka-errors.ts'
import type { Code, Kafka } from '../../engine/ports.ts'
import { recordedState } from '../../engine/recorded-state.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { characterOf, createRecord } from '../contract/notes.ts'

const TASKS = 4
const TASK = 3
const CHANGELOG = 'test-changelog'
const nobody = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression: 'none' } as const
let driver: TopologyTestDriver

beforeEach(async () => {
  driver = await TopologyTestDriver.start(noteTopology)
  await driver.send(createRecord(characterOf(TASK, TASKS)))
  await driver.drain()
  return () => driver.close()
})

class Named extends Error {}

const recorded = (kafka: Pick<Kafka, 'admin' | 'fetchClient'> = driver.world.kafka.connect('reader')) =>
  driver.world.finish(
    recordedState(kafka, driver.world.clock, driver.plan.changelog, {
      patienceMs: 5_000,
      refused: (reason) => new Named(`refused: ${reason}`),
      unreachable: (reason) => new Named(`unreachable: ${reason}`),
    }),
  )

/** A connection on which the log of the task with state answers these codes: what is fetched, and where it begins and ends. */
function answering(code: Code, lists: Code = codes.NONE): Pick<Kafka, 'admin' | 'fetchClient'> {
  const { admin, fetchClient } = driver.world.kafka.connect('reader')
  return {
    admin: {
      ...admin,
      listOffsets: async (partitions, at) =>
        (await admin.listOffsets(partitions, at)).map((answer) =>
          answer.partition === TASK ? { ...answer, code: lists } : answer,
        ),
    },
    fetchClient: () => {
      const client = fetchClient()
      return {
        close: () => client.close(),
        fetch: async (requests, options) =>
          (await client.fetch(requests, options)).map((answer) =>
            code === codes.NONE ? answer : { ...answer, code, records: Buffer.alloc(0) },
          ),
      }
    },
  }
}

function append(task: number, key: string, transactional = false): void {
  const builder = new RecordBatchBuilder()
  builder.add(driver.world.clock.nowMs(), Buffer.from(key), 'anything', NO_HEADERS)
  const producer = transactional ? { producerId: 4_711n, epoch: 0, baseSequence: 0, transactional } : {}
  driver.world.kafka.cluster.append({ topic: CHANGELOG, partition: task }, builder.finish({ ...nobody, ...producer }))
}

describe('found', () => {
  test('of the one task that has any', async () => {
    expect(await recorded()).toMatchObject({ task: TASK, record: { batch: 1, stride: 4, groupId: 'test' } })
  })

  test('although no other task can be read', async () => {
    for (let task = 0; task < TASKS; task++)
      if (task !== TASK) driver.world.kafka.cluster.leaderless.add(`${CHANGELOG}-${task}`)
    expect(await recorded()).toMatchObject({ task: TASK })
  })

  test('below an open transaction, without waiting for its end', async () => {
    const askedAtMs = driver.world.clock.nowMs()
    for (let task = 0; task < TASKS; task++) append(task, 'checkpoint', true)
    expect(await recorded()).toMatchObject({ task: TASK })
    expect(driver.world.clock.nowMs()).toBe(askedAtMs)
  })

  test('in a log that holds what nobody of us has written', async () => {
    for (let task = 0; task < TASKS; task++) append(task, 'nonsense')
    expect(await recorded()).toMatchObject({ task: TASK })
  })

  test('far back behind changes', async () => {
    for (let n = 0; n < 2_000; n++) append(TASK, `notes/a:1/${n}`)
    expect(await recorded()).toMatchObject({ task: TASK, record: { batch: 1 } })
  })
})

describe('not found', () => {
  test('no task has state', async () => {
    driver.world.kafka.cluster.delete(CHANGELOG)
    driver.world.kafka.cluster.create({ topic: CHANGELOG, partitions: TASKS, replicationFactor: 1, configs: {} })
    expect(await recorded()).toBeNull()
  })

  test.each([
    [codes.TOPIC_AUTHORIZATION_FAILED, codes.NONE],
    [codes.NONE, codes.TOPIC_AUTHORIZATION_FAILED],
  ])('what may not be read (%i, %i) is refused at once, as the caller calls it', async (code, lists) => {
    const askedAtMs = driver.world.clock.nowMs()
    const refused = new Named(`refused: ${CHANGELOG}-${TASK}: TOPIC_AUTHORIZATION_FAILED`)
    await expect(recorded(answering(code, lists))).rejects.toEqual(refused)
    expect(driver.world.clock.nowMs()).toBe(askedAtMs)
  })

  test.each([
    [codes.NOT_LEADER_OR_FOLLOWER, codes.NONE],
    [codes.OFFSET_OUT_OF_RANGE, codes.NONE],
    [codes.NONE, codes.LEADER_NOT_AVAILABLE],
  ])('what cannot be read (%i, %i) is tried until the patience ends', async (code, lists) => {
    const askedAtMs = driver.world.clock.nowMs()
    const unreachable = new Named(`unreachable: no partition of ${CHANGELOG} with state can be read`)
    await expect(recorded(answering(code, lists))).rejects.toEqual(unreachable)
    expect(driver.world.clock.nowMs() - askedAtMs).toBeGreaterThan(5_000)
  })

  test('of a topic that is another one by now: nothing is said of it', async () => {
    expect(await recorded(answering(codes.UNKNOWN_TOPIC_ID))).toBeNull()
  })
})
