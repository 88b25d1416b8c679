/** DescribeProducers v0 of one partition, at its leader. */
import { describeProducersV0 } from '@platformatic/kafka'
import type { Code, TopicPartition } from '../../ports.ts'
import type { Api } from './api.ts'

export interface ActiveProducer {
  readonly producerId: bigint
  readonly epoch: number
  /** First offset of its open transaction here; -1 = none. */
  readonly currentTxnStartOffset: number
}

export interface DescribeProducersAnswer {
  readonly code: Code
  readonly producers: readonly ActiveProducer[]
}

export const describeProducersApi: Api<TopicPartition, DescribeProducersAnswer | null> = {
  name: 'DescribeProducers',
  key: 61,
  version: 0,
  encode({ topic, partition }) {
    return describeProducersV0.createRequest([{ name: topic, partitionIndexes: [partition] }])
  },
  decode(answer) {
    answer.int32() // throttle time
    const topics = answer.structs((reader) => {
      reader.string() // topic
      return reader.structs((reader) => {
        reader.int32() // partition
        const code = reader.int16()
        reader.nullableString() // message
        const producers = reader.structs((reader) => {
          const producerId = reader.int64()
          const epoch = reader.int32()
          reader.int32() // last sequence
          reader.int64() // last timestamp
          reader.int32() // coordinator epoch
          return { producerId, epoch, currentTxnStartOffset: reader.number64() }
        })
        return { code, producers }
      })
    })
    return topics[0]?.[0] ?? null
  },
}
