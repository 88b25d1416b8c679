/** DescribeTransactions v0 of one id, at its coordinator. */
import { describeTransactionsV0 } from '@platformatic/kafka'
import type { TransactionDescription } from '../../ports.ts'
import type { Api } from './api.ts'

export const describeTransactionsApi: Api<{ readonly transactionalId: string }, TransactionDescription | null> = {
  name: 'DescribeTransactions',
  key: 65,
  version: 0,
  encode({ transactionalId }) {
    return describeTransactionsV0.createRequest([transactionalId])
  },
  decode(answer) {
    answer.int32() // throttle time
    const found = answer.structs((reader) => {
      const code = reader.int16()
      const transactionalId = reader.string()
      const state = reader.string()
      reader.int32() // timeout
      const startedAtMs = reader.number64()
      const producerId = reader.int64()
      const epoch = reader.int16()
      const partitions = reader.structs((reader) => {
        const topic = reader.string()
        return reader.array((reader) => ({ topic, partition: reader.int32() }))
      })
      return { code, transactionalId, state, startedAtMs, producerId, epoch, partitions: partitions.flat() }
    })
    return found[0] ?? null
  },
}
