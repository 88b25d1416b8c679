/** JoinGroup v9, protocol type "consumer", one protocol. MEMBER_ID_REQUIRED carries the member id to join again with. */
import { joinGroupV9 } from '@platformatic/kafka'
import type { JoinAnswer } from '../../ports.ts'
import type { Api } from './api.ts'

export const protocolType = 'consumer'

export interface JoinGroupRequest {
  readonly groupId: string
  readonly memberId: string
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocol: string
  readonly metadata: Buffer
  readonly reason: string
}

export const joinGroupApi: Api<JoinGroupRequest, JoinAnswer> = {
  name: 'JoinGroup',
  key: 11,
  version: 9,
  encode(request) {
    return joinGroupV9.createRequest(
      request.groupId,
      request.sessionTimeoutMs,
      request.rebalanceTimeoutMs,
      request.memberId,
      request.instanceId,
      protocolType,
      [{ name: request.protocol, metadata: request.metadata }],
      request.reason,
    )
  },
  decode(answer) {
    answer.int32() // throttle time
    const code = answer.int16()
    const generation = answer.int32()
    answer.nullableString() // protocol type
    answer.nullableString() // protocol name
    const leader = answer.string()
    const skipAssignment = answer.boolean()
    const memberId = answer.string()
    const members = answer.structs((reader) => ({
      memberId: reader.string(),
      instanceId: reader.nullableString(),
      metadata: reader.bytes(),
    }))
    return { code, memberId, generation, leader, members, skipAssignment }
  },
}
