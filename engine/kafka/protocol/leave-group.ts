/** LeaveGroup v5 for one member: its own code, or the group's. */
import { leaveGroupV5 } from '@platformatic/kafka'
import type { Code, GroupMembership } from '../../ports.ts'
import type { Api } from './api.ts'

export interface LeaveGroupRequest {
  readonly groupId: string
  readonly membership: GroupMembership
  readonly reason: string
}

export const leaveGroupApi: Api<LeaveGroupRequest, Code> = {
  name: 'LeaveGroup',
  key: 13,
  version: 5,
  encode({ groupId, membership, reason }) {
    const member = { memberId: membership.memberId, groupInstanceId: membership.instanceId, reason }
    return leaveGroupV5.createRequest(groupId, [member])
  },
  decode(answer) {
    answer.int32() // throttle time
    const code = answer.int16()
    const members = answer.structs((reader) => {
      reader.string() // member id
      reader.nullableString() // instance id
      return reader.int16()
    })
    return code === 0 ? (members[0] ?? 0) : code
  },
}
