/** Where partitions lie among several brokers: who leads them, and whether all replicas are in sync. */
import { Connection, metadataV12 } from '@platformatic/kafka'
import type { Broker } from './brokers.ts'

export interface Placed {
  readonly topic: string
  readonly partition: number
  /** `node.id`; -1 for nobody. */
  readonly leader: number
  readonly inSync: number
}

/** As the first broker that answers has it. Throws when none does. */
export async function placementOf(nodes: readonly Broker[], topics: readonly string[]): Promise<readonly Placed[]> {
  let last: unknown = new Error('no broker')
  for (const { port } of nodes) {
    const connection = new Connection('proof-placement', { connectTimeout: 2_000 })
    try {
      await connection.connect('127.0.0.1', port)
      const answer = await metadataV12.api.async(connection, [...topics], false, false)
      return answer.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, leaderId, isrNodes }) => ({
          topic: name ?? '',
          partition: partitionIndex,
          leader: leaderId,
          inSync: isrNodes.length,
        })),
      )
    } catch (error) {
      last = error
    } finally {
      await connection.close().catch(() => {})
    }
  }
  throw last
}
