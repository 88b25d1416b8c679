/** ApiVersions v4: what the broker speaks, and the cluster's finalized feature levels (tagged field 2). */
import { apiVersionsV4 } from '@platformatic/kafka'
import { codes } from '../../core/kafka-errors.ts'
import type { Code } from '../../ports.ts'
import type { Api } from './api.ts'

export interface ApiVersionsAnswer {
  readonly code: Code
  readonly apis: readonly { readonly key: number; readonly min: number; readonly max: number }[]
  /** Feature name -> finalized level, e.g. `transaction.version`. */
  readonly finalized: ReadonlyMap<string, number>
}

export const apiVersionsApi: Api<{ readonly name: string; readonly version: string }, ApiVersionsAnswer> = {
  name: 'ApiVersions',
  key: 18,
  version: 4,
  plainAnswerHeader: true,
  encode({ name, version }) {
    return apiVersionsV4.createRequest(name, version)
  },
  decode(answer) {
    const code = answer.int16()
    // A broker that does not know this version answers so in the layout of version 0.
    if (code === codes.UNSUPPORTED_VERSION) return { code, apis: [], finalized: new Map() }
    const apis = answer.structs((reader) => ({ key: reader.int16(), min: reader.int16(), max: reader.int16() }))
    answer.int32() // throttle time
    const finalized = new Map<string, number>()
    answer.tags({
      2: (reader) => {
        reader.structs((reader) => {
          finalized.set(reader.string(), reader.int16())
          reader.int16() // lowest level
        })
      },
    })
    return { code, apis, finalized }
  },
}
