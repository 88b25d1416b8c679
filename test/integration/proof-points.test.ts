/**
 * Kills and freezes at exact points of a transaction, which a proxy sees pass: as its offsets, its records and its end leave
 * and as their answers come; and requests that arrive when somebody else has long taken over.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSeed } from '../faults/feed/random.ts'
import { Cluster } from '../faults/harness/cluster.ts'
import { API, type KafkaProxy } from '../faults/harness/kafka-proxy.ts'
import { impossible, tell } from '../faults/harness/proof.ts'
import { Scenario } from '../faults/harness/scenario.ts'
import { tasksOf, withDeadline } from '../faults/harness/service-process.ts'

const skipped = await impossible()
const seed = newSeed()
const SESSION_MS = 6_000
/** Beyond session and transaction timeout. */
const LATE_MS = SESSION_MS + 3_000
const POINTS = ['txnOffsetCommit', 'produce', 'endTxn'] as const

describe.skipIf(skipped !== '')(`proof at exact points, seed ${seed} ${skipped}`, { timeout: 600_000 }, () => {
  let cluster: Cluster & { readonly proxy: KafkaProxy }
  beforeAll(async () => {
    cluster = await Cluster.startBehindProxy()
  }, 180_000)
  afterAll(() => cluster?.stop())

  async function under(what: string, places: number, harm: (s: Scenario) => Promise<void>): Promise<void> {
    const s = await Scenario.create(cluster)
    try {
      await s.readyAll(places, named)
      const feeder = s.feed({ seed, mode: 'spread', perSecond: 300 })
      let enough = false
      const feeding = feeder.run(() => enough)
      await s.until((arrivals) => arrivals.length > 200)
      await harm(s)
      await more(s, 200)
      enough = true
      await feeding
      const report = await s.finish()
      tell(`${what}: ${JSON.stringify(report.facts)}`)
      expect(report.text).toBe('')
    } finally {
      await s.close()
    }
  }

  const named = (place: number): Record<string, string> => ({ GROUP_INSTANCE_ID: `place-${place}` })
  const idOf = (s: Scenario, place: number): string => `${s.application}-place-${place}`

  async function more(s: Scenario, events: number): Promise<void> {
    const before = s.arrivals.length
    expect(await s.until((arrivals) => arrivals.length >= before + events), 'it goes on afterwards').toBe(true)
  }

  const seen = (moment: Promise<void>, what: string): Promise<void> =>
    withDeadline(moment, 30_000, () => `${what} never passed`)

  const late = (point: (typeof POINTS)[number], mark: string, act: () => void): Promise<void> =>
    cluster.proxy.at(API[point], 'request', mark, async () => {
      act()
      await sleep(LATE_MS - 500)
    })

  /** Until every instance has tasks again. */
  async function back(s: Scenario): Promise<void> {
    await more(s, 50)
    const owners = (): number => s.processes.filter((p) => tasksOf(p).length > 0).length
    expect(await s.until(() => owners() === s.processes.length)).toBe(true)
  }

  test('SIGKILL as each request leaves and as each answer comes', () =>
    under('killed at six points', 1, async (s) => {
      for (const point of POINTS)
        for (const what of ['request', 'answer'] as const) {
          const service = s.processes.at(-1)!
          await service.ready
          await more(s, 20)
          await seen(
            cluster.proxy.at(API[point], what, idOf(s, 0), () => service.signal('SIGKILL')),
            `${point} ${what}`,
          )
          await service.exited
          await s.start(named(0))
        }
      await s.processes.at(-1)!.ready
    }))

  test('frozen as offsets, records or the end leave, beyond the session', () =>
    under('frozen at three points', 2, async (s) => {
      for (const [place, point] of POINTS.entries()) {
        const zombie = s.processes[place % 2]!
        await seen(
          cluster.proxy.at(API[point], 'request', idOf(s, place % 2), () => zombie.signal('SIGSTOP')),
          point,
        )
        await sleep(SESSION_MS + 1_500)
        zombie.signal('SIGCONT')
        await back(s)
      }
    }))

  test('each of them arrives when its sender, frozen, has lost its tasks', () =>
    under('late requests of a zombie', 2, async (s) => {
      for (const [place, point] of POINTS.entries()) {
        const zombie = s.processes[place % 2]!
        await seen(
          late(point, idOf(s, place % 2), () => zombie.signal('SIGSTOP')),
          point,
        )
        await sleep(LATE_MS)
        await more(s, 50)
        zombie.signal('SIGCONT')
        await back(s)
      }
    }))

  test('each of them is on its way for longer than the transaction may take', () =>
    under('late requests', 2, async (s) => {
      for (const [place, point] of POINTS.entries()) {
        await seen(
          late(point, idOf(s, place % 2), () => {}),
          point,
        )
        await sleep(LATE_MS)
        await back(s)
      }
    }))

  test('killed while it rebuilds its state', () =>
    under('killed while rebuilding', 1, async (s) => {
      for (let i = 0; i < 3; i++) {
        const service = s.processes.at(-1)!
        await service.ready
        await more(s, 50)
        await cluster.withRedis((redis) => redis.flushall())
        const began = (): boolean =>
          service.log.some(({ fields }) => fields['msg'] === 'restore.started' && fields['rebuild'] === true)
        expect(await s.until(began)).toBe(true)
        await service.kill()
        await s.start(named(0))
      }
      await s.processes.at(-1)!.ready
    }))
})
