/** AddPartitionsToTxn v3: what clients send that do not let the broker add partitions by itself (before KIP-890). */
import { Writer } from '@platformatic/kafka'
import type { PartitionCode, ProducerIdentity, TopicPartition } from '../../ports.ts'
import { type Api, byTopic } from './api.ts'

export interface AddPartitionsToTxnRequest {
  readonly transactionalId: string
  readonly identity: ProducerIdentity
  readonly partitions: readonly TopicPartition[]
}

export const addPartitionsToTxnApi: Api<AddPartitionsToTxnRequest, readonly PartitionCode[]> = {
  name: 'AddPartitionsToTxn',
  key: 24,
  version: 3,
  encode({ transactionalId, identity, partitions }) {
    return Writer.create()
      .appendString(transactionalId)
      .appendInt64(identity.producerId)
      .appendInt16(identity.epoch)
      .appendArray(byTopic(partitions), (writer, topic) => {
        writer
          .appendString(topic.name)
          .appendArray(topic.partitions, (writer, entry) => writer.appendInt32(entry.partition), true, false)
      })
      .appendTaggedFields()
  },
  decode(answer) {
    answer.int32() // throttle time
    const topics = answer.structs((reader) => {
      const topic = reader.string()
      return reader.structs((reader) => ({ topic, partition: reader.int32(), code: reader.int16() }))
    })
    return topics.flat()
  },
}
