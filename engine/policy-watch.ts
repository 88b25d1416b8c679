/**
 * Watches that Redis keeps what it is given: the eviction policy at start and every 10 s, and whether keys were evicted.
 * A wrong policy at start refuses to start; later it is a warning, counted, since the state may already be wrong.
 */

import { type StoreFactory, StoreLost } from '../stores/ports.ts'
import { type Clock, sleep } from './clock.ts'
import { StartError } from './core/start-error.ts'

const INTERVAL_MS = 10_000
const RETRY_MS = 250

export async function watchPolicy(
  stores: StoreFactory,
  clock: Clock,
  patienceMs: number,
  warn: (code: string, message: string) => void,
): Promise<{ close(): void }> {
  const first = await reachable(stores, clock, patienceMs)
  if (first.maxmemoryPolicy !== 'noeviction')
    throw new StartError('redis.eviction_policy', `maxmemory-policy is ${first.maxmemoryPolicy}`)
  let evicted = first.evictedKeys
  let cancel = (): void => {}
  const check = async (): Promise<void> => {
    try {
      const { maxmemoryPolicy, evictedKeys } = await stores.policy()
      if (maxmemoryPolicy !== 'noeviction') warn('redis.eviction_policy', `maxmemory-policy is now ${maxmemoryPolicy}`)
      if (evictedKeys > evicted)
        warn('redis.evicted', `Redis has evicted ${evictedKeys - evicted} keys: run tributary verify`)
      evicted = evictedKeys
    } catch (error) {
      if (!(error instanceof StoreLost)) throw error
      // Away: the tasks say so themselves.
    }
    cancel = clock.after(INTERVAL_MS, () => void check())
  }
  cancel = clock.after(INTERVAL_MS, () => void check())
  return { close: () => cancel() }
}

async function reachable(stores: StoreFactory, clock: Clock, patienceMs: number): ReturnType<StoreFactory['policy']> {
  const startedAtMs = clock.nowMs()
  for (;;) {
    try {
      return await stores.policy()
    } catch (error) {
      if (!(error instanceof StoreLost)) throw error
      if (clock.nowMs() - startedAtMs > patienceMs) throw new StartError('redis.unreachable', error.message)
      await sleep(clock, RETRY_MS)
    }
  }
}
