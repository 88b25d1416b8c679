/**
 * A lease per task: a label that tells operators who runs it, and a courtesy by which a maintenance command and a
 * running owner keep out of each other's way. Owns acquiring, extending and releasing it.
 *
 * Nothing that must be right rests on it: owners are excluded by the token of claim(). So it is never waited for, and a
 * failure is reported and otherwise changes nothing. The key: `{<app>:<task>}:lease`, "<holder> <random>", by redlock.
 */
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import Redlock, { ExecutionError, type Lock, ResourceLockedError } from 'redlock'
import { taskKeys } from './core/keys.ts'
import { mask } from './redis/errors.ts'

export const LEASE_MS = 10_000
const COMMAND_DEADLINE_MS = 2_000
const RECONNECT_MS = 1_000
/** Tries to extend or acquire per lease time. */
const ROUNDS_PER_LEASE = 3

export interface LeaseProblem {
  readonly task: number
  readonly doing: 'acquire' | 'extend' | 'release'
  /** `held`: somebody else has it. `failed`: Redis did not do it. */
  readonly reason: 'held' | 'failed'
  readonly message: string
}

export interface LeaseOptions {
  readonly application: string
  readonly leaseMs?: number | undefined
  /** Called when a task's lease fails in a new way, not at every round. */
  readonly onProblem?: ((problem: LeaseProblem) => void) | undefined
}

export interface Lease {
  /** Wants the lease from now on. Resolves after the first try, whatever came of it; never rejects. */
  acquire(task: number, holder: string): Promise<void>
  /** Never rejects. */
  release(task: number): Promise<void>
  held(task: number): boolean
  /** Who holds it, us or others; null: nobody, or Redis does not tell. */
  holder(task: number): Promise<string | null>
  close(): Promise<void>
}

export function createLease(redisUrl: string, options: LeaseOptions): Lease {
  return new RedisLease(redisUrl, options)
}

interface Wanted {
  readonly task: number
  readonly redlock: LabelledRedlock
  lock: Lock | null
  busy: boolean
  reported: string | null
}

/** Redlock with the holder's name in the value, for people who look at the key. */
class LabelledRedlock extends Redlock {
  readonly #holder: string

  constructor(redis: Redis, holder: string) {
    super([redis], { retryCount: 0 })
    this.#holder = holder
  }

  protected override _random(): string {
    return `${this.#holder} ${randomBytes(8).toString('hex')}`
  }
}

class RedisLease implements Lease {
  readonly #redis: Redis
  readonly #application: string
  readonly #leaseMs: number
  readonly #onProblem: (problem: LeaseProblem) => void
  readonly #wanted = new Map<number, Wanted>()
  readonly #timer: NodeJS.Timeout

  constructor(redisUrl: string, options: LeaseOptions) {
    this.#application = options.application
    this.#leaseMs = options.leaseMs ?? LEASE_MS
    this.#onProblem = options.onProblem ?? (() => undefined)
    // Reconnecting is harmless here: a lease script sent twice finds its own value.
    this.#redis = new Redis(redisUrl, {
      lazyConnect: true,
      retryStrategy: () => RECONNECT_MS,
      maxRetriesPerRequest: 0,
      enableReadyCheck: false,
      disableClientInfo: true,
      protocol: 2,
      commandTimeout: COMMAND_DEADLINE_MS,
      connectTimeout: COMMAND_DEADLINE_MS,
    })
    this.#redis.on('error', () => undefined)
    this.#timer = setInterval(() => this.#rounds(), this.#leaseMs / ROUNDS_PER_LEASE)
    this.#timer.unref()
  }

  async acquire(task: number, holder: string): Promise<void> {
    await this.release(task)
    const redlock = new LabelledRedlock(this.#redis, holder)
    const wanted: Wanted = { task, redlock, lock: null, busy: false, reported: null }
    this.#wanted.set(task, wanted)
    await this.#round(wanted)
  }

  async release(task: number): Promise<void> {
    const wanted = this.#wanted.get(task)
    if (wanted === undefined) return
    this.#wanted.delete(task)
    if (!wanted.busy) await this.#drop(wanted)
  }

  held(task: number): boolean {
    const lock = this.#wanted.get(task)?.lock
    return lock !== null && lock !== undefined && lock.expiration > Date.now()
  }

  async holder(task: number): Promise<string | null> {
    try {
      const value = await this.#redis.get(taskKeys(this.#application, task).lease)
      return value === null ? null : value.slice(0, Math.max(0, value.lastIndexOf(' ')))
    } catch {
      return null
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([...this.#wanted.keys()].map((task) => this.release(task)))
    this.#redis.disconnect()
  }

  #rounds(): void {
    for (const wanted of this.#wanted.values()) void this.#round(wanted)
  }

  /** Extends the lease, or tries to acquire it; one round at a time for a task. */
  async #round(wanted: Wanted): Promise<void> {
    if (wanted.busy) return
    wanted.busy = true
    const { redlock, lock } = wanted
    try {
      wanted.lock = null
      wanted.lock =
        lock === null
          ? await redlock.acquire([taskKeys(this.#application, wanted.task).lease], this.#leaseMs)
          : await redlock.extend(lock, this.#leaseMs)
      wanted.reported = null
    } catch (error) {
      await this.#report(wanted, lock === null ? 'acquire' : 'extend', error)
    } finally {
      wanted.busy = false
    }
    if (this.#wanted.get(wanted.task) !== wanted) await this.#drop(wanted)
  }

  async #drop(wanted: Wanted): Promise<void> {
    const { lock, redlock } = wanted
    wanted.lock = null
    if (lock === null) return
    try {
      await redlock.release(lock)
    } catch (error) {
      await this.#report(wanted, 'release', error)
    }
  }

  async #report(wanted: Wanted, doing: LeaseProblem['doing'], error: unknown): Promise<void> {
    const cause = await firstVote(error)
    const reason = cause instanceof ResourceLockedError ? 'held' : 'failed'
    if (wanted.reported === `${doing} ${reason}`) return
    wanted.reported = `${doing} ${reason}`
    const message = reason === 'held' ? 'another holder has the lease' : mask(cause.message)
    this.#onProblem({ task: wanted.task, doing, reason, message })
  }
}

/** Redlock's own error says only that there was no quorum; with one server, the one vote tells why. */
async function firstVote(error: unknown): Promise<Error> {
  if (error instanceof ExecutionError) {
    const stats = await error.attempts.at(-1)
    const vote = stats?.votesAgainst.values().next().value
    if (vote !== undefined) return vote
  }
  return error instanceof Error ? error : new Error(String(error))
}
