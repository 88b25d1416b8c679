/** Health as probes see it: live, ready and why not. Listens to the engine; owns no connection. */
import type { EngineEvent, TaskState } from '../engine/events.ts'
import type { RedisAway } from '../engine/policy-watch.ts'

export interface Readiness {
  readonly ready: boolean
  /** One line per reason why not. */
  readonly reasons: readonly string[]
}

/**
 * Nothing heard from the group coordinator for this long, a request every 200 ms: cut off. Longer than a rebalance, in which
 * it may rightly be silent for 6 s.
 */
export const KAFKA_SILENCE_MAX_MS = 10_000

export class Health {
  readonly #tasks = new Map<number, { state: TaskState; reason: string | null }>()
  readonly #paused = new Set<number>()
  #member = false
  #draining = false
  #stopped: string | null = null
  #troubles: readonly string[] = []
  #laneWaits: string | null = null
  #kafkaSilenceMs: () => number = () => 0
  #redisAway: () => RedisAway | null = () => null
  #waiters: (() => void)[] = []

  hear(event: EngineEvent): void {
    switch (event.kind) {
      case 'group.assigned':
        this.#member = true
        for (const task of event.lost) if (!event.gained.includes(task)) this.#tasks.delete(task)
        break
      case 'group.evicted':
        this.#member = false
        this.#tasks.clear()
        this.#paused.clear()
        break
      case 'task.state':
        if (event.state === 'lost') {
          this.#tasks.delete(event.task)
          this.#paused.delete(event.task)
        } else this.#tasks.set(event.task, { state: event.state, reason: event.reason })
        break
      case 'task.paused':
        if (event.pause) this.#paused.add(event.task)
        else this.#paused.delete(event.task)
        break
      case 'topics.troubled':
        this.#troubles = event.reasons
        break
      case 'lane.waiting':
        this.#laneWaits = event.reason
        break
      case 'instance.stopped':
        this.#stopped = `${event.code}: ${event.message}`
        break
      default:
        return
    }
    // In a later turn: an assignment is told before its tasks say what they do.
    queueMicrotask(() => {
      if (this.readiness().ready) for (const resolve of this.#waiters.splice(0)) resolve()
    })
  }

  /**
   * What no event tells: since when Kafka or Redis has not answered. Tasks tell of a Redis that is away, too, but not while
   * they try again, which is most of the time.
   */
  observe(kafkaSilenceMs: () => number, redisAway: () => RedisAway | null = () => null): void {
    this.#kafkaSilenceMs = kafkaSilenceMs
    this.#redisAway = redisAway
  }

  drain(): void {
    this.#draining = true
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Tasks that an operator has paused. They are no reason to take the process out of service: it answers what it has. */
  get paused(): readonly number[] {
    return [...this.#paused].sort((a, b) => a - b)
  }

  /** Why the task is not running; null: it is, or there is no reason. */
  reasonOf(task: number): string | null {
    return this.#tasks.get(task)?.reason ?? null
  }

  readiness(): Readiness {
    const reasons: string[] = []
    if (this.#stopped) reasons.push(this.#stopped)
    if (this.#draining) reasons.push('draining')
    if (!this.#member) reasons.push('no member of the group yet')
    for (const trouble of this.#troubles) reasons.push(`waiting for a topic: ${trouble}`)
    if (this.#laneWaits) reasons.push(`nothing can be committed: ${this.#laneWaits}`)
    const silenceMs = this.#kafkaSilenceMs()
    if (silenceMs > KAFKA_SILENCE_MAX_MS)
      reasons.push(`cut off from Kafka: no answer for ${Math.floor(silenceMs / 1000)} s`)
    const away = this.#redisAway()
    if (away) reasons.push(`cut off from Redis for ${Math.floor(away.forMs / 1000)} s: ${away.reason}`)
    for (const [task, { state, reason }] of [...this.#tasks].sort(([a], [b]) => a - b))
      if (state !== 'running') reasons.push(`task ${task}: ${state}${reason ? ` (${reason})` : ''}`)
    return { ready: reasons.length === 0, reasons }
  }

  /** Resolves when everything assigned to this process runs. */
  async ready(): Promise<void> {
    while (!this.readiness().ready) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }
}
