/**
 * Requests that concern partitions, split by their leaders: asked all at once, answered in the order asked. Owns no state.
 * A partition that has no answer gets a code: 3 unknown topic, 6 no leader or leader away, 13 its connection was lost.
 */

import { codes } from '../core/kafka-errors.ts'
import { partitionName } from '../core/plan.ts'
import { type Code, type PartitionCode, RequestLost, type TopicPartition } from '../ports.ts'
import type { Metadata } from './metadata.ts'
import { addressOf, type BrokerAddress } from './options.ts'

export interface Split<T extends TopicPartition> {
  readonly byBroker: readonly { readonly broker: BrokerAddress; readonly partitions: readonly T[] }[]
  readonly withoutLeader: readonly { readonly partition: T; readonly code: Code }[]
}

export function splitByLeader<T extends TopicPartition>(metadata: Metadata, partitions: readonly T[]): Split<T> {
  const byBroker = new Map<string, { broker: BrokerAddress; partitions: T[] }>()
  const withoutLeader: { partition: T; code: Code }[] = []
  for (const partition of partitions) {
    const broker = metadata.leader(partition)
    if (broker === undefined) {
      const partitions = metadata.topic(partition.topic)?.partitions ?? 0
      const otherwise =
        partition.partition < partitions ? codes.NOT_LEADER_OR_FOLLOWER : codes.UNKNOWN_TOPIC_OR_PARTITION
      const code = metadata.codeOf(partition.topic) || otherwise
      withoutLeader.push({ partition, code })
      continue
    }
    const address = addressOf(broker)
    const group = byBroker.get(address)
    if (group) group.partitions.push(partition)
    else byBroker.set(address, { broker, partitions: [partition] })
  }
  if (withoutLeader.length > 0) metadata.markStale()
  return { byBroker: [...byBroker.values()], withoutLeader }
}

/**
 * Asks every leader concerned; a broker that does not answer costs its own partitions only.
 * @param ask sends the partitions of one broker
 * @param failed the answer for a partition that has none
 * @throws RequestLost only when no metadata can be had
 */
export async function askLeaders<T extends TopicPartition, A extends PartitionCode>(
  metadata: Metadata,
  partitions: readonly T[],
  ask: (broker: BrokerAddress, partitions: readonly T[]) => Promise<readonly A[]>,
  failed: (partition: T, code: Code) => A,
): Promise<readonly A[]> {
  await metadata.ensure(new Set(partitions.map(({ topic }) => topic)))
  const { byBroker, withoutLeader } = splitByLeader(metadata, partitions)
  const lists = await Promise.all(
    byBroker.map(async (group) => {
      try {
        return await ask(group.broker, group.partitions)
      } catch (error) {
        if (!(error instanceof RequestLost)) throw error
        metadata.markStale()
        return group.partitions.map((partition) => failed(partition, codes.NETWORK_EXCEPTION))
      }
    }),
  )
  const answers = lists.flat()
  metadata.noteCodes(answers)
  const found = new Map(answers.map((answer) => [partitionName(answer), answer]))
  for (const { partition, code } of withoutLeader) found.set(partitionName(partition), failed(partition, code))
  return partitions.map((entry) => found.get(partitionName(entry)) ?? failed(entry, codes.UNKNOWN_SERVER_ERROR))
}
