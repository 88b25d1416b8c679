/**
 * A Kafka in memory behind the engine's ports: real record batches, transactions and groups, no sockets. A MemoryKafka is
 * the cluster; every connection is one process's. Owns what connects the coordinators with each other.
 */
import type { Clock } from '../../engine/clock.ts'
import type { Kafka, ProducerIdentity } from '../../engine/ports.ts'
import { adminOf, groupAdminOf, inspectorOf } from './admin-clients.ts'
import { Cluster } from './cluster.ts'
import { Group } from './group.ts'
import { fetchClientOf, groupClientOf } from './read-clients.ts'
import { publisherOf, transactionClientOf } from './transaction-client.ts'
import { type MarkerDelay, Transactions } from './transactions.ts'
import { type KafkaFault, Wire } from './wire.ts'

export type { KafkaFault, MemoryApi, MemoryCall } from './wire.ts'

export interface MemoryConnection extends Kafka {
  /** The process is gone: nothing it sends arrives, nothing it waits for is answered. */
  kill(): void
}

export interface MemoryKafkaOptions {
  readonly clusterId?: string
  readonly fault?: KafkaFault
  readonly markerDelayMs?: MarkerDelay
}

export class MemoryKafka {
  readonly cluster: Cluster
  readonly transactions: Transactions
  /** May be replaced while a test runs. */
  fault: KafkaFault
  /** How often the broker was away: every connection was lost then. */
  restarts = 0
  /** Clients may not write markers of aborts, as without ClusterAction. */
  isAbortMarkerDenied = false
  /** What coordinators have written may not be read. */
  isPastDenied = false
  readonly #groups = new Map<string, Group>()

  constructor(clock: Clock, options: MemoryKafkaOptions = {}) {
    this.cluster = new Cluster(options.clusterId ?? 'memory-cluster', clock)
    this.fault = options.fault ?? (() => null)
    this.transactions = new Transactions(
      this.cluster,
      (producerId, commit) => this.decideOffsets(producerId, commit),
      options.markerDelayMs,
    )
  }

  /** Producers with offsets of any group that are not decided. */
  get pendingOffsets(): readonly ProducerIdentity[] {
    return [...this.#groups.values()].flatMap((group) => group.offsets.pending)
  }

  /** The marker of a transaction that has ended, in the offsets of every group. */
  decideOffsets(producerId: bigint, commit: boolean): void {
    for (const group of this.#groups.values()) group.offsets.decided(producerId, commit)
  }

  group(groupId: string): Group {
    const group = this.#groups.get(groupId) ?? new Group(this.cluster)
    this.#groups.set(groupId, group)
    return group
  }

  /** `client` names the process in the fault hook. */
  connect(client: string): MemoryConnection {
    const wire = new Wire(client, this.cluster.clock, (call) => this.fault(call))
    return {
      admin: adminOf(this.cluster, wire),
      transactions: inspectorOf(this, wire),
      transactionClient: (options) => transactionClientOf(this, wire, options),
      groupClient: (groupId) => groupClientOf(this.group(groupId), wire, groupId),
      fetchClient: (topicIds) => fetchClientOf(this.cluster, wire, topicIds),
      publisher: () => publisherOf(this, wire),
      groupAdmin: (groupId) => groupAdminOf(this.group(groupId), wire, groupId),
      close: async () => {},
      kill: () => wire.kill(),
    }
  }
}
