/** Heartbeat v4. */
import { heartbeatV4 } from '@platformatic/kafka'
import type { Code, GroupMembership } from '../../ports.ts'
import type { Api } from './api.ts'

export interface HeartbeatRequest {
  readonly groupId: string
  readonly membership: GroupMembership
}

export const heartbeatApi: Api<HeartbeatRequest, Code> = {
  name: 'Heartbeat',
  key: 12,
  version: 4,
  encode({ groupId, membership }) {
    return heartbeatV4.createRequest(groupId, membership.generation, membership.memberId, membership.instanceId)
  },
  decode(answer) {
    answer.int32() // throttle time
    return answer.int16()
  },
}
