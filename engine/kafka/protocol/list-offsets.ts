/** ListOffsets v9: start and end of the log, open transactions included, or the end that is stable. */
import { listOffsetsV9 } from '@platformatic/kafka'
import { type Position, position } from '../../core/numbers.ts'
import type { PartitionCode, TopicPartition } from '../../ports.ts'
import { type Api, byTopic } from './api.ts'

export interface ListOffsetsRequest {
  readonly at: 'earliest' | 'latest' | 'stable'
  readonly partitions: readonly TopicPartition[]
}

const timestamps = { earliest: -2n, latest: -1n, stable: -1n }
const consumerReplica = -1
const readUncommitted = 0
const readCommitted = 1
const anyEpoch = -1

export const listOffsetsApi: Api<ListOffsetsRequest, readonly (PartitionCode & { readonly position: Position })[]> = {
  name: 'ListOffsets',
  key: 2,
  version: 9,
  encode({ at, partitions }) {
    const topics = byTopic(partitions).map((topic) => ({
      name: topic.name,
      partitions: topic.partitions.map((entry) => ({
        partitionIndex: entry.partition,
        currentLeaderEpoch: anyEpoch,
        timestamp: timestamps[at],
      })),
    }))
    return listOffsetsV9.createRequest(consumerReplica, at === 'stable' ? readCommitted : readUncommitted, topics)
  },
  decode(answer) {
    answer.int32() // throttle time
    const found: (PartitionCode & { position: Position })[] = []
    answer.structs((reader) => {
      const topic = reader.string()
      reader.structs((reader) => {
        const partition = reader.int32()
        const code = reader.int16()
        reader.int64() // timestamp
        found.push({ topic, partition, code, position: position(reader.number64()) })
        reader.int32() // leader epoch
      })
    })
    return found
  },
}
