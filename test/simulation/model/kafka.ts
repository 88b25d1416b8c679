/**
 * The cluster of a simulation: the memory Kafka of the test driver behind a network that fails. Owns what is known of
 * transactions whose markers are still on their way.
 */
import type { FetchClient, Kafka } from '../../../engine/ports.ts'
import { adminOf, groupAdminOf, inspectorOf } from '../../../testing/kafka/admin-clients.ts'
import { MemoryKafka } from '../../../testing/kafka/memory-kafka.ts'
import { fetchClientOf, groupClientOf } from '../../../testing/kafka/read-clients.ts'
import { publisherOf, transactionClientOf } from '../../../testing/kafka/transaction-client.ts'
import type { Network } from './network.ts'
import { SimWire, type SimWireParts } from './wire.ts'

/** Answers end in the middle of a transaction now and then, as large ones do. */
const cutting = (client: FetchClient, network: Network): FetchClient => ({
  fetch: (requests, options) =>
    client.fetch(
      requests.map((r) => ({ ...r, maxBytes: network.fetchBytesMax() })),
      options,
    ),
  close: () => client.close(),
})

export class SimKafka extends MemoryKafka {
  connectThrough(parts: SimWireParts): Kafka {
    const wire = new SimWire(parts)
    return {
      admin: adminOf(this.cluster, wire),
      transactions: inspectorOf(this, wire),
      transactionClient: (options) => transactionClientOf(this, wire, options),
      groupClient: (groupId) => groupClientOf(this.group(groupId), wire, groupId),
      fetchClient: (topicIds) => cutting(fetchClientOf(this.cluster, wire, topicIds), parts.network),
      publisher: () => publisherOf(this, wire),
      groupAdmin: (groupId) => groupAdminOf(this.group(groupId), wire, groupId),
      close: async () => {},
    }
  }

  /** Whether this producer's transaction is decided as committed, markers or not. */
  isCommitting(producerId: bigint): boolean {
    return this.transactions.isCommitting(producerId)
  }
}
