/**
 * Fetch v17: read_committed, no fetch session, topics by id. Record batches stay undecoded views into the answer.
 * Owns the layout only; which broker is asked for what is fetch-client.ts.
 */
import { Writer } from '@platformatic/kafka'
import { offset, type Position, position } from '../../core/numbers.ts'
import type { AbortedTransaction } from '../../ports.ts'
import type { Api } from './api.ts'

export interface FetchApiRequest {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly topics: readonly {
    readonly topicId: string
    readonly partitions: readonly {
      readonly partition: number
      readonly position: Position
      readonly maxBytes: number
    }[]
  }[]
}

export interface FetchApiPartition {
  readonly topicId: string
  readonly partition: number
  readonly code: number
  readonly highWatermark: Position
  readonly lastStableOffset: Position
  readonly logStart: Position
  readonly aborted: readonly AbortedTransaction[]
  readonly records: Buffer
}

export interface FetchApiAnswer {
  /** Of the whole request; the partitions are then absent. */
  readonly code: number
  readonly partitions: readonly FetchApiPartition[]
}

const readCommitted = 1
const noSession = 0
const finalEpoch = -1
/** No leader epoch is known to us, so the broker does not compare it. */
const anyEpoch = -1
const noLogStart = -1n
const nothingForgotten: readonly never[] = []

export const fetchApi: Api<FetchApiRequest, FetchApiAnswer> = {
  name: 'Fetch',
  key: 1,
  version: 17,
  encode({ maxWaitMs, minBytes, maxBytes, topics }) {
    return Writer.create()
      .appendInt32(maxWaitMs)
      .appendInt32(minBytes)
      .appendInt32(maxBytes)
      .appendInt8(readCommitted)
      .appendInt32(noSession)
      .appendInt32(finalEpoch)
      .appendArray([...topics], (writer, topic) => {
        writer.appendUUID(topic.topicId).appendArray([...topic.partitions], (writer, asked) => {
          writer
            .appendInt32(asked.partition)
            .appendInt32(anyEpoch)
            .appendInt64(BigInt(asked.position))
            .appendInt32(anyEpoch)
            .appendInt64(noLogStart)
            .appendInt32(asked.maxBytes)
        })
      })
      .appendArray([...nothingForgotten], () => {})
      .appendString('') // rack
      .appendTaggedFields()
  },
  decode(answer) {
    answer.int32() // throttle time
    const code = answer.int16()
    answer.int32() // session
    const partitions: FetchApiPartition[] = []
    answer.structs((reader) => {
      const topicId = reader.uuid()
      reader.structs((reader) => {
        const partition = reader.int32()
        const code = reader.int16()
        const highWatermark = position(reader.number64())
        const lastStableOffset = position(reader.number64())
        const logStart = position(reader.number64())
        const aborted = reader.structs((reader) => ({
          producerId: reader.int64(),
          firstOffset: offset(reader.number64()),
        }))
        reader.int32() // preferred read replica: only with a rack
        const records = reader.bytes()
        partitions.push({ topicId, partition, code, highWatermark, lastStableOffset, logStart, aborted, records })
      })
    })
    return { code, partitions }
  },
}
