/** What the watch over Redis' eviction makes of what Redis says of itself. */
import { expect, test } from 'vitest'
import { watchPolicy } from '../../engine/policy-watch.ts'
import { type StoreFactory, StoreLost } from '../../stores/ports.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'

const INTERVAL_MS = 10_000

interface Said {
  readonly policy?: string
  readonly evicted?: number
  readonly lost?: 'redis.connection' | 'redis.timeout'
}

/** Redis says these, one at each look; the last goes on. */
async function watched(...said: readonly Said[]) {
  const clock = new VirtualClock(0, 1)
  const told: string[] = []
  let looks = 0
  const policy = async () => {
    const {
      policy: maxmemoryPolicy = 'noeviction',
      evicted: evictedKeys = 0,
      lost,
    } = said[Math.min(looks++, said.length - 1)]!
    if (lost) throw new StoreLost(lost, 'no answer')
    return { maxmemoryPolicy, evictedKeys, version: 'test' }
  }
  const watch = await watchPolicy(
    { policy } as unknown as StoreFactory,
    clock,
    1_000,
    (code) => told.push(`${clock.nowMs() / 1000} ${code}`),
    (code) => told.push(`${clock.nowMs() / 1000} mend ${code}`),
  )
  const passes = async (ms: number): Promise<void> => {
    const endMs = clock.nowMs() + ms
    for (;;) {
      await clock.settle()
      const nextMs = clock.nextMs
      if (nextMs === undefined || nextMs > endMs) return
      clock.step()
    }
  }
  return { told, passes, watch }
}

test('a wrong policy at start: it does not start', async () => {
  await expect(watched({ policy: 'allkeys-lru' })).rejects.toMatchObject({ code: 'redis.eviction_policy' })
})

test('a policy that changed is told, and loses nothing yet', async () => {
  const { told, passes } = await watched({}, { policy: 'allkeys-lru' }, {})
  await passes(3 * INTERVAL_MS)
  expect(told).toEqual(['10 redis.eviction_policy'])
})

test('evicted keys: told, and mended at once', async () => {
  const { told, passes } = await watched({ evicted: 5 }, { evicted: 5 }, { evicted: 8 })
  await passes(10 * INTERVAL_MS)
  expect(told).toEqual(['20 redis.evicted', '20 mend redis.evicted'])
})

test('as long as keys are evicted it is mended once a minute, and once more behind the last', async () => {
  const { told, passes } = await watched(...Array.from({ length: 11 }, (_, i) => ({ evicted: i })))
  await passes(30 * INTERVAL_MS)
  expect(told.filter((line) => line.includes('mend'))).toEqual([
    '10 mend redis.evicted',
    '70 mend redis.evicted',
    '130 mend redis.evicted',
  ])
  expect(told.filter((line) => line.endsWith('redis.evicted') && !line.includes('mend'))).toHaveLength(10)
})

test('a server that was restarted counts from 0: what it says then is new', async () => {
  const { told, passes } = await watched({ evicted: 5 }, { evicted: 0 }, { evicted: 2 })
  await passes(2 * INTERVAL_MS)
  expect(told).toEqual(['20 redis.evicted', '20 mend redis.evicted'])
})

test('a Redis that is away is looked at again, and nothing is after the end', async () => {
  const { told, passes, watch } = await watched({}, { lost: 'redis.timeout' }, { evicted: 1 })
  await passes(INTERVAL_MS)
  expect(told).toEqual([])
  await passes(INTERVAL_MS)
  expect(told).toHaveLength(2)
  watch.close()
  await passes(5 * INTERVAL_MS)
  expect(told).toHaveLength(2)
})

test('a Redis that does not answer is away until it does, and is looked at every second', async () => {
  const { passes, watch } = await watched({}, { lost: 'redis.timeout' }, { lost: 'redis.connection' }, {})
  expect(watch.away()).toBeNull()
  await passes(INTERVAL_MS)
  expect(watch.away()).toEqual({ forMs: 0, reason: 'no answer' })
  await passes(1_000)
  expect(watch.away()).toEqual({ forMs: 1_000, reason: 'no answer' })
  await passes(1_000)
  expect(watch.away()).toBeNull()
})

test('a connection that ended once is none that is away; twice it is', async () => {
  const once = await watched({}, { lost: 'redis.connection' }, {})
  await once.passes(INTERVAL_MS + 500)
  expect(once.watch.away()).toBeNull()
  const twice = await watched({}, { lost: 'redis.connection' })
  await twice.passes(INTERVAL_MS + 1_000)
  expect(twice.watch.away()).toMatchObject({ reason: 'no answer' })
})
