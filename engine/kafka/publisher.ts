/**
 * Produces outside of any transaction, for those who ask the service something: commands of the REST interface, the
 * operators' tools. Owns its connections. Nothing is retried here, and without a producer id nothing is de-duplicated:
 * what was lost on the way may have been written.
 */
import type { ProduceAnswer, ProduceBatch, Publisher } from '../ports.ts'
import type { Metadata } from './metadata.ts'
import type { KafkaConnectionOptions } from './options.ts'
import { ProduceClient } from './produce-client.ts'

/** A caller who waits for an answer gives up sooner than a transaction. */
const ackTimeoutMs = 5_000

export class KafkaPublisher implements Publisher {
  readonly #client: ProduceClient

  constructor(connection: KafkaConnectionOptions, metadata: Metadata) {
    this.#client = new ProduceClient({ transactionalId: null, ackTimeoutMs }, connection, metadata)
  }

  publish(batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]> {
    return this.#client.produce(batches)
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}
