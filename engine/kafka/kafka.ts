/**
 * Everything of Kafka that the engine uses, over one set of options. Owns the shared metadata and coordinator caches and
 * closes what it handed out. Opens no connection by itself.
 */
import type { Kafka } from '../ports.ts'
import { Admin } from './admin.ts'
import { Coordinators } from './coordinators.ts'
import { KafkaFetchClient } from './fetch-client.ts'
import { KafkaGroupAdmin } from './group-admin.ts'
import { KafkaGroupClient } from './group-client.ts'
import { KafkaTransactionInspector } from './inspector.ts'
import { Metadata } from './metadata.ts'
import type { KafkaConnectionOptions, SharedOptions } from './options.ts'
import { KafkaPublisher } from './publisher.ts'
import { KafkaTransactionClient } from './transaction-client.ts'

export type { KafkaConnectionOptions, SaslOptions } from './options.ts'
export { KafkaOptionsError } from './options.ts'

/** @throws KafkaOptionsError for bootstrap servers that cannot be read */
export function connectKafka(connection: KafkaConnectionOptions): Kafka {
  const options: SharedOptions = { ...connection, losses: { count: 0 } }
  const metadata = new Metadata(options)
  const coordinators = new Coordinators(metadata)
  const admin = new Admin(options, metadata)
  const transactions = new KafkaTransactionInspector(options, metadata, coordinators)
  const clients = new Set<{ close(): Promise<void> }>()
  const keep = <T extends { close(): Promise<void> }>(client: T): T => {
    const close = client.close.bind(client)
    clients.add(client)
    client.close = () => {
      clients.delete(client)
      return close()
    }
    return client
  }
  return {
    admin,
    transactions,
    transactionClient: (id) => keep(new KafkaTransactionClient(id, options, metadata, coordinators)),
    groupClient: (groupId) => keep(new KafkaGroupClient(groupId, options, coordinators)),
    fetchClient: (topicIds) => keep(new KafkaFetchClient(options, metadata, topicIds)),
    publisher: () => keep(new KafkaPublisher(options, metadata)),
    groupAdmin: (groupId) => keep(new KafkaGroupAdmin(groupId, options, coordinators)),
    async close() {
      for (const client of [...clients]) await client.close()
      await Promise.all([admin.close(), transactions.close()])
      metadata.close()
    },
  }
}
