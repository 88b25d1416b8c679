/**
 * One group of the classic protocol as its coordinator sees it, with static members (KIP-345, KIP-814). Owns members,
 * generation and sessions.
 *
 *   empty ──join──▶ joining ──all have joined, or the rebalance timeout──▶ syncing ──leader's SyncGroup──▶ stable
 *                      ▲──────────── join, leave, end of a session ────────────────┴─────────────────────────┘
 */
import { codes } from '../../engine/core/kafka-errors.ts'
import type { Code, GroupClient, GroupDescription, GroupMembership, JoinAnswer } from '../../engine/ports.ts'
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
  readonly #known = new Set<string>()
  #state: 'empty' | 'joining' | 'syncing' | 'stable' = 'empty'
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
      this.#known.add(id)
      return Promise.resolve(refused(codes.MEMBER_ID_REQUIRED, id))
    }
    const member = this.#members.get(memberId)
    if (!member && !this.#known.has(memberId)) return Promise.resolve(refused(this.#codeOfStranger(instanceId)))
    return this.#enter(member ?? this.#newMember(memberId, request), request)
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
    if (this.#state !== 'joining') this.#rebalance()
    this.#completeJoin()
    return answer
  }

  sync({ membership, assignments }: SyncRequest): Promise<SyncAnswer> {
    const code = this.check(membership)
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
    const member = this.#members.get(membership.memberId)
    if (!member) return codes.UNKNOWN_MEMBER_ID
    this.#remove(member)
    return 0
  }

  /** Ends a member's session as if it had not been heard of for too long. */
  expire(memberId: string): void {
    const member = this.#members.get(memberId)
    if (member) this.#remove(member)
  }

  /** Also asked at TxnOffsetCommit: member and generation, not which partitions a member has. */
  check({ memberId, generation, instanceId }: GroupMembership): Code {
    const member = this.#members.get(memberId)
    if (!member) return this.#codeOfStranger(instanceId)
    return generation === this.#generation ? 0 : codes.ILLEGAL_GENERATION
  }

  #codeOfStranger(instanceId: string | null): Code {
    const taken = instanceId !== null && [...this.#members.values()].some((m) => m.instanceId === instanceId)
    return taken ? codes.FENCED_INSTANCE_ID : codes.UNKNOWN_MEMBER_ID
  }

  #newMember(memberId: string, request: JoinRequest): Member {
    this.#known.delete(memberId)
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
    member.joined?.({ ...NOT_A_MEMBER, memberId: member.memberId })
    member.synced?.({ code: codes.UNKNOWN_MEMBER_ID, assignment: NOTHING })
    if (this.#members.size === 0) {
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
    })
  }

  #completeJoin(): void {
    const members = [...this.#members.values()]
    if (this.#state !== 'joining' || members.length === 0 || members.some((m) => !m.joined)) return
    this.#cancelRebalance()
    this.#generation++
    this.#state = 'syncing'
    if (!this.#members.has(this.#leader)) this.#leader = members[0]!.memberId
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
