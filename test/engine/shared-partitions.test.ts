/** Several tasks write to one output partition: what the broker refuses of one is no reason to bury the records of another. */
import { expect, test } from 'vitest'
import { codes } from '../../engine/core/kafka-errors.ts'
import type { MemoryCall } from '../../testing/kafka/memory-kafka.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { createRecord, STATUS } from '../contract/notes.ts'

const RECORDS = 40
const POISON = 13

test.each([1, 2, 3, 4, 6])('one refused record among those of four tasks, %i output partitions', async (partitions) => {
  const driver = await TopologyTestDriver.start(noteTopology, {
    topicPartitions: {
      COMMAND_TOPIC_NOTE: 4,
      EVENT_TOPIC_CHARACTER_STATUS: 4,
      EVENT_TOPIC_NOTE_STATUS: partitions,
      COMMAND_TOPIC_SAGA: 4,
    },
  })
  driver.world.kafka.fault = ({ batch }: MemoryCall) =>
    batch?.topic === STATUS && batch.bytes.includes('poison') ? codes.INVALID_TIMESTAMP : null
  const messages = Array.from({ length: RECORDS }, (_, i) => (i === POISON ? 'poison' : `m${i}`))
  await driver.send(...messages.map((message, i) => createRecord(i + 1, message)))
  await driver.drain()
  expect(driver.deadLetters().map(({ reason, json }) => [reason, json.body.message])).toEqual([
    ['output.refused', 'poison'],
  ])
  const created = driver.read(STATUS).map(({ json }) => json.body.message as string)
  expect(created.toSorted()).toEqual(messages.filter((message) => message !== 'poison').toSorted())
  await driver.close()
})
