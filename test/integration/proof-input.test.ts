/** Bad input of every kind: one dead letter each, with its code, in the order of things; the next record goes on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { badInputs, tooLarge, tooLate } from '../faults/feed/bad-inputs.ts'
import { below, newSeed, seeded } from '../faults/feed/random.ts'
import { Cluster } from '../faults/harness/cluster.ts'
import { killInTransaction } from '../faults/harness/kills.ts'
import { impossible, size, tell } from '../faults/harness/proof.ts'
import { Scenario } from '../faults/harness/scenario.ts'
import { runJavaProgram } from '../java/java-program.ts'

const skipped = await impossible()
const seed = newSeed()
const DAY_MS = 24 * 60 * 60 * 1000
const EVENT_BYTES_MAX = 4_096

describe.skipIf(skipped !== '')(`proof of bad input, seed ${seed} ${skipped}`, { timeout: 600_000 }, () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  }, 180_000)
  afterAll(() => cluster?.stop())

  test('each bad record is one dead letter, what is good beside it is done', async () => {
    const s = await Scenario.create(cluster, {
      inputConfigs: { 'message.timestamp.after.max.ms': String(10 * DAY_MS) },
      statusConfigs: { 'max.message.bytes': String(EVENT_BYTES_MAX) },
    })
    try {
      const service = await s.ready()
      const random = seeded(seed)
      const { commands } = s.topics
      const nowMs = Date.now()
      const bad = [
        ...badInputs(commands, 4, nowMs),
        ...[0, 1, 2, 3].map((partition) => tooLarge(commands, partition, nowMs, EVENT_BYTES_MAX)),
        ...[0, 1, 2, 3].map((partition) => tooLate(commands, partition, nowMs + 2 * DAY_MS)),
      ].toSorted(() => random() - 0.5)
      const feeder = s.feed({ seed, mode: 'spread', perSecond: 300 })
      let enough = false
      const feeding = feeder.run(() => enough)
      for (let at = 0; at < bad.length; ) {
        const some = bad.slice(at, at + 1 + below(random, 6))
        expect(await s.sender.send(some)).toBe(true)
        at += some.length
        const before = s.arrivals.length
        expect(await s.until((arrivals) => arrivals.length > before), service.tail()).toBe(true)
      }
      enough = true
      await feeding
      const report = await s.finish()
      tell(
        `bad input: ${bad.length} records, isolated ${service.count('batch.isolated')} times: ${JSON.stringify(report.facts)}`,
      )
      expect(report.text).toBe('')
      expect(report.facts['dead-letters']).toBe(bad.length)
    } finally {
      await s.close()
    }
  })

  test('aborted records of other producers are never processed, whatever lies between them', async () => {
    const s = await Scenario.create(cluster)
    try {
      const transactions = size('TRANSACTIONS', 120)
      const feeding = runJavaProgram('TransactionalFeed', [
        cluster.bootstrapServers,
        s.topics.commands,
        '4',
        String(seed),
        String(transactions),
      ])
      const environment = { GROUP_INSTANCE_ID: 'only' }
      const service = await s.ready(environment)
      await s.until((arrivals) => arrivals.length > 20)
      await killInTransaction(cluster, s, service)
      await s.ready(environment)
      const [committed = 0, aborted = 0] = (await feeding).trim().split(' ').map(Number)
      expect(await s.until((arrivals) => arrivals.length >= committed)).toBe(true)
      const report = await s.finish()
      tell(`aborted input: ${committed} records committed, ${aborted} aborted: ${JSON.stringify(report.facts)}`)
      expect(report.text).toBe('')
      expect(report.facts['input.create']).toBe(committed)
      expect(aborted).toBeGreaterThan(committed / 10)
      expect(report.facts['dirty']).toBeGreaterThanOrEqual(aborted)
    } finally {
      await s.close()
    }
  })
})
