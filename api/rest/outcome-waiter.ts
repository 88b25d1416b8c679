/**
 * Waits for the outcomes of commands: one look per task for all that are waited for, not one per request. Owns the list of
 * who waits, and how often is looked: at once where outcomes come in, less and less often where none does.
 */
import type { Clock } from '../../engine/clock.ts'
import type { StateReader } from '../../stores/ports.ts'
import { StoreLost } from '../../stores/ports.ts'
import { type RequestOutcome, requests } from '../../topology/notes/request.ts'
import { isExpired } from '../../topology/notes/request-expiry.ts'
import {
  OUTCOME_POLL_KEYS_MAX,
  OUTCOME_POLL_MAX_MS,
  OUTCOME_POLL_MIN_MS,
  OUTCOME_STORE_PATIENCE_MS,
  WAITERS_MAX,
  WAITERS_PER_TASK_MAX,
} from '../limits.ts'
import { failure } from './errors.ts'

const GROWTH = 1.5
const RETRY_MS = 50

interface Waiter {
  readonly key: string
  /** Of the command: an entry that was expired by then is not its outcome. */
  readonly timestampMs: number
  readonly done: (outcome: RequestOutcome | null) => void
}

interface Watch {
  readonly waiters: Set<Waiter>
  pauseMs: number
  cancel: () => void
  looking: boolean
  /** Since when the store has not answered. */
  awaySinceMs: number | null
}

export interface Waited {
  /** null: none within the deadline, or the store is away. */
  readonly outcome: Promise<RequestOutcome | null>
  /** Ends the wait: it was not sent. */
  readonly cancel: () => void
}

export class OutcomeWaiter {
  readonly #reader: StateReader
  readonly #clock: Clock
  readonly #watches = new Map<number, Watch>()
  #count = 0
  #closed = false

  constructor(reader: StateReader, clock: Clock) {
    this.#reader = reader
    this.#clock = clock
  }

  get count(): number {
    return this.#count
  }

  /** What is stored of a request as of a command with this timestamp. Throws StoreLost, ApiFailure `state.restoring`. */
  async find(task: number, key: string, timestampMs: number): Promise<RequestOutcome | null> {
    const { answer, checkpoint } = await this.#reader.entries(task, [entryOf(key)])
    if (checkpoint === null) throw failure('state.restoring', `the state of partition ${task} is not there yet`)
    return outcomeIn(answer[0] ?? null, timestampMs)
  }

  /** Throws ApiFailure `service.busy` when too many wait. */
  wait(task: number, key: string, timestampMs: number, deadlineMs: number): Waited {
    if (this.#count >= WAITERS_MAX) throw failure('service.busy', `${WAITERS_MAX} writes are waiting`)
    const { promise, resolve } = Promise.withResolvers<RequestOutcome | null>()
    if (this.#closed) {
      resolve(null)
      return { outcome: promise, cancel: () => {} }
    }
    const watch = this.#watchOf(task)
    // One task that stands still must not take the room of all.
    if (watch.waiters.size >= WAITERS_PER_TASK_MAX)
      throw failure('service.busy', `${WAITERS_PER_TASK_MAX} writes to partition ${task} are waiting`)
    let over = false
    const end = (outcome: RequestOutcome | null): void => {
      if (over) return
      over = true
      cancelDeadline()
      watch.waiters.delete(waiter)
      this.#count--
      resolve(outcome)
    }
    const cancelDeadline = this.#clock.after(deadlineMs, () => end(null))
    const waiter: Waiter = { key, timestampMs, done: end }
    watch.waiters.add(waiter)
    this.#count++
    watch.pauseMs = OUTCOME_POLL_MIN_MS
    this.#lookAfter(task, watch, OUTCOME_POLL_MIN_MS)
    return { outcome: promise, cancel: () => end(null) }
  }

  /** Whoever waits is told that there is no outcome yet; so is whoever comes later. */
  close(): void {
    this.#closed = true
    for (const { waiters, cancel } of this.#watches.values()) {
      cancel()
      for (const waiter of [...waiters]) waiter.done(null)
    }
  }

  #watchOf(task: number): Watch {
    let watch = this.#watches.get(task)
    if (watch === undefined) {
      watch = {
        waiters: new Set(),
        pauseMs: OUTCOME_POLL_MIN_MS,
        cancel: () => {},
        looking: false,
        awaySinceMs: null,
      }
      this.#watches.set(task, watch)
    }
    return watch
  }

  #lookAfter(task: number, watch: Watch, delayMs: number): void {
    if (watch.looking || this.#closed) return
    watch.cancel()
    watch.cancel = this.#clock.after(delayMs, () => void this.#look(task, watch))
  }

  async #look(task: number, watch: Watch): Promise<void> {
    if (watch.looking || watch.waiters.size === 0) return
    watch.looking = true
    const asked = [...watch.waiters].slice(0, OUTCOME_POLL_KEYS_MAX)
    let found = 0
    try {
      const { answer } = await this.#reader.entries(
        task,
        asked.map(({ key }) => entryOf(key)),
      )
      watch.awaySinceMs = null
      for (const [n, waiter] of asked.entries()) {
        const outcome = outcomeIn(answer[n] ?? null, waiter.timestampMs)
        if (outcome === null) {
          // Behind the others, so that all have their turn.
          if (watch.waiters.delete(waiter)) watch.waiters.add(waiter)
          continue
        }
        found++
        waiter.done(outcome)
      }
      watch.pauseMs = found > 0 ? OUTCOME_POLL_MIN_MS : Math.min(OUTCOME_POLL_MAX_MS, watch.pauseMs * GROWTH)
    } catch (error) {
      if (!(error instanceof StoreLost)) throw error
      const nowMs = this.#clock.elapsedMs()
      watch.awaySinceMs ??= nowMs
      watch.pauseMs = RETRY_MS
      if (nowMs - watch.awaySinceMs >= OUTCOME_STORE_PATIENCE_MS) for (const waiter of asked) waiter.done(null)
    } finally {
      watch.looking = false
    }
    if (watch.waiters.size > 0) this.#lookAfter(task, watch, watch.pauseMs)
  }
}

const entryOf = (key: string) => ({ store: requests.name, key: requests.keyText(key), field: null })

function outcomeIn(json: string | null, timestampMs: number): RequestOutcome | null {
  if (json === null) return null
  const entry = JSON.parse(json) as RequestOutcome
  return isExpired(entry, timestampMs) ? null : entry
}
