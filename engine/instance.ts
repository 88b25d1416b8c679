/**
 * One running instance of a topology: wires membership, tasks, lane and fetcher together. Short on purpose: each part
 * owns its own decisions, this file only says who tells whom.
 */
import { randomUUID } from 'node:crypto'
import type { StoreFactory } from '../stores/ports.ts'
import { Auditor } from './auditor.ts'
import type { Clock } from './clock.ts'
import { codes } from './core/kafka-errors.ts'
import type { OwnershipChange } from './core/ownership.ts'
import { type Plan, topicIdsOf } from './core/plan.ts'
import { transactionalIdOf } from './core/transactional-id.ts'
import type { Listener } from './events.ts'
import { Fetcher } from './fetcher.ts'
import { Housekeeping } from './housekeeping.ts'
import { LaneDriver } from './lane-driver.ts'
import { MembershipDriver } from './membership-driver.ts'
import { Mender } from './mender.ts'
import { type PauseOrders, PauseWatch } from './pause-watch.ts'
import { type GroupClient, type Kafka, RequestLost } from './ports.ts'
import { SourceWatch } from './source-watch.ts'
import { Task, type TaskContext } from './task.ts'
import { TopicWatch } from './topic-watch.ts'
import { BuilderPool } from './wire/builder-pool.ts'
import type { Compression } from './wire/layout.ts'

export interface InstanceOptions {
  readonly plan: Plan
  readonly kafka: Kafka
  readonly stores: StoreFactory
  readonly clock: Clock
  readonly listener: Listener
  /** GROUP_INSTANCE_ID: static membership and a stable transactional id. */
  readonly instanceId: string | null
  /** delete.retention.ms of the changelog. */
  readonly deleteRetentionMs: number
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
  readonly heartbeatMs?: number
  readonly transactionTimeoutMs?: number
  readonly compression?: Compression
  /** Bound of what all tasks of this process keep in memory of what Redis holds. */
  readonly memoryBytesMax?: number
  /** After a claim, as a label for operators; never waited for. */
  readonly labelOwner?: (task: number) => void
  readonly unlabelOwner?: (task: number) => void
  /** Where operators' orders to pause tasks are read; not given: there are none. */
  readonly orders?: PauseOrders
  /** Between two passes of the background audit; 0 or not given: there is none. */
  readonly auditIntervalMs?: number
  /** Whether a tracing SDK wants to hear of batches; asked once per batch. */
  readonly tracing?: () => boolean
}

export const DEFAULTS = {
  sessionTimeoutMs: 6_000,
  rebalanceTimeoutMs: 6_000,
  heartbeatMs: 200,
  transactionTimeoutMs: 5_000,
  // What outlives its batch costs the collector: 32 MiB gave 42,000 records/s, 8 MiB 43,500 with 5 % more work for Redis.
  memoryBytesMax: 8 * 1024 * 1024,
  requestBytesMax: 8 * 1024 * 1024,
  transactionBytesMax: 32 * 1024 * 1024,
} as const

/** Fences within this time that nobody's takeover explains: another process uses our instance id. */
const FENCES_WINDOW_MS = 60_000
const FENCES_MAX = 3

export class Instance {
  readonly plan: Plan
  readonly transactionalId: string
  readonly tasks = new Map<number, Task>()
  readonly #options: InstanceOptions
  readonly #group: GroupClient
  readonly #membership: MembershipDriver
  readonly #lane: LaneDriver
  readonly #mender: Mender
  readonly #fetcher: Fetcher
  readonly #housekeeping: Housekeeping
  readonly #topics: TopicWatch
  readonly #auditor: Auditor | null
  readonly #pauses: PauseWatch | null
  readonly #builders = new BuilderPool()
  readonly #fences: number[] = []
  #closing: Promise<void> | null = null

  constructor(options: InstanceOptions) {
    const { plan, kafka, clock, listener, instanceId } = options
    this.#options = options
    this.plan = plan
    const id = instanceId ?? randomUUID()
    this.transactionalId = transactionalIdOf(plan.application, id)
    const transactionTimeoutMs = options.transactionTimeoutMs ?? DEFAULTS.transactionTimeoutMs
    const stop = (code: string, message: string): void => this.#stopped(code, message)
    this.#group = kafka.groupClient(plan.groupId)
    this.#membership = new MembershipDriver(
      this.#group,
      plan,
      this.transactionalId,
      {
        instanceId,
        sessionTimeoutMs: options.sessionTimeoutMs ?? DEFAULTS.sessionTimeoutMs,
        rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? DEFAULTS.rebalanceTimeoutMs,
        heartbeatMs: options.heartbeatMs ?? DEFAULTS.heartbeatMs,
      },
      { clock, assigned: (change) => this.#assigned(change), evicted: (reason) => this.#evicted(reason), stop },
    )
    this.#mender = new Mender({
      plan,
      kafka,
      clock,
      listener,
      transactionalId: this.transactionalId,
      ownership: () => this.#membership.ownership,
      suspectOwn: () => this.#lane.suspect(),
    })
    this.#lane = new LaneDriver(
      kafka.transactionClient({ transactionalId: this.transactionalId, groupId: plan.groupId, transactionTimeoutMs }),
      {
        transactionTimeoutMs,
        compression: options.compression ?? 'none',
        requestBytesMax: DEFAULTS.requestBytesMax,
        transactionBytesMax: DEFAULTS.transactionBytesMax,
      },
      {
        clock,
        mender: this.#mender,
        listener,
        ownership: () => this.#membership.ownership,
        fenced: (reason) => void this.#fenced(reason),
        memberLost: (of, code) => this.#membership.evicted(of, code),
        stop,
      },
    )
    this.#fetcher = new Fetcher(kafka.fetchClient(topicIdsOf(plan)), clock, () => this.tasks.values())
    const tasks = (): Iterable<Task> => this.tasks.values()
    const sources = new SourceWatch(plan, kafka.transactions, clock, listener, tasks)
    this.#housekeeping = new Housekeeping(clock, kafka.admin, this.#mender, sources, plan, listener, tasks)
    this.#topics = new TopicWatch(plan, kafka.admin, clock, listener, stop)
    const { auditIntervalMs = 0, orders } = options
    this.#pauses = orders ? new PauseWatch(orders, clock, kafka.admin, () => this.tasks.values()) : null
    this.#auditor =
      auditIntervalMs > 0
        ? new Auditor({ plan, kafka, clock, listener, tasks: () => this.tasks.values() }, auditIntervalMs)
        : null
  }

  /** Generation and member id as of the last assignment; null while out of the group. */
  get membership() {
    return this.#membership.ownership?.membership ?? null
  }

  /** For how long the group's coordinator has not answered, ms. */
  get kafkaSilenceMs(): number {
    return this.#options.clock.elapsedMs() - this.#membership.heardAtMs
  }

  start(): void {
    this.#lane.start()
    this.#membership.start()
    this.#fetcher.start()
    this.#housekeeping.start()
    this.#topics.start()
    this.#auditor?.start()
    this.#pauses?.look()
  }

  /** What the store holds of every task of this process is wrong, or may be: each rebuilds it from the changelog. */
  mend(code: string, reason: string): void {
    for (const task of this.tasks.values()) task.mend(code, reason)
  }

  /** Commits and applies what is computed, within the deadline, leaves the group, closes everything. */
  close(drainMs: number): Promise<void> {
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  async #close(drainMs: number): Promise<void> {
    const { clock } = this.#options
    this.#housekeeping.close()
    this.#topics.close()
    this.#pauses?.close()
    const within = (limitMs: number, work: Promise<unknown>): Promise<unknown> =>
      Promise.race([work, new Promise<void>((resolve) => void clock.after(limitMs, resolve))])
    await within(
      drainMs,
      Promise.all([...this.tasks.values()].map((task) => task.drained())).then(() => this.#lane.idle()),
    )
    // With the broker away nobody hears us leave: the session ends by itself.
    await within(LEAVE_MS, this.#membership.leave())
    for (const task of this.tasks.values()) task.lost('shutdown')
    await Promise.all([this.#auditor?.close(), this.#fetcher.close(), this.#lane.close(), this.#group.close()])
  }

  #assigned(change: OwnershipChange): void {
    const { ownership, kept, lost, gained } = change
    for (const number of lost) {
      this.#lane.remove(number)
      this.tasks.get(number)?.lost('assigned to another member')
      if (ownership.tasks.has(number)) continue
      this.tasks.delete(number)
      this.#options.unlabelOwner?.(number)
    }
    const { membership } = ownership
    this.#options.listener({
      kind: 'group.assigned',
      generation: membership.generation,
      memberId: membership.memberId,
      kept,
      gained,
      lost,
    })
    for (const number of kept) this.tasks.get(number)?.kept(membership)
    // A task that drains must still be lost when it is lost, and may send its batch again when it is kept.
    if (this.#closing) return
    const memoryBytes = Math.floor(
      (this.#options.memoryBytesMax ?? DEFAULTS.memoryBytesMax) / Math.max(1, ownership.tasks.size),
    )
    for (const task of this.tasks.values()) task.memoryBytesMax = memoryBytes
    for (const number of gained) {
      const task = this.tasks.get(number) ?? new Task(number, this.#context(), memoryBytes)
      this.tasks.set(number, task)
      this.#lane.add(number, task)
      task.gained()
    }
    if (gained.length > 0) this.#pauses?.look()
    // A fence may have left the lane waiting for the group's word; this is it.
    this.#lane.restart()
    this.#lane.wake()
  }

  #evicted(reason: string): void {
    for (const [number, task] of this.tasks) {
      this.#lane.remove(number)
      task.lost(reason)
    }
    this.tasks.clear()
    this.#options.listener({ kind: 'group.evicted', reason })
  }

  /** The coordinator knows another epoch than ours: timed out, fenced by a successor, or a second process with our id. */
  async #fenced(reason: string): Promise<void> {
    const { clock, listener } = this.#options
    listener({ kind: 'lane.fenced', reason })
    const ownership = this.#membership.ownership
    // Out of the group: the next assignment restarts the lane.
    if (!ownership) return
    const code = await this.#group.heartbeat(ownership.membership).catch((error: unknown) => {
      if (error instanceof RequestLost) return codes.REBALANCE_IN_PROGRESS
      throw error
    })
    if (code === codes.UNKNOWN_MEMBER_ID || code === codes.FENCED_INSTANCE_ID) {
      this.#membership.evicted(ownership.membership, code)
      return
    }
    if (code === 0) {
      const nowMs = clock.elapsedMs()
      this.#fences.push(nowMs)
      while (this.#fences[0]! < nowMs - FENCES_WINDOW_MS) this.#fences.shift()
      if (this.#fences.length >= FENCES_MAX) {
        this.#stopped(
          'instance.duplicate',
          `fenced ${FENCES_MAX} times within a minute while a member: another process uses ${this.transactionalId}`,
        )
        return
      }
    }
    clock.after(Math.round(50 + clock.random() * 200), () => this.#lane.restart())
  }

  #stopped(code: string, message: string): void {
    for (const task of this.tasks.values()) task.lost(code)
    this.#options.listener({ kind: 'instance.stopped', code, message })
  }

  #context(): TaskContext {
    const { plan, kafka, stores, clock, listener, instanceId, deleteRetentionMs, compression, labelOwner } =
      this.#options
    return {
      plan,
      kafka,
      stores,
      clock,
      listener,
      deleteRetentionMs,
      group: this.#group,
      instance: instanceId ?? this.transactionalId,
      transactionalId: this.transactionalId,
      newToken: randomUUID,
      ownership: () => this.#membership.ownership,
      nextOwnership: () => this.#membership.next(),
      rejoin: (of) => this.#membership.rejoin(of),
      mender: this.#mender,
      membership: () => this.membership,
      wakeLane: () => this.#lane.wake(),
      wakeFetcher: () => this.#fetcher.wake(),
      builders: this.#builders,
      compressAhead: (outputs) =>
        compression && compression !== 'none' ? outputs.compressAhead(compression) : RESOLVED,
      tracing: this.#options.tracing ?? (() => false),
      isPausable: this.#pauses !== null,
      memberLost: (of, code) => this.#membership.evicted(of, code),
      claimed: (task) => labelOwner?.(task),
    }
  }
}

const RESOLVED = Promise.resolve()
const LEAVE_MS = 300
