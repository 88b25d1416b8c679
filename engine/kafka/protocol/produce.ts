/**
 * Produce v12 (transaction protocol version 2: the broker adds the partition to the transaction by itself, KIP-890).
 * Layout of v11; topics by name. The record batches are finished bytes and are not looked at.
 */
import { Writer } from '@platformatic/kafka'
import { offset } from '../../core/numbers.ts'
import type { ProduceAnswer, ProduceBatch } from '../../ports.ts'
import { type Api, byTopic } from './api.ts'

export interface ProduceRequest {
  readonly transactionalId: string | null
  /** How long the broker may wait for all in-sync replicas. */
  readonly ackTimeoutMs: number
  readonly batches: readonly ProduceBatch[]
}

const acksAll = -1

export const produceApi: Api<ProduceRequest, readonly ProduceAnswer[]> = {
  name: 'Produce',
  key: 0,
  version: 12,
  encode({ transactionalId, ackTimeoutMs, batches }) {
    return Writer.create()
      .appendString(transactionalId)
      .appendInt16(acksAll)
      .appendInt32(ackTimeoutMs)
      .appendArray(byTopic(batches), (writer, topic) => {
        writer.appendString(topic.name).appendArray(topic.partitions, (writer, batch) => {
          writer.appendInt32(batch.partition).appendBytes(batch.bytes)
        })
      })
      .appendTaggedFields()
  },
  decode(answer) {
    const answers: ProduceAnswer[] = []
    answer.structs((reader) => {
      const topic = reader.string()
      reader.structs((reader) => {
        const partition = reader.int32()
        const code = reader.int16()
        const baseOffset = offset(reader.number64())
        reader.int64() // log append time: only set for LogAppendTime topics
        reader.int64() // log start offset
        const recordErrors = reader.structs((reader) => ({ index: reader.int32(), text: reader.nullableString() }))
        const message = reader.nullableString() ?? recordErrors[0]?.text ?? null
        answers.push({ topic, partition, code, baseOffset, message })
      })
    })
    return answers
  },
}
