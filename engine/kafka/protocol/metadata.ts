/** Metadata v12 by topic name, never creating one. */
import { metadataV12 } from '@platformatic/kafka'
import type { Code } from '../../ports.ts'
import type { Api } from './api.ts'

export interface MetadataTopic {
  readonly code: Code
  readonly name: string
  readonly topicId: string
  /** Node id of the leader by partition; -1 = none. */
  readonly leaders: readonly number[]
}

export interface MetadataAnswer {
  readonly clusterId: string
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topics: readonly MetadataTopic[]
}

const noLeader = -1

export const metadataApi: Api<{ readonly topics: readonly string[] }, MetadataAnswer> = {
  name: 'Metadata',
  key: 3,
  version: 12,
  encode({ topics }) {
    return metadataV12.createRequest([...topics], false, false)
  },
  decode(answer) {
    answer.int32() // throttle time
    const brokers = answer.structs((reader) => {
      const broker = { nodeId: reader.int32(), host: reader.string(), port: reader.int32() }
      reader.nullableString() // rack
      return broker
    })
    const clusterId = answer.string()
    answer.int32() // controller
    const topics = answer.structs((reader) => {
      const code = reader.int16()
      const name = reader.string()
      const topicId = reader.uuid()
      reader.boolean() // internal
      const partitions = reader.structs((reader) => {
        reader.int16() // code; the leader is what counts
        const partition = { index: reader.int32(), leader: reader.int32() }
        reader.int32() // leader epoch
        for (let list = 0; list < 3; list++) reader.array((reader) => reader.int32()) // replicas, in sync, offline
        return partition
      })
      reader.int32() // authorized operations
      const leaders = new Array<number>(partitions.length).fill(noLeader)
      for (const { index, leader } of partitions) if (index >= 0 && index < leaders.length) leaders[index] = leader
      return { code, name, topicId, leaders }
    })
    return { clusterId, brokers, topics }
  },
}
