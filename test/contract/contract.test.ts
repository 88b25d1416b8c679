/** The recorded conversations through the whole engine, without broker and Redis. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { SAGAS, STATUS } from './notes.ts'
import { loadVectors, runVector, type Send } from './vectors.ts'

const vectors = loadVectors().filter((vector) => vector.steps.length > 0)

/** Codes of the dead letters that a vector causes; none by default. */
const DEAD: Readonly<Record<string, readonly string[]>> = { create_flag_256: ['value.out_of_range'] }

async function started(): Promise<TopologyTestDriver> {
  const driver = await TopologyTestDriver.start(noteTopology)
  onTestFinished(() => driver.close())
  return driver
}

/** One step of a vector: in, drained, out. `between` runs behind every step. */
function sending(driver: TopologyTestDriver, between: () => Promise<void> = async () => {}): Send {
  const { partitions } = driver.plan.sources[0]!
  return async (records) => {
    for (const record of records) await driver.send({ ...record, partition: record.partition % partitions })
    await driver.drain()
    const outputs = [STATUS, SAGAS].flatMap((topic) => driver.read(topic))
    await between()
    return outputs
  }
}

describe('the recorded conversations through the engine', () => {
  test('hold Kafka steps', () => {
    expect(vectors.length).toBeGreaterThan(20)
  })

  test.each(vectors)('$name: $about', async (vector) => {
    const driver = await started()
    expect(await runVector(vector, sending(driver))).toEqual([])
    expect(driver.deadLetters().map((letter) => letter.reason)).toEqual(DEAD[vector.name] ?? [])
  })

  test.each(vectors)('$name, its process killed behind every step', async (vector) => {
    const driver = await started()
    let storeLost = false
    const restart = async (): Promise<void> => {
      storeLost = !storeLost
      await driver.restart({ storeLost })
    }
    expect(await runVector(vector, sending(driver, restart))).toEqual([])
    expect(driver.deadLetters().map((letter) => letter.reason)).toEqual(DEAD[vector.name] ?? [])
  })
})
