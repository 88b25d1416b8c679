/**
 * What is done beside the records. Every ten seconds an idle task looks whether its state is still there. Once a minute
 * forwarded records that are processed are deleted from the repartition topic (its retention is endless, so that none is
 * lost before). Once a day an idle task commits its offsets again, before the broker could expire them. Owns its timer; a
 * failure is tried again at the next round.
 */
import type { Clock } from './clock.ts'
import { classify, nameOf } from './core/kafka-errors.ts'
import type { Plan } from './core/plan.ts'
import type { Listener } from './events.ts'
import { type KafkaAdmin, type OffsetToCommit, RequestLost } from './ports.ts'
import type { Task } from './task.ts'

const INTERVAL_MS = 10_000
const ROUNDS_PER_TRIM = 6
const RECOMMIT_AFTER_MS = 24 * 60 * 60 * 1000

export class Housekeeping {
  readonly #clock: Clock
  readonly #admin: KafkaAdmin
  readonly #plan: Plan
  readonly #listener: Listener
  readonly #tasks: () => Iterable<Task>
  /** Deleted up to here by us, so that an idle topic is left alone. */
  readonly #trimmed = new Map<number, number>()
  #cancel = (): void => {}
  #closed = false
  #rounds = 0

  constructor(clock: Clock, admin: KafkaAdmin, plan: Plan, listener: Listener, tasks: () => Iterable<Task>) {
    this.#clock = clock
    this.#admin = admin
    this.#plan = plan
    this.#listener = listener
    this.#tasks = tasks
  }

  start(): void {
    this.#cancel = this.#clock.after(INTERVAL_MS, () => void this.#round())
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  async #round(): Promise<void> {
    for (const task of this.#tasks()) task.probe()
    try {
      if (++this.#rounds % ROUNDS_PER_TRIM === 0) await this.#trim()
    } catch (error) {
      if (!(error instanceof RequestLost)) throw error
    }
    for (const task of this.#tasks()) task.recommit(this.#clock.nowMs() - RECOMMIT_AFTER_MS)
    if (!this.#closed) this.start()
  }

  async #trim(): Promise<void> {
    const { topic } = this.#plan.repartition
    const before: OffsetToCommit[] = []
    for (const { task, progress } of this.#tasks()) {
      const position = progress?.position(topic, task)
      if (position !== undefined && position > (this.#trimmed.get(task) ?? 0))
        before.push({ topic, partition: task, position })
    }
    if (before.length === 0) return
    for (const { partition, code } of await this.#admin.deleteRecords(before)) {
      if (code === 0) this.#trimmed.set(partition, before.find((b) => b.partition === partition)!.position)
      else if (classify(code, 'admin') !== 'RETRY')
        this.#listener({
          kind: 'warning',
          code: 'repartition.not_trimmed',
          message: `${topic}-${partition}: ${nameOf(code)}; it grows until the service may delete its records`,
        })
    }
  }
}
