/** The broker killed in the middle of transactions, frozen, and frozen while Redis is lost, too. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSeed, seeded } from '../faults/feed/random.ts'
import { Cluster } from '../faults/harness/cluster.ts'
import { FAULTS } from '../faults/harness/faults.ts'
import { impossible, size, tell } from '../faults/harness/proof.ts'
import { Scenario } from '../faults/harness/scenario.ts'

const skipped = await impossible()
const seed = newSeed()

describe.skipIf(skipped !== '')(`proof against the broker, seed ${seed} ${skipped}`, { timeout: 600_000 }, () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  }, 180_000)
  afterAll(() => cluster?.stop())

  async function under(what: string, perSecond: number, harm: (s: Scenario) => Promise<void>): Promise<void> {
    const s = await Scenario.create(cluster)
    try {
      await s.readyAll(2)
      const feeder = s.feed({ seed, mode: 'spread', perSecond })
      let enough = false
      const feeding = feeder.run(() => enough)
      await s.until((arrivals) => arrivals.length > 400)
      await harm(s)
      const before = s.arrivals.length
      const goesOn = await s.until((arrivals) => arrivals.length > before + 400)
      enough = true
      await feeding
      const settled = goesOn && (await s.settled())
      // The broker may have lost the markers of decided transactions: the service must have ended them.
      const hanging = settled ? [] : await s.markersLost()
      const mended = s.processes.reduce(
        (sum, p) => sum + p.warnings.filter((w) => w === 'transaction.mended').length,
        0,
      )
      const report = await s.finish()
      tell(`${what}: ${mended} hanging transactions mended, ${JSON.stringify(report.facts)}`)
      expect(report.text, `hanging: ${hanging.join(', ')}`).toBe('')
      expect(goesOn, `it goes on afterwards; hanging: ${hanging.join(', ')}`).toBe(true)
    } finally {
      await s.close()
    }
  }

  test('killed inside a transaction with records, and started again', () =>
    under('broker killed', 400, async (s) => {
      await cluster.transactions.untilOpen(s.transactionalIdPrefix, true, 5_000)
      await cluster.kafka.kill()
      await cluster.kafka.restart()
    }))

  // Now and then the broker loses markers (KAFKA-20734); hanging.test.ts makes it certain.
  test('killed inside a transaction, again and again', () =>
    under('broker killed repeatedly', 400, async (s) => {
      for (let i = 0; i < size('KILLS', 6); i++) {
        const before = s.arrivals.length
        await cluster.transactions.untilOpen(s.transactionalIdPrefix, true, 5_000)
        await cluster.kafka.kill()
        await cluster.kafka.restart()
        await s.until((arrivals) => arrivals.length > before + 100)
      }
    }))

  test('frozen for 8 s, beyond session and transaction timeout', () =>
    under('broker frozen', 400, async (s) => {
      await cluster.transactions.untilOpen(s.transactionalIdPrefix, true, 5_000)
      cluster.kafka.pause()
      await sleep(8_000)
      cluster.kafka.resume()
    }))

  // A task that recovers while its batch is in a transaction whose offsets are not pending yet: once committed twice.
  test('frozen while Redis loses its connections, again and again', () =>
    under('broker frozen and Redis lost', 800, async (s) => {
      const fleet = {
        cluster,
        scenario: s,
        random: seeded(seed),
        services: s.processes,
        environment: () => ({}),
        kills: [],
      }
      for (let i = 0; i < 8; i++) {
        const before = s.arrivals.length
        await FAULTS['broker freezes and redis loses its connections'](fleet)
        await s.until((arrivals) => arrivals.length > before + 200)
      }
    }))
})
