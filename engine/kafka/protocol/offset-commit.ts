/** OffsetCommit v9 by nobody: no member, no generation. The broker accepts it only while the group has no members. */
import { offsetCommitV9 } from '@platformatic/kafka'
import type { OffsetToCommit, PartitionCode } from '../../ports.ts'
import { type Api, byTopic } from './api.ts'

export interface OffsetCommitRequest {
  readonly groupId: string
  readonly offsets: readonly OffsetToCommit[]
}

const noMember = ''
const noGeneration = -1
const unknownLeaderEpoch = -1

export const offsetCommitApi: Api<OffsetCommitRequest, readonly PartitionCode[]> = {
  name: 'OffsetCommit',
  key: 8,
  version: 9,
  encode({ groupId, offsets }) {
    return offsetCommitV9.createRequest(
      groupId,
      noGeneration,
      noMember,
      null,
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
