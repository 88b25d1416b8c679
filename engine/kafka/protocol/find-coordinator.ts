/** FindCoordinator v5 for one key. */
import { findCoordinatorV5 } from '@platformatic/kafka'
import type { Code } from '../../ports.ts'
import type { Api } from './api.ts'

export type CoordinatorKind = 'group' | 'transaction'

export interface FindCoordinatorAnswer {
  readonly code: Code
  readonly host: string
  readonly port: number
}

const keyTypes = { group: 0, transaction: 1 } as const

export const findCoordinatorApi: Api<
  { readonly kind: CoordinatorKind; readonly key: string },
  FindCoordinatorAnswer | null
> = {
  name: 'FindCoordinator',
  key: 10,
  version: 5,
  encode({ kind, key }) {
    return findCoordinatorV5.createRequest(keyTypes[kind], [key])
  },
  decode(answer) {
    answer.int32() // throttle time
    const found = answer.structs((reader) => {
      reader.string() // key
      reader.int32() // node id
      const host = reader.string()
      const port = reader.int32()
      return { host, port, code: reader.int16(), message: reader.nullableString() }
    })
    return found[0] ?? null
  },
}
