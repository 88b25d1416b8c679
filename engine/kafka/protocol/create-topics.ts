/** CreateTopics v7. Any broker takes it and forwards it to the controller. */
import { createTopicsV7 } from '@platformatic/kafka'
import type { Code, TopicToCreate } from '../../ports.ts'
import type { Api } from './api.ts'

export interface CreateTopicsRequest {
  readonly topics: readonly TopicToCreate[]
  readonly timeoutMs: number
}

export interface CreatedTopic {
  readonly topic: string
  readonly code: Code
  readonly message: string | null
}

export const createTopicsApi: Api<CreateTopicsRequest, readonly CreatedTopic[]> = {
  name: 'CreateTopics',
  key: 19,
  version: 7,
  encode({ topics, timeoutMs }) {
    const wanted = topics.map((topic) => ({
      name: topic.topic,
      numPartitions: topic.partitions,
      replicationFactor: topic.replicationFactor,
      assignments: [],
      configs: Object.entries(topic.configs).map(([name, value]) => ({ name, value })),
    }))
    return createTopicsV7.createRequest(wanted, timeoutMs, false)
  },
  decode(answer) {
    answer.int32() // throttle time
    return answer.structs((reader) => {
      const topic = reader.string()
      reader.uuid()
      const code = reader.int16()
      const message = reader.nullableString()
      reader.int32() // partitions
      reader.int16() // replication factor
      reader.structs((reader) => {
        reader.string() // name
        reader.nullableString() // value
        reader.boolean() // read only
        reader.int8() // source
        reader.boolean() // sensitive
      })
      return { topic, code, message }
    })
  },
}
