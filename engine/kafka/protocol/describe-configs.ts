/** DescribeConfigs v4 of one topic: every setting with its effective value. */
import { describeConfigsV4 } from '@platformatic/kafka'
import type { Code } from '../../ports.ts'
import type { Api } from './api.ts'

export interface DescribeConfigsAnswer {
  readonly code: Code
  readonly message: string | null
  /** Settings without a value (sensitive ones) are absent. */
  readonly configs: ReadonlyMap<string, string>
}

const topicResource = 2

export const describeConfigsApi: Api<{ readonly topic: string }, DescribeConfigsAnswer | null> = {
  name: 'DescribeConfigs',
  key: 32,
  version: 4,
  encode({ topic }) {
    const resource = { resourceType: topicResource, resourceName: topic, configurationKeys: null } as const
    return describeConfigsV4.createRequest([resource], false, false)
  },
  decode(answer) {
    answer.int32() // throttle time
    const results = answer.structs((reader) => {
      const code = reader.int16()
      const message = reader.nullableString()
      reader.int8() // resource type
      reader.string() // resource name
      const configs = new Map<string, string>()
      reader.structs((reader) => {
        const name = reader.string()
        const value = reader.nullableString()
        if (value !== null) configs.set(name, value)
        reader.boolean() // read only
        reader.int8() // source
        reader.boolean() // sensitive
        reader.structs((reader) => {
          reader.string() // synonym's name
          reader.nullableString() // its value
          reader.int8() // its source
        })
        reader.int8() // type
        reader.nullableString() // documentation
      })
      return { code, message, configs }
    })
    return results[0] ?? null
  },
}
