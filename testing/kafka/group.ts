/**
 * One group of the classic protocol as its coordinator sees it, with static members (KIP-345, KIP-814). Owns members,
 * generation and sessions.
 *
 *   empty ──join──▶ joining ──all have joined, or the rebalance timeout──▶ syncing ──leader's SyncGroup──▶ stable
 *                      ▲──────────── join, leave, end of a session ────────────────┴─────────────────────────┘
 */
import { codes } from '../../engine/core/kafka-errors.ts'
import type {
  Code,
  GroupClient,
  GroupDescription,
  GroupMembership,
  JoinAnswer,
  OffsetToCommit,
} from '../../engine/ports.ts'
import type { Cluster } from './cluster.ts'
import { GroupOffsets } from './group-offsets.ts'

type JoinRequest = Parameters<GroupClient['join']>[0]
type SyncRequest = Parameters<GroupClient['sync']>[0]
type SyncAnswer = Awaited<ReturnType<GroupClient['sync']>>

interface Member {
  memberId: string
  readonly instanceId: string | null
  request: JoinRequest
  assignment: Buffer
  joined: ((answer: JoinAnswer) => void) | null
  synced: ((answer: SyncAnswer) => void) | null
  cancelSession: () => void
}

const NOTHING = Buffer.alloc(0)
const NOT_A_MEMBER = {
  code: codes.UNKNOWN_MEMBER_ID,
  generation: -1,
  leader: '',
  members: [],
  skipAssignment: false,
}

export class Group {
  readonly offsets = new GroupOffsets()
  readonly #cluster: Cluster
  readonly #members = new Map<string, Member>()
  /** Told their id and not come back with it: a round of JoinGroup waits for them, too. Each with its timer. */
  readonly #pending = new Map<string, () => void>()
  #state: 'empty' | 'joining' | 'syncing' | 'stable' = 'empty'
  /** Of the last round of JoinGroup; null before the first. */
  #protocol: string | null = null
  /** Somebody has joined, or committed an offset from outside. */
  #exists = false
  #generation = 0
  #leader = ''
  #numbers = 0
  #cancelRebalance = (): void => {}

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  /** As an operator's tool sees it. */
  describe(host: string): GroupDescription {
    const state = { empty: 'Empty', joining: 'PreparingRebalance', syncing: 'CompletingRebalance', stable: 'Stable' }[
      this.#state
    ]
    if (!this.#exists) return { code: 0, state: 'Dead', members: [] }
    const members = [...this.#members.values()].map(({ memberId, instanceId }) => ({
      memberId,
      instanceId,
      clientId: memberId,
      host,
    }))
    return { code: 0, state, members }
  }

  join(request: JoinRequest): Promise<JoinAnswer> {
    const { memberId, instanceId } = request
    this.#exists = this.#exists || memberId === ''
    const refused = (code: Code, id = memberId): JoinAnswer => ({
      code,
      memberId: id,
      generation: -1,
      leader: '',
      members: [],
      skipAssignment: false,
    })
    if (instanceId !== null && memberId === '') return this.#joinStatic(request, instanceId)
    if (memberId === '') {
      const id = `member-${++this.#numbers}`
      const expired = (): void => {
        if (this.#pending.delete(id)) this.#completeJoin()
      }
      this.#pending.set(id, this.#cluster.clock.after(request.sessionTimeoutMs, expired))
      return Promise.resolve(refused(codes.MEMBER_ID_REQUIRED, id))
    }
    const member = this.#members.get(memberId)
    if (!member && !this.#pending.has(memberId)) return Promise.resolve(refused(this.#codeOfStranger(instanceId)))
    if (member && this.#knowsAlready(member, request)) {
      this.#touch(member)
      return Promise.resolve(this.#joinAnswer(member, false))
    }
    return this.#enter(member ?? this.#newMember(memberId, request), request)
  }

  /** A member that asks again, as after a lost answer, is told the generation as it is; a leader at rest begins a rebalance. */
  #knowsAlready(member: Member, { protocol, metadata }: JoinRequest): boolean {
    const same = member.request.protocol === protocol && member.request.metadata.equals(metadata)
    if (this.#state === 'syncing') return same
    return this.#state === 'stable' && same && member.memberId !== this.#leader
  }

  /** A static member that comes back takes its own place: no rebalance when the group is at rest. */
  #joinStatic(request: JoinRequest, instanceId: string): Promise<JoinAnswer> {
    const memberId = `${instanceId}-${++this.#numbers}`
    const before = [...this.#members.values()].find((m) => m.instanceId === instanceId)
    if (!before) return this.#enter(this.#newMember(memberId, request), request)
    this.#members.delete(before.memberId)
    before.joined?.({
      code: codes.FENCED_INSTANCE_ID,
      memberId: before.memberId,
      generation: -1,
      leader: '',
      members: [],
      skipAssignment: false,
    })
    before.synced?.({ code: codes.FENCED_INSTANCE_ID, assignment: NOTHING })
    before.cancelSession()
    const member = this.#newMember(memberId, request)
    member.assignment = before.assignment
    const led = this.#leader === before.memberId
    if (led) this.#leader = memberId
    if (this.#state !== 'stable') return this.#enter(member, request)
    this.#touch(member)
    return Promise.resolve(this.#joinAnswer(member, led))
  }

  #enter(member: Member, request: JoinRequest): Promise<JoinAnswer> {
    member.request = request
    this.#touch(member)
    const answer = new Promise<JoinAnswer>((resolve) => {
      member.joined = resolve
    })
    // The first round of a group waits for group.initial.rebalance.delay.ms alone, here 0.
    const isFirst = this.#state === 'empty'
    if (this.#state !== 'joining') this.#rebalance()
    this.#completeJoin(isFirst)
    return answer
  }

  sync({ membership, protocol, assignments }: SyncRequest): Promise<SyncAnswer> {
    const code = this.check(membership) || (protocol === this.#protocol ? 0 : codes.INCONSISTENT_GROUP_PROTOCOL)
    if (code !== 0) return Promise.resolve({ code, assignment: NOTHING })
    if (this.#state === 'joining') return Promise.resolve({ code: codes.REBALANCE_IN_PROGRESS, assignment: NOTHING })
    const member = this.#members.get(membership.memberId)!
    if (this.#state === 'stable') return Promise.resolve({ code: 0, assignment: member.assignment })
    const answer = new Promise<SyncAnswer>((resolve) => {
      member.synced = resolve
    })
    if (membership.memberId === this.#leader) {
      for (const { memberId, assignment } of assignments) {
        const assigned = this.#members.get(memberId)
        if (assigned) assigned.assignment = assignment
      }
      this.#state = 'stable'
      for (const waiting of this.#members.values()) {
        waiting.synced?.({ code: 0, assignment: waiting.assignment })
        waiting.synced = null
      }
    }
    return answer
  }

  heartbeat(membership: GroupMembership): Code {
    const code = this.check(membership)
    if (code !== 0) return code
    this.#touch(this.#members.get(membership.memberId)!)
    return this.#state === 'joining' ? codes.REBALANCE_IN_PROGRESS : 0
  }

  leave(membership: GroupMembership): Code {
    const { memberId, instanceId } = membership
    if (this.#forget(memberId)) {
      // Of one that was never in it, too, a group at rest makes a rebalance.
      if (this.#state === 'stable' || this.#state === 'syncing') this.#rebalance()
      else this.#completeJoin()
      return 0
    }
    // A static one may be named by its instance alone.
    const named = [...this.#members.values()].find(
      (m) => memberId === '' && m.instanceId !== null && m.instanceId === instanceId,
    )
    const code = named ? 0 : this.#identify(memberId, instanceId)
    if (code === 0) this.#remove(named ?? this.#members.get(memberId)!)
    return code
  }

  /** Ends a member's session as if it had not been heard of for too long. */
  expire(memberId: string): void {
    const member = this.#members.get(memberId)
    if (member) this.#remove(member)
  }

  check({ memberId, generation, instanceId }: GroupMembership): Code {
    const code = this.#identify(memberId, instanceId)
    if (code !== 0) return code
    return generation === this.#generation ? 0 : codes.ILLEGAL_GENERATION
  }

  /**
   * At TxnOffsetCommit: member and generation, not which partitions a member has; and who names neither may commit, as
   * clients without a group do.
   */
  checkCommit(membership: GroupMembership): Code {
    const { memberId, generation, instanceId } = membership
    if (!this.#exists && generation >= 0) return codes.ILLEGAL_GENERATION
    this.#exists = true
    const outside = generation < 0 && (this.isEmpty || (memberId === '' && instanceId === null))
    return outside ? 0 : this.check(membership)
  }

  /** OffsetCommit without a member. */
  commitFromOutside(offsets: readonly OffsetToCommit[]): Code {
    if (!this.isEmpty) return codes.UNKNOWN_MEMBER_ID
    this.#exists = true
    this.offsets.commit(offsets)
    return 0
  }

  #identify(memberId: string, instanceId: string | null): Code {
    const member = this.#members.get(memberId)
    if (!member || (instanceId !== null && member.instanceId !== instanceId)) return this.#codeOfStranger(instanceId)
    return 0
  }

  #codeOfStranger(instanceId: string | null): Code {
    const taken = instanceId !== null && [...this.#members.values()].some((m) => m.instanceId === instanceId)
    return taken ? codes.FENCED_INSTANCE_ID : codes.UNKNOWN_MEMBER_ID
  }

  /** No longer pending; false: it was not. */
  #forget(memberId: string): boolean {
    this.#pending.get(memberId)?.()
    return this.#pending.delete(memberId)
  }

  #newMember(memberId: string, request: JoinRequest): Member {
    this.#forget(memberId)
    const member: Member = {
      memberId,
      instanceId: request.instanceId,
      request,
      assignment: NOTHING,
      joined: null,
      synced: null,
      cancelSession() {},
    }
    this.#members.set(memberId, member)
    return member
  }

  #touch(member: Member): void {
    member.cancelSession()
    member.cancelSession = this.#cluster.clock.after(member.request.sessionTimeoutMs, () => {
      // One that waits for the answer to its JoinGroup is alive.
      if (member.joined) this.#touch(member)
      else this.#remove(member)
    })
  }

  #remove(member: Member): void {
    member.cancelSession()
    this.#members.delete(member.memberId)
    // A SyncGroup of its own that waits is never answered.
    member.joined?.({ ...NOT_A_MEMBER, memberId: member.memberId })
    if (this.#members.size === 0) {
      // A rebalance in which nobody is left: it counts.
      this.#generation++
      this.#state = 'empty'
      this.#cancelRebalance()
    } else if (this.#state === 'joining') this.#completeJoin()
    else this.#rebalance()
  }

  #rebalance(): void {
    this.#state = 'joining'
    for (const member of this.#members.values()) {
      member.synced?.({ code: codes.REBALANCE_IN_PROGRESS, assignment: NOTHING })
      member.synced = null
    }
    const timeoutMs = Math.max(...[...this.#members.values()].map((m) => m.request.rebalanceTimeoutMs))
    this.#cancelRebalance = this.#cluster.clock.after(timeoutMs, () => {
      for (const member of [...this.#members.values()]) if (!member.joined) this.#remove(member)
      this.#completeJoin(true)
    })
  }

  #completeJoin(isLate = false): void {
    const members = [...this.#members.values()]
    if (this.#state !== 'joining' || members.length === 0 || members.some((m) => !m.joined)) return
    if (this.#pending.size > 0 && !isLate) return
    this.#cancelRebalance()
    this.#generation++
    this.#state = 'syncing'
    if (!this.#members.has(this.#leader)) this.#leader = members[0]!.memberId
    this.#protocol = members[0]!.request.protocol
    for (const member of members) {
      const { joined } = member
      member.joined = null
      this.#touch(member)
      joined?.(this.#joinAnswer(member, false))
    }
  }

  #joinAnswer({ memberId }: Member, skipAssignment: boolean): JoinAnswer {
    const members =
      memberId === this.#leader
        ? [...this.#members.values()].map((m) => ({
            memberId: m.memberId,
            instanceId: m.instanceId,
            metadata: m.request.metadata,
          }))
        : []
    return { code: 0, memberId, generation: this.#generation, leader: this.#leader, members, skipAssignment }
  }
}
