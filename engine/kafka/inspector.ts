/**
 * Looks at the transactions of others and ends those of the dead (takeover). Owns its connections; who is dead is the
 * caller's to decide. Nothing is retried here.
 */

import { codes } from '../core/kafka-errors.ts'
import {
  type Code,
  type ProducerIdentity,
  RequestLost,
  type TopicPartition,
  type TransactionDescription,
  type TransactionInspector,
  type TransactionListing,
} from '../ports.ts'
import { Connections } from './connections.ts'
import type { Coordinators } from './coordinators.ts'
import type { Metadata } from './metadata.ts'
import { type KafkaConnectionOptions, requestTimeoutsMs } from './options.ts'
import { type ActiveProducer, describeProducersApi } from './protocol/describe-producers.ts'
import { describeTransactionsApi } from './protocol/describe-transactions.ts'
import { initProducerIdApi, noIdentity } from './protocol/init-producer-id.ts'
import { listTransactionsApi } from './protocol/list-transactions.ts'
import { expectNone } from './refused.ts'

/** InitProducerId demands one; it counts only for a transaction that the fence itself would open, which is none. */
const fenceTransactionTimeoutMs = 5_000

export class KafkaTransactionInspector implements TransactionInspector {
  readonly #metadata: Metadata
  readonly #coordinators: Coordinators
  readonly #connections: Connections

  constructor(connection: KafkaConnectionOptions, metadata: Metadata, coordinators: Coordinators) {
    this.#metadata = metadata
    this.#coordinators = coordinators
    this.#connections = new Connections(connection)
  }

  /** @throws RequestLost when one broker cannot be asked: its transactions would be missing unnoticed; KafkaRefused */
  async list(filter: {
    states?: readonly string[]
    producerIds?: readonly bigint[]
  }): Promise<readonly TransactionListing[]> {
    const request = { states: filter.states ?? [], producerIds: filter.producerIds ?? [] }
    await this.#metadata.refresh()
    const lists = await Promise.all(
      this.#metadata.brokers().map(async (broker) => {
        const answer = await this.#connections.request(
          broker,
          listTransactionsApi,
          request,
          requestTimeoutsMs.inspection,
        )
        expectNone('ListTransactions', answer.code, 'read')
        return answer.transactions
      }),
    )
    return lists.flat()
  }

  /** An id that the coordinator does not know answers TRANSACTIONAL_ID_NOT_FOUND (105). @throws RequestLost */
  async describe(transactionalId: string): Promise<TransactionDescription> {
    const result = await this.#coordinators.request(
      { kind: 'transaction', key: transactionalId, connections: this.#connections },
      describeTransactionsApi,
      { transactionalId },
      requestTimeoutsMs.inspection,
      (answer) => [answer?.code ?? 0],
    )
    if ('answer' in result && result.answer !== null) return result.answer
    const code = 'answer' in result ? codes.UNKNOWN_SERVER_ERROR : result.code
    return { code, transactionalId, state: '', startedAtMs: -1, partitions: [], ...noIdentity }
  }

  /** @throws RequestLost also when the leader is unknown or moved; KafkaRefused */
  async producers(partition: TopicPartition): Promise<readonly ActiveProducer[]> {
    await this.#metadata.ensure(new Set([partition.topic]))
    const leader = this.#metadata.leader(partition)
    if (leader === undefined) {
      this.#metadata.markStale()
      throw new RequestLost('DescribeProducers', false, `${partition.topic}-${partition.partition} has no known leader`)
    }
    const { topic, partition: index } = partition
    const request = { topic, partition: index }
    const answer = await this.#connections.request(leader, describeProducersApi, request, requestTimeoutsMs.inspection)
    const code = answer?.code ?? codes.UNKNOWN_SERVER_ERROR
    this.#metadata.noteCodes([{ code }])
    expectNone('DescribeProducers', code, 'read')
    return answer?.producers ?? []
  }

  async fence(transactionalId: string, identity: ProducerIdentity): Promise<Code> {
    const result = await this.#coordinators.request(
      { kind: 'transaction', key: transactionalId, connections: this.#connections },
      initProducerIdApi,
      { transactionalId, transactionTimeoutMs: fenceTransactionTimeoutMs, current: identity },
      requestTimeoutsMs.initProducerId,
      (answer) => [answer.code],
    )
    return 'answer' in result ? result.answer.code : result.code
  }

  async close(): Promise<void> {
    this.#connections.close()
  }
}
