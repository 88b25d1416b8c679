/**
 * Carries out what the membership core decides: sends the four group requests, computes the assignment when we lead, and
 * hands over each new ownership value in the same turn in which its SyncGroup answer arrives. Owns that value.
 */
import { type Clock, sleep } from './clock.ts'
import { assign } from './core/assignor.ts'
import {
  ConsumerProtocolError,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './core/consumer-protocol.ts'
import {
  decodeAssignmentFacts,
  decodeMemberFacts,
  encodeAssignmentFacts,
  encodeMemberFacts,
  type MembershipCommand,
  MembershipCore,
} from './core/membership.ts'
import { changeOwnership, type Ownership, type OwnershipChange } from './core/ownership.ts'
import { type Plan, partitionsOf, readTopics } from './core/plan.ts'
import { type Code, type GroupClient, type GroupMembership, type JoinAnswer, RequestLost } from './ports.ts'

export interface MembershipOptions {
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
}

export interface MembershipHooks {
  readonly clock: Clock
  /** Lost tasks must leave the lane before this returns. */
  assigned(change: OwnershipChange): void
  evicted(reason: string): void
  stop(code: string, message: string): void
}

/** Not `cooperative-sticky`: one round moves a task, exclusion is the engine's own. */
const PROTOCOL = 'tributary'

export class MembershipDriver {
  ownership: Ownership | null = null
  /** When the coordinator last answered, or when this began. */
  heardAtMs: number
  readonly #core: MembershipCore
  readonly #group: GroupClient
  readonly #plan: Plan
  readonly #transactionalId: string
  readonly #options: MembershipOptions
  readonly #hooks: MembershipHooks
  #reason = 'start'
  #waiters: (() => void)[] = []
  #leaving: Promise<void> | null = null

  constructor(
    group: GroupClient,
    plan: Plan,
    transactionalId: string,
    options: MembershipOptions,
    hooks: MembershipHooks,
  ) {
    this.#core = new MembershipCore(options)
    this.#group = group
    this.#plan = plan
    this.#transactionalId = transactionalId
    this.#options = options
    this.#hooks = hooks
    this.heardAtMs = hooks.clock.elapsedMs()
  }

  start(): void {
    this.#execute(this.#core.start())
  }

  /** The broker told another part that this member is unknown or fenced. */
  evicted(of: GroupMembership, code: Code): void {
    this.#execute(this.#core.evicted(of, code))
  }

  rejoin(of: GroupMembership): void {
    this.#reason = 'the assignment did not come'
    this.#execute(this.#core.rejoin(of))
  }

  /** The next ownership value, or the patience of a rebalance. */
  async next(): Promise<'assigned' | 'timeout'> {
    const patienceMs = this.#options.rebalanceTimeoutMs + this.#options.sessionTimeoutMs
    return new Promise((resolve) => {
      const cancel = this.#hooks.clock.after(patienceMs, () => resolve('timeout'))
      this.#waiters.push(() => {
        cancel()
        resolve('assigned')
      })
    })
  }

  /** Leaves the group, so that others need not wait for the session to end. A lost answer is as good. */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async #leave(): Promise<void> {
    for (const command of this.#core.leave())
      if (command.kind === 'leave')
        await this.#group.leave(command.membership, 'shutdown').catch((error: unknown) => {
          if (!(error instanceof RequestLost)) throw error
        })
  }

  #execute(commands: readonly MembershipCommand[]): void {
    for (const command of commands) {
      switch (command.kind) {
        case 'assigned':
          this.#assigned(command.membership, command.assignment)
          break
        case 'all-lost':
          this.ownership = null
          this.#hooks.evicted(command.reason)
          this.#awake()
          break
        case 'stop':
          this.#hooks.stop(command.code, command.message)
          break
        case 'leave':
          break
        default:
          this.#send(command).catch((error: unknown) => this.#failed(error))
      }
    }
  }

  #failed(error: unknown): void {
    if (error instanceof ConsumerProtocolError) this.#hooks.stop('group.refused', error.message)
    else this.#hooks.stop('engine.defect', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }

  async #send(command: Extract<MembershipCommand, { kind: 'join' | 'sync' | 'heartbeat' }>): Promise<void> {
    if ('delayMs' in command && command.delayMs > 0) await sleep(this.#hooks.clock, command.delayMs)
    let next: readonly MembershipCommand[]
    try {
      next = await this.#request(command)
      this.heardAtMs = this.#hooks.clock.elapsedMs()
    } catch (error) {
      if (!(error instanceof RequestLost)) throw error
      next = this.#core.lost(command.kind, command.kind === 'join' ? null : command.membership)
    }
    this.#execute(next)
  }

  async #request(
    command: Extract<MembershipCommand, { kind: 'join' | 'sync' | 'heartbeat' }>,
  ): Promise<readonly MembershipCommand[]> {
    const { instanceId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    switch (command.kind) {
      case 'join': {
        if (this.#core.phase !== 'joining') return []
        const metadata = encodeSubscription({
          topics: readTopics(this.#plan),
          userData: encodeMemberFacts(this.#transactionalId, this.ownership),
        })
        const answer = await this.#group.join({
          memberId: command.memberId,
          instanceId,
          sessionTimeoutMs,
          rebalanceTimeoutMs,
          protocol: PROTOCOL,
          metadata,
          reason: this.#reason,
        })
        this.#reason = 'rebalance'
        return this.#core.joinAnswered(answer)
      }
      case 'sync': {
        const assignments = command.members ? this.#assignments(command.members) : []
        const { code, assignment } = await this.#group.sync({
          membership: command.membership,
          protocol: PROTOCOL,
          assignments,
        })
        return this.#core.syncAnswered(code, assignment)
      }
      case 'heartbeat': {
        if (this.#core.phase !== 'member') return []
        return this.#core.heartbeatAnswered(command.membership, await this.#group.heartbeat(command.membership))
      }
    }
  }

  #assignments(members: JoinAnswer['members']): readonly { memberId: string; assignment: Buffer }[] {
    const claims = members.map(({ memberId, metadata }) => ({
      memberId,
      ...decodeMemberFacts(decodeSubscription(metadata).userData),
    }))
    const transactionalIds = claims.map((c) => c.transactionalId).filter((id) => id !== '')
    const byMember = assign(claims, this.#plan.tasks)
    return members.map(({ memberId }) => {
      const tasks = byMember.get(memberId) ?? []
      // Named as topic partitions, too, so that the usual tools show who reads what.
      const partitions = tasks.flatMap((task) => partitionsOf(this.#plan, task))
      return {
        memberId,
        assignment: encodeAssignment({
          partitions,
          userData: encodeAssignmentFacts({ tasks, transactionalIds, stride: this.#plan.stride }),
        }),
      }
    })
  }

  #assigned(membership: GroupMembership, bytes: Buffer): void {
    const { tasks, transactionalIds, stride } = decodeAssignmentFacts(decodeAssignment(bytes).userData)
    if (stride !== null && stride !== this.#plan.stride) {
      const message = `whoever leads the group gives ids with stride ${stride}, here it is ${this.#plan.stride}`
      this.#refuse('stride.changed', message)
      return
    }
    const ours = tasks.filter((task) => task >= 0 && task < this.#plan.tasks)
    const change = changeOwnership(this.ownership, {
      membership,
      tasks: new Set(ours),
      transactionalIds: new Set(transactionalIds),
    })
    this.ownership = change.ownership
    this.#hooks.assigned(change)
    this.#awake()
  }

  /**
   * What the leader has in common with all who have tasks is not so here. Before the first batch no state tells it
   * (recorded-state.ts), and by then two may have begun. Leaves, so that others need not wait for the session to end.
   */
  #refuse(code: string, message: string): void {
    this.ownership = null
    this.#hooks.evicted(message)
    this.#awake()
    this.leave().catch((error: unknown) => this.#failed(error))
    this.#hooks.stop(code, message)
  }

  #awake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve()
  }
}
