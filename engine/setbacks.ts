/**
 * A batch whose transaction failed for what it holds: what is tried instead, and what is said of it. The rule itself is
 * core/isolation.ts.
 */
import type { Batch } from './core/batch.ts'
import type { Isolation } from './core/isolation.ts'
import { nameOf } from './core/kafka-errors.ts'
import { partitionName } from './core/plan.ts'
import type { PipelineHooks } from './pipeline-hooks.ts'
import type { PartitionCode } from './ports.ts'
import type { TaskContext } from './task-context.ts'
import type { EncodedOutputs } from './wire/encoded-outputs.ts'

export class Setbacks {
  readonly #task: number
  readonly #listener: TaskContext['listener']
  readonly #isolation: Isolation
  readonly #stopped: PipelineHooks['stopped']

  constructor(
    task: number,
    { listener }: Pick<TaskContext, 'listener'>,
    isolation: Isolation,
    { stopped }: Pick<PipelineHooks, 'stopped'>,
  ) {
    this.#task = task
    this.#listener = listener
    this.#isolation = isolation
    this.#stopped = stopped
  }

  /**
   * A record made the transaction fail: this task's batch is halved until the record stands alone. False: its dead letter
   * is refused as well, and the task has stopped.
   */
  isolate(batch: Batch, outputs: EncodedOutputs, partitions: readonly PartitionCode[]): boolean {
    const written = new Set(outputs.partitions.map(partitionName))
    const guilty = partitions.find((p) => written.has(partitionName(p)))
    if (!guilty) return true
    const reason = nameOf(guilty.code)
    const { first, tally } = batch
    if (tally.records <= 1 && first && !this.#isolation.refuse(first, `${guilty.topic} refused it: ${reason}`)) {
      this.#stopped('deadletter.refused', `${guilty.topic} refuses the dead letter: ${reason}`)
      return false
    }
    this.#halve(tally.records, reason)
    return true
  }

  /** The transaction took too long. */
  shrink({ first, tally }: Batch, reason: string): void {
    this.#halve(tally.records, reason)
    // Kafka is slow, for the outputs of one record are bounded: it is tried until it is not, and said each time.
    if (tally.records > 1 || !first) return
    const message = `${partitionName(first)}@${first.offset}: ${reason}, though the record is alone`
    this.#listener({ kind: 'warning', code: 'record.slow', message })
  }

  /** Smaller batches until one has been applied; then they grow again. */
  #halve(records: number, reason: string): void {
    this.#isolation.halve(records)
    this.#listener({ kind: 'batch.isolated', task: this.#task, records, reason })
  }
}
