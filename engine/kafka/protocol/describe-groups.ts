/** DescribeGroups v5 for one classic group. A group that does not exist answers code 0 and the state `Dead`. */
import { describeGroupsV5 } from '@platformatic/kafka'
import type { GroupDescription } from '../../ports.ts'
import type { Api } from './api.ts'

export interface DescribeGroupsRequest {
  readonly groupId: string
  readonly withOperations?: boolean
}

export interface DescribedGroup extends GroupDescription {
  /** Bits of what the caller may do, by AclOperation's number; absent: not asked for. */
  readonly operations?: number
}

const NOT_ASKED_FOR = -0x8000_0000

export const describeGroupsApi: Api<DescribeGroupsRequest, DescribedGroup | null> = {
  name: 'DescribeGroups',
  key: 15,
  version: 5,
  encode({ groupId, withOperations = false }) {
    return describeGroupsV5.createRequest([groupId], withOperations)
  },
  decode(answer) {
    answer.int32() // throttle time
    const groups = answer.structs((reader) => {
      const code = reader.int16()
      reader.string() // group id
      const state = reader.string()
      reader.string() // protocol type
      reader.string() // protocol
      const members = reader.structs((reader) => {
        const member = {
          memberId: reader.string(),
          instanceId: reader.nullableString(),
          clientId: reader.string(),
          host: reader.string(),
        }
        reader.bytes() // metadata
        reader.bytes() // assignment
        return member
      })
      const operations = reader.int32()
      return { code, state, members, ...(operations === NOT_ASKED_FOR ? {} : { operations }) }
    })
    return groups[0] ?? null
  },
}
