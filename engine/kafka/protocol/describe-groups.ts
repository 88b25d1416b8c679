/** DescribeGroups v5 for one classic group. A group that does not exist answers code 0 and the state `Dead`. */
import { describeGroupsV5 } from '@platformatic/kafka'
import type { GroupDescription } from '../../ports.ts'
import type { Api } from './api.ts'

export const describeGroupsApi: Api<{ readonly groupId: string }, GroupDescription | null> = {
  name: 'DescribeGroups',
  key: 15,
  version: 5,
  encode({ groupId }) {
    return describeGroupsV5.createRequest([groupId], false)
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
      reader.int32() // authorized operations: not asked for
      return { code, state, members }
    })
    return groups[0] ?? null
  },
}
