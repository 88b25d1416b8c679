/** What this process tells of itself to the others: put together from its instance, its health and what it has counted. */
import { randomUUID } from 'node:crypto'
import type { InstanceCard, TaskCard } from '../engine/core/instance-card.ts'
import type { EngineEvent } from '../engine/events.ts'
import type { Instance } from '../engine/instance.ts'
import type { Task } from '../engine/task.ts'
import type { Health } from './health.ts'
import type { Metrics } from './metrics.ts'
import { Notices } from './notices.ts'

const REASONS_MAX = 20

export interface CardDeps {
  readonly health: Health
  readonly metrics: Metrics
  readonly version: string
  readonly url: () => string
}

export class CardWriter {
  readonly notices = new Notices()
  readonly #deps: CardDeps
  readonly #start = randomUUID()
  readonly #startedAtMs = Date.now()
  readonly #restores = new Map<number, readonly [done: number, total: number]>()
  #instance: Instance | null = null

  constructor(deps: CardDeps) {
    this.#deps = deps
  }

  observe(instance: Instance): void {
    this.#instance = instance
  }

  hear(event: EngineEvent): void {
    this.notices.hear(event)
    switch (event.kind) {
      case 'restore.started':
        this.#restores.set(event.task, [0, Math.max(0, event.end - event.from)])
        break
      case 'restore.progress':
        this.#restores.set(event.task, [event.done, event.total])
        break
      case 'restore.done':
        this.#restores.delete(event.task)
        break
      case 'task.state':
        if (event.state === 'lost' || event.state === 'stopped') this.#restores.delete(event.task)
        break
      default:
    }
  }

  async card(): Promise<Omit<InstanceCard, 'format'>> {
    const { health, metrics, version, url } = this.#deps
    const { ready, reasons } = health.readiness()
    const counted = await metrics.flow()
    return {
      start: this.#start,
      url: url(),
      version,
      startedAtMs: this.#startedAtMs,
      atMs: Date.now(),
      ready,
      reasons: reasons.slice(0, REASONS_MAX),
      heapBytes: process.memoryUsage().heapUsed,
      tasks: [...(this.#instance?.tasks ?? [])].map(([number, task]) => this.#task(number, task, health)),
      counted,
      notices: this.notices.kept,
    }
  }

  #task(number: number, task: Task, health: Health): TaskCard {
    const restore = this.#restores.get(number)
    const reason = task.stop ? `${task.stop.code}: ${task.stop.message}` : health.reasonOf(number)
    let lag = 0
    for (const { records } of task.lags()) lag += records
    return {
      task: number,
      ...(task.state === 'running' ? {} : { state: task.state }),
      ...(reason === null || task.state === 'running' ? {} : { reason }),
      ...(restore ? { restore } : {}),
      ...(task.unapplied > 0 ? { unapplied: task.unapplied } : {}),
      ...(lag > 0 ? { lag } : {}),
    }
  }
}
