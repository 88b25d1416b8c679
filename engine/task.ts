/**
 * One task of this process, from the assignment to its loss: takes it over, runs it, brings it back after a failure.
 * Owns the lifecycle, the attempts and the memory; its batches are a Pipeline's, the order of a takeover its core's.
 *
 *   lost ⇄ taking-over → running → (any error, refusal, unknown outcome) waiting → taking-over
 *               any → stopped: an operator must act
 *
 * The attempt rises whenever what was in flight must not count any more: abort, loss, recovery, takeover.
 */
import { EntryCache } from '../stores/core/memory-cache.ts'
import { type Pause, type ReadRequest, StoreLost, StoreRefused } from '../stores/ports.ts'
import type { TaskIntake } from './core/intake.ts'
import type { Outcome } from './core/lane.ts'
import type { Progress } from './core/progress.ts'
import { RecoveryPolicy } from './core/recovery.ts'
import type { TaskState } from './events.ts'
import type { FetchingTask } from './fetcher.ts'
import type { LanePart, LaneTask, Published } from './lane-driver.ts'
import { Pipeline } from './pipeline.ts'
import type { Inspected, PipelineStart } from './pipeline-hooks.ts'
import type { GroupMembership, TopicPartition } from './ports.ts'
import { TakeoverDriver, type TakeoverResult } from './takeover-driver.ts'
import type { TaskContext } from './task-context.ts'

export type { TaskContext } from './task-context.ts'

export class Task implements FetchingTask, LaneTask {
  readonly task: number
  state: TaskState = 'lost'
  reason: string | null = null
  /** Why it has stopped. */
  stop: { readonly code: string; readonly message: string } | null = null
  attempt = 0
  /** An operator's order: null, it runs; undefined, not known yet. */
  order: Pause | null | undefined = null
  readonly #context: TaskContext
  readonly #memory: EntryCache
  readonly #recovery: RecoveryPolicy
  #takeover: TakeoverDriver | null = null
  #pipeline: Pipeline | null = null
  #draining = false
  /** Batches committed and not in the store, as of the end of the last pipeline. */
  #unappliedAtEnd = 0
  /** How often a rebuild was asked for, and up to which of these one has been done. */
  #mendsAsked = 0
  #mendsDone = 0
  /** The lane's open transaction holds a batch of this task, perhaps of an attempt that is over. */
  #inLane = false
  #outOfLane: (() => void) | null = null

  constructor(task: number, context: TaskContext, memoryBytesMax: number) {
    this.task = task
    this.#context = context
    this.#memory = new EntryCache(memoryBytesMax)
    this.#recovery = new RecoveryPolicy(() => context.clock.random())
  }

  set memoryBytesMax(bytes: number) {
    this.#memory.limitBytes = bytes
  }

  /** As of the last committed batch, while it runs. */
  get progress(): Progress | null {
    return this.#pipeline?.committed ?? null
  }

  get intake(): TaskIntake | null {
    return this.#pipeline?.intake ?? null
  }

  /** Batches committed and not in the store; while it is taken over, as many as there were before. */
  get unapplied(): number {
    return this.#pipeline?.unapplied ?? this.#unappliedAtEnd
  }

  /** Per input partition: records that were readable at the last fetch and are not processed. */
  *lags(): Generator<TopicPartition & { readonly records: number }> {
    for (const { topic, partition, lastStableOffset } of this.intake?.partitions ?? []) {
      const at = this.progress?.position(topic, partition)
      if (at !== undefined) yield { topic, partition, records: Math.max(0, lastStableOffset - at) }
    }
  }

  /** Takes no records: it is paused, or whether it is paused is not known yet. */
  get isHeld(): boolean {
    return this.order !== null
  }

  // ------------------------------------------------------------------ ownership

  /** From any state: begins at (a) with a new attempt. */
  gained(): void {
    this.#drop()
    this.#recovery.reset()
    this.stop = null
    this.order = this.#context.isPausable ? undefined : null
    this.#beginTakeover(false)
  }

  /** A later generation kept the task: nothing is interrupted. */
  kept(membership: GroupMembership): void {
    this.#takeover?.kept(membership)
    this.#pipeline?.kept()
  }

  /** Not ours any more; whatever is in flight ends without effect here. */
  lost(reason: string): void {
    this.#drop()
    this.#unappliedAtEnd = 0
    // Its next owner has eyes of its own.
    this.#mendsDone = this.#mendsAsked
    this.#setState('lost', reason)
  }

  /** A broker answer or a rule that only an operator can mend. */
  stopped(code: string, message: string): void {
    this.#drop()
    this.stop = { code, message }
    this.#setState('stopped', code)
    this.#context.listener({ kind: 'task.stopped', task: this.task, code, message })
  }

  /** Ends the attempt: takeover, batches, buffers, store connection, memory. */
  #drop(): void {
    this.attempt++
    this.#takeover = null
    this.#unappliedAtEnd = this.unapplied
    this.#pipeline?.close()
    this.#pipeline = null
    this.#memory.clear()
  }

  // ------------------------------------------------------------------ takeover and recovery

  #beginTakeover(forceRebuild: boolean): void {
    const membership = this.#context.membership()
    if (!membership) return
    const attempt = this.attempt
    const mends = this.#mendsAsked
    const rebuild = forceRebuild || mends > this.#mendsDone
    const driver = new TakeoverDriver(this.#context, this.task, membership, rebuild, () => this.attempt === attempt)
    this.#takeover = driver
    this.#setState('taking-over', null)
    driver.run().then(
      (result) => {
        if (result.kind === 'running' && rebuild) this.#mendsDone = mends
        this.#takenOver(attempt, membership, result)
      },
      (error) => this.stopped('engine.defect', error instanceof Error ? (error.stack ?? error.message) : String(error)),
    )
  }

  #takenOver(attempt: number, membership: GroupMembership, result: TakeoverResult): void {
    if (this.attempt !== attempt) {
      if (result.kind === 'running') void result.store.close()
      return
    }
    this.#takeover = null
    switch (result.kind) {
      case 'running':
        // Asked for while it was taken over: what was built upon, or built, may be wrong.
        if (this.#mendsAsked > this.#mendsDone) {
          void result.store.close()
          this.#recover('a rebuild was asked for meanwhile', null)
        } else this.#run(result)
        break
      case 'again':
        this.#recover(result.reason, result.storeError, result.rebuild)
        break
      case 'stop':
        this.stopped(result.code, result.message)
        break
      case 'lost':
        this.#context.memberLost(membership, result.code)
        break
      case 'superseded':
        break
    }
  }

  /** Never resumes in the middle: drops everything, memory too, and takes over from (a) after a while. */
  #recover(reason: string, storeError: string | null, rebuild = false): void {
    this.#drop()
    const verdict = this.#recovery.failed(storeError)
    if (verdict.stop) {
      this.stopped(verdict.stop, reason)
      return
    }
    this.#setState('waiting', reason)
    this.#context.listener({ kind: 'task.recovering', task: this.task, reason, delayMs: verdict.delayMs })
    const attempt = this.attempt
    const begin = (): void => {
      if (this.attempt !== attempt || this.state !== 'waiting') return
      // The lane's transaction may hold a batch of ours whose offsets are not pending yet: in the same generation nothing
      // refuses them, so (c) must not be asked before that transaction has ended (seen: a batch committed twice).
      if (this.#inLane) this.#outOfLane = begin
      else this.#beginTakeover(rebuild || verdict.rebuild)
    }
    this.#context.clock.after(verdict.delayMs, begin)
  }

  #run(start: PipelineStart): void {
    const pipeline: Pipeline = new Pipeline(this.task, this.#context, this.#memory, start, {
      newAttempt: () => ++this.attempt,
      failed: (error) => this.#failed(error),
      recover: (reason) => this.#recover(reason, null),
      stopped: (code, message) => this.stopped(code, message),
      applied: () => this.#recovery.reset(),
    })
    this.#pipeline = pipeline
    if (this.#draining) void pipeline.drained()
    pipeline.held = this.isHeld
    this.#context.claimed(this.task)
    this.#setState('running', null)
    this.#context.wakeFetcher()
  }

  #failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
    if (error instanceof StoreRefused) this.#recover(message, null)
    else if (error instanceof StoreLost) this.#recover(message, error.code)
    else if (code?.startsWith('wire.')) this.stopped('input.corrupt', message)
    else if (this.#context.plan.topology.onTransformError === 'stop') this.stopped('transform.failed', message)
    else this.stopped('engine.defect', error instanceof Error ? (error.stack ?? message) : message)
  }

  // ------------------------------------------------------------------ what fetcher, lane and housekeeping ask

  supplied(): void {
    this.#pipeline?.supplied()
  }

  offer(): LanePart | null {
    return this.#pipeline?.offer() ?? null
  }

  entered(): void {
    this.#inLane = true
    this.#pipeline?.entered()
  }

  /** For a pipeline that is gone nothing is left to do: the takeover reads from Kafka what became of its batch. */
  settled(outcome: Outcome, published: readonly Published[]): void {
    this.#inLane = false
    this.#pipeline?.settled(outcome, published)
    const begin = this.#outOfLane
    this.#outOfLane = null
    begin?.()
  }

  /** Notices, while nothing else is to be done, that the store has lost the state. */
  probe(): void {
    void this.#pipeline?.probe()
  }

  /** What the store holds, beside the batches; null while it does not run. */
  async inspect(requests: readonly ReadRequest[]): Promise<Inspected | null> {
    return (await this.#pipeline?.inspect(requests)) ?? null
  }

  /** What the store holds is wrong: takes the task over again and rebuilds it from the changelog, now or once it runs. */
  mend(code: string, reason: string): void {
    if (this.state === 'lost' || this.state === 'stopped') return
    this.#mendsAsked++
    this.#context.listener({ kind: 'task.mending', task: this.task, code, reason })
    if (this.#pipeline) this.#recover(reason, null)
  }

  /** What is computed or under way goes on; with null, records are taken again. */
  ordered(pause: Pause | null): void {
    const before = this.order
    this.order = pause
    if (pause?.since === before?.since && (pause === null) === (before === null)) return
    if (this.#pipeline) {
      this.#pipeline.held = this.isHeld
      this.#pipeline.supplied()
      this.#context.wakeFetcher()
    }
    if (pause || before) this.#context.listener({ kind: 'task.paused', task: this.task, pause })
  }

  /** An idle task whose last commit is older commits the same offsets again. */
  recommit(olderThanMs: number): void {
    this.#pipeline?.recommit(olderThanMs)
  }

  /** Takes no more records; resolves when what was computed is committed and applied, or dropped. */
  async drained(): Promise<void> {
    this.#draining = true
    await this.#pipeline?.drained()
  }

  #setState(state: TaskState, reason: string | null): void {
    if (state === this.state && reason === this.reason) return
    this.state = state
    this.reason = reason
    this.#context.listener({ kind: 'task.state', task: this.task, state, reason })
  }
}
