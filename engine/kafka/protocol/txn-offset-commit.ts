/** TxnOffsetCommit v5 (transaction protocol version 2). Layout of v4. All partitions go in one request (trap P4). */
import { txnOffsetCommitV4 } from '@platformatic/kafka'
import type { GroupMembership, OffsetToCommit, PartitionCode, ProducerIdentity } from '../../ports.ts'
import { type Api, byTopic } from './api.ts'

export interface TxnOffsetCommitRequest {
  readonly transactionalId: string
  readonly groupId: string
  readonly identity: ProducerIdentity
  readonly membership: GroupMembership
  readonly offsets: readonly OffsetToCommit[]
}

const unknownLeaderEpoch = -1

export const txnOffsetCommitApi: Api<TxnOffsetCommitRequest, readonly PartitionCode[]> = {
  name: 'TxnOffsetCommit',
  key: 28,
  version: 5,
  encode({ transactionalId, groupId, identity, membership, offsets }) {
    return txnOffsetCommitV4.createRequest(
      transactionalId,
      groupId,
      identity.producerId,
      identity.epoch,
      membership.generation,
      membership.memberId,
      membership.instanceId,
      byTopic(offsets).map((topic) => ({
        name: topic.name,
        partitions: topic.partitions.map((entry) => ({
          partitionIndex: entry.partition,
          committedOffset: BigInt(entry.position),
          committedLeaderEpoch: unknownLeaderEpoch,
          committedMetadata: null,
        })),
      })),
    )
  },
  decode(answer) {
    answer.int32() // throttle time
    const codes: PartitionCode[] = []
    answer.structs((reader) => {
      const topic = reader.string()
      reader.structs((reader) => {
        codes.push({ topic, partition: reader.int32(), code: reader.int16() })
      })
    })
    return codes
  },
}
