/**
 * The batches of a task that runs: fetched records in, at most two batches on their way, applied to the store at the end.
 * Owns them, the buffers and the positions from the end of a takeover to the next failure; then it is thrown away whole.
 * The transaction belongs to the lane, what comes after a failure to the task.
 *
 * The first batch is offered to the lane, in a transaction or being applied; the second is computed on the first's overlay
 * and enters a transaction only when the first has been applied. The attempt rises at every abort that drops batches.
 */
import type { EntryCache } from '../stores/core/memory-cache.ts'
import type { Checkpoint, ReadRequest, TaskStore } from '../stores/ports.ts'
import { checkpointBehind } from './checkpoint-behind.ts'
import { BATCH_LIMITS, Batch } from './core/batch.ts'
import { BatchTrace } from './core/batch-trace.ts'
import type { Item } from './core/classify.ts'
import { PartitionIntake, TaskIntake } from './core/intake.ts'
import { Isolation } from './core/isolation.ts'
import type { Outcome } from './core/lane.ts'
import { partitionsOf } from './core/plan.ts'
import type { Progress } from './core/progress.ts'
import type { LanePart, Published } from './lane-driver.ts'
import type { Inspected, PipelineHooks, PipelineStart } from './pipeline-hooks.ts'
import { Setbacks } from './setbacks.ts'
import type { TaskContext } from './task-context.ts'
import { EncodedOutputs } from './wire/encoded-outputs.ts'

interface Sealed {
  readonly batch: Batch
  readonly outputs: EncodedOutputs
  readonly progress: Progress
}

export class Pipeline {
  attempt: number
  intake: TaskIntake
  /** As of the last committed batch. */
  committed: Progress
  /** Takes no records. */
  held = false
  readonly #task: number
  readonly #context: TaskContext
  readonly #hooks: PipelineHooks
  readonly #memory: EntryCache
  readonly #store: TaskStore
  #checkpoint: Checkpoint
  /** The one of the write that was sent last. */
  #sent: Checkpoint
  #queue: Sealed[] = []
  #phase: 'none' | 'transaction' | 'applying' = 'none'
  #computing = false
  #scheduled = false
  #draining = false
  #closed = false
  #leftover: readonly Item[] = []
  /** The generation that was refused: the same batch goes again under a later one. */
  #refusedGeneration: number | null = null
  /** Of the batch that was last offered. */
  #offered = -1
  readonly #isolation = new Isolation()
  readonly #setbacks: Setbacks
  #restWaiters: (() => void)[] = []

  constructor(task: number, context: TaskContext, memory: EntryCache, start: PipelineStart, hooks: PipelineHooks) {
    this.#task = task
    this.#context = context
    this.#memory = memory
    this.#hooks = hooks
    this.#setbacks = new Setbacks(task, context, this.#isolation, hooks)
    this.#store = start.store
    this.#checkpoint = start.checkpoint
    this.#sent = start.checkpoint
    this.committed = start.progress
    this.attempt = hooks.newAttempt()
    this.intake = this.#intakeAt(start.progress)
    void this.#sweep()
  }

  /** Ends it: what is in flight counts no more. */
  close(): void {
    this.#closed = true
    this.#queue = []
    void this.#store.close()
    this.#rest()
  }

  /** A later generation kept the task: a batch that was refused may go again. */
  kept(): void {
    if (this.#refusedGeneration !== null) this.#context.wakeLane()
  }

  /** Our own abort: back to what is committed. The store has not been touched. */
  #goBack(): void {
    this.attempt = this.#hooks.newAttempt()
    this.#queue = []
    this.#phase = 'none'
    this.#leftover = []
    this.#computing = false
    this.#refusedGeneration = null
    this.intake = this.#intakeAt(this.committed)
    this.#rest()
    this.#context.wakeFetcher()
  }

  #intakeAt(progress: Progress): TaskIntake {
    return new TaskIntake(
      partitionsOf(this.#context.plan, this.#task).map(
        ({ topic, partition }) => new PartitionIntake(topic, partition, progress.position(topic, partition)!),
      ),
    )
  }

  #alive(attempt: number): boolean {
    return !this.#closed && this.attempt === attempt
  }

  /** Removes key sets of earlier versions, step by step. */
  async #sweep(): Promise<void> {
    try {
      while (!this.#closed && !(await this.#store.sweep()));
    } catch (error) {
      if (!this.#closed) this.#hooks.failed(error)
    }
  }

  // ------------------------------------------------------------------ computing

  supplied(): void {
    this.#schedule()
  }

  /** One batch is computed per turn of the event loop, so that answers and heartbeats get their turn between tasks. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#context.clock.soon(() => {
      this.#scheduled = false
      void this.#compute()
    })
  }

  #mayCompute(): boolean {
    if (this.#closed || this.#computing || this.#draining) return false
    // Depth one: the next is computed only while the one before is on its way, so that it can grow until then.
    return this.#queue.length === 0 || (this.#queue.length === 1 && this.#phase !== 'none')
  }

  async #compute(): Promise<void> {
    if (this.held || !this.#mayCompute()) return
    const attempt = this.attempt
    const below = this.#queue[0] ?? null
    this.#computing = true
    try {
      const outputs = new EncodedOutputs(this.#context.builders)
      const batch = new Batch(
        this.#context.plan,
        { task: this.#task, attempt },
        below?.progress ?? this.committed,
        below?.batch.overlay ?? null,
        this.#memory,
        outputs,
        this.#isolation.limits,
        this.#isolation.refusals,
        this.#context.tracing() ? new BatchTrace(this.#context.clock.nowMs()) : null,
      )
      if (!this.#collect(batch)) return
      this.#context.wakeFetcher()
      do {
        const reads = batch.reads()
        if (reads.length > 0) {
          const answers = await this.#store.read(reads)
          if (!this.#alive(attempt)) return
          batch.supply(answers)
        }
      } while (!batch.run())
      this.#leftover = batch.leftover()
      if (this.#leftover.length === 0) batch.pass(this.intake.passed(batch.before))
      const progress = batch.seal(this.#context.transactionalId)
      await this.#context.compressAhead(outputs)
      if (!this.#alive(attempt)) return
      this.#queue.push({ batch, outputs, progress })
      this.#context.wakeLane()
    } catch (error) {
      if (this.#alive(attempt)) this.#hooks.failed(error)
    } finally {
      if (this.#alive(attempt)) {
        this.#computing = false
        this.#rest()
      }
    }
  }

  /** False: there is nothing to do, or a damage in the log has its turn when what lies before it is committed. */
  #collect(batch: Batch): boolean {
    try {
      batch.collect(this.#leftover, this.intake)
    } catch (error) {
      if (this.#queue.length === 0) throw error
      return false
    }
    return batch.size > 0
  }

  /**
   * Asks the store for an entry that nobody has, so that an idle task notices when its state is gone (FLUSHALL) and readers
   * are not left with nothing until the next record.
   */
  async probe(): Promise<void> {
    const [first] = this.#context.plan.topology.stores
    if (!first || this.#closed || this.#computing || this.#queue.length > 0) return
    const field = first.kind === 'map' ? '' : null
    await this.inspect([{ kind: 'entry', store: first.name, key: '', field }])
  }

  /**
   * What the store holds, by a guarded read beside the batches: nobody else has written. Null when the pipeline is over, or
   * when the read failed, which ends it.
   */
  async inspect(requests: readonly ReadRequest[]): Promise<Inspected | null> {
    if (this.#closed) return null
    const since = this.#checkpoint.offset
    try {
      const answers = await this.#store.read(requests)
      return this.#closed ? null : { answers, since, through: this.#sent.offset }
    } catch (error) {
      if (!this.#closed) this.#hooks.failed(error)
      return null
    }
  }

  /** Batches that are committed and not yet in the store. */
  get unapplied(): number {
    return this.committed.batch - this.#checkpoint.batch
  }

  /**
   * An idle task commits again what it has committed when that is older than this; and when it has passed what is hidden,
   * such as the markers and aborted records of transactional producers: left behind them, its lag never ends, and once
   * retention has deleted them its position is outside of the log.
   */
  recommit(olderThanMs: number): void {
    if (!this.#mayCompute() || this.#queue.length > 0) return
    const passed = this.held || this.#leftover.length > 0 ? [] : this.intake.passed(this.committed)
    if (passed.length === 0 && this.#checkpoint.committedAtMs > olderThanMs) return
    const outputs = new EncodedOutputs(this.#context.builders)
    const batch = new Batch(
      this.#context.plan,
      { task: this.#task, attempt: this.attempt },
      this.committed,
      null,
      this.#memory,
      outputs,
      BATCH_LIMITS,
    )
    batch.pass(passed)
    this.#queue.push({ batch, outputs, progress: batch.seal(this.#context.transactionalId) })
    this.#context.wakeLane()
  }

  // ------------------------------------------------------------------ the lane

  offer(): LanePart | null {
    const first = this.#queue[0]
    if (this.#closed || !first || this.#phase !== 'none') return null
    if (this.#refusedGeneration !== null && (this.#context.membership()?.generation ?? -1) <= this.#refusedGeneration)
      return null
    this.#refusedGeneration = null
    this.#offered = this.attempt
    return { task: this.#task, outputs: first.outputs, offsets: first.progress.offsets() }
  }

  entered(): void {
    this.#phase = 'transaction'
    this.#schedule()
  }

  settled(outcome: Outcome, published: readonly Published[]): void {
    // Dropped meanwhile: a takeover reads from Kafka what became of it.
    if (!this.#alive(this.#offered) || this.#phase !== 'transaction') return
    switch (outcome.kind) {
      case 'committed':
        void this.#apply(published)
        break
      case 'redo':
        this.#goBack()
        break
      case 'shrink':
        this.#setbacks.shrink(this.#queue[0]!.batch, outcome.reason)
        this.#goBack()
        break
      case 'regenerate':
        this.#phase = 'none'
        this.#refusedGeneration = outcome.generation
        break
      case 'isolate':
        if (this.#setbacks.isolate(this.#queue[0]!.batch, this.#queue[0]!.outputs, outcome.partitions)) this.#goBack()
        break
      case 'recover':
        this.#hooks.recover(outcome.reason)
        break
    }
  }

  async #apply(published: readonly Published[]): Promise<void> {
    const { batch, outputs, progress } = this.#queue[0]!
    const attempt = this.attempt
    outputs.release()
    this.#phase = 'applying'
    this.committed = progress
    const { clock } = this.#context
    const committedAtMs = clock.nowMs()
    const startedAtMs = clock.elapsedMs()
    this.#context.listener({
      kind: 'batch.committed',
      task: this.#task,
      batch: progress.batch,
      atMs: committedAtMs,
      tally: batch.tally,
      trace: batch.trace,
    })
    const changes = batch.changes()
    const changelog = { topic: this.#context.plan.changelog.topic, partition: this.#task }
    const checkpoint = checkpointBehind(this.#checkpoint, progress, published, changelog, committedAtMs)
    if (!checkpoint) {
      this.#hooks.recover(`the broker did not say where ${changelog.topic} ends`)
      return
    }
    this.#sent = checkpoint
    try {
      await this.#store.apply(changes, checkpoint)
    } catch (error) {
      if (this.#alive(attempt)) this.#hooks.failed(error)
      return
    }
    if (!this.#alive(attempt)) return
    this.#checkpoint = checkpoint
    batch.mergeInto(this.#memory)
    this.#queue.shift()
    this.#phase = 'none'
    this.#hooks.applied()
    this.#isolation.applied(progress)
    this.#context.listener({
      kind: 'batch.applied',
      task: this.#task,
      batch: progress.batch,
      changes: changes.length,
      durationMs: clock.elapsedMs() - startedAtMs,
    })
    if (this.#queue.length > 0) this.#context.wakeLane()
    this.#rest()
    this.#schedule()
  }

  // ------------------------------------------------------------------ drain

  /** Takes no more records; resolves when what was computed is committed and applied, or dropped. */
  async drained(): Promise<void> {
    this.#draining = true
    while (this.#queue.length > 0 || (this.#computing && !this.#closed))
      await new Promise<void>((resolve) => this.#restWaiters.push(resolve))
  }

  #rest(): void {
    for (const resolve of this.#restWaiters.splice(0)) resolve()
  }
}
