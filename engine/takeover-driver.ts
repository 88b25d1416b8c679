/**
 * Carries out one takeover as engine/core/takeover.ts decides it: asks group, Kafka and store, and feeds the answers back.
 * Owns the store connection until it hands it over with the result.
 */
import {
  type Checkpoint,
  type StoreFactory,
  StoreForeign,
  StoreLost,
  StoreRefused,
  type TaskStore,
} from '../stores/ports.ts'
import { type Clock, sleep } from './clock.ts'
import { isOpenState, OFFSETS_TOPIC } from './core/hanging.ts'
import type { Ownership } from './core/ownership.ts'
import { everyPartition, type Plan, topicIdsOf } from './core/plan.ts'
import type { Progress } from './core/progress.ts'
import { type DeadTransaction, type TakeoverCommand, TakeoverCore } from './core/takeover.ts'
import { mayBeOurs } from './core/transactional-id.ts'
import type { Listener } from './events.ts'
import type { Mender } from './mender.ts'
import {
  type Code,
  type GroupClient,
  type GroupMembership,
  type Kafka,
  RequestLost,
  type TopicPartition,
} from './ports.ts'
import { restore } from './restorer.ts'

export interface TakeoverContext {
  readonly plan: Plan
  readonly kafka: Kafka
  readonly group: GroupClient
  readonly stores: StoreFactory
  readonly clock: Clock
  readonly listener: Listener
  readonly instance: string
  readonly transactionalId: string
  readonly deleteRetentionMs: number
  readonly newToken: () => string
  readonly ownership: () => Ownership | null
  /** Resolves at the next ownership, or after the patience of a rebalance, whichever is first. */
  readonly nextOwnership: () => Promise<'assigned' | 'timeout'>
  readonly rejoin: (of: GroupMembership) => void
  readonly mender: Pick<Mender, 'others' | 'offsetsPartition'>
}

export type TakeoverResult =
  | {
      readonly kind: 'running'
      readonly progress: Progress
      readonly checkpoint: Checkpoint
      readonly store: TaskStore
    }
  | { readonly kind: 'again'; readonly reason: string; readonly rebuild: boolean; readonly storeError: string | null }
  | { readonly kind: 'stop'; readonly code: string; readonly message: string }
  | { readonly kind: 'lost'; readonly code: Code }
  /** The attempt is over: another one has begun, or the task is not ours any more. */
  | { readonly kind: 'superseded' }

/** Longer than a transaction may be open, its timeout and the coordinator's clean-up included. */
const OFFSETS_HELD_MS = 20_000
const FOREVER_OPEN_STATES = ['Ongoing', 'PrepareCommit', 'PrepareAbort', 'PrepareEpochFence']

export class TakeoverDriver {
  readonly #context: TakeoverContext
  readonly #task: number
  readonly #alive: () => boolean
  readonly #core: TakeoverCore
  #membership: GroupMembership
  /** With `#store`; a second claim takes another connection. */
  #claimed = false
  /** Whose heartbeat was answered last. */
  #asked: GroupMembership | null = null
  #heldSinceMs: number | null = null
  #store: TaskStore | null = null
  #checkpoint: Checkpoint | null = null

  constructor(
    context: TakeoverContext,
    task: number,
    membership: GroupMembership,
    forceRebuild: boolean,
    alive: () => boolean,
  ) {
    this.#context = context
    this.#task = task
    this.#alive = alive
    this.#membership = membership
    this.#core = new TakeoverCore({
      plan: context.plan,
      task,
      membership,
      deleteRetentionMs: context.deleteRetentionMs,
      forceRebuild,
      nowMs: () => context.clock.nowMs(),
      elapsedMs: () => context.clock.elapsedMs(),
    })
  }

  /** A later generation kept the task. */
  kept(membership: GroupMembership): void {
    this.#membership = membership
    this.#core.kept(membership)
  }

  async run(): Promise<TakeoverResult> {
    let result: TakeoverResult = { kind: 'superseded' }
    try {
      result = await this.#steps()
    } catch (error) {
      result = this.#storeFailed(error)
    } finally {
      if (result.kind !== 'running') await this.#store?.close()
    }
    return result
  }

  async #steps(): Promise<TakeoverResult> {
    let command: TakeoverCommand = this.#core.start()
    while (this.#alive()) {
      switch (command.kind) {
        case 'run':
          return { kind: 'running', progress: command.progress, checkpoint: this.#checkpoint!, store: this.#store! }
        case 'again':
          return { kind: 'again', reason: command.reason, rebuild: false, storeError: null }
        case 'lost':
        case 'stop':
          return command
        case 'restore': {
          const result = await this.#restore(command)
          if (result.kind !== 'restored') return result
          command = this.#core.restored(result.last)
          break
        }
        default:
          command = await this.#ask(command)
      }
    }
    return { kind: 'superseded' }
  }

  async #ask(
    command: Exclude<TakeoverCommand, { kind: 'run' | 'again' | 'lost' | 'stop' | 'restore' }>,
  ): Promise<TakeoverCommand> {
    const { group, kafka, plan, clock } = this.#context
    const core = this.#core
    if ('delayMs' in command && command.delayMs > 0) await sleep(clock, command.delayMs)
    switch (command.kind) {
      case 'heartbeat':
        // Before it, for it may take seconds: between the answer and the claim nothing is waited for.
        await this.#connect()
        if (!this.#alive()) return command
        this.#asked = this.#membership
        return answered(
          () => group.heartbeat(this.#membership),
          (code) => core.heartbeatAnswered(code),
          () => core.heartbeatLost(),
        )
      case 'await-assignment':
        // The assignment may have overtaken the answer: then there is nothing to wait for.
        if (this.#asked !== this.#membership) return core.start()
        if ((await this.#context.nextOwnership()) === 'timeout') this.#context.rejoin(this.#membership)
        return core.start()
      case 'claim':
        return core.claimed(await this.#claim())
      case 'offsets':
        return answered(
          () => group.offsets(command.partitions, true),
          (a) => core.offsetsAnswered(a.code, a.offsets),
          () => core.offsetsLost(),
        )
      case 'find-dead':
        return answered(
          () => this.#findDead(),
          (dead) => core.deadFound(dead),
          () => core.deadFound(null),
        )
      case 'fence':
        this.#context.listener({
          kind: 'transaction.fenced',
          task: this.#task,
          transactionalId: command.transactionalId,
        })
        return answered(
          () => kafka.transactions.fence(command.transactionalId, command.identity),
          () => core.fenced(),
          () => core.fenced(),
        )
      case 'ends': {
        const at = [{ topic: plan.changelog.topic, partition: this.#task }]
        return answered(
          () => Promise.all([kafka.admin.listOffsets(at, 'earliest'), kafka.admin.listOffsets(at, 'latest')]),
          ([[start], [end]]) =>
            start?.code === 0 && end?.code === 0 ? core.endsAnswered(start.position, end.position) : core.endsLost(),
          () => core.endsLost(),
        )
      }
      case 'earliest':
        return answered(
          () => kafka.admin.listOffsets(command.partitions, 'earliest'),
          (starts) => (starts.every((s) => s.code === 0) ? core.earliestAnswered(starts) : core.earliestLost()),
          () => core.earliestLost(),
        )
    }
  }

  async #connect(): Promise<void> {
    if (this.#store && !this.#claimed) return
    await this.#store?.close()
    this.#store = await this.#context.stores.open(this.#task)
    this.#claimed = false
  }

  #claim(): Promise<Checkpoint | null> {
    const { newToken, instance, transactionalId, plan } = this.#context
    this.#claimed = true
    return this.#store!.claim({
      token: newToken(),
      instance,
      transactionalId,
      clusterId: plan.clusterId,
      changelogTopicId: plan.changelog.topicId,
    })
  }

  async #restore(
    command: Extract<TakeoverCommand, { kind: 'restore' }>,
  ): Promise<TakeoverResult | Extract<Awaited<ReturnType<typeof restore>>, { kind: 'restored' }>> {
    const { kafka, plan, clock, listener } = this.#context
    const published = await this.#publishedEnds()
    const fetch = kafka.fetchClient(topicIdsOf(plan))
    try {
      const result = await restore(
        {
          plan,
          task: this.#task,
          store: this.#store!,
          fetch,
          clock,
          listener,
          alive: this.#alive,
          published,
          stuck: () => this.#stuck({ topic: plan.changelog.topic, partition: this.#task }),
        },
        command.plan,
      )
      if (result.kind === 'restored') {
        this.#checkpoint = result.checkpoint
        return result
      }
      if (result.kind === 'rebuild') return { kind: 'again', reason: result.reason, rebuild: true, storeError: null }
      return result
    } finally {
      await fetch.close()
    }
  }

  /**
   * Where the output topics end behind (c), open transactions of other tasks included: the stable end may still lie before
   * the predecessor's last events. For subscribers, so what no broker tells now is left out.
   */
  async #publishedEnds(): Promise<Checkpoint['published']> {
    const { kafka, plan } = this.#context
    const partitions = [...plan.sinks]
      .filter(([sink]) => sink.keyedBy === 'canonical')
      .flatMap(([, topic]) => everyPartition(topic))
    const ends: Record<string, Record<string, number>> = {}
    try {
      for (const { topic, partition, code, position } of await kafka.admin.listOffsets(partitions, 'latest'))
        if (code === 0) ends[topic] = { ...ends[topic], [partition]: position }
    } catch (error) {
      if (!(error instanceof RequestLost)) throw error
    }
    return ends
  }

  /** (c): an open transaction of ours that holds offsets and whose id no member of the current generation names. */
  async #findDead(): Promise<DeadTransaction | null> {
    const { kafka, plan, ownership, mender } = this.#context
    const living = ownership()?.transactionalIds
    if (!living || living.size === 0) return null
    const ours = await mender.offsetsPartition()
    for (const { transactionalId } of await kafka.transactions.list({ states: FOREVER_OPEN_STATES })) {
      if (!mayBeOurs(plan.application, transactionalId) || living.has(transactionalId)) continue
      const described = await kafka.transactions.describe(transactionalId)
      if (described.code !== 0 || described.state !== 'Ongoing') continue
      // Those of another group lie in another partition, but for one group in fifty.
      if (!described.partitions.some((p) => p.topic === OFFSETS_TOPIC && (!ours || p.partition === ours.partition)))
        continue
      return { transactionalId, identity: { producerId: described.producerId, epoch: described.epoch } }
    }
    await this.#offsetsHeld()
    return null
  }

  /** (c) is not stable, and no open transaction of the dead is why: one may hang; or it takes long, then say whose it is. */
  async #offsetsHeld(): Promise<void> {
    const { clock, mender } = this.#context
    const offsets = await mender.offsetsPartition()
    if (!offsets) return
    await mender.others([offsets])
    const nowMs = clock.elapsedMs()
    this.#heldSinceMs ??= nowMs
    if (nowMs - this.#heldSinceMs < OFFSETS_HELD_MS) return
    this.#heldSinceMs = nowMs
    await this.#stuck(offsets)
  }

  /** A partition that must be read cannot be: end what hangs or is a dead owner's, and say whose else is in the way. */
  async #stuck(where: TopicPartition): Promise<void> {
    const { kafka, plan, listener, ownership, mender } = this.#context
    const warn = (code: string, message: string): void => listener({ kind: 'warning', code, message })
    await mender.others([where])
    try {
      for (const { transactions } of await kafka.transactions.open([where]))
        for (const { producerId, startOffset } of transactions) {
          const [known] = await kafka.transactions.list({ producerIds: [producerId] })
          if (!known || !isOpenState(known.state)) continue
          const dead =
            mayBeOurs(plan.application, known.transactionalId) &&
            ownership()?.transactionalIds.has(known.transactionalId) === false
          warn(
            'transaction.open',
            `${where.topic}-${where.partition} is held from offset ${startOffset} on by ${known.transactionalId} (${known.state}); waiting for it to end`,
          )
          if (dead) {
            const described = await kafka.transactions.describe(known.transactionalId)
            if (described.code === 0) await kafka.transactions.fence(known.transactionalId, described)
          }
        }
    } catch (error) {
      if (!(error instanceof RequestLost)) throw error
    }
  }

  #storeFailed(error: unknown): TakeoverResult {
    if (error instanceof StoreForeign) return { kind: 'stop', code: 'state.foreign', message: error.message }
    if (error instanceof StoreRefused) return { kind: 'again', reason: error.message, rebuild: false, storeError: null }
    if (error instanceof StoreLost)
      return { kind: 'again', reason: error.message, rebuild: false, storeError: error.code }
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('wire.'))
      return { kind: 'stop', code: 'changelog.corrupt', message: error.message }
    throw error
  }
}

/** Asks, and turns a lost answer into the core's answer to that. */
async function answered<T>(
  ask: () => Promise<T>,
  then: (answer: T) => TakeoverCommand,
  lost: () => TakeoverCommand,
): Promise<TakeoverCommand> {
  let answer: T
  try {
    answer = await ask()
  } catch (error) {
    if (error instanceof RequestLost) return lost()
    throw error
  }
  return then(answer)
}
