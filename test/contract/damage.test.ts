/** A damaged batch in an input: the task stops there, and what lies before it is done first, so that nothing is skipped with it. */
import { expect, test } from 'vitest'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { COMMANDS, createRecord, STATUS } from './notes.ts'

test('good records before it, in the same fetch, have their outputs and their offsets', async () => {
  const driver = await TopologyTestDriver.start(noteTopology, { topicPartitions: 1 })
  const { world } = driver
  const log = world.kafka.cluster.log({ topic: COMMANDS, partition: 0 })!
  const read = log.read.bind(log)
  // As a disk gives it back: a byte of one batch is another.
  log.read = (...asked) => {
    const answer = read(...asked)
    const records = Buffer.from(answer.records)
    const at = records.indexOf('"bad"')
    if (at >= 0) records[at + 1] = 88
    return { ...answer, records }
  }
  const good = Array.from({ length: 5 }, (_, i) => `good ${i}`)
  await driver.send(
    ...good.map((message) => createRecord(1, message)),
    createRecord(1, 'bad'),
    createRecord(1, 'after'),
  )
  await world.until('stop', () => world.processes[0]!.stop !== null)
  expect(world.processes[0]!.stop).toMatchObject({ code: 'input.corrupt' })
  expect(driver.read(STATUS).map(({ json }) => json.body.message)).toEqual(good)
  const { offsets } = world.kafka.group(world.plan.groupId).offsets.fetch([{ topic: COMMANDS, partition: 0 }], false)
  expect(offsets[0]?.position).toBe(good.length)
})
