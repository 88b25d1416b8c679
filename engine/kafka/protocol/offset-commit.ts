/** OffsetCommit v9 by nobody: no member, no generation. The broker accepts it only while the group has no members. */
import { offsetCommitV9 } from '@platformatic/kafka'
import type { OffsetToCommit, PartitionCode } from '../../ports.ts'
import type { Api } from './api.ts'
import { offsetTopics, partitionCodes } from './committed-offsets.ts'

export interface OffsetCommitRequest {
  readonly groupId: string
  readonly offsets: readonly OffsetToCommit[]
}

const noMember = ''
const noGeneration = -1

export const offsetCommitApi: Api<OffsetCommitRequest, readonly PartitionCode[]> = {
  name: 'OffsetCommit',
  key: 8,
  version: 9,
  encode({ groupId, offsets }) {
    return offsetCommitV9.createRequest(groupId, noGeneration, noMember, null, offsetTopics(offsets))
  },
  decode: partitionCodes,
}
