/**
 * Watches that Redis keeps what it is given: the eviction policy at start and every 10 s, and whether keys were evicted.
 * A wrong policy at start refuses to start; later it is a warning, for nothing is lost by it yet. Evicted keys are: the state
 * is rebuilt, at once and then, while it goes on, at most once a minute, for with too little memory a rebuild evicts more.
 */

import { type StoreFactory, StoreLost } from '../stores/ports.ts'
import { type Clock, sleep } from './clock.ts'
import { StartError } from './core/start-error.ts'

const INTERVAL_MS = 10_000
const RETRY_MS = 250
const MEND_EVERY_MS = 60_000

/** `mend`: keys are gone, whose is not known, so what the store holds may be wrong. Throws StartError. */
export async function watchPolicy(
  stores: StoreFactory,
  clock: Clock,
  patienceMs: number,
  warn: (code: string, message: string) => void,
  mend: (code: string, reason: string) => void = () => {},
): Promise<{ close(): void }> {
  const first = await reachable(stores, clock, patienceMs)
  if (first.maxmemoryPolicy !== 'noeviction')
    throw new StartError('redis.eviction_policy', `maxmemory-policy is ${first.maxmemoryPolicy}`)
  let evicted = first.evictedKeys
  let unmended = 0
  let mendedAtMs = Number.NEGATIVE_INFINITY
  let closed = false
  let cancel = (): void => {}
  const look = async (): Promise<void> => {
    const { maxmemoryPolicy, evictedKeys } = await stores.policy()
    if (closed) return
    if (maxmemoryPolicy !== 'noeviction') warn('redis.eviction_policy', `maxmemory-policy is now ${maxmemoryPolicy}`)
    // A server that was restarted counts from 0.
    const gone = evictedKeys >= evicted ? evictedKeys - evicted : evictedKeys
    evicted = evictedKeys
    unmended += gone
    if (gone > 0) warn('redis.evicted', `Redis has evicted ${gone} keys: the state is rebuilt from the changelog`)
    if (unmended === 0 || clock.nowMs() - mendedAtMs < MEND_EVERY_MS) return
    unmended = 0
    mendedAtMs = clock.nowMs()
    mend('redis.evicted', 'Redis has evicted keys')
  }
  const check = async (): Promise<void> => {
    try {
      await look()
    } catch (error) {
      if (!(error instanceof StoreLost)) throw error
      // Away: the tasks say so themselves.
    }
    if (!closed) cancel = clock.after(INTERVAL_MS, () => void check())
  }
  cancel = clock.after(INTERVAL_MS, () => void check())
  return {
    close() {
      closed = true
      cancel()
    },
  }
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
