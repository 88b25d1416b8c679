/** Topics that are written to and change under a running service: named at once, and then it stops, or goes on. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Health } from '../../api/health.ts'
import { position } from '../../engine/core/numbers.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { createRecord, SAGAS, STATUS } from '../contract/notes.ts'

const CHANGELOG = 'test-changelog'
let driver: TopologyTestDriver
let events: EngineEvent[]
let health: Health

beforeEach(async () => {
  events = []
  health = new Health()
  driver = await TopologyTestDriver.start(noteTopology, {
    onEvent: (event) => {
      events.push(event)
      health.hear(event)
    },
  })
  await driver.send(createRecord(1))
  await driver.drain()
  return () => driver.close()
})

const warnings = (code: string): readonly string[] =>
  events.flatMap((event) => (event.kind === 'warning' && event.code === code ? [event.message] : []))
const process = () => driver.world.processes[0]!
const cluster = () => driver.world.kafka.cluster

async function stopsWithin(durationMs: number): Promise<void> {
  await driver.world.until('stop', () => process().stop !== null, durationMs)
}

describe('a topic that is gone', () => {
  test('of output, that nothing is written to: named, not ready, stopped when it is not back after 30 s', async () => {
    cluster().delete(SAGAS)
    await driver.world.advance(20_000)
    expect(warnings('topic.awaited')[0]).toContain(`${SAGAS} does not exist`)
    expect(health.readiness().reasons).toEqual([`waiting for a topic: ${SAGAS} does not exist`])
    expect(process().stop).toBeNull()
    await stopsWithin(30_000)
    expect(process().stop).toEqual({ code: 'topic.missing', message: `${SAGAS} does not exist` })
  })

  test('is back in time: what waited is written', async () => {
    cluster().delete(STATUS)
    await driver.send(createRecord(1))
    await driver.world.advance(20_000)
    cluster().create({ topic: STATUS, partitions: 4, replicationFactor: 1, configs: {} })
    await driver.drain()
    await driver.world.advance(60_000)
    expect(process().stop).toBeNull()
    expect(health.readiness().ready).toBe(true)
    expect(driver.read(STATUS)).toHaveLength(1)
  })

  test('the changelog, also while a task is taken over', async () => {
    cluster().delete(CHANGELOG)
    process().instance.mend('audit.difference', 'the state is to be read again')
    await stopsWithin(50_000)
    expect(process().stop?.code).toBe('topic.internal_missing')
  })
})

describe('a topic that was created again', () => {
  test('the changelog is another one: stopped, for what it had is gone', async () => {
    cluster().delete(CHANGELOG)
    cluster().create({
      topic: CHANGELOG,
      partitions: 4,
      replicationFactor: 1,
      configs: { 'cleanup.policy': 'compact' },
    })
    await stopsWithin(20_000)
    expect(process().stop).toMatchObject({ code: 'topic.recreated', message: expect.stringContaining(CHANGELOG) })
  })

  test('of output with fewer partitions: stopped', async () => {
    cluster().delete(STATUS)
    cluster().create({ topic: STATUS, partitions: 2, replicationFactor: 1, configs: {} })
    await stopsWithin(20_000)
    expect(process().stop).toMatchObject({ code: 'topic.recreated', message: expect.stringContaining('2 partitions') })
  })

  test('of output with as many: nothing is in the way', async () => {
    cluster().delete(STATUS)
    cluster().create({ topic: STATUS, partitions: 4, replicationFactor: 1, configs: {} })
    await driver.send(createRecord(1))
    await driver.drain()
    await driver.world.advance(60_000)
    expect(process().stop).toBeNull()
    expect(driver.read(STATUS)).toHaveLength(1)
  })
})

describe('the changelog', () => {
  test('may not be deleted from: said while it runs, until it is mended', async () => {
    const { configs } = cluster().topics.get(CHANGELOG)!
    configs.set('cleanup.policy', 'compact,delete')
    await driver.world.advance(61_000)
    expect(warnings('topic.config').length).toBeGreaterThan(1)
    expect(warnings('topic.config')[0]).toContain('cleanup.policy=compact,delete')
    configs.set('cleanup.policy', 'compact')
    const before = warnings('topic.config').length
    await driver.world.advance(61_000)
    expect(warnings('topic.config')).toHaveLength(before)
  })

  test('begins behind 0: said', async () => {
    cluster().log({ topic: CHANGELOG, partition: 2 })!.deleteBefore(position(1))
    await driver.world.advance(61_000)
    // One of four has records, but any that begins behind 0 is told.
    expect(warnings('changelog.cut')[0]).toContain(`${CHANGELOG}-2 begins at offset 1`)
  })
})
