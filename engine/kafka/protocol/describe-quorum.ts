/**
 * DescribeQuorum v2 of the metadata partition. Asked for one number: of its leader the active controller says that it
 * has caught up *now*, and so tells its clock (org.apache.kafka.raft.LeaderState.describeQuorum).
 */
import { describeQuorumV2 } from '@platformatic/kafka'
import type { Code } from '../../ports.ts'
import type { Api } from './api.ts'

export interface QuorumAnswer {
  readonly code: Code
  /** Clock of the leader, ms since 1970; null when it is not told. */
  readonly leaderTimeMs: number | null
}

const metadataTopic = '__cluster_metadata'

export const describeQuorumApi: Api<Record<never, never>, QuorumAnswer> = {
  name: 'DescribeQuorum',
  key: 55,
  version: 2,
  encode() {
    return describeQuorumV2.createRequest([{ topicName: metadataTopic, partitions: [{ partitionIndex: 0 }] }])
  },
  decode(answer) {
    const code = answer.int16()
    answer.nullableString() // message
    let found: QuorumAnswer = { code, leaderTimeMs: null }
    answer.structs((reader) => {
      reader.string() // topic
      reader.structs((reader) => {
        reader.int32() // partition
        const partitionCode = reader.int16()
        reader.nullableString() // message
        const leader = reader.int32()
        reader.int32() // leader epoch
        reader.int64() // high watermark
        const replicas = [0, 1].flatMap(() =>
          reader.structs((reader) => {
            const id = reader.int32()
            reader.uuid() // directory
            reader.int64() // log end
            reader.int64() // last fetch
            return { id, caughtUpAtMs: reader.number64() }
          }),
        )
        const caughtUpAtMs = replicas.find(({ id }) => id === leader)?.caughtUpAtMs ?? -1
        found = { code: code || partitionCode, leaderTimeMs: caughtUpAtMs > 0 ? caughtUpAtMs : null }
      })
    })
    answer.structs((reader) => {
      reader.int32() // node id
      reader.structs((reader) => {
        reader.string() // listener
        reader.string() // host
        reader.int16() // port
      })
    })
    return found
  },
}
