/**
 * Says when the lane makes no headway: nothing has committed since a first failure, and it goes on failing. Each failure by
 * itself is dealt with (engine/core/lane.ts), so a coordinator that is never there, or a topic that never takes a record,
 * would be tried for ever without a word, by a process that looks ready. Owns since when that is so.
 */
import type { Clock } from './clock.ts'
import type { Listener } from './events.ts'

/** Longer than a takeover, a transaction timeout or a leader election takes. */
const PATIENCE_MS = 10_000
const SAY_EVERY_MS = 10_000
/** Between two tries, a request that is given up included; after more than this the next failure begins anew. */
const TRIES_APART_MAX_MS = 15_000

export class LaneHeadway {
  readonly #clock: Clock
  readonly #listener: Listener
  #failingSinceMs: number | null = null
  #failedAtMs = 0
  #sayAtMs = 0
  #isTold = false
  /** The last failure was that. */
  #isWithoutId = false

  constructor(clock: Clock, listener: Listener) {
    this.#clock = clock
    this.#listener = listener
  }

  initialised(): void {
    if (this.#isWithoutId) this.free()
  }

  failed(reason: string, at: 'init' | 'commit-offsets' | 'produce' | 'end' | null = null): void {
    this.#isWithoutId = at === 'init'
    const nowMs = this.#clock.elapsedMs()
    if (this.#failingSinceMs === null || nowMs - this.#failedAtMs > TRIES_APART_MAX_MS) this.#failingSinceMs = nowMs
    this.#failedAtMs = nowMs
    if (nowMs - this.#failingSinceMs < PATIENCE_MS) return
    if (!this.#isTold) this.#listener({ kind: 'lane.waiting', reason })
    this.#isTold = true
    if (nowMs < this.#sayAtMs) return
    this.#sayAtMs = nowMs + SAY_EVERY_MS
    const seconds = Math.floor((nowMs - this.#failingSinceMs) / 1_000)
    const message = `nothing could be committed for ${seconds} s: ${reason}; it is tried again and again`
    this.#listener({ kind: 'warning', code: 'transaction.waiting', message })
  }

  /** What was in its way may be gone; if it is not, the next failure tells again. */
  free(): void {
    if (this.#isTold) this.#listener({ kind: 'lane.waiting', reason: null })
    this.#isTold = false
  }

  committed(): void {
    this.#failingSinceMs = null
    this.free()
  }
}
