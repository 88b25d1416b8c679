/**
 * The Redis of a simulation: the real guards of stores/task-store.ts over scripts on a keyspace, behind connections that
 * are slow, get cut, and stop a script half-way. Owns the server's restarts: a connection does not outlive one.
 */
import { TASK_FIELDS, taskKeys, versionName } from '../../../stores/core/keys.ts'
import type { Keyspace } from '../../../stores/memory/keyspace.ts'
import { type MemoryCommand, MemoryTaskCommands } from '../../../stores/memory/task-commands.ts'
import { type StoreFactory, type StoreLayout, StoreLost } from '../../../stores/ports.ts'
import { GuardedTaskStore } from '../../../stores/task-store.ts'
import type { ProcessClock, SimClock } from '../clock.ts'
import type { RedisFate } from '../history.ts'
import type { Random } from '../random.ts'
import { type Dump, dump, restoreDump } from './dump.ts'
import { type HalfKeyspace, HalfWay } from './half-way.ts'

interface Armed {
  readonly command: string
  readonly fate: RedisFate
  skip: number
  count: number
}

export interface SimRedisParts {
  readonly clock: SimClock
  readonly random: Random
  readonly latencyMs: number
  readonly note: (fault: string) => void
  /** A process sends its owner token. */
  readonly claiming: (task: number, process: ProcessClock) => void
  /** After every write that has set a checkpoint. */
  readonly written: (task: number) => void
}

/** Longer than a session. */
const PAUSE_MS = 7_000
/** A new one each time: who waits for a shared one is kept for ever. */
const never = (): Promise<never> => new Promise(() => {})

export class SimRedis {
  readonly keyspace: HalfKeyspace = new HalfWay()
  readonly #parts: SimRedisParts
  #armed: Armed[] = []
  #starts = 0
  #versions = 0
  #dump: Dump | null = null
  readonly #taskDumps = new Map<number, Dump>()

  constructor(parts: SimRedisParts) {
    this.#parts = parts
  }

  stores(layout: StoreLayout, process: ProcessClock): StoreFactory {
    return {
      open: (task) => this.#open(layout, task, process),
      policy: async () => ({ maxmemoryPolicy: 'noeviction', evictedKeys: 0, version: 'model' }),
      close: async () => {},
    }
  }

  arm(command: string, fate: RedisFate, skip: number, count: number): void {
    this.#armed.push({ command, fate, skip, count })
  }

  /** Gone: it answers nothing, and accepts no connection. */
  isDown = false

  /** Hashes of tasks that are of a wrong type again because an older state came back. */
  readonly spoiltAgain = new Set<string>()

  heal(): void {
    this.isDown = false
    this.#armed = []
  }

  flush(): void {
    this.keyspace.clear()
  }

  saveDump(): void {
    this.#dump = dump(this.keyspace)
  }

  /** What was dumped is back; false when nothing was. */
  rollback(): boolean {
    if (!this.#dump) return false
    restoreDump(this.keyspace, this.#dump)
    for (const key of this.keyspace.keys('')) this.#noteSpoilt(key)
    return true
  }

  #noteSpoilt(key: string): void {
    if (key.endsWith('}:task') && this.keyspace.kindOf(key) === 'string') this.spoiltAgain.add(key)
  }

  /** Every connection is closed. */
  cut(): void {
    this.#starts++
  }

  async #open(layout: StoreLayout, task: number, process: ProcessClock): Promise<GuardedTaskStore> {
    const fate = this.#matching('open', task)
    await new Promise<void>((resolve) => process.after(this.#latencyMs(fate), resolve))
    if (this.isDown || fate === 'before' || fate === 'after' || fate === 'half' || fate === 'late')
      throw lost('redis.connection')
    const keys = taskKeys(layout.application, task)
    const connection = new Connection(this.#starts)
    const commands = new MemoryTaskCommands(this.keyspace, keys, (command, work) =>
      this.#carry(connection, process, layout.application, task, command, work),
    )
    return new GuardedTaskStore({ layout, keys, commands, newVersion: () => this.#newVersion() })
  }

  /** In the order of the connection, each way with a latency of its own. */
  #carry<T>(
    connection: Connection,
    process: ProcessClock,
    application: string,
    task: number,
    command: MemoryCommand,
    work: () => T,
  ): Promise<T> {
    if (!process.alive) return never()
    const { clock, written } = this.#parts
    if (command === 'claim') this.#parts.claiming(task, process)
    const fate = this.#matching(command, task)
    const { task: key, prefix } = taskKeys(application, task)
    const give = (): T => {
      if (this.isDown || connection.start !== this.#starts) throw lost('redis.connection')
      if (fate === 'dump') this.#taskDumps.set(task, dump(this.keyspace, prefix))
      const saved = fate === 'rollback' ? this.#taskDumps.get(task) : undefined
      if (saved) {
        restoreDump(this.keyspace, saved, prefix)
        this.#noteSpoilt(key)
      }
      const before = storedText(this.keyspace, key)
      try {
        return fate === 'half' ? this.keyspace.halfWay(work) : work()
      } finally {
        const set = storedText(this.keyspace, key) !== before
        if (set) written(task)
      }
    }
    return new Promise<T>((resolve, reject) => {
      const atMs = connection.inOrder(clock.nowMs() + this.#latencyMs(fate))
      const answerIn = (settleIt: () => void): void =>
        void process.after(connection.answersInOrder(clock.nowMs() + this.#latencyMs(null)) - clock.nowMs(), settleIt)
      if (fate === 'before' || fate === 'late') answerIn(() => reject(lost('redis.timeout')))
      if (fate === 'before') return
      if (fate === 'pause') {
        process.pause()
        clock.after(PAUSE_MS, () => process.resume())
      }
      const waitMs =
        (fate === 'pause' ? PAUSE_MS - 50 : atMs - clock.nowMs()) +
        (fate === 'late' ? this.#parts.random.pick([5, 200, 3_000]) : 0)
      clock.after(waitMs, () => {
        try {
          const answer = give()
          if (fate === 'late') return
          answerIn(() => (fate === 'after' ? reject(lost('redis.connection')) : resolve(answer)))
        } catch (error) {
          // That it was an error is lost, too.
          if (fate !== 'late') answerIn(() => reject(fate === 'after' ? lost('redis.connection') : error))
        }
      })
    })
  }

  #latencyMs(fate: RedisFate | null): number {
    const { random, latencyMs } = this.#parts
    if (fate === 'slow') return random.pick([200, 1_500, 4_000])
    return latencyMs === 0 ? 0 : random.below(latencyMs + 1)
  }

  #matching(command: string, task: number): RedisFate | null {
    for (const armed of this.#armed) {
      if (armed.command !== command || (armed.fate === 'rollback' && !this.#taskDumps.has(task))) continue
      if (armed.skip-- > 0) continue
      if (--armed.count <= 0) this.#armed = this.#armed.filter((a) => a !== armed)
      this.#parts.note(`redis ${command} ${armed.fate}`)
      return armed.fate
    }
    return null
  }

  /** Counted instead of random, so that a run can be repeated. */
  #newVersion(): string {
    this.#versions++
    return versionName(
      Uint8Array.of(this.#versions >>> 24, this.#versions >>> 16, this.#versions >>> 8, this.#versions),
    )
  }
}

/** Keeps what travels on one connection in its order. */
class Connection {
  readonly start: number
  #requestMs = 0
  #answerMs = 0

  constructor(start: number) {
    this.start = start
  }

  inOrder(atMs: number): number {
    this.#requestMs = Math.max(this.#requestMs, atMs)
    return this.#requestMs
  }

  answersInOrder(atMs: number): number {
    this.#answerMs = Math.max(this.#answerMs, atMs)
    return this.#answerMs
  }
}

const lost = (code: string): StoreLost => new StoreLost(code, 'lost by the simulation')

const storedText = (keyspace: Keyspace, key: string): string | null =>
  keyspace.kindOf(key) === 'hash' ? keyspace.getField(key, TASK_FIELDS.checkpoint) : null
