/** SyncGroup v5. Only the leader sends assignments; the answer is this member's, undecoded. */
import { syncGroupV5 } from '@platformatic/kafka'
import type { Code, GroupMembership } from '../../ports.ts'
import type { Api } from './api.ts'
import { protocolType } from './join-group.ts'

export interface SyncGroupRequest {
  readonly groupId: string
  readonly membership: GroupMembership
  readonly protocol: string
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export const syncGroupApi: Api<SyncGroupRequest, { readonly code: Code; readonly assignment: Buffer }> = {
  name: 'SyncGroup',
  key: 14,
  version: 5,
  encode({ groupId, membership, protocol, assignments }) {
    const { generation, memberId, instanceId } = membership
    return syncGroupV5.createRequest(groupId, generation, memberId, instanceId, protocolType, protocol, [
      ...assignments,
    ])
  },
  decode(answer) {
    answer.int32() // throttle time
    const code = answer.int16()
    answer.nullableString() // protocol type
    answer.nullableString() // protocol name
    return { code, assignment: answer.bytes() }
  },
}
