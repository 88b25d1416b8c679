/**
 * One transactional id, protocol version 2 (KIP-890). Owns its connections; keeps no transaction state: identity, order
 * of requests and what an answer means are the caller's. Nothing is retried here.
 *
 * Three connections per broker, because a broker answers a connection in order: an EndTxn(abort) must not wait behind a
 * Produce that waits for replicas, nor behind a TxnOffsetCommit.
 */

import { codes } from '../core/kafka-errors.ts'
import { offset } from '../core/numbers.ts'
import type {
  Code,
  GroupMembership,
  OffsetToCommit,
  PartitionCode,
  ProduceAnswer,
  ProduceBatch,
  ProducerIdentity,
  TransactionClient,
} from '../ports.ts'
import { RequestLost } from '../ports.ts'
import { Connections } from './connections.ts'
import type { Coordinators } from './coordinators.ts'
import { partitionKey, splitByLeader } from './leaders.ts'
import type { Metadata } from './metadata.ts'
import { answerGraceMs, type BrokerAddress, type KafkaConnectionOptions, requestTimeoutsMs } from './options.ts'
import { endTxnApi } from './protocol/end-txn.ts'
import { initProducerIdApi, noIdentity } from './protocol/init-producer-id.ts'
import { produceApi } from './protocol/produce.ts'
import { txnOffsetCommitApi } from './protocol/txn-offset-commit.ts'

export interface TransactionClientOptions {
  readonly transactionalId: string
  readonly groupId: string
  readonly transactionTimeoutMs: number
}

/**
 * A batch for a partition that the topic does not have, or two for one partition in a call: a mistake in this program.
 * The stock producer would take the partition modulo the count and write to another one (trap P10).
 */
export class ProduceRefused extends Error {
  readonly code = 'kafka.produce-refused'
  constructor(what: string) {
    super(`${what}; nothing was sent; remedy: report it, with the topic's partition count`)
    this.name = 'ProduceRefused'
  }
}

export class KafkaTransactionClient implements TransactionClient {
  readonly transactionalId: string
  readonly #options: TransactionClientOptions
  readonly #metadata: Metadata
  readonly #coordinators: Coordinators
  readonly #ends: Connections
  readonly #offsets: Connections
  readonly #data: Connections

  constructor(
    options: TransactionClientOptions,
    connection: KafkaConnectionOptions,
    metadata: Metadata,
    coordinators: Coordinators,
  ) {
    this.transactionalId = options.transactionalId
    this.#options = options
    this.#metadata = metadata
    this.#coordinators = coordinators
    this.#ends = new Connections(connection)
    this.#offsets = new Connections(connection)
    this.#data = new Connections(connection)
  }

  async initProducerId(current: ProducerIdentity | null): Promise<{ code: Code; identity: ProducerIdentity }> {
    const { transactionalId, transactionTimeoutMs } = this.#options
    const result = await this.#coordinators.request(
      { kind: 'transaction', key: transactionalId, connections: this.#ends },
      initProducerIdApi,
      { transactionalId, transactionTimeoutMs, current },
      requestTimeoutsMs.initProducerId,
      (answer) => [answer.code],
    )
    return 'answer' in result ? result.answer : { code: result.code, identity: current ?? noIdentity }
  }

  async endTxn(identity: ProducerIdentity, commit: boolean): Promise<{ code: Code; identity: ProducerIdentity }> {
    const { transactionalId } = this.#options
    const result = await this.#coordinators.request(
      { kind: 'transaction', key: transactionalId, connections: this.#ends },
      endTxnApi,
      { transactionalId, identity, commit },
      requestTimeoutsMs.endTxn,
      (answer) => [answer.code],
    )
    // With an error the broker fills in (-1, -1), which nobody must adopt.
    if ('answer' in result && result.answer.code === 0) return result.answer
    return { code: 'answer' in result ? result.answer.code : result.code, identity }
  }

  async txnOffsetCommit(
    identity: ProducerIdentity,
    membership: GroupMembership,
    offsets: readonly OffsetToCommit[],
  ): Promise<readonly PartitionCode[]> {
    const { transactionalId, groupId } = this.#options
    const result = await this.#coordinators.request(
      { kind: 'group', key: groupId, connections: this.#offsets },
      txnOffsetCommitApi,
      { transactionalId, groupId, identity, membership, offsets },
      requestTimeoutsMs.txnOffsetCommit,
      (answer) => answer.map(({ code }) => code),
    )
    const answered = new Map<string, Code>()
    if ('answer' in result) for (const entry of result.answer) answered.set(partitionKey(entry), entry.code)
    const otherwise = 'answer' in result ? codes.UNKNOWN_SERVER_ERROR : result.code
    // By what was asked: a partition the broker left out must never count as committed.
    return offsets.map((entry) => ({
      topic: entry.topic,
      partition: entry.partition,
      code: answered.get(partitionKey(entry)) ?? otherwise,
    }))
  }

  async produce(batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]> {
    await this.#checkPartitions(batches)
    const { byBroker, withoutLeader } = splitByLeader(this.#metadata, batches)
    const answers = new Map<string, ProduceAnswer>()
    for (const { partition, code } of withoutLeader) answers.set(partitionKey(partition), refused(partition, code))
    // Every broker is heard out, also when one is lost: what the caller sends next must not overtake a Produce.
    const results = await Promise.allSettled(byBroker.map((group) => this.#produceTo(group.broker, group.partitions)))
    let lost: unknown
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') {
        for (const answer of result.value) answers.set(partitionKey(answer), answer)
      } else if (result.reason instanceof RequestLost && !result.reason.sent) {
        // Away, and nothing left this process: the same as a leader that is not known.
        this.#metadata.markStale()
        for (const batch of byBroker[index]!.partitions) {
          answers.set(partitionKey(batch), refused(batch, codes.NOT_LEADER_OR_FOLLOWER, result.reason.message))
        }
      } else lost ??= result.reason
    }
    this.#metadata.noteCodes(answers.values())
    if (lost !== undefined) {
      this.#metadata.markStale()
      throw lost
    }
    return batches.map((batch) => answers.get(partitionKey(batch)) ?? refused(batch, codes.UNKNOWN_SERVER_ERROR))
  }

  async close(): Promise<void> {
    for (const connections of [this.#ends, this.#offsets, this.#data]) connections.close()
  }

  #produceTo(broker: BrokerAddress, batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]> {
    const { transactionalId, transactionTimeoutMs } = this.#options
    // Longer than the transaction may last, nobody needs the answer.
    const request = { transactionalId, ackTimeoutMs: transactionTimeoutMs, batches }
    return this.#data.request(broker, produceApi, request, transactionTimeoutMs + answerGraceMs)
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
      if (seen.has(partitionKey(batch))) throw new ProduceRefused(`two batches for ${partitionKey(batch)} in one call`)
      seen.add(partitionKey(batch))
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
