/** OffsetFetch v9, one group, with the requireStable that the client's consumer does not set (trap P3). */
import { offsetFetchV9 } from '@platformatic/kafka'
import type { Code, TopicPartition } from '../../ports.ts'
import { type Api, byTopic } from './api.ts'

export interface OffsetFetchRequest {
  readonly groupId: string
  readonly partitions: readonly TopicPartition[]
  readonly requireStable: boolean
}

export interface OffsetFetchAnswer {
  readonly code: Code
  /** `offset` is -1 where nothing was ever committed. */
  readonly partitions: readonly (TopicPartition & { readonly code: Code; readonly offset: number })[]
}

/** A classic group's offsets may be read by anyone; no member is named. */
const noMember = { memberId: null, memberEpoch: -1 }

export const offsetFetchApi: Api<OffsetFetchRequest, OffsetFetchAnswer> = {
  name: 'OffsetFetch',
  key: 9,
  version: 9,
  encode({ groupId, partitions, requireStable }) {
    const topics = byTopic(partitions).map((topic) => ({
      name: topic.name,
      partitionIndexes: topic.partitions.map((entry) => entry.partition),
    }))
    return offsetFetchV9.createRequest([{ groupId, ...noMember, topics }], requireStable)
  },
  decode(answer) {
    answer.int32() // throttle time
    const groups = answer.structs((reader) => {
      reader.string() // group id
      const partitions: (TopicPartition & { code: Code; offset: number })[] = []
      reader.structs((reader) => {
        const topic = reader.string()
        reader.structs((reader) => {
          const partition = reader.int32()
          const offset = reader.number64()
          reader.int32() // leader epoch
          reader.nullableString() // metadata
          partitions.push({ topic, partition, offset, code: reader.int16() })
        })
      })
      return { code: reader.int16(), partitions }
    })
    return groups[0] ?? { code: 0, partitions: [] }
  },
}
