/**
 * One consumer group in the classic protocol, request by request. Owns its connections; keeps no membership: member id
 * and generation are the caller's ownership value, never this client's (traps P22, P23). Nothing is retried here.
 *
 * JoinGroup and SyncGroup wait in the broker for other members, so they have a connection of their own; heartbeats and
 * offset fetches go on beside them.
 */

import { codes } from '../core/kafka-errors.ts'
import { position } from '../core/numbers.ts'
import type { Code, GroupClient, GroupMembership, JoinAnswer, OffsetToCommit, TopicPartition } from '../ports.ts'
import { Connections } from './connections.ts'
import type { Coordinators } from './coordinators.ts'
import { answerGraceMs, type KafkaConnectionOptions, requestTimeoutsMs } from './options.ts'
import type { Api } from './protocol/api.ts'
import { heartbeatApi } from './protocol/heartbeat.ts'
import { joinGroupApi } from './protocol/join-group.ts'
import { leaveGroupApi } from './protocol/leave-group.ts'
import { type OffsetFetchAnswer, offsetFetchApi } from './protocol/offset-fetch.ts'
import { syncGroupApi } from './protocol/sync-group.ts'

/** Before the first join nobody knows how long the group's rebalance may take. */
const rebalanceTimeoutDefaultMs = 60_000

type Purpose = 'rebalance' | 'steady'

export class KafkaGroupClient implements GroupClient {
  readonly groupId: string
  readonly #coordinators: Coordinators
  readonly #connections: Readonly<Record<Purpose, Connections>>
  #rebalanceTimeoutMs = rebalanceTimeoutDefaultMs

  constructor(groupId: string, connection: KafkaConnectionOptions, coordinators: Coordinators) {
    this.groupId = groupId
    this.#coordinators = coordinators
    this.#connections = { rebalance: new Connections(connection), steady: new Connections(connection) }
  }

  async join(request: Parameters<GroupClient['join']>[0]): Promise<JoinAnswer> {
    this.#rebalanceTimeoutMs = request.rebalanceTimeoutMs
    const result = await this.#ask(
      'rebalance',
      joinGroupApi,
      { groupId: this.groupId, ...request },
      request.rebalanceTimeoutMs + answerGraceMs,
      (answer) => [answer.code],
    )
    if ('answer' in result) return result.answer
    const nothing = { generation: -1, leader: '', members: [], skipAssignment: false }
    return { code: result.code, memberId: request.memberId, ...nothing }
  }

  async sync(request: Parameters<GroupClient['sync']>[0]): Promise<{ code: Code; assignment: Buffer }> {
    const result = await this.#ask(
      'rebalance',
      syncGroupApi,
      { groupId: this.groupId, ...request },
      this.#rebalanceTimeoutMs + answerGraceMs,
      (answer) => [answer.code],
    )
    return 'answer' in result ? result.answer : { code: result.code, assignment: Buffer.alloc(0) }
  }

  async heartbeat(membership: GroupMembership): Promise<Code> {
    const request = { groupId: this.groupId, membership }
    const result = await this.#ask('steady', heartbeatApi, request, requestTimeoutsMs.heartbeat, (code) => [code])
    return 'answer' in result ? result.answer : result.code
  }

  async leave(membership: GroupMembership, reason: string): Promise<Code> {
    const request = { groupId: this.groupId, membership, reason }
    const result = await this.#ask('steady', leaveGroupApi, request, requestTimeoutsMs.leave, (code) => [code])
    return 'answer' in result ? result.answer : result.code
  }

  async offsets(
    partitions: readonly TopicPartition[],
    requireStable: boolean,
  ): Promise<{ code: Code; offsets: readonly OffsetToCommit[] }> {
    const request = { groupId: this.groupId, partitions, requireStable }
    const result = await this.#ask('steady', offsetFetchApi, request, requestTimeoutsMs.offsetFetch, (answer) => [
      answer.code,
    ])
    if (!('answer' in result)) return { code: result.code, offsets: [] }
    const code = worstCode(result.answer)
    const offsets = result.answer.partitions
      .filter((entry) => entry.code === 0 && entry.offset >= 0)
      .map(({ topic, partition, offset }) => ({ topic, partition, position: position(offset) }))
    return { code, offsets }
  }

  async close(): Promise<void> {
    this.#connections.rebalance.close()
    this.#connections.steady.close()
  }

  #ask<Request, Answer>(
    purpose: Purpose,
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs: number,
    codesOf: (answer: Answer) => Iterable<Code>,
  ): Promise<{ readonly answer: Answer } | { readonly code: Code }> {
    const target = { kind: 'group', key: this.groupId, connections: this.#connections[purpose] } as const
    return this.#coordinators.request(target, api, request, timeoutMs, codesOf)
  }
}

/** The group's code, else the first of a partition that waiting would not mend, else UNSTABLE_OFFSET_COMMIT, else 0. */
function worstCode(answer: OffsetFetchAnswer): Code {
  if (answer.code !== 0) return answer.code
  const found = new Set(answer.partitions.map(({ code }) => code))
  for (const code of found) if (code !== 0 && code !== codes.UNSTABLE_OFFSET_COMMIT) return code
  return found.has(codes.UNSTABLE_OFFSET_COMMIT) ? codes.UNSTABLE_OFFSET_COMMIT : 0
}
