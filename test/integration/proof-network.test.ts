/** Requests and answers that are late or lost between service and broker, one API at a time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSeed } from '../faults/feed/random.ts'
import { Cluster } from '../faults/harness/cluster.ts'
import { API, type KafkaProxy } from '../faults/harness/kafka-proxy.ts'
import { impossible, size, tell } from '../faults/harness/proof.ts'
import { Scenario } from '../faults/harness/scenario.ts'

const skipped = await impossible()
const seed = newSeed()

describe.skipIf(skipped !== '')(`proof against the network, seed ${seed} ${skipped}`, { timeout: 600_000 }, () => {
  let cluster: Cluster & { readonly proxy: KafkaProxy }
  beforeAll(async () => {
    cluster = await Cluster.startBehindProxy()
  }, 180_000)
  afterAll(() => cluster?.stop())

  async function under(what: string, harm: (s: Scenario) => Promise<void>): Promise<void> {
    const s = await Scenario.create(cluster)
    try {
      await s.readyAll(2)
      const feeder = s.feed({ seed, mode: 'spread', perSecond: 400 })
      let enough = false
      const feeding = feeder.run(() => enough)
      await s.until((arrivals) => arrivals.length > 200)
      await harm(s)
      const before = s.arrivals.length
      expect(await s.until((arrivals) => arrivals.length > before + 200), 'it goes on afterwards').toBe(true)
      enough = true
      await feeding
      const report = await s.finish()
      tell(`${what}: ${JSON.stringify([...cluster.proxy.done])}: ${JSON.stringify(report.facts)}`)
      expect(report.text).toBe('')
    } finally {
      for (const api of Object.values(API)) cluster.proxy.delay(api, 0)
      await s.close()
    }
  }

  // While the offsets of a batch are on their way nothing is pending: a task that recovered then once read offsets that
  // were about to change, and its batch was committed twice.
  test('offsets on their way for long while Redis loses its connections', () =>
    under('late TxnOffsetCommit and no Redis', async (s) => {
      cluster.proxy.delay(API.txnOffsetCommit, 250)
      for (let i = 0; i < 6; i++) {
        const before = s.arrivals.length
        await cluster.withRedis((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'))
        await s.until((arrivals) => arrivals.length > before + 100)
      }
      cluster.proxy.delay(API.txnOffsetCommit, 0)
      expect(cluster.proxy.count('delayed', API.txnOffsetCommit)).toBeGreaterThan(6)
    }))

  const APIS = [
    'endTxn',
    'txnOffsetCommit',
    'produce',
    'fetch',
    'heartbeat',
    'initProducerId',
    'joinGroup',
    'syncGroup',
    'offsetFetch',
  ] as const
  test.each(['answer', 'request'] as const)('the %s of each API is lost', (loss) =>
    under(`lost ${loss}s`, async (s) => {
      const times = size('LOSSES', 1)
      for (const api of APIS) {
        for (let i = 0; i < times; i++) {
          const { proxy } = cluster
          const before = s.arrivals.length
          const done = proxy.count(loss, API[api])
          proxy.lose(API[api], loss)
          // These are only asked when tasks move.
          if (['initProducerId', 'joinGroup', 'syncGroup', 'offsetFetch'].includes(api)) {
            if (i > 0) continue
            const extra = await s.start()
            await extra.ready
            await extra.terminate()
          }
          expect(await s.until(() => proxy.count(loss, API[api]) > done), `${api} was hit`).toBe(true)
          await s.until((arrivals) => arrivals.length > before + 50)
        }
        await sleep(200)
      }
    }),
  )
})
