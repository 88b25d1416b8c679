/**
 * One task of this process: what is fetched and computed for it, in which batch it stands, and its connection to the
 * store. Decides when a batch may be computed; the transaction belongs to the lane, the order of a takeover to its core.
 *
 *   lost ⇄ taking-over → running → (any error, refusal, unknown outcome) waiting → taking-over
 *               any → stopped: an operator must act
 *
 * The attempt rises whenever what was in flight must not count any more: abort, loss, recovery, takeover.
 * At most two batches exist: the first is offered to the lane, in a transaction or being applied; the second is computed
 * on the first's overlay and enters a transaction only when the first has been applied.
 */
import { EntryCache } from '../stores/core/memory-cache.ts'
import { type Checkpoint, StoreLost, StoreRefused, type TaskStore } from '../stores/ports.ts'
import type { Clock } from './clock.ts'
import { BATCH_LIMITS, Batch, type BatchLimits, type Refusal } from './core/batch.ts'
import type { Item } from './core/classify.ts'
import { PartitionIntake, TaskIntake } from './core/intake.ts'
import { nameOf } from './core/kafka-errors.ts'
import type { Outcome } from './core/lane.ts'
import { offset } from './core/numbers.ts'
import { type Plan, partitionsOf } from './core/plan.ts'
import type { Progress } from './core/progress.ts'
import { RecoveryPolicy } from './core/recovery.ts'
import type { Listener, TaskState } from './events.ts'
import type { FetchingTask } from './fetcher.ts'
import type { LanePart, LaneTask, Published } from './lane-driver.ts'
import type { Code, GroupMembership, PartitionCode } from './ports.ts'
import { type TakeoverContext, TakeoverDriver, type TakeoverResult } from './takeover-driver.ts'
import { EncodedOutputs } from './wire/encoded-outputs.ts'

export interface TaskContext extends TakeoverContext {
  readonly membership: () => GroupMembership | null
  /** A batch is ready for the lane. */
  readonly wakeLane: () => void
  /** There is room in the buffers, or the task has begun to run. */
  readonly wakeFetcher: () => void
  /** Compresses what is sealed, beside the main thread. */
  readonly compressAhead: (outputs: EncodedOutputs) => Promise<void>
  readonly memberLost: (of: GroupMembership, code: Code) => void
  readonly claimed: (task: number) => void
}

interface Sealed {
  readonly batch: Batch
  readonly outputs: EncodedOutputs
  readonly progress: Progress
}

export class Task implements FetchingTask, LaneTask {
  readonly task: number
  state: TaskState = 'lost'
  reason: string | null = null
  /** Why it has stopped. */
  stop: { readonly code: string; readonly message: string } | null = null
  attempt = 0
  intake: TaskIntake | null = null
  /** Restore progress, 0 to 1. */
  restored = 0
  readonly #context: TaskContext
  readonly #plan: Plan
  readonly #clock: Clock
  readonly #listener: Listener
  readonly #memory: EntryCache
  readonly #recovery: RecoveryPolicy
  #queue: Sealed[] = []
  #phase: 'none' | 'transaction' | 'applying' = 'none'
  #computing = false
  #scheduled = false
  #draining = false
  #leftover: readonly Item[] = []
  #store: TaskStore | null = null
  #takeover: TakeoverDriver | null = null
  /** As of the last committed batch. */
  #committed: Progress | null = null
  #checkpoint: Checkpoint | null = null
  /** The generation that was refused: the same batch goes again under a later one. */
  #refusedGeneration: number | null = null
  #limits: BatchLimits = BATCH_LIMITS
  #refusal: Refusal | null = null
  #restWaiters: (() => void)[] = []

  constructor(task: number, context: TaskContext, memoryBytesMax: number) {
    this.task = task
    this.#context = context
    this.#plan = context.plan
    this.#clock = context.clock
    this.#listener = context.listener
    this.#memory = new EntryCache(memoryBytesMax)
    this.#recovery = new RecoveryPolicy(context.clock.random)
  }

  set memoryBytesMax(bytes: number) {
    this.#memory.limitBytes = bytes
  }

  get progress(): Progress | null {
    return this.#committed
  }

  // ------------------------------------------------------------------ ownership

  /** From any state: begins at (a) with a new attempt. */
  gained(): void {
    this.#drop()
    this.#memory.clear()
    this.#recovery.reset()
    this.stop = null
    this.#beginTakeover(false)
  }

  /** A later generation kept the task: nothing is interrupted. */
  kept(membership: GroupMembership): void {
    this.#takeover?.kept(membership)
    if (this.#refusedGeneration !== null) this.#context.wakeLane()
  }

  /** Not ours any more; whatever is in flight ends without effect here. */
  lost(reason: string): void {
    this.#drop()
    this.#memory.clear()
    this.#setState('lost', reason)
  }

  // ------------------------------------------------------------------ takeover and recovery

  #beginTakeover(forceRebuild: boolean): void {
    const membership = this.#context.membership()
    if (!membership) return
    const attempt = this.attempt
    const driver = new TakeoverDriver(
      this.#context,
      this.task,
      membership,
      forceRebuild,
      () => this.attempt === attempt,
    )
    this.#takeover = driver
    this.#setState('taking-over', null)
    driver.run().then(
      (result) => this.#takenOver(attempt, membership, result),
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
        this.#store = result.store
        this.#committed = result.progress
        this.#checkpoint = result.checkpoint
        this.#position(result.progress)
        this.#context.claimed(this.task)
        this.#setState('running', null)
        this.#context.wakeFetcher()
        void this.#sweep(attempt, result.store)
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
    this.#memory.clear()
    const verdict = this.#recovery.failed(storeError)
    if (verdict.stop) {
      this.stopped(verdict.stop, reason)
      return
    }
    this.#setState('waiting', reason)
    this.#listener({ kind: 'task.recovering', task: this.task, reason, delayMs: verdict.delayMs })
    const attempt = this.attempt
    this.#clock.after(verdict.delayMs, () => {
      if (this.attempt === attempt && this.state === 'waiting') this.#beginTakeover(rebuild || verdict.rebuild)
    })
  }

  /** A broker answer or a rule that only an operator can mend. */
  stopped(code: string, message: string): void {
    this.#drop()
    this.#memory.clear()
    this.stop = { code, message }
    this.#setState('stopped', code)
    this.#listener({ kind: 'task.stopped', task: this.task, code, message })
  }

  /** Ends the attempt: batches, buffers, store connection. Memory holds only what is applied, and is the caller's to clear. */
  #drop(): void {
    this.attempt++
    this.intake = null
    this.#takeover = null
    this.#queue = []
    this.#phase = 'none'
    this.#leftover = []
    this.#computing = false
    this.#refusedGeneration = null
    // What is committed may be read anew from Kafka: another record may be the first then.
    this.#refusal = null
    void this.#store?.close()
    this.#store = null
    this.#rest()
  }

  /** Our own abort: back to what is committed. The store has not been touched. */
  #goBack(): void {
    this.attempt++
    this.#queue = []
    this.#phase = 'none'
    this.#leftover = []
    this.#computing = false
    this.#refusedGeneration = null
    if (this.#committed) this.#position(this.#committed)
    this.#rest()
    this.#context.wakeFetcher()
  }

  #position(progress: Progress): void {
    this.intake = new TaskIntake(
      partitionsOf(this.#plan, this.task).map(
        ({ topic, partition }) => new PartitionIntake(topic, partition, progress.position(topic, partition)!),
      ),
    )
  }

  async #sweep(attempt: number, store: TaskStore): Promise<void> {
    try {
      while (this.attempt === attempt && !(await store.sweep()));
    } catch (error) {
      this.#storeFailed(attempt, error)
    }
  }

  // ------------------------------------------------------------------ batches

  supplied(): void {
    this.#schedule()
  }

  /** One batch is computed per turn of the event loop, so that answers and heartbeats get their turn between tasks. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.soon(() => {
      this.#scheduled = false
      void this.#compute()
    })
  }

  #mayCompute(): boolean {
    if (this.state !== 'running' || this.#computing || this.#draining) return false
    // Depth one: the next is computed only while the one before is on its way, so that it can grow until then.
    return this.#queue.length === 0 || (this.#queue.length === 1 && this.#phase !== 'none')
  }

  async #compute(): Promise<void> {
    if (!this.#mayCompute() || !this.intake || !this.#store || !this.#committed) return
    const attempt = this.attempt
    const store = this.#store
    const below = this.#queue[0] ?? null
    this.#computing = true
    try {
      const outputs = new EncodedOutputs()
      const batch = new Batch(
        this.#plan,
        { task: this.task, attempt },
        below?.progress ?? this.#committed,
        below?.batch.overlay ?? null,
        this.#memory,
        outputs,
        this.#limits,
        // It concerns the first record behind what is committed, so only the batch that has none below it.
        below ? null : this.#refusal,
      )
      batch.collect(this.#leftover, this.intake)
      if (batch.size === 0) return
      this.#context.wakeFetcher()
      do {
        const reads = batch.reads()
        if (reads.length > 0) {
          const answers = await store.read(reads)
          if (this.attempt !== attempt) return
          batch.supply(answers)
        }
      } while (!batch.run())
      this.#leftover = batch.leftover()
      const progress = batch.seal(this.#context.transactionalId)
      await this.#context.compressAhead(outputs)
      if (this.attempt !== attempt) return
      this.#queue.push({ batch, outputs, progress })
      this.#context.wakeLane()
    } catch (error) {
      if (this.attempt === attempt) this.#computeFailed(attempt, error)
    } finally {
      if (this.attempt === attempt) {
        this.#computing = false
        this.#rest()
      }
    }
  }

  #computeFailed(attempt: number, error: unknown): void {
    if (error instanceof StoreLost || error instanceof StoreRefused) {
      this.#storeFailed(attempt, error)
      return
    }
    const message = error instanceof Error ? error.message : String(error)
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
    if (code?.startsWith('wire.')) this.stopped('input.corrupt', message)
    else if (this.#plan.topology.onTransformError === 'stop') this.stopped('transform.failed', message)
    else this.stopped('engine.defect', error instanceof Error ? (error.stack ?? message) : message)
  }

  /** An idle task whose last commit is older commits the same offsets again. */
  recommit(olderThanMs: number): void {
    if (
      !this.#mayCompute() ||
      this.#queue.length > 0 ||
      !this.#committed ||
      !this.#checkpoint ||
      this.#checkpoint.committedAtMs > olderThanMs
    )
      return
    const outputs = new EncodedOutputs()
    const batch = new Batch(
      this.#plan,
      { task: this.task, attempt: this.attempt },
      this.#committed,
      null,
      this.#memory,
      outputs,
      BATCH_LIMITS,
    )
    this.#queue.push({ batch, outputs, progress: batch.seal(this.#context.transactionalId) })
    this.#context.wakeLane()
  }

  // ------------------------------------------------------------------ the lane

  offer(): LanePart | null {
    const first = this.#queue[0]
    if (this.state !== 'running' || !first || this.#phase !== 'none') return null
    if (this.#refusedGeneration !== null && (this.#context.membership()?.generation ?? -1) <= this.#refusedGeneration)
      return null
    this.#refusedGeneration = null
    this.#offered = this.attempt
    return { task: this.task, outputs: first.outputs, offsets: first.progress.offsets() }
  }
  #offered = 0

  entered(): void {
    this.#phase = 'transaction'
    this.#schedule()
  }

  settled(outcome: Outcome, published: readonly Published[]): void {
    // Dropped meanwhile: a takeover reads from Kafka what became of it.
    if (this.attempt !== this.#offered || this.#phase !== 'transaction') return
    switch (outcome.kind) {
      case 'committed':
        void this.#apply(published)
        break
      case 'redo':
        this.#goBack()
        break
      case 'shrink':
        this.#halve(this.#queue[0]!.batch.tally.records, outcome.reason)
        this.#goBack()
        break
      case 'regenerate':
        this.#phase = 'none'
        this.#refusedGeneration = outcome.generation
        break
      case 'isolate':
        this.#isolate(outcome.partitions)
        break
      case 'recover':
        this.#recover(outcome.reason, null)
        break
    }
  }

  /** A record makes its transaction fail: halve this task's batch alone until the record stands alone. */
  #isolate(partitions: readonly PartitionCode[]): void {
    const { batch, outputs } = this.#queue[0]!
    const guilty = partitions.find((p) =>
      outputs.partitions.some((o) => o.topic === p.topic && o.partition === p.partition),
    )
    if (guilty) {
      const records = batch.tally.records
      const reason = nameOf(guilty.code)
      if (records <= 1) this.#refusal = { code: 'output.refused', message: `${guilty.topic} refused it: ${reason}` }
      this.#halve(records, reason)
    }
    this.#goBack()
  }

  /** Smaller batches until one has been applied; then they grow again. */
  #halve(records: number, reason: string): void {
    this.#limits = { ...BATCH_LIMITS, recordsMax: Math.max(1, Math.floor(records / 2)) }
    this.#listener({ kind: 'batch.isolated', task: this.task, records, reason })
  }

  async #apply(published: readonly Published[]): Promise<void> {
    const { batch, progress } = this.#queue[0]!
    const attempt = this.attempt
    const store = this.#store!
    this.#phase = 'applying'
    this.#committed = progress
    const startedAtMs = this.#clock.nowMs()
    this.#listener({ kind: 'batch.committed', task: this.task, batch: progress.batch, tally: batch.tally })
    const changes = batch.changes()
    const checkpoint = this.#checkpointBehind(progress, published)
    if (!checkpoint) {
      this.#recover(`the broker did not say where ${this.#plan.changelog.topic} ends`, null)
      return
    }
    try {
      await store.apply(changes, checkpoint)
    } catch (error) {
      this.#storeFailed(attempt, error)
      return
    }
    if (this.attempt !== attempt) return
    this.#checkpoint = checkpoint
    batch.mergeInto(this.#memory)
    this.#queue.shift()
    this.#phase = 'none'
    this.#recovery.reset()
    this.#refusal = null
    if (this.#limits !== BATCH_LIMITS)
      this.#limits =
        this.#limits.recordsMax * 2 >= BATCH_LIMITS.recordsMax
          ? BATCH_LIMITS
          : { ...BATCH_LIMITS, recordsMax: this.#limits.recordsMax * 2 }
    this.#listener({
      kind: 'batch.applied',
      task: this.task,
      batch: progress.batch,
      changes: changes.length,
      durationMs: this.#clock.nowMs() - startedAtMs,
    })
    if (this.#queue.length > 0) this.#context.wakeLane()
    this.#rest()
    this.#schedule()
  }

  /** Null when a Produce answer had no offset (DUPLICATE_SEQUENCE_NUMBER): it is written, where is not known. */
  #checkpointBehind(progress: Progress, published: readonly Published[]): Checkpoint | null {
    const before = this.#checkpoint!
    const log = published.find((p) => p.topic === this.#plan.changelog.topic && p.partition === this.task)
    if (!log) return null
    const ends: Record<string, Record<string, number>> = { ...before.published }
    for (const { topic, partition, end } of published)
      if (topic !== this.#plan.changelog.topic) ends[topic] = { ...ends[topic], [partition]: end }
    return {
      ...before,
      batch: progress.batch,
      offset: offset(log.end - 1),
      firstOffset: log.first,
      committedAtMs: this.#clock.nowMs(),
      counters: Object.fromEntries(progress.counters),
      positions: progress.positionsByName(),
      published: ends,
    }
  }

  #storeFailed(attempt: number, error: unknown): void {
    if (this.attempt !== attempt) return
    if (error instanceof StoreRefused) this.#recover(error.message, null)
    else if (error instanceof StoreLost) this.#recover(error.message, error.code)
    else this.stopped('engine.defect', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }

  // ------------------------------------------------------------------ drain

  /** Takes no more records; resolves when what was computed is committed and applied, or dropped. */
  async drained(): Promise<void> {
    this.#draining = true
    while (this.#queue.length > 0 || this.#computing)
      await new Promise<void>((resolve) => this.#restWaiters.push(resolve))
  }

  #rest(): void {
    for (const resolve of this.#restWaiters.splice(0)) resolve()
  }

  #setState(state: TaskState, reason: string | null): void {
    if (state === this.state && reason === this.reason) return
    this.state = state
    this.reason = reason
    this.#listener({ kind: 'task.state', task: this.task, state, reason })
  }
}
