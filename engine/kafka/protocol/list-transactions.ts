/** ListTransactions v1: those that this broker coordinates. */
import { Writer } from '@platformatic/kafka'
import type { Code, TransactionListing } from '../../ports.ts'
import type { Api } from './api.ts'

export interface ListTransactionsRequest {
  /** As the broker spells them: `Ongoing`, `PrepareCommit`, `PrepareAbort`, ... Empty = any. */
  readonly states: readonly string[]
  readonly producerIds: readonly bigint[]
}

export interface ListTransactionsAnswer {
  readonly code: Code
  readonly transactions: readonly TransactionListing[]
}

const anyDuration = -1n

export const listTransactionsApi: Api<ListTransactionsRequest, ListTransactionsAnswer> = {
  name: 'ListTransactions',
  key: 66,
  version: 1,
  encode({ states, producerIds }) {
    return Writer.create()
      .appendArray([...states], (writer, state) => writer.appendString(state), true, false)
      .appendArray([...producerIds], (writer, id) => writer.appendInt64(id), true, false)
      .appendInt64(anyDuration)
      .appendTaggedFields()
  },
  decode(answer) {
    answer.int32() // throttle time
    const code = answer.int16()
    answer.array((reader) => reader.string()) // filters that the broker does not know
    const transactions = answer.structs((reader) => ({
      transactionalId: reader.string(),
      producerId: reader.int64(),
      state: reader.string(),
    }))
    return { code, transactions }
  },
}
