/**
 * Watches that Redis keeps what it is given: the eviction policy at start and every 10 s, and whether keys were evicted.
 * A wrong policy at start refuses to start; later it is a warning, for nothing is lost by it yet. Evicted keys are: the state
 * is rebuilt, at once and then, while it goes on, at most once a minute, for with too little memory a rebuild evicts more.
 * A look that fails tells that Redis is away, whatever the tasks are just about to try.
 */

import { type StoreFactory, StoreLost } from '../stores/ports.ts'
import type { Clock } from './clock.ts'
import { StartError } from './core/start-error.ts'
import { answered } from './patience.ts'
import { RoundTimer } from './round-timer.ts'

const INTERVAL_MS = 10_000
/** Between two looks at a Redis that is away: it is told soon that it is back. */
const AWAY_INTERVAL_MS = 1_000
const MEND_EVERY_MS = 60_000

/** Redis does not answer, or not as it must. */
export interface RedisAway {
  readonly forMs: number
  readonly reason: string
}

/** `mend`: keys are gone, whose is not known, so what the store holds may be wrong. Throws StartError. */
export async function watchPolicy(
  stores: StoreFactory,
  clock: Clock,
  patienceMs: number,
  warn: (code: string, message: string) => void,
  mend: (code: string, reason: string) => void = () => {},
): Promise<{ away(): RedisAway | null; close(): void }> {
  const first = await answered(
    () => stores.policy(),
    clock,
    patienceMs,
    (error) => (error instanceof StoreLost ? new StartError('redis.unreachable', error.message) : null),
  )
  if (first.maxmemoryPolicy !== 'noeviction')
    throw new StartError('redis.eviction_policy', `maxmemory-policy is ${first.maxmemoryPolicy}`)
  let evicted = first.evictedKeys
  let unmended = 0
  let mendedAtMs = Number.NEGATIVE_INFINITY
  let away: { readonly sinceMs: number; readonly reason: string } | null = null
  let failed = 0
  const look = async (): Promise<void> => {
    const { maxmemoryPolicy, evictedKeys } = await stores.policy()
    if (timer.closed) return
    if (maxmemoryPolicy !== 'noeviction') warn('redis.eviction_policy', `maxmemory-policy is now ${maxmemoryPolicy}`)
    // A server that was restarted counts from 0.
    const gone = evictedKeys >= evicted ? evictedKeys - evicted : evictedKeys
    evicted = evictedKeys
    unmended += gone
    if (gone > 0) warn('redis.evicted', `Redis has evicted ${gone} keys: the state is rebuilt from the changelog`)
    if (unmended === 0 || clock.elapsedMs() - mendedAtMs < MEND_EVERY_MS) return
    unmended = 0
    mendedAtMs = clock.elapsedMs()
    mend('redis.evicted', 'Redis has evicted keys')
  }
  const check = async (): Promise<void> => {
    const askedAtMs = clock.elapsedMs()
    try {
      await look()
      failed = 0
      away = null
    } catch (error) {
      if (!(error instanceof StoreLost)) throw error
      failed++
      // A connection may end for reasons of its own; an answer that does not come is no chance.
      if (failed > 1 || error.code === 'redis.timeout')
        away = { sinceMs: away?.sinceMs ?? askedAtMs, reason: error.message }
    }
  }
  const timer = new RoundTimer(clock, () => (failed > 0 ? AWAY_INTERVAL_MS : INTERVAL_MS), check)
  timer.start()
  return {
    away: () => away && { forMs: clock.elapsedMs() - away.sinceMs, reason: away.reason },
    close: () => timer.close(),
  }
}
