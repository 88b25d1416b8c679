/**
 * Two rules on the order of requests, which the guarantee rests on and whose breach may do no harm for a long time: no
 * owner token is written before a heartbeat has answered NONE in that takeover; no Produce leaves before its transaction
 * holds offsets.
 */
import type { ProduceBatch } from '../../../engine/ports.ts'
import { readBatchHeader } from '../../../engine/wire/record-batch-reader.ts'
import { OFFSETS_TOPIC } from '../../../testing/kafka/transactions.ts'
import type { SimKafka } from '../model/kafka.ts'
import { Violation } from './violation.ts'

/** What one process has been told, as far as the rules need it. */
export class Told {
  #heartbeats = 0
  readonly #atTakeover = new Map<number, number>()

  heartbeatAnswered(): void {
    this.#heartbeats++
  }

  takeoverBegins(task: number): void {
    this.#atTakeover.set(task, this.#heartbeats)
  }

  /** Throws Violation. */
  claims(task: number): void {
    if (this.#heartbeats > (this.#atTakeover.get(task) ?? -1)) return
    throw new Violation(
      'order',
      `the owner token of task ${task} is written before a heartbeat has answered in this takeover`,
    )
  }
}

/** Throws Violation. */
export function judgeProduce({ transactions }: SimKafka, batch: ProduceBatch): void {
  const header = readBatchHeader(batch.bytes, 0)
  const [owner] = header?.isTransactional ? transactions.list({ producerIds: [header.producerId] }) : []
  if (!header || !owner) return
  const { epoch, partitions, transactionalId } = transactions.describe(owner.transactionalId)
  // One of an epoch that is over is refused anyhow.
  if (epoch !== header.epoch || partitions.some((p) => p.topic === OFFSETS_TOPIC)) return
  throw new Violation(
    'order',
    `${transactionalId} sends records to ${batch.topic}-${batch.partition} before its transaction holds offsets`,
  )
}
