/**
 * How a task comes back after a failure: jittered backoff; the same store error again after a recovery: rebuild; again
 * after that: stop. A connection that is merely away is waited for without end.
 */
import { stopCodes } from './stop-codes.ts'

export interface RecoveryVerdict {
  readonly delayMs: number
  readonly rebuild: boolean
  /** Code to stop with. */
  readonly stop: string | null
}

const BACKOFF_FIRST_MS = 20
const BACKOFF_MAX_MS = 1_000
/** Errors that say nothing about the state: the store is away, busy or was restarted. */
const AWAY = new Set([
  'redis.connection',
  'redis.timeout',
  'redis.closed',
  'redis.loading',
  'redis.busy',
  'redis.memory',
  'redis.readonly',
  'redis.misconf',
  'redis.cluster',
  'redis.auth',
])

export class RecoveryPolicy {
  readonly #random: () => number
  #failures = 0
  #sameError: { code: string; count: number } | null = null

  constructor(random: () => number) {
    this.#random = random
  }

  failed(storeError: string | null): RecoveryVerdict {
    const ceilingMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(this.#failures++, 10))
    const delayMs = Math.round(ceilingMs * (0.5 + this.#random() / 2))
    if (storeError === null || AWAY.has(storeError)) return { delayMs, rebuild: false, stop: null }
    this.#sameError =
      this.#sameError?.code === storeError
        ? { code: storeError, count: this.#sameError.count + 1 }
        : { code: storeError, count: 1 }
    const stop = storeError in stopCodes ? storeError : 'engine.defect'
    return { delayMs, rebuild: this.#sameError.count === 2, stop: this.#sameError.count > 2 ? stop : null }
  }

  /** A batch was applied, or the task is somebody's anew. */
  reset(): void {
    this.#failures = 0
    this.#sameError = null
  }
}
