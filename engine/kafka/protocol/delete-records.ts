/** DeleteRecords v2: everything before the position, at the partition's leader. */
import { deleteRecordsV2 } from '@platformatic/kafka'
import type { OffsetToCommit, PartitionCode } from '../../ports.ts'
import { type Api, byTopic } from './api.ts'

export interface DeleteRecordsRequest {
  readonly before: readonly OffsetToCommit[]
  readonly timeoutMs: number
}

export const deleteRecordsApi: Api<DeleteRecordsRequest, readonly PartitionCode[]> = {
  name: 'DeleteRecords',
  key: 21,
  version: 2,
  encode({ before, timeoutMs }) {
    const topics = byTopic(before).map((topic) => ({
      name: topic.name,
      partitions: topic.partitions.map((entry) => ({
        partitionIndex: entry.partition,
        offset: BigInt(entry.position),
      })),
    }))
    return deleteRecordsV2.createRequest(topics, timeoutMs)
  },
  decode(answer) {
    answer.int32() // throttle time
    const codes: PartitionCode[] = []
    answer.structs((reader) => {
      const topic = reader.string()
      reader.structs((reader) => {
        const partition = reader.int32()
        reader.int64() // low watermark
        codes.push({ topic, partition, code: reader.int16() })
      })
    })
    return codes
  },
}
