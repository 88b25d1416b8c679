/** A record that makes its transaction fail is found by halving, alone, and becomes a dead letter. Through the whole engine. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { codes } from '../../engine/core/kafka-errors.ts'
import type { EngineEvent } from '../../engine/events.ts'
import type { KafkaFault } from '../../testing/kafka/memory-kafka.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { createRecord, STATUS } from '../contract/notes.ts'

/** The topic takes no batch that holds this text. */
const refusing =
  (text: string, code: number): KafkaFault =>
  ({ batch }) =>
    batch?.topic === STATUS && batch.bytes.includes(text) ? code : null

async function started(fault: KafkaFault): Promise<{ driver: TopologyTestDriver; events: EngineEvent[] }> {
  const events: EngineEvent[] = []
  const driver = await TopologyTestDriver.start(noteTopology, {
    topicPartitions: 1,
    onEvent: (event) => events.push(event),
  })
  driver.world.kafka.fault = fault
  onTestFinished(() => driver.close())
  return { driver, events }
}

const messagesOf = (driver: TopologyTestDriver): string[] => driver.read(STATUS).map((event) => event.json.body.message)

describe('a record whose output the broker refuses', () => {
  test.each([['INVALID_TIMESTAMP'], ['INVALID_RECORD'], ['MESSAGE_TOO_LARGE'], ['RECORD_LIST_TOO_LARGE']] as const)(
    'with %s: is a dead letter, and it alone',
    async (name) => {
      const { driver } = await started(refusing('poison', codes[name]))
      const messages = Array.from({ length: 20 }, (_, i) => (i === 13 ? 'poison' : `m${i}`))
      await driver.send(...messages.map((message, i) => createRecord(i + 1, message)))
      await driver.drain()
      const letters = driver.deadLetters()
      expect(letters.map((letter) => [letter.reason, letter.json.body.message])).toEqual([['output.refused', 'poison']])
      expect(letters[0]?.message).toContain(name)
      expect(messagesOf(driver)).toEqual(messages.filter((message) => message !== 'poison'))
    },
  )

  test('two of them behind each other', async () => {
    const { driver } = await started(refusing('poison', codes.INVALID_TIMESTAMP))
    const messages = ['a', 'poison 1', 'poison 2', 'b', 'c']
    await driver.send(...messages.map((message, i) => createRecord(i + 1, message)))
    await driver.drain()
    expect(driver.deadLetters().map((letter) => letter.json.body.message)).toEqual(['poison 1', 'poison 2'])
    expect(messagesOf(driver)).toEqual(['a', 'b', 'c'])
  })

  test('batches grow again behind it', async () => {
    const { driver, events } = await started(refusing('poison', codes.INVALID_TIMESTAMP))
    await driver.send(...Array.from({ length: 64 }, (_, i) => createRecord(i + 1, i === 5 ? 'poison' : `m${i}`)))
    await driver.drain()
    const sizes = events.flatMap((event) => (event.kind === 'batch.committed' ? [event.tally.records] : []))
    expect(sizes.reduce((a, b) => a + b)).toBe(64)
    expect(Math.max(...sizes)).toBeGreaterThan(4)
    expect(events.some((event) => event.kind === 'batch.isolated')).toBe(true)
  })
})
