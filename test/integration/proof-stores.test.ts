/** Redis lost, killed, emptied and frozen in the middle of the work: the same outputs, and the same state afterwards. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSeed, seeded } from '../faults/feed/random.ts'
import { Cluster } from '../faults/harness/cluster.ts'
import { FAULTS, type FaultName } from '../faults/harness/faults.ts'
import { impossible, tell } from '../faults/harness/proof.ts'
import { Scenario } from '../faults/harness/scenario.ts'

const skipped = await impossible()
const seed = newSeed()

const IN_THE_MIDDLE: readonly (readonly [string, readonly FaultName[]])[] = [
  ['FLUSHALL', ['redis FLUSHALL', 'redis FLUSHALL']],
  ['killed and restarted with its data, and emptied', ['redis is killed', 'redis is killed and empty']],
  ['gone back in time, twice', ['redis goes back in time', 'redis goes back in time']],
  ['full, frozen', ['redis is full', 'redis freezes']],
  [
    'connections lost, again and again; checkpoint gone, wrong type',
    ['redis loses its connections every 100 ms', 'redis loses a checkpoint', 'redis has a wrong type'],
  ],
]

describe.skipIf(skipped !== '')(`proof of the state, seed ${seed} ${skipped}`, { timeout: 600_000 }, () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  }, 180_000)
  afterAll(() => cluster?.stop())

  test.each(IN_THE_MIDDLE)('Redis: %s', async (_, faults) => {
    const s = await Scenario.create(cluster)
    try {
      const services = await s.readyAll(2)
      const random = seeded(seed)
      const feeder = s.feed({ seed, mode: 'spread', perSecond: 500 })
      let enough = false
      const feeding = feeder.run(() => enough)
      const fleet = { cluster, scenario: s, random, services, environment: () => ({}), kills: [] }
      for (const fault of faults) {
        const before = s.arrivals.length
        await s.until((arrivals) => arrivals.length > before + 400)
        await FAULTS[fault](fleet)
      }
      const before = s.arrivals.length
      expect(await s.until((arrivals) => arrivals.length > before + 400), 'it goes on afterwards').toBe(true)
      await sleep(500)
      enough = true
      await feeding
      const report = await s.finish()
      tell(
        `${faults}: recoveries ${services.reduce((sum, p) => sum + p.count('task recovering'), 0)}: ${JSON.stringify(report.facts)}`,
      )
      expect(report.text).toBe('')
      expect(
        services.reduce((sum, p) => sum + p.count('task recovering'), 0),
        'the fault was noticed',
      ).toBeGreaterThan(0)
      const verified = await s.verify()
      expect(verified.code, verified.output).toBe(0)
    } finally {
      await s.close()
    }
  })
})
