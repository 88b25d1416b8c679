/** A source whose log is damaged where a batch says how long it is, or which offsets it holds: told as what it is. */
import { beforeEach, expect, test } from 'vitest'
import { LAST_OFFSET_DELTA_AT, LENGTH_AT } from '../../engine/wire/layout.ts'
import { readBatches } from '../../engine/wire/record-batch-reader.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { COMMANDS, createRecord, STATUS } from '../contract/notes.ts'

const PLACE = { topic: COMMANDS, partition: 0 }

let driver: TopologyTestDriver
let fetches: number

beforeEach(async () => {
  fetches = 0
  driver = await TopologyTestDriver.start(noteTopology, {
    topicPartitions: 1,
    kafkaFault: ({ api }) => {
      if (api === 'fetch') fetches++
      return null
    },
  })
  return () => driver.close()
})

/** What is fetched of the partition from now on, the batch with this number changed. */
function damage(number: number, change: (bytes: Buffer, start: number) => void): void {
  const log = driver.world.kafka.cluster.log(PLACE)!
  const read = log.read.bind(log)
  log.read = (from, maxBytes) => {
    const { records, aborted } = read(from, maxBytes)
    const bytes = Buffer.from(records)
    for (const { start, baseOffset } of [...readBatches(records)]) if (baseOffset === number) change(bytes, start)
    return { records: bytes, aborted }
  }
}

const stopped = () => driver.world.until('stop', () => driver.world.processes[0]!.stop !== null, 60_000)
const stop = () => driver.world.processes[0]!.stop

test('a batch that never ends: not asked for again and again at once, and the operator is told', async () => {
  damage(1, (bytes, start) => bytes.writeInt32BE(1_000_000, start + LENGTH_AT))
  await driver.send(createRecord(1), createRecord(1), createRecord(1))
  await stopped()
  expect(stop()).toMatchObject({ code: 'input.corrupt', message: expect.stringContaining(`${COMMANDS}-0`) })
  expect(stop()!.message).toContain('at offset 1')
  expect(fetches).toBeLessThan(1_500)
  expect(driver.read(STATUS)).toHaveLength(1)
})

test('a batch that claims offsets far beyond the log: what lies before it is done, then it is told', async () => {
  damage(1, (bytes, start) => bytes.writeInt32BE(1_000_000, start + LAST_OFFSET_DELTA_AT))
  await driver.send(createRecord(1), createRecord(1), createRecord(1))
  await stopped()
  expect(stop()).toMatchObject({ code: 'input.corrupt', message: expect.stringContaining('offset 1 ') })
  expect(driver.read(STATUS)).toHaveLength(1)
})

test('the changelog: a takeover says so, too', async () => {
  await driver.send(createRecord(1))
  await driver.drain()
  const log = driver.world.kafka.cluster.log({ topic: driver.plan.changelog.topic, partition: 0 })!
  const read = log.read.bind(log)
  log.read = (from, maxBytes) => {
    const { records, aborted } = read(from, maxBytes)
    const bytes = Buffer.from(records)
    if (bytes.length > 0) bytes.writeInt32BE(1_000_000, LENGTH_AT)
    return { records: bytes, aborted }
  }
  driver.crash({ storeLost: true })
  await stopped()
  expect(stop()?.code).toBe('changelog.corrupt')
})
