/**
 * Taking over a task, steps (a) to (h), as a machine that a test can step. It decides the order and what each answer
 * means; engine/takeover-driver.ts carries the commands out. Nothing may be skipped and nothing resumed in the middle:
 * any failure begins again at (a) (entering behind (b) after a FLUSHALL loops for ever: the owner token is gone).
 *
 *   (a) heartbeat → (b) claim → (c) stable offsets [→ find and fence the dead] → (d) ends → (e) decide → (f) restore
 *   → (g) compare → (h) still ours → running
 */

import type { CheckpointRecord } from '../../stores/core/changelog.ts'
import type { Checkpoint } from '../../stores/ports.ts'
import type { Code, GroupMembership, OffsetToCommit, ProducerIdentity, TopicPartition } from '../ports.ts'
import { classify, codes, nameOf } from './kafka-errors.ts'
import { type Position, position } from './numbers.ts'
import { type Plan, partitionsOf, readTopics } from './plan.ts'
import { Progress } from './progress.ts'

export type TakeoverStep =
  | 'heartbeat'
  | 'claim'
  | 'offsets'
  | 'find-dead'
  | 'fence'
  | 'ends'
  | 'restore'
  | 'offsets-beyond'
  | 'earliest'
  | 'done'

export interface RestorePlan {
  readonly from: Position
  readonly end: Position
  /** Build a new state version from the start of the changelog. */
  readonly rebuild: boolean
  /** The checkpoint that the store holds, when it is built upon. */
  readonly base: Checkpoint | null
  /** False: tombstones behind the base may be compacted away, so any record behind it means: rebuild. */
  readonly baseIsFresh: boolean
  readonly group: {
    readonly ours: string
    /** Of what the store holds, built upon or not; null: not known. */
    readonly stored: string | null
  }
}

export type TakeoverCommand =
  | { readonly kind: 'heartbeat'; readonly membership: GroupMembership; readonly delayMs: number }
  /** The generation is over: wait for the assignment, then begin again; rejoin anew when it does not come. */
  | { readonly kind: 'await-assignment' }
  | { readonly kind: 'claim' }
  | { readonly kind: 'offsets'; readonly partitions: readonly TopicPartition[]; readonly delayMs: number }
  | { readonly kind: 'find-dead' }
  | { readonly kind: 'fence'; readonly transactionalId: string; readonly identity: ProducerIdentity }
  | { readonly kind: 'ends'; readonly delayMs: number }
  | { readonly kind: 'restore'; readonly plan: RestorePlan }
  /** Where partitions without a committed offset begin. */
  | { readonly kind: 'earliest'; readonly partitions: readonly TopicPartition[]; readonly delayMs: number }
  | { readonly kind: 'run'; readonly progress: Progress }
  | { readonly kind: 'again'; readonly reason: string }
  | { readonly kind: 'lost'; readonly code: Code }
  | { readonly kind: 'stop'; readonly code: string; readonly message: string }

/** An open transaction that holds offsets of the group and belongs to no member of the current generation. */
export interface DeadTransaction {
  readonly transactionalId: string
  readonly identity: ProducerIdentity
}

const RETRY_MS = 20
/** Ask for stable offsets this often while a transaction is pending. */
const UNSTABLE_RETRY_MS = 2
/** Unstable for longer than a living owner's transaction takes to end: look for a dead one. */
const UNSTABLE_PATIENCE_MS = 200
/** How far the clocks of two owners may be apart. */
const CLOCKS_APART_MAX_MS = 60_000

export interface TakeoverOptions {
  readonly plan: Plan
  readonly task: number
  readonly membership: GroupMembership
  /** delete.retention.ms of the changelog. */
  readonly deleteRetentionMs: number
  /** The same error came again after a recovery: do not build on what the store holds. */
  readonly forceRebuild: boolean
  /** The time of day: the age of what the store holds. */
  readonly nowMs: () => number
  readonly elapsedMs: () => number
}

export class TakeoverCore {
  step: TakeoverStep = 'heartbeat'
  readonly #options: TakeoverOptions
  #membership: GroupMembership
  /** The one that the heartbeat under way was sent with. */
  #asked: GroupMembership
  #stored: Checkpoint | null = null
  #committed: readonly OffsetToCommit[] = []
  #unstableSinceMs: number | null = null
  #restored: CheckpointRecord | null = null
  /** Of sources of ours, and known to the state only: a process of a later plan has read them. */
  #beyond: readonly TopicPartition[] = []

  constructor(options: TakeoverOptions) {
    this.#options = options
    this.#membership = options.membership
    this.#asked = options.membership
  }

  /** (a) */
  start(): TakeoverCommand {
    this.step = 'heartbeat'
    return this.#heartbeat(0)
  }

  /** A later generation kept the task: what is under way goes on under it, what waited at (a) starts now. */
  kept(membership: GroupMembership): void {
    this.#membership = membership
  }

  heartbeatAnswered(code: Code): TakeoverCommand {
    this.#expect('heartbeat')
    if (code === 0) {
      this.step = 'claim'
      return { kind: 'claim' }
    }
    if (code === codes.REBALANCE_IN_PROGRESS || code === codes.ILLEGAL_GENERATION) {
      // The assignment that this answer asks to wait for may have come while it was on its way.
      return this.#asked === this.#membership ? { kind: 'await-assignment' } : this.#heartbeat(0)
    }
    switch (classify(code, 'group')) {
      case 'LOST':
        return { kind: 'lost', code }
      case 'FATAL':
        return { kind: 'stop', code: 'group.refused', message: `Heartbeat: ${nameOf(code)}` }
      default:
        return this.#heartbeat(RETRY_MS)
    }
  }

  heartbeatLost(): TakeoverCommand {
    this.#expect('heartbeat')
    return this.#heartbeat(RETRY_MS)
  }

  #heartbeat(delayMs: number): TakeoverCommand {
    this.#asked = this.#membership
    return { kind: 'heartbeat', membership: this.#membership, delayMs }
  }

  /** (b) done: from here every write and guarded read of a predecessor fails. */
  claimed(stored: Checkpoint | null): TakeoverCommand {
    this.#expect('claim')
    this.#stored = stored
    this.step = 'offsets'
    return this.#askOffsets(0)
  }

  /** (c), and once more in (g) for what only the state knows. */
  offsetsAnswered(code: Code, offsets: readonly OffsetToCommit[]): TakeoverCommand {
    if (this.step === 'offsets-beyond') return this.#beyondAnswered(code, offsets)
    this.#expect('offsets')
    if (code === 0) {
      this.#committed = offsets
      this.step = 'ends'
      return { kind: 'ends', delayMs: 0 }
    }
    if (code === codes.UNSTABLE_OFFSET_COMMIT) {
      const nowMs = this.#options.elapsedMs()
      this.#unstableSinceMs ??= nowMs
      if (nowMs - this.#unstableSinceMs < UNSTABLE_PATIENCE_MS) return this.#askOffsets(UNSTABLE_RETRY_MS)
      this.step = 'find-dead'
      return { kind: 'find-dead' }
    }
    return classify(code, 'read') === 'FATAL' ? groupRefused(code) : this.#askOffsets(RETRY_MS)
  }

  offsetsLost(): TakeoverCommand {
    if (this.step === 'offsets-beyond') return this.#askBeyond(RETRY_MS)
    this.#expect('offsets')
    return this.#askOffsets(RETRY_MS)
  }

  /** One of the dead found, or none: whoever holds the offsets is alive and will end its transaction. */
  deadFound(dead: DeadTransaction | null): TakeoverCommand {
    this.#expect('find-dead')
    this.#unstableSinceMs = null
    if (!dead) {
      this.step = 'offsets'
      return this.#askOffsets(RETRY_MS)
    }
    this.step = 'fence'
    return { kind: 'fence', ...dead }
  }

  /** Sent once and not repeated, whatever it answered; the offsets tell. */
  fenced(): TakeoverCommand {
    this.#expect('fence')
    this.step = 'offsets'
    return this.#askOffsets(UNSTABLE_RETRY_MS)
  }

  /** (d) and (e): changelog start, and its end as read_uncommitted sees it. */
  endsAnswered(start: Position, end: Position): TakeoverCommand {
    this.#expect('ends')
    this.step = 'restore'
    const base = this.#usableBase(start, end)
    const { nowMs, deleteRetentionMs, plan, task } = this.#options
    // Compaction leaves the start where it was (measured). What was deleted no other record says.
    if (start > 0 && (!base || base.batch === 0))
      return stop(
        'changelog.cut',
        `${plan.changelog.topic}-${task} begins at offset ${start}: records are gone, and the store has not what they said`,
      )
    const group = { ours: plan.groupId, stored: this.#stored?.groupId ?? null }
    if (!base)
      return { kind: 'restore', plan: { from: start, end, rebuild: true, base: null, baseIsFresh: true, group } }
    const empty = base.batch === 0
    return {
      kind: 'restore',
      plan: {
        // An absolute value written again is harmless, and an error met once is met again.
        from: empty ? start : position(Math.max(start, base.firstOffset)),
        end,
        rebuild: false,
        base,
        baseIsFresh: isFresh(nowMs() - base.committedAtMs, deleteRetentionMs),
        group,
      },
    }
  }

  endsLost(): TakeoverCommand {
    this.#expect('ends')
    return { kind: 'ends', delayMs: RETRY_MS }
  }

  #usableBase(start: Position, end: Position): Checkpoint | null {
    const { plan, forceRebuild } = this.#options
    const base = this.#stored
    if (!base || forceRebuild) return null
    if (base.clusterId !== plan.clusterId || base.changelogTopicId !== plan.changelog.topicId) return null
    if (base.batch === 0) return base
    return start <= base.offset && base.offset < end ? base : null
  }

  /** (f) done. `last` is the last checkpoint record of the changelog, null when it has none. (g) */
  restored(last: CheckpointRecord | null): TakeoverCommand {
    this.#expect('restore')
    this.#restored = last
    const stop = this.#compare(last)
    if (stop) return stop
    this.#beyond = this.#beyondOurPlan()
    if (this.#beyond.length === 0) return this.#comparePositions()
    this.step = 'offsets-beyond'
    return this.#askBeyond(0)
  }

  /**
   * Partitions that a source has had added, and that a process has read which was started since. This one does not read
   * them, but it has to keep their positions: its checkpoint records would else be without them.
   */
  #beyondOurPlan(): readonly TopicPartition[] {
    const { plan, task } = this.#options
    const ours = new Set(partitionsOf(plan, task).map((p) => `${p.topic}-${p.partition}`))
    return Object.entries(this.#restored?.positions ?? {}).flatMap(([topic, byPartition]) =>
      Object.keys(byPartition)
        .map((partition) => ({ topic, partition: Number(partition) }))
        .filter((p) => !ours.has(`${p.topic}-${p.partition}`)),
    )
  }

  #beyondAnswered(code: Code, offsets: readonly OffsetToCommit[]): TakeoverCommand {
    if (code === 0) {
      this.#committed = [...this.#committed, ...offsets]
      return this.#comparePositions()
    }
    // Ours were stable, and every commit carries all of the task's: somebody else writes.
    if (code === codes.UNSTABLE_OFFSET_COMMIT) return { kind: 'again', reason: 'offsets are pending again' }
    return classify(code, 'read') === 'FATAL' ? groupRefused(code) : this.#askBeyond(RETRY_MS)
  }

  #askBeyond(delayMs: number): TakeoverCommand {
    return { kind: 'offsets', partitions: this.#beyond, delayMs }
  }

  #comparePositions(): TakeoverCommand {
    const committed = new Map(this.#committed.map((c) => [`${c.topic}-${c.partition}`, c.position as number]))
    for (const [topic, byPartition] of Object.entries(this.#restored?.positions ?? {}))
      for (const [partition, at] of Object.entries(byPartition)) {
        const other = committed.get(`${topic}-${partition}`)
        if (other !== at)
          return stop(
            'offsets.mismatch',
            `${topic}-${partition}: the state is as of offset ${at}, the group's committed offset is ${other ?? 'none'}`,
          )
      }
    const unknown = this.#withoutOffset()
    if (unknown.length === 0) return this.#run([])
    this.step = 'earliest'
    return { kind: 'earliest', partitions: unknown, delayMs: 0 }
  }

  #compare(last: CheckpointRecord | null): TakeoverCommand | null {
    const { plan, task } = this.#options
    if (!last) {
      if (this.#committed.length === 0) return null
      return stop(
        'offsets.foreign',
        `group ${plan.groupId} has committed offsets of task ${task} but ${plan.changelog.topic} has no state for them`,
      )
    }
    const { clusterId, tasks, positions, topicIds, stores } = last
    if (tasks !== plan.tasks)
      return stop(
        'tasks.changed',
        `${plan.changelog.topic} was written with ${tasks} tasks, now there are ${plan.tasks}`,
      )
    if (last.stride !== plan.stride)
      return stop('stride.changed', `ids were given with stride ${last.stride}, now it is ${plan.stride}`)
    if (clusterId !== plan.clusterId)
      return stop('state.foreign', `${plan.changelog.topic} was written on cluster ${clusterId}`)
    for (const { topic, topicId } of [...plan.sources, plan.repartition])
      if (topicIds[topic] !== undefined && topicIds[topic] !== topicId)
        return stop(
          'topic.recreated',
          `${topic} is another topic than the one that was read before (${topicIds[topic]}, now ${topicId})`,
        )
    for (const [name, kind] of Object.entries(stores))
      if (!plan.topology.stores.some((s) => s.name === name && s.kind === kind))
        return stop('topology.incompatible', `the state has a ${kind} store "${name}", the topology has not`)
    const removed = Object.keys(positions).find((topic) => !readTopics(plan).includes(topic))
    if (removed !== undefined)
      return stop(
        'source.removed',
        `the state was written with the source ${removed}, which this process does not read`,
      )
    if (this.#committed.length === 0)
      return stop(
        'offsets.missing',
        `${plan.changelog.topic} has state of task ${task}, group ${plan.groupId} has no offsets for it`,
      )
    return null
  }

  #withoutOffset(): readonly TopicPartition[] {
    const { plan, task } = this.#options
    const known = new Set(this.#committed.map((c) => `${c.topic}-${c.partition}`))
    return partitionsOf(plan, task).filter((p) => !known.has(`${p.topic}-${p.partition}`))
  }

  earliestAnswered(starts: readonly OffsetToCommit[]): TakeoverCommand {
    this.#expect('earliest')
    return this.#run(starts)
  }

  earliestLost(): TakeoverCommand {
    this.#expect('earliest')
    return { kind: 'earliest', partitions: this.#withoutOffset(), delayMs: RETRY_MS }
  }

  #run(starts: readonly OffsetToCommit[]): TakeoverCommand {
    const { plan, task } = this.#options
    const at = new Map([...this.#committed, ...starts].map((o) => [`${o.topic}-${o.partition}`, o.position]))
    const positions = new Map<string, Map<number, Position>>()
    for (const { topic, partition } of [...partitionsOf(plan, task), ...this.#beyond]) {
      let byPartition = positions.get(topic)
      if (!byPartition) positions.set(topic, (byPartition = new Map()))
      byPartition.set(partition, at.get(`${topic}-${partition}`)!)
    }
    this.step = 'done'
    // Counters come from the changelog, never from the store.
    const counters = new Map(Object.entries(this.#restored?.counters ?? {}))
    return { kind: 'run', progress: new Progress(this.#restored?.batch ?? 0, positions, counters) }
  }

  #askOffsets(delayMs: number): TakeoverCommand {
    return { kind: 'offsets', partitions: partitionsOf(this.#options.plan, this.#options.task), delayMs }
  }

  #expect(step: TakeoverStep): void {
    if (this.step !== step) throw new Error(`the takeover is at ${this.step}, not at ${step}`)
  }
}

/** From the future by more than clocks may differ, nothing is known of its age. */
const isFresh = (ageMs: number, deleteRetentionMs: number): boolean =>
  ageMs >= -CLOCKS_APART_MAX_MS && ageMs < deleteRetentionMs / 2

const groupRefused = (code: Code): TakeoverCommand => stop('group.refused', `OffsetFetch: ${nameOf(code)}`)

const stop = (code: string, message: string): TakeoverCommand => ({ kind: 'stop', code, message })
