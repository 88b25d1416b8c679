/** InitProducerId v5. Without a current identity (-1, -1) is sent; the client's default (0, 0) fences for ever (trap P6). */
import { initProducerIdV5 } from '@platformatic/kafka'
import type { Code, ProducerIdentity } from '../../ports.ts'
import type { Api } from './api.ts'

export interface InitProducerIdRequest {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly current: ProducerIdentity | null
}

export const noIdentity: ProducerIdentity = { producerId: -1n, epoch: -1 }

export const initProducerIdApi: Api<
  InitProducerIdRequest,
  { readonly code: Code; readonly identity: ProducerIdentity }
> = {
  name: 'InitProducerId',
  key: 22,
  version: 5,
  encode({ transactionalId, transactionTimeoutMs, current }) {
    const { producerId, epoch } = current ?? noIdentity
    return initProducerIdV5.createRequest(transactionalId, transactionTimeoutMs, producerId, epoch)
  },
  decode(answer) {
    answer.int32() // throttle time
    const code = answer.int16()
    return { code, identity: { producerId: answer.int64(), epoch: answer.int16() } }
  },
}
