/**
 * Says when what a task reads does not come: a partition that no broker serves, or a source that cannot be read on because a
 * transaction of its producer does not end. Records may be there, and no lag tells of them: it counts from the last answer,
 * and to the stable end. Owns since when each partition waits. Looks only, for it is another's transaction.
 */

import type { Clock } from './clock.ts'
import { isOpenState } from './core/hanging.ts'
import type { PartitionIntake, TaskIntake } from './core/intake.ts'
import { nameOf } from './core/kafka-errors.ts'
import { type Plan, partitionName } from './core/plan.ts'
import type { Listener } from './events.ts'
import type { OpenTransaction, TopicPartition, TransactionInspector } from './ports.ts'

/** As long as a producer's transaction may last by default (transaction.timeout.ms of Kafka's own clients). */
const PATIENCE_MS = 60_000
const SAY_EVERY_MS = 60_000
const NOT_SERVED = -1

interface Waiting {
  /** The stable end, or NOT_SERVED. */
  readonly at: number
  sayAtMs: number
}

export class SourceWatch {
  readonly #plan: Plan
  readonly #transactions: Pick<TransactionInspector, 'open' | 'list'>
  readonly #clock: Clock
  readonly #listener: Listener
  readonly #tasks: () => Iterable<{ readonly intake: TaskIntake | null }>
  #waiting = new Map<string, Waiting>()

  constructor(
    plan: Plan,
    transactions: Pick<TransactionInspector, 'open' | 'list'>,
    clock: Clock,
    listener: Listener,
    tasks: () => Iterable<{ readonly intake: TaskIntake | null }>,
  ) {
    this.#plan = plan
    this.#transactions = transactions
    this.#clock = clock
    this.#listener = listener
    this.#tasks = tasks
  }

  /** @throws RequestLost */
  async look(): Promise<void> {
    const nowMs = this.#clock.elapsedMs()
    const waiting = new Map<string, Waiting>()
    const held: TopicPartition[] = []
    for (const task of this.#tasks())
      for (const intake of task.intake?.partitions ?? []) {
        const at = this.#waitsAt(intake)
        if (at === null) continue
        const name = partitionName(intake)
        const sinceMs = intake.refused?.sinceMs ?? nowMs
        const before = this.#waiting.get(name)
        const now = before?.at === at ? before : { at, sayAtMs: sinceMs + PATIENCE_MS }
        waiting.set(name, now)
        if (nowMs < now.sayAtMs) continue
        now.sayAtMs = nowMs + SAY_EVERY_MS
        const { topic, partition, refused } = intake
        if (refused)
          this.#say(`${name} is not served for ${Math.floor((nowMs - sinceMs) / 1_000)} s: ${nameOf(refused.code)}`)
        else held.push({ topic, partition })
      }
    this.#waiting = waiting
    if (held.length === 0) return
    for (const { transactions } of await this.#transactions.open(held)) {
      const [first] = transactions.toSorted((a, b) => a.startOffset - b.startOffset)
      if (first) await this.#sayHeld(first)
    }
  }

  /** Null: it does not wait. What is forwarded is our own: whoever looks after our transactions ends what holds it. */
  #waitsAt({ topic, refused, lastStableOffset, highWatermark }: PartitionIntake): number | null {
    if (refused) return NOT_SERVED
    return lastStableOffset < highWatermark && topic !== this.#plan.repartition.topic ? lastStableOffset : null
  }

  async #sayHeld(open: OpenTransaction): Promise<void> {
    const { topic, producerId, epoch, startOffset } = open
    const [known] = await this.#transactions.list({ producerIds: [producerId] })
    const whose =
      known && isOpenState(known.state)
        ? `the transaction of ${known.transactionalId} (${known.state}), which its producer or its timeout ends`
        : `producer ${producerId} (epoch ${epoch}), whose transaction no coordinator has as open: a broker has lost its marker. ` +
          `Its owner must say whether it was committed; kafka-transactions.sh --bootstrap-server … find-hanging --topic ${topic} finds it, and abort drops its records`
    this.#say(`${partitionName(open)} cannot be read from offset ${startOffset} on: it is held by ${whose}`)
  }

  #say(message: string): void {
    this.#listener({ kind: 'warning', code: 'source.waiting', message })
  }
}
