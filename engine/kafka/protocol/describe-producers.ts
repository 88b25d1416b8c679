/** DescribeProducers v0, at the leader of the partitions. */
import { describeProducersV0 } from '@platformatic/kafka'
import type { PartitionCode, TopicPartition } from '../../ports.ts'
import { type Api, byTopic } from './api.ts'

export interface ActiveProducer {
  readonly producerId: bigint
  readonly epoch: number
  /** Of the last marker; -1 = none. */
  readonly coordinatorEpoch: number
  /** First offset of its open transaction here; -1 = none. */
  readonly currentTxnStartOffset: number
}

export interface PartitionProducers extends PartitionCode {
  readonly producers: readonly ActiveProducer[]
}

export const describeProducersApi: Api<readonly TopicPartition[], readonly PartitionProducers[]> = {
  name: 'DescribeProducers',
  key: 61,
  version: 0,
  encode(partitions) {
    const topics = byTopic(partitions).map(({ name, partitions }) => ({
      name,
      partitionIndexes: partitions.map(({ partition }) => partition),
    }))
    return describeProducersV0.createRequest(topics)
  },
  decode(answer) {
    answer.int32() // throttle time
    const topics = answer.structs((reader) => {
      const topic = reader.string()
      return reader.structs((reader) => {
        const partition = reader.int32()
        const code = reader.int16()
        reader.nullableString() // message
        const producers = reader.structs((reader) => {
          const producerId = reader.int64()
          const epoch = reader.int32()
          reader.int32() // last sequence
          reader.int64() // last timestamp
          const coordinatorEpoch = reader.int32()
          return { producerId, epoch, coordinatorEpoch, currentTxnStartOffset: reader.number64() }
        })
        return { topic, partition, code, producers }
      })
    })
    return topics.flat()
  },
}
