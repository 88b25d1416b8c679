/**
 * Membership in the group (classic protocol), as a machine that a test can step. Four requests, one at a time but for
 * heartbeats; the ownership value is made here, from the SyncGroup answer, and nowhere else.
 *
 *   out → joining → syncing → member → joining …            (REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION: join again)
 *    ↑________________________|                              (UNKNOWN_MEMBER_ID: every task is lost, a new member id)
 *   any → leaving → left                                     FENCED_INSTANCE_ID: stopped
 *
 * Tasks keep running while joining and syncing: the old generation stays in use until the next SyncGroup answer.
 */

import type { Code, GroupMembership, JoinAnswer } from '../ports.ts'
import { classify, codes, nameOf } from './kafka-errors.ts'
import type { Ownership } from './ownership.ts'

export type MembershipPhase = 'out' | 'joining' | 'syncing' | 'member' | 'leaving' | 'left' | 'stopped'

export type MembershipCommand =
  | { readonly kind: 'join'; readonly memberId: string; readonly delayMs: number }
  /** We lead: compute the assignment of these members, then sync. */
  | { readonly kind: 'sync'; readonly membership: GroupMembership; readonly members: JoinAnswer['members'] | null }
  | { readonly kind: 'heartbeat'; readonly membership: GroupMembership; readonly delayMs: number }
  | { readonly kind: 'assigned'; readonly membership: GroupMembership; readonly assignment: Buffer }
  /** Evicted: whatever was ours may have another owner already. */
  | { readonly kind: 'all-lost'; readonly reason: string }
  | { readonly kind: 'leave'; readonly membership: GroupMembership }
  | { readonly kind: 'stop'; readonly code: string; readonly message: string }

const RETRY_MS = 50

export interface MembershipOptions {
  readonly instanceId: string | null
  readonly heartbeatMs: number
}

export class MembershipCore {
  phase: MembershipPhase = 'out'
  /** Of the last SyncGroup answer; null until then and after an eviction. */
  current: GroupMembership | null = null
  readonly #options: MembershipOptions
  #memberId = ''
  /** As of the JoinGroup answer; becomes `current` only with the SyncGroup answer. */
  #joined: GroupMembership | null = null

  constructor(options: MembershipOptions) {
    this.#options = options
  }

  start(): MembershipCommand[] {
    this.phase = 'joining'
    return [this.#join(0)]
  }

  joinAnswered(answer: JoinAnswer): MembershipCommand[] {
    if (this.phase !== 'joining') return []
    switch (answer.code) {
      case 0:
        this.#memberId = answer.memberId
        this.#joined = {
          memberId: answer.memberId,
          generation: answer.generation,
          instanceId: this.#options.instanceId,
        }
        this.phase = 'syncing'
        return [
          {
            kind: 'sync',
            membership: this.#joined,
            members: answer.leader === answer.memberId && !answer.skipAssignment ? answer.members : null,
          },
        ]
      case codes.MEMBER_ID_REQUIRED:
        this.#memberId = answer.memberId
        return [this.#join(0)]
      case codes.UNKNOWN_MEMBER_ID:
        return this.#evicted('JoinGroup: unknown member')
      case codes.FENCED_INSTANCE_ID:
        return this.#duplicate()
      default:
        return this.#retryOrStop('JoinGroup', answer.code)
    }
  }

  syncAnswered(code: Code, assignment: Buffer): MembershipCommand[] {
    if (this.phase !== 'syncing') return []
    switch (code) {
      case 0:
        this.phase = 'member'
        this.current = this.#joined
        return [
          { kind: 'assigned', membership: this.current!, assignment },
          { kind: 'heartbeat', membership: this.current!, delayMs: this.#options.heartbeatMs },
        ]
      case codes.UNKNOWN_MEMBER_ID:
        return this.#evicted('SyncGroup: unknown member')
      case codes.FENCED_INSTANCE_ID:
        return this.#duplicate()
      case codes.ILLEGAL_GENERATION:
      case codes.REBALANCE_IN_PROGRESS:
        return this.start()
      default:
        // What the group decided is not known: ask by joining again; the missed generation then counts as a gap.
        return this.#retryOrStop('SyncGroup', code)
    }
  }

  heartbeatAnswered(of: GroupMembership, code: Code): MembershipCommand[] {
    if (this.phase !== 'member' || of !== this.current) return []
    switch (code) {
      case 0:
        return [{ kind: 'heartbeat', membership: of, delayMs: this.#options.heartbeatMs }]
      case codes.REBALANCE_IN_PROGRESS:
      case codes.ILLEGAL_GENERATION:
        return this.start()
      case codes.UNKNOWN_MEMBER_ID:
        return this.#evicted('heartbeat: unknown member')
      case codes.FENCED_INSTANCE_ID:
        return this.#duplicate()
      default:
        if (classify(code, 'group') === 'FATAL') return this.#stop('group.refused', `Heartbeat: ${nameOf(code)}`)
        return [{ kind: 'heartbeat', membership: of, delayMs: Math.min(RETRY_MS, this.#options.heartbeatMs) }]
    }
  }

  /** No answer to the request of this phase. */
  lost(request: 'join' | 'sync' | 'heartbeat', of: GroupMembership | null): MembershipCommand[] {
    if (request === 'heartbeat') return of ? this.heartbeatAnswered(of, 15) : []
    if ((request === 'join' && this.phase === 'joining') || (request === 'sync' && this.phase === 'syncing')) {
      this.phase = 'joining'
      return [this.#join(RETRY_MS)]
    }
    return []
  }

  /** Another part was told by the broker that this member is not known, or that its instance id has another (TxnOffsetCommit, takeover). */
  evicted(of: GroupMembership, code: Code): MembershipCommand[] {
    if (of !== this.current || this.phase !== 'member') return []
    return code === codes.FENCED_INSTANCE_ID ? this.#duplicate() : this.#evicted(nameOf(code))
  }

  /** Join again under the same id: an assignment that was waited for did not come. */
  rejoin(of: GroupMembership): MembershipCommand[] {
    return of === this.current && this.phase === 'member' ? this.start() : []
  }

  leave(): MembershipCommand[] {
    if (this.phase === 'left' || this.phase === 'leaving' || this.phase === 'stopped') return []
    const membership =
      this.current ??
      (this.#memberId ? { memberId: this.#memberId, generation: -1, instanceId: this.#options.instanceId } : null)
    this.phase = membership ? 'leaving' : 'left'
    return membership ? [{ kind: 'leave', membership }] : []
  }

  #evicted(reason: string): MembershipCommand[] {
    this.#memberId = ''
    this.#joined = null
    this.current = null
    this.phase = 'joining'
    return [{ kind: 'all-lost', reason }, this.#join(0)]
  }

  #duplicate(): MembershipCommand[] {
    return this.#stop('instance.duplicate', 'another process has joined with the same GROUP_INSTANCE_ID')
  }

  #retryOrStop(request: string, code: Code): MembershipCommand[] {
    const kind = classify(code, 'group')
    if (
      kind === 'FATAL' ||
      code === 23 /* INCONSISTENT_GROUP_PROTOCOL */ ||
      code === 26 /* INVALID_SESSION_TIMEOUT */ ||
      code === 24
    )
      return this.#stop('group.refused', `${request}: ${nameOf(code)}`)
    this.phase = 'joining'
    return [this.#join(RETRY_MS)]
  }

  #stop(code: string, message: string): MembershipCommand[] {
    this.phase = 'stopped'
    this.current = null
    return [
      { kind: 'all-lost', reason: message },
      { kind: 'stop', code, message },
    ]
  }

  #join(delayMs: number): MembershipCommand {
    return { kind: 'join', memberId: this.#memberId, delayMs }
  }
}

/** What a member says of itself in its JoinGroup metadata (user data of the subscription). */
export interface MemberFacts {
  readonly transactionalId: string
  /** Generation at which the tasks were held. */
  readonly generation: number
  readonly tasks: readonly number[]
}

export const encodeMemberFacts = (transactionalId: string, owned: Ownership | null): Buffer =>
  Buffer.from(
    JSON.stringify({
      transactionalId,
      generation: owned?.membership.generation ?? -1,
      tasks: [...(owned?.tasks ?? [])],
    } satisfies MemberFacts),
  )

/** Unreadable user data is a member that claims nothing. */
export function decodeMemberFacts(userData: Buffer | null): MemberFacts {
  try {
    const facts = JSON.parse(userData?.toString('utf8') ?? '') as Partial<MemberFacts>
    const tasks = Array.isArray(facts.tasks) ? facts.tasks.filter((t) => Number.isInteger(t)) : []
    return {
      transactionalId: String(facts.transactionalId ?? ''),
      generation: Number.isInteger(facts.generation) ? facts.generation! : -1,
      tasks,
    }
  } catch {
    return { transactionalId: '', generation: -1, tasks: [] }
  }
}

/** What the leader tells each member (user data of the assignment). */
export interface AssignmentFacts {
  readonly tasks: readonly number[]
  readonly transactionalIds: readonly string[]
  /** By which the leader gives ids; null: one of an earlier version leads, and does not say. */
  readonly stride: number | null
}

export const encodeAssignmentFacts = (facts: AssignmentFacts): Buffer => Buffer.from(JSON.stringify(facts))

export function decodeAssignmentFacts(userData: Buffer | null): AssignmentFacts {
  try {
    const facts = JSON.parse(userData?.toString('utf8') ?? '') as Partial<AssignmentFacts>
    return {
      tasks: (facts.tasks ?? []).filter((t) => Number.isInteger(t)),
      transactionalIds: (facts.transactionalIds ?? []).map(String),
      stride: Number.isInteger(facts.stride) ? facts.stride! : null,
    }
  } catch {
    return { tasks: [], transactionalIds: [], stride: null }
  }
}
