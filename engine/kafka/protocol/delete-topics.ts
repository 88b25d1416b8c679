/** DeleteTopics v6 by name. Any broker takes it and forwards it to the controller. */
import { deleteTopicsV6 } from '@platformatic/kafka'
import type { Code } from '../../ports.ts'
import type { Api } from './api.ts'

export interface DeleteTopicsRequest {
  readonly topics: readonly string[]
  readonly timeoutMs: number
}

export interface DeletedTopic {
  readonly topic: string
  readonly code: Code
  readonly message: string | null
}

export const deleteTopicsApi: Api<DeleteTopicsRequest, readonly DeletedTopic[]> = {
  name: 'DeleteTopics',
  key: 20,
  version: 6,
  encode({ topics, timeoutMs }) {
    return deleteTopicsV6.createRequest(
      topics.map((name) => ({ name })),
      timeoutMs,
    )
  },
  decode(answer) {
    answer.int32() // throttle time
    return answer.structs((reader) => {
      const topic = reader.string()
      reader.uuid()
      return { topic, code: reader.int16(), message: reader.nullableString() }
    })
  },
}
