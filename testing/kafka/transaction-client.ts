/** The ports that write: one transactional id, and plain Produce. */
import { codes } from '../../engine/core/kafka-errors.ts'
import { offset } from '../../engine/core/numbers.ts'
import type { Code, ProduceAnswer, ProduceBatch, Publisher, TransactionClient } from '../../engine/ports.ts'
import { readBatchHeader } from '../../engine/wire/record-batch-reader.ts'
import type { MemoryKafka } from './memory-kafka.ts'
import { OFFSETS_TOPIC } from './transactions.ts'
import type { Wire } from './wire.ts'

export interface TransactionClientOptions {
  readonly transactionalId: string
  readonly groupId: string
  readonly transactionTimeoutMs: number
}

const NO_IDENTITY = { producerId: -1n, epoch: -1 }

export function transactionClientOf(
  kafka: MemoryKafka,
  wire: Wire,
  options: TransactionClientOptions,
): TransactionClient {
  const { transactions } = kafka
  const { transactionalId, groupId, transactionTimeoutMs } = options
  return {
    transactionalId,
    initProducerId: (current) =>
      wire.carry(
        'init-producer-id',
        () => transactions.init(transactionalId, current, transactionTimeoutMs),
        (code) => ({ code, identity: current ?? NO_IDENTITY }),
      ),
    txnOffsetCommit: (identity, membership, offsets) => {
      const all = (code: Code) => offsets.map(({ topic, partition }) => ({ topic, partition, code }))
      const commit = () => {
        // The transaction is open before the group is asked: a refusal leaves it open.
        const entered = transactions.enter(transactionalId, identity, { topic: OFFSETS_TOPIC, partition: 0 })
        if (entered !== 0) return all(entered)
        const group = kafka.group(groupId)
        const code = group.check(membership)
        if (code === 0) group.offsets.pend(identity.producerId, offsets)
        return all(code)
      }
      return wire.carry('txn-offset-commit', commit, all)
    },
    endTxn: (identity, commit) =>
      wire.carry(
        'end-txn',
        () => transactions.end(transactionalId, identity, commit),
        (code) => ({ code, identity }),
      ),
    produce: (batches) => wire.carryBatches(batches, (batch) => produceOne(kafka, batch, transactionalId), answerOf),
    close: async () => {},
  }
}

export const publisherOf = (kafka: MemoryKafka, wire: Wire): Publisher => ({
  publish: (batches) => wire.carryBatches(batches, (batch) => produceOne(kafka, batch, null), answerOf),
  close: async () => {},
})

function produceOne(
  { cluster, transactions }: MemoryKafka,
  batch: ProduceBatch,
  transactionalId: string | null,
): ProduceAnswer {
  const { topic, partition } = batch
  const header = readBatchHeader(batch.bytes, 0)
  if (!header) return answerOf(batch, codes.CORRUPT_MESSAGE)
  if (!cluster.log(batch)) return answerOf(batch, codes.UNKNOWN_TOPIC_OR_PARTITION)
  if (header.isTransactional) {
    const code =
      transactionalId === null
        ? codes.INVALID_TXN_STATE
        : transactions.enter(transactionalId, header, { topic, partition })
    if (code !== 0) return answerOf(batch, code)
  }
  const appended = cluster.append(batch, batch.bytes)
  return { topic, partition, message: null, ...appended }
}

const answerOf = ({ topic, partition }: ProduceBatch, code: Code): ProduceAnswer => ({
  topic,
  partition,
  code,
  baseOffset: offset(-1),
  message: null,
})
