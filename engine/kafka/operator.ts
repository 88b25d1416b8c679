/**
 * The cluster as operators look at it and clean up in it: replicas, rights, clock; topics and groups deleted. Owns its own
 * metadata and connections, so that the engine's ports stay what the engine needs. Nothing is retried here.
 */
import { codes } from '../core/kafka-errors.ts'
import type { Code, GroupDescription } from '../ports.ts'
import { Connections } from './connections.ts'
import { Coordinators } from './coordinators.ts'
import { Metadata } from './metadata.ts'
import { adminWaitMs, answerGraceMs, type KafkaConnectionOptions, requestTimeoutsMs } from './options.ts'
import { deleteGroupsApi } from './protocol/delete-groups.ts'
import { deleteTopicsApi } from './protocol/delete-topics.ts'
import { describeGroupsApi } from './protocol/describe-groups.ts'
import { describeQuorumApi } from './protocol/describe-quorum.ts'
import { metadataApi } from './protocol/metadata.ts'

export interface TopicState {
  /** UNKNOWN_TOPIC_OR_PARTITION (3): it does not exist; TOPIC_AUTHORIZATION_FAILED (29): it may not be seen. */
  readonly code: Code
  readonly topicId: string
  readonly partitions: readonly { readonly hasLeader: boolean; readonly assigned: number; readonly inSync: number }[]
  /** What this client may do there; null: the broker does not say. */
  readonly operations: ReadonlySet<Operation> | null
}

export interface GroupState extends GroupDescription {
  readonly operations: ReadonlySet<Operation> | null
}

/** AclOperation by its number (org.apache.kafka.common.acl.AclOperation). */
const OPERATIONS = {
  Read: 3,
  Write: 4,
  Create: 5,
  Delete: 6,
  Alter: 7,
  Describe: 8,
  DescribeConfigs: 10,
  AlterConfigs: 11,
} as const
export type Operation = keyof typeof OPERATIONS

export interface KafkaOperator {
  /** Every topic asked for. @throws RequestLost */
  topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicState>>
  /** @throws RequestLost */
  group(groupId: string): Promise<GroupState>
  /** Clock of the active controller, ms since 1970; null with a code other than 0, or when it is not told. @throws RequestLost */
  timeMs(): Promise<{ readonly code: Code; readonly timeMs: number | null }>
  /** Codes by topic. Returns when the controller has decided; a broker may still show them for a moment. @throws RequestLost */
  deleteTopics(names: readonly string[]): Promise<ReadonlyMap<string, Code>>
  /** NON_EMPTY_GROUP (68) while it has members, GROUP_ID_NOT_FOUND (69). @throws RequestLost */
  deleteGroup(groupId: string): Promise<Code>
  close(): Promise<void>
}

/** Opens no connection by itself. @throws KafkaOptionsError */
export function connectKafkaOperator(options: KafkaConnectionOptions): KafkaOperator {
  const metadata = new Metadata(options)
  const coordinators = new Coordinators(metadata)
  const connections = new Connections(options)
  const coordinator = (groupId: string) => ({ kind: 'group', key: groupId, connections }) as const
  return {
    async topics(names) {
      const { topics } = await metadata.askAny(
        metadataApi,
        { topics: names, withOperations: true },
        requestTimeoutsMs.metadata,
      )
      return new Map(
        topics.map(({ name, code, topicId, leaders, replicas, operations }) => [
          name,
          {
            code,
            topicId,
            partitions: replicas.map((replica, at) => ({ ...replica, hasLeader: (leaders[at] ?? -1) >= 0 })),
            operations: operationsOf(operations),
          },
        ]),
      )
    },
    async group(groupId) {
      const request = { groupId, withOperations: true }
      const timeoutMs = requestTimeoutsMs.inspection
      const result = await coordinators.request(
        coordinator(groupId),
        describeGroupsApi,
        request,
        timeoutMs,
        (answer) => [answer?.code ?? 0],
      )
      if ('answer' in result && result.answer !== null)
        return { ...result.answer, operations: operationsOf(result.answer.operations ?? NOT_TOLD) }
      const code = 'answer' in result ? codes.UNKNOWN_SERVER_ERROR : result.code
      return { code, state: '', members: [], operations: null }
    },
    async timeMs() {
      const answer = await metadata.askAny(describeQuorumApi, {}, requestTimeoutsMs.inspection, connections)
      return { code: answer.code, timeMs: answer.code === 0 ? answer.leaderTimeMs : null }
    },
    async deleteTopics(topics) {
      const request = { topics, timeoutMs: adminWaitMs }
      const answer = await metadata.askAny(deleteTopicsApi, request, adminWaitMs + answerGraceMs, connections)
      return new Map(answer.map(({ topic, code }) => [topic, code]))
    },
    async deleteGroup(groupId) {
      const timeoutMs = requestTimeoutsMs.offsetCommit
      const result = await coordinators.request(
        coordinator(groupId),
        deleteGroupsApi,
        { groupId },
        timeoutMs,
        (code) => [code ?? 0],
      )
      return 'answer' in result ? (result.answer ?? codes.UNKNOWN_SERVER_ERROR) : result.code
    },
    async close() {
      connections.close()
      metadata.close()
    },
  }
}

const NOT_TOLD = -0x8000_0000

function operationsOf(bits: number): ReadonlySet<Operation> | null {
  if (bits === NOT_TOLD) return null
  return new Set((Object.keys(OPERATIONS) as Operation[]).filter((name) => (bits & (1 << OPERATIONS[name])) !== 0))
}
