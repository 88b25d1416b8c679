/** The ports that look from outside: administration, transactions of others, a group's description. */
import { codes } from '../../engine/core/kafka-errors.ts'
import { position } from '../../engine/core/numbers.ts'
import type { GroupAdmin, KafkaAdmin, TransactionInspector } from '../../engine/ports.ts'
import type { Cluster } from './cluster.ts'
import type { Group } from './group.ts'
import type { Transactions } from './transactions.ts'
import type { Wire } from './wire.ts'

export function inspectorOf(transactions: Transactions, cluster: Cluster, wire: Wire): TransactionInspector {
  return {
    list: (filter) => wire.carry('transactions', () => transactions.list(filter)),
    describe: (transactionalId) => wire.carry('transactions', () => transactions.describe(transactionalId)),
    producers: (partition) =>
      wire.carry('transactions', () =>
        [...(cluster.log(partition)?.openTransactions ?? [])].map(([producerId, currentTxnStartOffset]) => ({
          producerId,
          epoch: 0,
          currentTxnStartOffset,
        })),
      ),
    fence: (transactionalId, identity) =>
      wire.carry(
        'transactions',
        () => transactions.init(transactionalId, identity, 5_000).code,
        (code) => code,
      ),
  }
}

export function adminOf(cluster: Cluster, wire: Wire): KafkaAdmin {
  return {
    cluster: () => wire.carry('admin', () => ({ clusterId: cluster.clusterId, brokers: 1 })),
    finalizedFeatures: () => wire.carry('admin', () => new Map([['transaction.version', 2]])),
    topics: (names) =>
      wire.carry(
        'admin',
        () =>
          new Map(
            names.flatMap((name) =>
              cluster.topics.has(name) ? [[name, cluster.topics.get(name)!.info] as const] : [],
            ),
          ),
      ),
    configs: (topic) => wire.carry('admin', () => new Map(cluster.topics.get(topic)?.configs)),
    createTopics: (topics) =>
      wire.carry('admin', () => new Map(topics.map((topic) => [topic.topic, cluster.create(topic)]))),
    deleteRecords: (before) =>
      wire.carry('admin', () =>
        before.map(({ topic, partition, position }) => {
          cluster.log({ topic, partition })?.deleteBefore(position)
          return { topic, partition, code: 0 }
        }),
      ),
    listOffsets: (partitions, at) =>
      wire.carry('admin', () =>
        partitions.map(({ topic, partition }) => {
          const log = cluster.log({ topic, partition })
          if (!log) return { topic, partition, code: codes.UNKNOWN_TOPIC_OR_PARTITION, position: position(-1) }
          return { topic, partition, code: 0, position: at === 'earliest' ? log.start : log.end }
        }),
      ),
  }
}

export const groupAdminOf = (group: Group, wire: Wire, groupId: string): GroupAdmin => ({
  groupId,
  describe: () => wire.carry('admin', () => group.describe(wire.client)),
  commit: (offsets) =>
    wire.carry('admin', () => {
      const code = group.isEmpty ? 0 : codes.UNKNOWN_MEMBER_ID
      if (code === 0) group.offsets.commit(offsets)
      return offsets.map(({ topic, partition }) => ({ topic, partition, code }))
    }),
  close: async () => {},
})
