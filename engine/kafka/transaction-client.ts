/**
 * One transactional id, protocol version 2 (KIP-890). Owns its connections; keeps no transaction state: identity, order
 * of requests and what an answer means are the caller's. Nothing is retried here.
 *
 * Three connections per broker, because a broker answers a connection in order: an EndTxn(abort) must not wait behind a
 * Produce that waits for replicas, nor behind a TxnOffsetCommit.
 */

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
import { Connections } from './connections.ts'
import { type Coordinators, codesAsAsked } from './coordinators.ts'
import type { Metadata } from './metadata.ts'
import { type Losses, requestTimeoutsMs, type SharedOptions } from './options.ts'
import { ProduceClient } from './produce-client.ts'
import { endTxnApi } from './protocol/end-txn.ts'
import { initProducerIdApi, noIdentity } from './protocol/init-producer-id.ts'
import { txnOffsetCommitApi } from './protocol/txn-offset-commit.ts'

export interface TransactionClientOptions {
  readonly transactionalId: string
  readonly groupId: string
  readonly transactionTimeoutMs: number
}

export class KafkaTransactionClient implements TransactionClient {
  readonly transactionalId: string
  readonly #options: TransactionClientOptions
  readonly #coordinators: Coordinators
  readonly #ends: Connections
  readonly #offsets: Connections
  readonly #data: ProduceClient
  readonly #losses: Losses

  constructor(
    options: TransactionClientOptions,
    connection: SharedOptions,
    metadata: Metadata,
    coordinators: Coordinators,
  ) {
    this.transactionalId = options.transactionalId
    this.#losses = connection.losses
    this.#options = options
    this.#coordinators = coordinators
    this.#ends = new Connections(connection)
    this.#offsets = new Connections(connection)
    // Longer than the transaction may last, nobody needs the answer.
    const { transactionalId, transactionTimeoutMs } = options
    // Half of the transaction's time: what takes longer is aborted by us, before the broker does it.
    this.#data = new ProduceClient({ transactionalId, ackTimeoutMs: transactionTimeoutMs / 2 }, connection, metadata)
  }

  get interruptions(): number {
    return this.#losses.count
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
    return identified(result, current ?? noIdentity)
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
    return identified(result, identity)
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
    return codesAsAsked(offsets, result)
  }

  produce(batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]> {
    return this.#data.produce(batches)
  }

  async close(): Promise<void> {
    for (const connections of [this.#ends, this.#offsets, this.#data]) connections.close()
  }
}

/** With an error the broker fills in (-1, -1), which nobody must adopt: the identity stays what it was. */
function identified(
  result: { readonly answer: { readonly code: Code; readonly identity: ProducerIdentity } } | { readonly code: Code },
  before: ProducerIdentity,
): { code: Code; identity: ProducerIdentity } {
  if (!('answer' in result)) return { code: result.code, identity: before }
  const { code, identity } = result.answer
  return { code, identity: code === 0 ? identity : before }
}
