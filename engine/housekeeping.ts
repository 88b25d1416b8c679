/**
 * What is done beside the records. Every ten seconds an idle task looks whether its state is still there. Once a minute
 * forwarded records that are processed are deleted from the repartition topic (its retention is endless, so that none is
 * lost before). Every ten seconds the written partitions whose stable end stands still below their end are looked at: a
 * transaction may hang there, and sources of which nothing comes (source-watch.ts). Once a day an idle task commits
 * its offsets again, before the broker could expire them. Owns what it has seen and deleted; a failure is tried again at
 * the next round.
 */

import type { Clock } from './clock.ts'
import { writtenPartitions } from './core/hanging.ts'
import { classify, nameOf } from './core/kafka-errors.ts'
import { type Plan, partitionName } from './core/plan.ts'
import type { Listener } from './events.ts'
import type { Mender } from './mender.ts'
import { type KafkaAdmin, type OffsetToCommit, RequestLost } from './ports.ts'
import { RoundTimer } from './round-timer.ts'
import type { SourceWatch } from './source-watch.ts'
import type { Task } from './task.ts'

const INTERVAL_MS = 10_000
const ROUNDS_PER_TRIM = 6
const RECOMMIT_AFTER_MS = 24 * 60 * 60 * 1000

export class Housekeeping {
  readonly #clock: Clock
  readonly #admin: KafkaAdmin
  readonly #mender: Pick<Mender, 'others'>
  readonly #sources: Pick<SourceWatch, 'look'>
  readonly #plan: Plan
  readonly #listener: Listener
  readonly #tasks: () => Iterable<Task>
  readonly #timer: RoundTimer
  /** Deleted up to here by us, so that an idle topic is left alone. */
  readonly #trimmed = new Map<number, number>()
  /** Stable ends as of the last round, of partitions that had more behind it. */
  #held = new Map<string, number>()
  #rounds = 0

  constructor(
    clock: Clock,
    admin: KafkaAdmin,
    mender: Pick<Mender, 'others'>,
    sources: Pick<SourceWatch, 'look'>,
    plan: Plan,
    listener: Listener,
    tasks: () => Iterable<Task>,
  ) {
    this.#clock = clock
    this.#admin = admin
    this.#mender = mender
    this.#sources = sources
    this.#plan = plan
    this.#listener = listener
    this.#tasks = tasks
    this.#timer = new RoundTimer(clock, INTERVAL_MS, () => this.#round())
  }

  start(): void {
    this.#timer.start()
  }

  close(): void {
    this.#timer.close()
  }

  async #round(): Promise<void> {
    for (const task of this.#tasks()) task.probe()
    try {
      await this.#lookForHanging()
      if (++this.#rounds % ROUNDS_PER_TRIM === 0) await this.#trim()
      await this.#sources.look()
    } catch (error) {
      // What a broker refuses to tell is no reason to end, nor to leave the rounds to come.
      if (!(error instanceof RequestLost))
        this.#warn('housekeeping.failed', error instanceof Error ? error.message : String(error))
    }
    for (const task of this.#tasks()) task.recommit(this.#clock.nowMs() - RECOMMIT_AFTER_MS)
  }

  /** Two rounds at the same place are longer than a transaction may last. */
  async #lookForHanging(): Promise<void> {
    const partitions = writtenPartitions(this.#plan)
    const stable = await this.#admin.listOffsets(partitions, 'stable')
    const latest = await this.#admin.listOffsets(partitions, 'latest')
    const held = new Map<string, number>()
    const still = partitions.filter((partition, i) => {
      const [at, end] = [stable[i]!, latest[i]!]
      if (at.code !== 0 || end.code !== 0 || at.position >= end.position) return false
      const name = partitionName(partition)
      held.set(name, at.position)
      return this.#held.get(name) === at.position
    })
    this.#held = held
    if (still.length > 0) await this.#mender.others(still)
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
        this.#warn(
          'repartition.not_trimmed',
          `${topic}-${partition}: ${nameOf(code)}; it grows until the service may delete its records`,
        )
    }
  }

  #warn(code: string, message: string): void {
    this.#listener({ kind: 'warning', code, message })
  }
}
