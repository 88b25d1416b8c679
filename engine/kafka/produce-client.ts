/**
 * Sends finished record batches to their leaders and says what became of each. Owns its connections and the check that
 * every batch is for a partition that exists; order between calls, retries and the meaning of an answer are the caller's.
 * One of these is inside every transaction client and every publisher.
 */

import { codes } from '../core/kafka-errors.ts'
import { offset } from '../core/numbers.ts'
import { partitionName } from '../core/plan.ts'
import { type Code, type ProduceAnswer, type ProduceBatch, RequestLost } from '../ports.ts'
import { Connections } from './connections.ts'
import { splitByLeader } from './leaders.ts'
import type { Metadata } from './metadata.ts'
import { answerGraceMs, type BrokerAddress, type KafkaConnectionOptions } from './options.ts'
import { produceApi } from './protocol/produce.ts'

export interface ProduceOptions {
  /** null: outside of any transaction. */
  readonly transactionalId: string | null
  /** How long the broker may wait for all in-sync replicas. */
  readonly ackTimeoutMs: number
}

/**
 * A batch for a partition that the topic does not have, or two for one partition in a call: a mistake in this program.
 * The stock producer would take the partition modulo the count and write to another one (trap P10).
 */
export class ProduceRefused extends Error {
  readonly code = 'kafka.produce_refused'
  constructor(what: string) {
    super(`${what}; nothing was sent; remedy: report it, with the topic's partition count`)
    this.name = 'ProduceRefused'
  }
}

export class ProduceClient {
  readonly #options: ProduceOptions
  readonly #metadata: Metadata
  readonly #connections: Connections

  constructor(options: ProduceOptions, connection: KafkaConnectionOptions, metadata: Metadata) {
    this.#options = options
    this.#metadata = metadata
    this.#connections = new Connections(connection)
  }

  /** As TransactionClient.produce and Publisher.publish say. @throws RequestLost, ProduceRefused */
  async produce(batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]> {
    await this.#checkPartitions(batches)
    const { byBroker, withoutLeader } = splitByLeader(this.#metadata, batches)
    const answers = new Map<string, ProduceAnswer>()
    for (const { partition, code } of withoutLeader) answers.set(partitionName(partition), refused(partition, code))
    // Every broker is heard out, also when one is lost: what the caller sends next must not overtake a Produce.
    const results = await Promise.allSettled(byBroker.map((group) => this.#produceTo(group.broker, group.partitions)))
    let lost: unknown
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') {
        for (const answer of result.value) answers.set(partitionName(answer), answer)
      } else if (result.reason instanceof RequestLost && !result.reason.sent) {
        // Away, and nothing left this process: the same as a leader that is not known.
        this.#metadata.markStale()
        for (const batch of byBroker[index]!.partitions) {
          answers.set(partitionName(batch), refused(batch, codes.NOT_LEADER_OR_FOLLOWER, result.reason.message))
        }
      } else lost ??= result.reason
    }
    this.#metadata.noteCodes(answers.values())
    if (lost !== undefined) {
      this.#metadata.markStale()
      throw lost
    }
    return batches.map((batch) => answers.get(partitionName(batch)) ?? refused(batch, codes.UNKNOWN_SERVER_ERROR))
  }

  close(): void {
    this.#connections.close()
  }

  #produceTo(broker: BrokerAddress, batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]> {
    const { ackTimeoutMs } = this.#options
    return this.#connections.request(broker, produceApi, { ...this.#options, batches }, ackTimeoutMs + answerGraceMs)
  }

  async #checkPartitions(batches: readonly ProduceBatch[]): Promise<void> {
    const topics = new Set(batches.map(({ topic }) => topic))
    await this.#metadata.ensure(topics)
    if (batches.some((batch) => this.#isBeyond(batch))) await this.#metadata.refresh() // partitions may have been added
    const seen = new Set<string>()
    for (const batch of batches) {
      if (batch.partition < 0 || this.#isBeyond(batch)) {
        const count = this.#metadata.topic(batch.topic)?.partitions
        throw new ProduceRefused(`${batch.topic} has ${count} partitions, a batch is for partition ${batch.partition}`)
      }
      if (seen.has(partitionName(batch)))
        throw new ProduceRefused(`two batches for ${partitionName(batch)} in one call`)
      seen.add(partitionName(batch))
    }
  }

  #isBeyond({ topic, partition }: ProduceBatch): boolean {
    const known = this.#metadata.topic(topic)
    return known !== undefined && partition >= known.partitions
  }
}

function refused(batch: ProduceBatch, code: Code, message: string | null = null): ProduceAnswer {
  return { topic: batch.topic, partition: batch.partition, code, baseOffset: offset(-1), message }
}
