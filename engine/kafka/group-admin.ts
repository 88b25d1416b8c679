/**
 * A consumer group from outside, for the operators' tools: who is in it, what it has committed, and committing in its
 * stead while nobody is. Owns its connections. Nothing is retried here.
 */

import { codes } from '../core/kafka-errors.ts'
import type { GroupAdmin, GroupDescription, OffsetToCommit, PartitionCode } from '../ports.ts'
import { Connections } from './connections.ts'
import { type Coordinators, codesAsAsked } from './coordinators.ts'
import { type KafkaConnectionOptions, requestTimeoutsMs } from './options.ts'
import { describeGroupsApi } from './protocol/describe-groups.ts'
import { offsetCommitApi } from './protocol/offset-commit.ts'

export class KafkaGroupAdmin implements GroupAdmin {
  readonly groupId: string
  readonly #coordinators: Coordinators
  readonly #connections: Connections

  constructor(groupId: string, connection: KafkaConnectionOptions, coordinators: Coordinators) {
    this.groupId = groupId
    this.#coordinators = coordinators
    this.#connections = new Connections(connection)
  }

  async describe(): Promise<GroupDescription> {
    const { groupId } = this
    const result = await this.#coordinators.request(
      this.#target(),
      describeGroupsApi,
      { groupId },
      requestTimeoutsMs.inspection,
      (answer) => [answer?.code ?? 0],
    )
    if ('answer' in result && result.answer !== null) return result.answer
    return { code: 'answer' in result ? codes.UNKNOWN_SERVER_ERROR : result.code, state: '', members: [] }
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<readonly PartitionCode[]> {
    const { groupId } = this
    const result = await this.#coordinators.request(
      this.#target(),
      offsetCommitApi,
      { groupId, offsets },
      requestTimeoutsMs.offsetCommit,
      (answer) => answer.map(({ code }) => code),
    )
    return codesAsAsked(offsets, result)
  }

  async close(): Promise<void> {
    this.#connections.close()
  }

  #target() {
    return { kind: 'group', key: this.groupId, connections: this.#connections } as const
  }
}
