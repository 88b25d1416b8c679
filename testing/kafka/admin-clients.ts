/** The ports that look from outside: administration, transactions of others, a group's description. */
import { codes } from '../../engine/core/kafka-errors.ts'
import { offset, position } from '../../engine/core/numbers.ts'
import {
  type Code,
  type GroupAdmin,
  type KafkaAdmin,
  type OpenTransaction,
  RequestLost,
  type TopicPartition,
  type TransactionInspector,
} from '../../engine/ports.ts'
import type { Cluster } from './cluster.ts'
import type { Group } from './group.ts'
import type { MemoryKafka } from './memory-kafka.ts'
import { OFFSETS_PARTITION, OFFSETS_TOPIC } from './transactions.ts'
import type { Wire } from './wire.ts'

export function inspectorOf(kafka: MemoryKafka, wire: Wire): TransactionInspector {
  const { transactions, cluster } = kafka
  const openIn = (partition: TopicPartition): readonly OpenTransaction[] => {
    const log = cluster.log(partition)
    const found =
      partition.topic === OFFSETS_TOPIC
        ? kafka.pendingOffsets.map((identity) => ({ ...identity, startOffset: offset(0) }))
        : [...(log?.openTransactions ?? [])].map(([producerId, start]) => ({
            producerId,
            epoch: log!.epochOf(producerId),
            startOffset: offset(start),
          }))
    return found.map((open) => ({ ...partition, ...open, coordinatorEpoch: 0 }))
  }
  return {
    list: (filter) => wire.carry('transactions', () => transactions.list(filter)),
    describe: (transactionalId) => wire.carry('transactions', () => transactions.describe(transactionalId)),
    past: (transactionalId) =>
      wire.carry('transactions', () => ({
        code: kafka.isPastDenied ? codes.TOPIC_AUTHORIZATION_FAILED : 0,
        entries: kafka.isPastDenied ? [] : transactions.past(transactionalId),
      })),
    producers: (partition) =>
      wire.carry('transactions', () => {
        if (!cluster.hasLeader(partition)) throw new RequestLost('DescribeProducers', false, 'no leader')
        const log = cluster.log(partition)
        const open = openIn(partition).map((o) => ({ ...o, currentTxnStartOffset: Number(o.startOffset) }))
        const ended = (log?.producers ?? [])
          .filter((producerId) => !open.some((o) => o.producerId === producerId))
          .map((producerId) => ({ producerId, epoch: log!.epochOf(producerId), currentTxnStartOffset: -1 }))
        return [...open, ...ended].map(({ producerId, epoch, currentTxnStartOffset }) => ({
          producerId,
          epoch,
          currentTxnStartOffset,
        }))
      }),
    open: (partitions) =>
      wire.carry('transactions', () =>
        partitions.map(({ topic, partition }) => {
          const where = { topic, partition }
          const known = topic === OFFSETS_TOPIC || cluster.log(where)
          if (!known) return { ...where, code: codes.UNKNOWN_TOPIC_OR_PARTITION, transactions: [] }
          if (!cluster.hasLeader(where)) return { ...where, code: codes.NOT_LEADER_OR_FOLLOWER, transactions: [] }
          return { ...where, code: 0, transactions: openIn(where) }
        }),
      ),
    writeMarker: ({ topic, partition, producerId, epoch, commit }) =>
      wire.carry(
        'transactions',
        (): Code => {
          const where = { topic, partition }
          if (kafka.isAbortMarkerDenied && !commit) return codes.CLUSTER_AUTHORIZATION_FAILED
          if (!cluster.hasLeader(where)) return codes.NOT_LEADER_OR_FOLLOWER
          const open = openIn(where).find((o) => o.producerId === producerId)
          if (open && open.epoch >= epoch) return codes.INVALID_PRODUCER_EPOCH
          if (topic === OFFSETS_TOPIC) kafka.decideOffsets(producerId, commit)
          else cluster.complete(where, producerId, epoch, commit)
          return 0
        },
        (code) => code,
      ),
    abortAs: (transactionalId, identity, partitions, offsetsOf) =>
      wire.carry(
        'transactions',
        (): Code => {
          for (const partition of offsetsOf === null ? partitions : [...partitions, OFFSETS_PARTITION]) {
            const code = transactions.enter(transactionalId, identity, partition)
            if (code !== 0) return code
          }
          return transactions.end(transactionalId, identity, false).code
        },
        (code) => code,
      ),
    fence: (transactionalId, identity) =>
      wire.carry(
        'transactions',
        () => transactions.init(transactionalId, identity, 5_000).code,
        (code) => code,
      ),
  }
}

const OFFSETS_INFO = { topic: OFFSETS_TOPIC, topicId: '00000000-0000-0000-0000-000000000001', partitions: 1 }

export function adminOf(cluster: Cluster, wire: Wire): KafkaAdmin {
  return {
    cluster: () => wire.carry('admin', () => ({ clusterId: cluster.clusterId, brokers: 1 })),
    finalizedFeatures: () => wire.carry('admin', () => new Map([['transaction.version', 2]])),
    topics: (names) =>
      wire.carry(
        'admin',
        () =>
          new Map(
            names.flatMap((name) => {
              const info = name === OFFSETS_TOPIC ? OFFSETS_INFO : cluster.topics.get(name)?.info
              return info ? [[name, info] as const] : []
            }),
          ),
      ),
    configs: (topic) => wire.carry('admin', () => new Map(cluster.topics.get(topic)?.configs)),
    createTopics: (topics) =>
      wire.carry('admin', () => new Map(topics.map((topic) => [topic.topic, cluster.create(topic)]))),
    deleteRecords: (before) =>
      wire.carry('admin', () =>
        before.map(({ topic, partition, position }) => {
          const log = cluster.log({ topic, partition })
          const code = !log ? codes.UNKNOWN_TOPIC_OR_PARTITION : position > log.end ? codes.OFFSET_OUT_OF_RANGE : 0
          if (code === 0) log?.deleteBefore(position)
          return { topic, partition, code }
        }),
      ),
    listOffsets: (partitions, at) =>
      wire.carry('admin', () =>
        partitions.map(({ topic, partition }) => {
          const log = cluster.log({ topic, partition })
          if (!log) return { topic, partition, code: codes.UNKNOWN_TOPIC_OR_PARTITION, position: position(-1) }
          if (!cluster.hasLeader({ topic, partition }))
            return { topic, partition, code: codes.LEADER_NOT_AVAILABLE, position: position(-1) }
          const ends = { earliest: log.start, latest: log.end, stable: log.lastStableOffset }
          return { topic, partition, code: 0, position: ends[at] }
        }),
      ),
  }
}

export const groupAdminOf = (group: Group, wire: Wire, groupId: string): GroupAdmin => ({
  groupId,
  describe: () => wire.carry('admin', () => group.describe(wire.client)),
  commit: (offsets) =>
    wire.carry('admin', () => {
      const code = group.commitFromOutside(offsets)
      return offsets.map(({ topic, partition }) => ({ topic, partition, code }))
    }),
  close: async () => {},
})
