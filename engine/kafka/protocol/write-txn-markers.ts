/**
 * WriteTxnMarkers v2 of one marker, at the partition's leader; what brokers send each other when a transaction is decided.
 * Version 2 tells the transaction version, and only with it the broker wants an epoch above that of what is open.
 */
import { Writer } from '@platformatic/kafka'
import type { PartitionCode, TransactionMarker } from '../../ports.ts'
import type { Api } from './api.ts'

const transactionVersion = 2

export const writeTxnMarkersApi: Api<TransactionMarker, readonly PartitionCode[]> = {
  name: 'WriteTxnMarkers',
  key: 27,
  version: 2,
  encode({ producerId, epoch, commit, topic, partition, coordinatorEpoch }) {
    return Writer.create()
      .appendArray([topic], (writer) => {
        writer
          .appendInt64(producerId)
          .appendInt16(epoch)
          .appendBoolean(commit)
          .appendArray([topic], (writer) => {
            writer
              .appendString(topic)
              .appendArray([partition], (writer, index) => writer.appendInt32(index), true, false)
          })
          .appendInt32(coordinatorEpoch)
          .appendInt8(transactionVersion)
      })
      .appendTaggedFields()
  },
  decode(answer) {
    const markers = answer.structs((reader) => {
      reader.int64() // producer id
      return reader.structs((reader) => {
        const topic = reader.string()
        return reader.structs((reader) => ({ topic, partition: reader.int32(), code: reader.int16() }))
      })
    })
    return markers.flat(2)
  },
}
