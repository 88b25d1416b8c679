/** TxnOffsetCommit v5 (transaction protocol version 2). Layout of v4. All partitions go in one request (trap P4). */
import { txnOffsetCommitV4 } from '@platformatic/kafka'
import type { GroupMembership, OffsetToCommit, PartitionCode, ProducerIdentity } from '../../ports.ts'
import type { Api } from './api.ts'
import { offsetTopics, partitionCodes } from './committed-offsets.ts'

export interface TxnOffsetCommitRequest {
  readonly transactionalId: string
  readonly groupId: string
  readonly identity: ProducerIdentity
  readonly membership: GroupMembership
  readonly offsets: readonly OffsetToCommit[]
}

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
      offsetTopics(offsets),
    )
  },
  decode: partitionCodes,
}
