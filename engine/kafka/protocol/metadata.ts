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
  readonly replicas: readonly { readonly assigned: number; readonly inSync: number }[]
  /** Bits of what the caller may do, by AclOperation's number; MIN_INT: not asked for. */
  readonly operations: number
}

export interface MetadataAnswer {
  readonly clusterId: string
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topics: readonly MetadataTopic[]
}

const noLeader = -1

export interface MetadataRequest {
  readonly topics: readonly string[]
  readonly withOperations?: boolean
}

export const metadataApi: Api<MetadataRequest, MetadataAnswer> = {
  name: 'Metadata',
  key: 3,
  version: 12,
  encode({ topics, withOperations = false }) {
    return metadataV12.createRequest([...topics], false, withOperations)
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
        const [assigned = [], inSync = []] = [0, 1, 2].map(() => reader.array((reader) => reader.int32())) // third: offline
        return { ...partition, assigned: assigned.length, inSync: inSync.length }
      })
      const operations = reader.int32()
      const leaders = new Array<number>(partitions.length).fill(noLeader)
      const replicas = partitions.map(() => ({ assigned: 0, inSync: 0 }))
      for (const { index, leader, assigned, inSync } of partitions) {
        if (index < 0 || index >= leaders.length) continue
        leaders[index] = leader
        replicas[index] = { assigned, inSync }
      }
      return { code, name, topicId, leaders, replicas, operations }
    })
    return { clusterId, brokers, topics }
  },
}
