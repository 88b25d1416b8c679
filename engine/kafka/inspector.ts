/**
 * Looks at the transactions of others, ends those of the dead (takeover) and those that hang. Owns its connections; who is
 * dead and what hangs is the caller's to decide. Nothing is retried here.
 */

import { TRANSACTIONS_TOPIC } from '../core/hanging.ts'
import { codes } from '../core/kafka-errors.ts'
import { offset } from '../core/numbers.ts'
import type {
  Code,
  CoordinatorEntry,
  OpenTransaction,
  PartitionCode,
  ProducerIdentity,
  TopicPartition,
  TransactionDescription,
  TransactionInspector,
  TransactionListing,
  TransactionMarker,
} from '../ports.ts'
import { WireError } from '../wire/wire-error.ts'
import { Connections } from './connections.ts'
import type { Coordinators } from './coordinators.ts'
import { KafkaFetchClient } from './fetch-client.ts'
import { askLeaders } from './leaders.ts'
import type { Metadata } from './metadata.ts'
import { type KafkaConnectionOptions, requestTimeoutsMs } from './options.ts'
import { addOffsetsToTxnApi } from './protocol/add-offsets-to-txn.ts'
import { addPartitionsToTxnApi } from './protocol/add-partitions-to-txn.ts'
import type { Api } from './protocol/api.ts'
import { apiVersionsApi } from './protocol/api-versions.ts'
import { type ActiveProducer, describeProducersApi, type PartitionProducers } from './protocol/describe-producers.ts'
import { describeTransactionsApi } from './protocol/describe-transactions.ts'
import { endTxnApi } from './protocol/end-txn.ts'
import { initProducerIdApi, noIdentity } from './protocol/init-producer-id.ts'
import { listTransactionsApi } from './protocol/list-transactions.ts'
import { writeTxnMarkersApi } from './protocol/write-txn-markers.ts'
import { expectNone } from './refused.ts'
import { readPast } from './transaction-log.ts'

/** InitProducerId demands one; it counts only for a transaction that the fence itself would open, which is none. */
const fenceTransactionTimeoutMs = 5_000
const software = { name: 'tributary', version: '1' }

export class KafkaTransactionInspector implements TransactionInspector {
  readonly #metadata: Metadata
  readonly #coordinators: Coordinators
  readonly #connections: Connections
  readonly #connection: KafkaConnectionOptions

  constructor(connection: KafkaConnectionOptions, metadata: Metadata, coordinators: Coordinators) {
    this.#connection = connection
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

  /** @throws RequestLost when a part of it cannot be read now */
  async past(transactionalId: string): Promise<{ code: Code; entries: readonly CoordinatorEntry[] }> {
    await this.#metadata.ensure(new Set([TRANSACTIONS_TOPIC]))
    const found = this.#metadata.topic(TRANSACTIONS_TOPIC)
    if (!found) return { code: this.#metadata.codeOf(TRANSACTIONS_TOPIC) || codes.LEADER_NOT_AVAILABLE, entries: [] }
    const fetch = new KafkaFetchClient(this.#connection, this.#metadata)
    try {
      return await readPast(fetch, found.partitions, transactionalId)
    } catch (error) {
      if (error instanceof WireError) return { code: codes.CORRUPT_MESSAGE, entries: [] }
      throw error
    } finally {
      await fetch.close()
    }
  }

  /** @throws RequestLost also when the leader is unknown or moved; KafkaRefused */
  async producers(partition: TopicPartition): Promise<readonly ActiveProducer[]> {
    const [answer] = await this.#producers([partition])
    expectNone('DescribeProducers', answer!.code, 'read')
    return answer!.producers
  }

  /** @throws RequestLost only when no metadata can be had */
  async open(
    partitions: readonly TopicPartition[],
  ): Promise<readonly (PartitionCode & { readonly transactions: readonly OpenTransaction[] })[]> {
    return (await this.#producers(partitions)).map(({ topic, partition, code, producers }) => ({
      topic,
      partition,
      code,
      transactions: producers
        .filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0)
        .map(({ producerId, epoch, coordinatorEpoch, currentTxnStartOffset }) => ({
          topic,
          partition,
          producerId,
          epoch,
          coordinatorEpoch,
          startOffset: offset(currentTxnStartOffset),
        })),
    }))
  }

  /** @throws RequestLost */
  async writeMarker(marker: TransactionMarker): Promise<Code> {
    const [answer] = await askLeaders(
      this.#metadata,
      [marker],
      async (broker, [only]) => {
        const { apis } = await this.#connections.request(
          broker,
          apiVersionsApi,
          software,
          requestTimeoutsMs.apiVersions,
        )
        const { key, version } = writeTxnMarkersApi
        if (!apis.some((api) => api.key === key && api.max >= version))
          return [{ ...marker, code: codes.UNSUPPORTED_VERSION }]
        const answers = await this.#connections.request(broker, writeTxnMarkersApi, only!, requestTimeoutsMs.inspection)
        return answers
      },
      ({ topic, partition }, code): PartitionCode => ({ topic, partition, code }),
    )
    return answer!.code
  }

  /** @throws RequestLost */
  async abortAs(
    transactionalId: string,
    identity: ProducerIdentity,
    partitions: readonly TopicPartition[],
    offsetsOf: string | null,
  ): Promise<Code> {
    const ask = async <Request, Answer>(
      api: Api<Request, Answer>,
      request: Request,
      codesOf: (answer: Answer) => readonly Code[],
    ): Promise<Code> => {
      const result = await this.#coordinators.request(
        { kind: 'transaction', key: transactionalId, connections: this.#connections },
        api,
        request,
        requestTimeoutsMs.endTxn,
        codesOf,
      )
      return 'answer' in result ? (codesOf(result.answer).find((code) => code !== 0) ?? 0) : result.code
    }
    let code: Code = 0
    if (partitions.length > 0)
      code = await ask(addPartitionsToTxnApi, { transactionalId, identity, partitions }, (all) =>
        all.map((a) => a.code),
      )
    if (code === 0 && offsetsOf !== null)
      code = await ask(addOffsetsToTxnApi, { transactionalId, identity, groupId: offsetsOf }, (a) => [a.code])
    if (code === 0) code = await ask(endTxnApi, { transactionalId, identity, commit: false }, (a) => [a.code])
    return code
  }

  #producers(partitions: readonly TopicPartition[]): Promise<readonly PartitionProducers[]> {
    return askLeaders<TopicPartition, PartitionProducers>(
      this.#metadata,
      partitions,
      (broker, asked) => this.#connections.request(broker, describeProducersApi, asked, requestTimeoutsMs.inspection),
      ({ topic, partition }, code) => ({ topic, partition, code, producers: [] }),
    )
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
