/** AddOffsetsToTxn v4: adds a group's partition of __consumer_offsets to a transaction, and no offsets. */
import { Writer } from '@platformatic/kafka'
import type { Code, ProducerIdentity } from '../../ports.ts'
import type { Api } from './api.ts'

export interface AddOffsetsToTxnRequest {
  readonly transactionalId: string
  readonly identity: ProducerIdentity
  readonly groupId: string
}

export const addOffsetsToTxnApi: Api<AddOffsetsToTxnRequest, { readonly code: Code }> = {
  name: 'AddOffsetsToTxn',
  key: 25,
  version: 4,
  encode({ transactionalId, identity, groupId }) {
    return Writer.create()
      .appendString(transactionalId)
      .appendInt64(identity.producerId)
      .appendInt16(identity.epoch)
      .appendString(groupId)
      .appendTaggedFields()
  },
  decode(answer) {
    answer.int32() // throttle time
    return { code: answer.int16() }
  },
}
