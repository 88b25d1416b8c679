/** The ports that write: one transactional id, and plain Produce. */
import { codes } from '../../engine/core/kafka-errors.ts'
import { offset } from '../../engine/core/numbers.ts'
import type {
  Code,
  OffsetToCommit,
  PartitionCode,
  ProduceAnswer,
  ProduceBatch,
  ProducerIdentity,
  Publisher,
  TransactionClient,
} from '../../engine/ports.ts'
import { readBatchHeader } from '../../engine/wire/record-batch-reader.ts'
import type { MemoryKafka } from './memory-kafka.ts'
import { OFFSETS_PARTITION } from './transactions.ts'
import type { Wire } from './wire.ts'

export interface TransactionClientOptions {
  readonly transactionalId: string
  readonly groupId: string
  readonly transactionTimeoutMs: number
}

const isSame = (a: ProducerIdentity, b: ProducerIdentity): boolean =>
  a.producerId === b.producerId && a.epoch === b.epoch

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
    get interruptions() {
      return kafka.restarts
    },
    initProducerId: (current) =>
      wire.carry(
        'init-producer-id',
        () => transactions.init(transactionalId, current, transactionTimeoutMs),
        (code) => ({ code, identity: current ?? NO_IDENTITY }),
      ),
    txnOffsetCommit: (identity, membership, offsets) => {
      const all = (code: Code) => offsets.map(({ topic, partition }) => ({ topic, partition, code }))
      const commit = (): readonly PartitionCode[] => {
        const there = offsets.filter((partition) => kafka.cluster.log(partition) !== undefined)
        const codeOf = there.length > 0 ? commitThere(there) : 0
        return offsets.map(({ topic, partition }) => ({
          topic,
          partition,
          code: there.some((t) => t.topic === topic && t.partition === partition)
            ? codeOf
            : codes.UNKNOWN_TOPIC_OR_PARTITION,
        }))
      }
      const commitThere = (there: readonly OffsetToCommit[]): Code => {
        // The transaction is open before the group is asked: a refusal leaves it open.
        if (!kafka.cluster.hasLeader(OFFSETS_PARTITION)) return codes.COORDINATOR_NOT_AVAILABLE
        const isOpen = kafka.pendingOffsets.some((p) => isSame(p, identity))
        const entered = isOpen ? 0 : transactions.enter(transactionalId, identity, OFFSETS_PARTITION)
        if (entered !== 0) return entered
        const group = kafka.group(groupId)
        const code = group.checkCommit(membership)
        if (code === 0) group.offsets.pend(identity, there)
        return code
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
  if (!cluster.hasLeader(batch)) return answerOf(batch, codes.NOT_LEADER_OR_FOLLOWER)
  if (header.isTransactional) {
    if (transactionalId === null) return answerOf(batch, codes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    const log = cluster.log(batch)!
    if (header.epoch < log.epochOf(header.producerId)) return answerOf(batch, codes.INVALID_PRODUCER_EPOCH)
    // What is open here already is not asked about at the coordinator: until the marker comes a late batch gets in.
    const isOpen = log.openTransactions.has(header.producerId) && log.epochOf(header.producerId) === header.epoch
    const code = isOpen ? 0 : transactions.enter(transactionalId, header, { topic, partition })
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
