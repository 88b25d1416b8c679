/** EndTxn v5 (transaction protocol version 2): the answer is the identity of the next transaction. Request layout of v4. */
import { endTxnV4 } from '@platformatic/kafka'
import type { Code, ProducerIdentity } from '../../ports.ts'
import type { Api } from './api.ts'

export interface EndTxnRequest {
  readonly transactionalId: string
  readonly identity: ProducerIdentity
  readonly commit: boolean
}

export const endTxnApi: Api<EndTxnRequest, { readonly code: Code; readonly identity: ProducerIdentity }> = {
  name: 'EndTxn',
  key: 26,
  version: 5,
  encode({ transactionalId, identity, commit }) {
    return endTxnV4.createRequest(transactionalId, identity.producerId, identity.epoch, commit)
  },
  decode(answer) {
    answer.int32() // throttle time
    const code = answer.int16()
    return { code, identity: { producerId: answer.int64(), epoch: answer.int16() } }
  },
}
