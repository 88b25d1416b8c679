/** Several instances: one killed, one frozen, and what its tasks and the others' notice of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSeed } from '../faults/feed/random.ts'
import { chaos } from '../faults/harness/chaos.ts'
import { Cluster } from '../faults/harness/cluster.ts'
import type { FaultName } from '../faults/harness/faults.ts'
import { killInTransaction } from '../faults/harness/kills.ts'
import { impossible, pauses, size, tell } from '../faults/harness/proof.ts'
import { Scenario } from '../faults/harness/scenario.ts'
import { type ServiceProcess, tasksOf } from '../faults/harness/service-process.ts'

const skipped = await impossible()
const seed = newSeed()
const SESSION_MS = 6_000

describe.skipIf(skipped !== '')(`proof with several instances, seed ${seed} ${skipped}`, { timeout: 600_000 }, () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  }, 180_000)
  afterAll(() => cluster?.stop())

  test.each([2, 3])(
    '%i instances, one is killed: its tasks go on after the session, the others hardly notice',
    async (count) => {
      const s = await Scenario.create(cluster)
      try {
        const services = await s.readyAll(count)
        await settledGroup(s, services)
        const feeder = s.feed({ seed, mode: 'home', perSecond: 400, population: 400 })
        let enough = false
        const feeding = feeder.run(() => enough)
        await s.until((arrivals) => arrivals.length > 400)
        const [victim = services[0]!] = services
        const orphans = tasksOf(victim)
        const fromMs = performance.now()
        const { insideTransaction } = await killInTransaction(cluster, s, victim, true)
        await s.until(
          (arrivals) =>
            pauses(arrivals, s.tasks, fromMs, performance.now()).every((_, task) =>
              arrivals.some((a) => a.atMs > fromMs + SESSION_MS / 2 && a.record.partition === task),
            ),
          60_000,
        )
        await sleep(1_500)
        const silent = pauses(s.arrivals, s.tasks, fromMs, performance.now())
        enough = true
        await feeding
        const report = await s.finish()
        const [dead, others] = [
          silent.filter((_, task) => orphans.includes(task)),
          silent.filter((_, task) => !orphans.includes(task)),
        ]
        tell(
          `${count} instances, one killed (inside a transaction: ${insideTransaction}): pause of its tasks ${dead} ms, of the others ${others} ms`,
        )
        expect(report.text).toBe('')
        expect(orphans.length).toBeGreaterThan(0)
        // Session timeout + 1 s is what it should be; twice that on a busy machine.
        for (const ms of dead) expect(ms).toBeLessThan(2 * (SESSION_MS + 1_000))
        for (const ms of others) expect(ms).toBeLessThan(SESSION_MS)
      } finally {
        await s.close()
      }
    },
  )

  test('frozen for longer than the session, inside a transaction, and woken: it doubles nothing', async () => {
    const s = await Scenario.create(cluster)
    try {
      const services = await s.readyAll(2)
      await settledGroup(s, services)
      const feeder = s.feed({ seed, mode: 'spread', perSecond: 400 })
      let enough = false
      const feeding = feeder.run(() => enough)
      await s.until((arrivals) => arrivals.length > 400)
      const [zombie = services[0]!] = services
      await cluster.transactions.untilOpen(s.transactionalIdPrefix, true, 5_000)
      zombie.signal('SIGSTOP')
      await sleep(SESSION_MS + 2_500)
      const before = s.arrivals.length
      expect(await s.until((arrivals) => arrivals.length > before), 'the other goes on meanwhile').toBe(true)
      zombie.signal('SIGCONT')
      expect(await s.until(() => zombie.count('group.evicted') > 0), 'the woken one learns that it is out').toBe(true)
      await sleep(2_000)
      enough = true
      await feeding
      const report = await s.finish()
      tell(`zombie: ${JSON.stringify(report.facts)}`)
      expect(report.text).toBe('')
    } finally {
      await s.close()
    }
  })

  const ALL: readonly FaultName[] = [
    'kill in a transaction',
    'kill at random',
    'kill twice',
    'kill all',
    'stop in order',
    'freeze for less than the session',
  ]
  test.each([
    [2, false],
    [3, true],
  ])('%i instances, named %s: kills during takeovers, two in a row, all at once', async (instances, named) => {
    const rounds = size('ROUNDS', 4)
    const { report, done, killsInside, logs } = await chaos(cluster, {
      seed,
      instances,
      named,
      mode: 'spread',
      perSecond: 300,
      faults: ALL,
      rounds,
    })
    tell(
      `chaos of ${instances}: ${JSON.stringify([...done])}, ${killsInside} kills inside a transaction: ${JSON.stringify(report.facts)}`,
    )
    expect(report.text, logs).toBe('')
  })
})

/** Until every task has one owner and all run. */
async function settledGroup(s: Scenario, services: readonly ServiceProcess[]): Promise<void> {
  const spread = (): boolean =>
    services.every((p) => tasksOf(p).length > 0) && services.flatMap(tasksOf).length === s.tasks
  expect(await s.until(spread)).toBe(true)
  await sleep(500)
}
