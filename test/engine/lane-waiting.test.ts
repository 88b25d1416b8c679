/** A process that cannot commit anything says so, and is not ready: its tasks alone run as if nothing were wrong. */
import { beforeEach, expect, test } from 'vitest'
import { Health } from '../../api/health.ts'
import { codes } from '../../engine/core/kafka-errors.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { createRecord, STATUS } from '../contract/notes.ts'

let driver: TopologyTestDriver
let events: EngineEvent[]
let health: Health
/** Api, and the code that it is answered with. */
let refused: { api: string; code: number } | null

beforeEach(() => {
  events = []
  health = new Health()
  refused = null
  return () => driver.close()
})

async function start(): Promise<void> {
  driver = await TopologyTestDriver.start(noteTopology, {
    kafkaFault: ({ api }) => (api === refused?.api ? refused.code : null),
    onEvent: (event) => {
      events.push(event)
      health.hear(event)
    },
  })
}

const warnings = (): readonly string[] =>
  events.flatMap((event) => (event.kind === 'warning' && event.code === 'transaction.waiting' ? [event.message] : []))

test('no producer id is given, as where __transaction_state cannot be kept', async () => {
  refused = { api: 'init-producer-id', code: codes.COORDINATOR_NOT_AVAILABLE }
  await start()
  await driver.send(createRecord(1))
  await driver.advance(9_000)
  expect(warnings()).toEqual([])
  expect(health.readiness().ready).toBe(true)
  await driver.advance(21_000)
  expect(warnings().length).toBeGreaterThan(1)
  expect(warnings().length).toBeLessThan(4)
  expect(warnings()[0]).toContain('InitProducerId: COORDINATOR_NOT_AVAILABLE')
  expect(health.readiness().reasons).toEqual(['nothing can be committed: InitProducerId: COORDINATOR_NOT_AVAILABLE'])
  refused = null
  await driver.drain()
  expect(health.readiness().ready).toBe(true)
  expect(driver.read(STATUS)).toHaveLength(1)
})

test('it is ready once it has one, with nothing to do, too', async () => {
  refused = { api: 'init-producer-id', code: codes.COORDINATOR_NOT_AVAILABLE }
  await start()
  await driver.advance(15_000)
  expect(health.readiness().ready).toBe(false)
  refused = null
  await driver.advance(1_000)
  expect(health.readiness().ready).toBe(true)
})

test('offsets are never taken', async () => {
  await start()
  await driver.send(createRecord(1))
  refused = { api: 'txn-offset-commit', code: codes.COORDINATOR_NOT_AVAILABLE }
  await driver.advance(20_000)
  expect(warnings()[0]).toContain('COORDINATOR_NOT_AVAILABLE for ')
  expect(health.readiness().ready).toBe(false)
  refused = null
  await driver.drain()
  expect(health.readiness().ready).toBe(true)
  expect(driver.read(STATUS)).toHaveLength(1)
})

test('a failure now and then is not told', async () => {
  await start()
  for (let i = 0; i < 8; i++) {
    refused = { api: 'produce', code: codes.OUT_OF_ORDER_SEQUENCE_NUMBER }
    await driver.send(createRecord(1))
    await driver.advance(100)
    refused = null
    await driver.drain()
    await driver.advance(4_000)
  }
  expect(events.some((event) => event.kind === 'transaction' && event.result === 'aborted')).toBe(true)
  expect(warnings()).toEqual([])
})
