/** What OffsetCommit and TxnOffsetCommit have in common: the topics of the request, and the codes of the answer. */
import type { OffsetToCommit, PartitionCode } from '../../ports.ts'
import type { AnswerReader } from './answer-reader.ts'
import { byTopic } from './api.ts'

const unknownLeaderEpoch = -1

export const offsetTopics = (offsets: readonly OffsetToCommit[]) =>
  byTopic(offsets).map((topic) => ({
    name: topic.name,
    partitions: topic.partitions.map((entry) => ({
      partitionIndex: entry.partition,
      committedOffset: BigInt(entry.position),
      committedLeaderEpoch: unknownLeaderEpoch,
      committedMetadata: null,
    })),
  }))

export function partitionCodes(answer: AnswerReader): readonly PartitionCode[] {
  answer.int32() // throttle time
  const codes: PartitionCode[] = []
  answer.structs((reader) => {
    const topic = reader.string()
    reader.structs((reader) => {
      codes.push({ topic, partition: reader.int32(), code: reader.int16() })
    })
  })
  return codes
}
