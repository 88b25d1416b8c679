/**
 * Carries out what the lane's core decides: sends the requests, feeds the answers back, and tells each task how its batch
 * ended. Owns the open transaction's encoded batches. Decides nothing about the protocol (engine/core/lane.ts does).
 */
import { type Clock, sleep } from './clock.ts'
import { codes, nameOf } from './core/kafka-errors.ts'
import { type LaneCommand, LaneCore, type Outcome } from './core/lane.ts'
import type { Offset } from './core/numbers.ts'
import type { Ownership } from './core/ownership.ts'
import type { Listener } from './events.ts'
import { LaneGuard, type LaneMender } from './lane-guard.ts'
import { LaneHeadway } from './lane-headway.ts'
import {
  type Code,
  type GroupMembership,
  type OffsetToCommit,
  type PartitionCode,
  type ProduceAnswer,
  RequestLost,
  type TransactionClient,
} from './ports.ts'
import { type EncodedBatch, type EncodedOutputs, encodeRounds } from './wire/encoded-outputs.ts'
import type { Compression } from './wire/layout.ts'

/** One task's part of a transaction. */
export interface LanePart {
  readonly task: number
  readonly outputs: EncodedOutputs
  /** All source partitions of the task. */
  readonly offsets: readonly OffsetToCommit[]
}

/** Where a part's records of one topic and partition went; first and behind the last. */
export interface Published {
  readonly topic: string
  readonly partition: number
  readonly first: Offset
  readonly end: number
}

export interface LaneTask {
  /** A sealed batch that may enter a transaction now, or null. Called when the lane is idle. */
  offer(): LanePart | null
  /** The offered part is in a transaction. */
  entered(): void
  settled(outcome: Outcome, published: readonly Published[]): void
}

export interface LaneOptions {
  readonly transactionTimeoutMs: number
  readonly compression: Compression
  /** Bound of the bytes that one task puts into one transaction is the batch's; this bounds one Produce request. */
  readonly requestBytesMax: number
  /** Tasks join a transaction until their outputs are this large; the others wait for the next, which begins with them. */
  readonly transactionBytesMax: number
}

export interface LaneHooks {
  readonly clock: Clock
  readonly mender: LaneMender
  readonly listener: Listener
  /** The one ownership value, as of now. */
  ownership(): Ownership | null
  fenced(reason: string): void
  /** `of`: the membership that the request was sent with, which may not be the current one any more. */
  memberLost(of: GroupMembership, code: Code): void
  stop(code: string, message: string): void
}

export class LaneDriver {
  readonly #core: LaneCore
  readonly #client: TransactionClient
  readonly #options: LaneOptions
  readonly #hooks: LaneHooks
  readonly #guard: LaneGuard
  readonly #headway: LaneHeadway
  readonly #tasks = new Map<number, LaneTask>()
  #open: {
    parts: { task: LaneTask; part: LanePart }[]
    rounds: readonly (readonly EncodedBatch[])[]
    published: Map<string, Published>[]
    /** Whose records a Produce answer is about: several tasks may write to one partition. */
    owners: WeakMap<PartitionCode, number>
    beganAtMs: number
  } | null = null
  /** Membership of the last TxnOffsetCommit that was sent. */
  #sentWith: GroupMembership | null = null
  #waking = false
  #looking = false
  #closed = false
  #idleWaiters: (() => void)[] = []

  constructor(client: TransactionClient, options: LaneOptions, hooks: LaneHooks) {
    this.#client = client
    this.#options = options
    this.#hooks = hooks
    this.#guard = new LaneGuard(client, hooks.mender, hooks.clock)
    this.#headway = new LaneHeadway(hooks.clock, hooks.listener)
    this.#core = new LaneCore({ transactionTimeoutMs: options.transactionTimeoutMs })
  }

  start(): void {
    this.#execute(this.#core.start())
  }

  /** After a fence, once the group has said that we are still a member. */
  restart(): void {
    if (this.#core.phase === 'uninitialised') this.#execute(this.#core.restart())
  }

  add(task: number, laneTask: LaneTask): void {
    this.#tasks.set(task, laneTask)
  }

  /** The task's batch, should one be in the open transaction, is settled all the same; the task ignores it by its attempt. */
  remove(task: number): void {
    this.#tasks.delete(task)
    this.#headway.free()
  }

  /** A transaction of this lane may hang: it is looked at between two transactions. */
  suspect(): void {
    this.#guard.suspect()
    this.wake()
  }

  /** A task has a batch. */
  wake(): void {
    if (this.#waking || this.#closed) return
    this.#waking = true
    queueMicrotask(() => {
      this.#waking = false
      this.#begin()
    })
  }

  /** Resolves when no transaction is open, and what the last one may have left is looked at: soon nobody remembers it. */
  async idle(): Promise<void> {
    for (;;) {
      if (this.#open) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
      else if (this.#guard.isSuspect && this.#core.phase === 'idle' && !this.#closed) await this.#look()
      else return
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#client.close()
  }

  #begin(): void {
    if (this.#core.phase !== 'idle' || this.#closed || this.#looking) return
    if (this.#guard.isSuspect) {
      void this.#look()
      return
    }
    const ownership = this.#hooks.ownership()
    const identity = this.#core.identity
    if (!ownership || !identity) return
    const parts = this.#offers(ownership)
    if (parts.length === 0) return
    const { compression, requestBytesMax } = this.#options
    const rounds = encodeRounds(
      parts.map((p) => p.part.outputs),
      identity,
      compression,
      requestBytesMax,
    )
    const beganAtMs = this.#hooks.clock.elapsedMs()
    this.#open = { parts, rounds, published: parts.map(() => new Map()), owners: new WeakMap(), beganAtMs }
    const commands = this.#core.begin(ownership.membership, rounds.length, beganAtMs)
    for (const { task } of parts) task.entered()
    this.#execute(commands)
  }

  /** What the last transaction has left is looked at before the next one may write behind it. */
  async #look(): Promise<void> {
    if (this.#looking) return sleep(this.#hooks.clock, LOOKING_MS)
    this.#looking = true
    try {
      const state = await this.#guard.look()
      if (state === 'wait') this.#headway.failed(CANNOT_LOOK)
      if (state === 'renew' && this.#core.phase === 'idle' && !this.#closed) this.#execute(this.#core.renew())
    } catch (error) {
      this.#defect(error)
    } finally {
      this.#looking = false
    }
    this.wake()
  }

  /** In turn, so that with many tasks none is always beyond the limit. */
  #offers(ownership: Ownership): { task: LaneTask; part: LanePart }[] {
    const parts: { task: LaneTask; part: LanePart }[] = []
    const tasks = [...this.#tasks].sort(([a], [b]) => a - b)
    let bytes = 0
    for (let i = 0; i < tasks.length && bytes < this.#options.transactionBytesMax; i++) {
      const [number, task] = tasks[(this.#turn + i) % tasks.length]!
      const part = ownership.tasks.has(number) ? task.offer() : null
      if (!part) continue
      parts.push({ task, part })
      bytes += part.outputs.sizeBytes
      if (bytes >= this.#options.transactionBytesMax) this.#turn = (this.#turn + i + 1) % tasks.length
    }
    return parts
  }
  #turn = 0

  #execute(commands: readonly LaneCommand[]): void {
    for (const command of commands) {
      switch (command.kind) {
        case 'settle':
          this.#settle(command.outcome)
          break
        case 'fenced':
          this.#hooks.fenced(`code ${command.code}`)
          break
        case 'member-lost':
          // Sent under a membership that has ended since, it is fenced by our own later self: that is no news of the current one.
          if (this.#sentWith) this.#hooks.memberLost(this.#sentWith, command.code)
          break
        case 'stop':
          this.#hooks.stop(command.code, command.message)
          break
        default:
          void this.#send(command)
      }
    }
    if (this.#core.phase === 'idle') this.wake()
  }

  async #send(command: Extract<LaneCommand, { kind: 'init' | 'commit-offsets' | 'produce' | 'end' }>): Promise<void> {
    const { clock } = this.#hooks
    if (command.delayMs > 0) await sleep(clock, command.delayMs)
    if (this.#over) return
    let next: readonly LaneCommand[]
    try {
      next = await this.#request(command)
    } catch (error) {
      if (!(error instanceof RequestLost)) {
        this.#defect(error)
        return
      }
      if (this.#over) return
      this.#guard.suspect()
      this.#headway.failed(error.message, command.kind)
      if (command.kind === 'init') next = this.#core.initLost()
      else if (command.kind === 'end') next = this.#core.endLost(clock.elapsedMs())
      else next = this.#core.requestLost(clock.elapsedMs())
    }
    this.#execute(next)
  }

  /** A mistake of ours, not the world's: never commit what it concerns, and say so loudly. */
  #defect(error: unknown): void {
    this.#hooks.stop('engine.defect', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }

  async #request(
    command: Extract<LaneCommand, { kind: 'init' | 'commit-offsets' | 'produce' | 'end' }>,
  ): Promise<readonly LaneCommand[]> {
    const { clock } = this.#hooks
    switch (command.kind) {
      case 'init': {
        const may = await this.#guard.mayInitialise()
        if (this.#over) return []
        if (!may) {
          this.#headway.failed(CANNOT_LOOK, 'init')
          return this.#core.initLost()
        }
        const { code, identity } = await this.#client.initProducerId(null)
        if (this.#over) return []
        if (code === 0) this.#headway.initialised()
        else this.#headway.failed(`InitProducerId: ${nameOf(code)}`, 'init')
        return this.#core.initialised(code, identity)
      }
      case 'commit-offsets': {
        const may = await this.#guard.mayCommitOffsets(command.identity)
        if (this.#over) return []
        if (!may) return this.#core.requestLost(clock.elapsedMs())
        const offsets = this.#open!.parts.flatMap((p) => p.part.offsets)
        this.#sentWith = command.membership
        const codes = await this.#client.txnOffsetCommit(command.identity, command.membership, offsets)
        if (this.#over) return []
        this.#guard.noteCodes(codes)
        return this.#core.offsetsAnswered(codes, clock.elapsedMs())
      }
      case 'produce': {
        const batches = this.#batchesOf(command.round, command.only)
        const may = await this.#guard.mayProduce(command.identity, batches)
        if (this.#over) return []
        if (may === 'no') return this.#core.requestLost(clock.elapsedMs())
        if (may === 'later') return this.#core.produced(batches.map(withoutLeader), clock.elapsedMs())
        const answers = await this.#client.produce(batches)
        if (this.#over) return []
        this.#guard.noteCodes(answers)
        this.#note(batches, answers)
        return this.#core.produced(answers, clock.elapsedMs())
      }
      case 'end': {
        const may = command.commit || (await this.#guard.mayAbort())
        if (this.#over) return []
        if (!may) return this.#core.endLost(clock.elapsedMs())
        const { code, identity } = await this.#client.endTxn(command.identity, command.commit)
        if (this.#over) return []
        this.#guard.noteCodes([{ code }])
        if (code === 0) this.#guard.decided(command.identity, command.commit)
        return this.#core.ended(code, identity, clock.elapsedMs())
      }
    }
  }

  /** Answers that come after the end change nothing. */
  get #over(): boolean {
    return this.#closed || this.#core.phase === 'stopped'
  }

  #batchesOf(round: number, only: readonly PartitionCode[] | null): readonly EncodedBatch[] {
    const batches = this.#open!.rounds[round]!
    return only ? batches.filter((b) => only.some((o) => o.topic === b.topic && o.partition === b.partition)) : batches
  }

  #note(batches: readonly EncodedBatch[], answers: readonly ProduceAnswer[]): void {
    batches.forEach((batch, i) => {
      const answer = answers[i]
      if (answer) this.#open!.owners.set(answer, batch.owner)
      if (answer?.code !== 0) return
      const published = this.#open!.published[batch.owner]!
      const name = `${batch.topic}-${batch.partition}`
      const end = answer.baseOffset + batch.records
      published.set(name, {
        topic: batch.topic,
        partition: batch.partition,
        first: published.get(name)?.first ?? answer.baseOffset,
        end,
      })
    })
  }

  #settle(outcome: Outcome): void {
    const open = this.#open
    if (!open) return
    this.#open = null
    this.#hooks.listener({
      kind: 'transaction',
      result: outcome.kind === 'committed' ? 'committed' : outcome.kind === 'recover' ? 'unknown' : 'aborted',
      tasks: open.parts.length,
      durationMs: this.#hooks.clock.elapsedMs() - open.beganAtMs,
      reason: 'reason' in outcome ? outcome.reason : outcome.kind === 'committed' ? null : outcome.kind,
    })
    if (outcome.kind === 'committed') this.#headway.committed()
    else this.#headway.failed('reason' in outcome ? outcome.reason : outcome.kind)
    open.parts.forEach(({ task }, i) => {
      task.settled(outcomeFor(i, outcome, open.owners), [...open.published[i]!.values()])
    })
    for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }
}

/** What was refused is some task's record: who only writes to the same partition does its batch again as it is. */
function outcomeFor(owner: number, outcome: Outcome, owners: WeakMap<PartitionCode, number>): Outcome {
  if (outcome.kind !== 'isolate') return outcome
  const partitions = outcome.partitions.filter((code) => (owners.get(code) ?? owner) === owner)
  return partitions.length > 0 ? { kind: 'isolate', partitions } : { kind: 'redo', reason: 'a record of another task' }
}

const CANNOT_LOOK = 'a transaction of ours hangs, or whether one does cannot be looked at'
/** How long whoever waits for a look that is under way sleeps. */
const LOOKING_MS = 20
const withoutLeader = ({ topic, partition }: EncodedBatch): PartitionCode => ({
  topic,
  partition,
  code: codes.NOT_LEADER_OR_FOLLOWER,
})
