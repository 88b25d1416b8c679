/**
 * One batch of one task: takes records, resolves their reads, runs their transforms and holds what comes of it until
 * it is committed and applied, or dropped. Owns its overlay, read set and outputs. Does no IO: the task sends the reads
 * that `reads()` names and gives the answers to `supply()`.
 */
import { encodeCheckpointRecord } from '../../stores/core/changelog.ts'
import type { EntryCache } from '../../stores/core/memory-cache.ts'
import { Overlay } from '../../stores/core/overlay.ts'
import type { Change, ReadAnswer, ReadRequest } from '../../stores/ports.ts'
import type { TopicPartition } from '../ports.ts'
import type { BatchTrace } from './batch-trace.ts'
import { CauseSection } from './cause.ts'
import { checkpointRecord } from './checkpoint-record.ts'
import { classify, deadItem, type HomeItem, type Item, outsideHeaders } from './classify.ts'
import { CounterForecast } from './counter-forecast.ts'
import { writeDeadLetter } from './dead-letter.ts'
import { applyEffects, type Prepared, prepareEffects } from './effects.ts'
import { HeaderMemo } from './header-memo.ts'
import { encodeHeaders, keyOf, valueOf } from './headers.ts'
import type { PartitionIntake, TaskIntake } from './intake.ts'
import type { Offset, Position } from './numbers.ts'
import { encodeOrigin, ORIGIN_HEADER } from './origin.ts'
import type { Outputs } from './outputs.ts'
import type { Plan } from './plan.ts'
import { type Progress, progressAfter } from './progress.ts'
import { REPLAYED_FROM } from './replayed.ts'
import { NotRead, ReadPlanner, ReadSet, StateView } from './state-view.ts'
import { BatchTally } from './tally.ts'

/** Bounds of one batch of one task: keep a transaction short and many tasks fair. */
export interface BatchLimits {
  readonly recordsMax: number
  readonly inputBytesMax: number
  /** Checked after each record: one record's outputs may go beyond. */
  readonly outputBytesMax: number
}

export const BATCH_LIMITS: BatchLimits = {
  recordsMax: 10_000,
  inputBytesMax: 512 * 1024,
  outputBytesMax: 8 * 1024 * 1024,
}

const NO_HEADERS = encodeHeaders([])

/** Where a record is read: its own partition, or for a forwarded one the repartition topic's. */
export interface RecordPlace extends TopicPartition {
  readonly offset: Offset
}

/**
 * A record that the broker refused when it stood alone: it becomes a dead letter. By its place, for when the batch is done
 * again the partitions may come in another order, and another record first.
 */
export interface Refusal extends RecordPlace {
  readonly code: string
  readonly message: string
}

export class Batch {
  readonly task: number
  readonly attempt: number
  /** Where the task stood before it. */
  readonly before: Progress
  readonly outputs: Outputs
  readonly overlay = new Overlay()
  readonly tally = new BatchTally()
  /** Null while no tracing SDK listens. */
  readonly trace: BatchTrace | null
  readonly #plan: Plan
  readonly #below: Overlay | null
  readonly #memory: EntryCache
  readonly #reads = new ReadSet()
  readonly #headers: HeaderMemo
  readonly #counters: Map<string, number>
  readonly #state: StateView
  readonly #limits: BatchLimits
  readonly #refusals: readonly Refusal[]
  readonly #positions = new Map<string, Map<number, number>>()
  #first: RecordPlace | null = null
  #items: Item[] = []
  #next = 0
  #planner: ReadPlanner | null = null
  #sealed: Progress | null = null
  #lastTimestampMs = 0

  constructor(
    plan: Plan,
    where: { task: number; attempt: number },
    before: Progress,
    below: Overlay | null,
    memory: EntryCache,
    outputs: Outputs,
    limits: BatchLimits,
    refusals: readonly Refusal[] = [],
    trace: BatchTrace | null = null,
  ) {
    this.#plan = plan
    this.#headers = new HeaderMemo(plan.topology.context)
    this.task = where.task
    this.attempt = where.attempt
    this.before = before
    this.outputs = outputs
    this.#below = below
    this.#memory = memory
    this.#limits = limits
    this.#refusals = refusals
    this.trace = trace
    this.#counters = new Map(before.counters)
    this.#state = new StateView(
      { task: where.task, tasks: plan.tasks, stride: plan.stride },
      this.overlay,
      below,
      this.#reads,
      this.#counters,
    )
  }

  /** Records in the batch that have been taken. */
  get size(): number {
    return this.#items.length
  }

  /** The record that was processed first; null before it. */
  get first(): RecordPlace | null {
    return this.#first
  }

  /** Takes items that an earlier batch left over, then records from the intake, up to the limits. */
  collect(leftover: readonly Item[], intake: TaskIntake): void {
    let bytes = 0
    const full = (): boolean => this.#items.length >= this.#limits.recordsMax || bytes >= this.#limits.inputBytesMax
    const take = (item: Item): void => {
      this.#items.push(item)
      const { keyStart, keyEnd, valueStart, valueEnd, headersStart, headersEnd } = item.view
      // The places of a null key or value are negative, both of them.
      bytes += keyEnd - keyStart + valueEnd - valueStart + headersEnd - headersStart
    }
    let i = 0
    while (i < leftover.length && !full()) take(leftover[i++]!)
    this.#notTaken = leftover.slice(i)
    while (!full()) {
      const due = this.#due(intake)
      if (!due) break
      const { view, positionAfter, unreadable } = due.take()
      if (unreadable === null) take(classify(this.#plan, this.#headers, this.task, due, view, positionAfter))
      else take(deadItem(due, view, positionAfter, 'batch.too_large', unreadable))
    }
  }
  #notTaken: readonly Item[] = []

  /** What lies before a damage in the log is processed: it is met again by the next batch, which has nothing before it. */
  #due(intake: TaskIntake): PartitionIntake | undefined {
    try {
      return intake.due()
    } catch (error) {
      if (this.#items.length === 0) throw error
      return undefined
    }
  }

  /** Nothing is left to be processed below these positions: what lies there is hidden (markers, aborted records). */
  pass(positions: readonly (TopicPartition & { readonly position: Position })[]): void {
    for (const { topic, partition, position } of positions) this.#move(topic, partition, position)
  }

  #move(topic: string, partition: number, position: Position): void {
    let positions = this.#positions.get(topic)
    if (!positions) this.#positions.set(topic, (positions = new Map()))
    positions.set(partition, position)
  }

  /** Reads to send before run(); empty when everything is known. Call only after the batch below has run. */
  reads(): readonly ReadRequest[] {
    this.#planner = new ReadPlanner(this.overlay, this.#below, this.#reads, this.#memory)
    const forecast = new CounterForecast(this.#counters)
    for (let i = this.#next; i < this.#items.length; i++) {
      const item = this.#items[i]!
      if (item.kind === 'home' && item.handler.reads) this.#declare(item, item.handler.reads, forecast)
    }
    return this.#planner.requests
  }

  #declare(item: HomeItem, reads: NonNullable<HomeItem['handler']['reads']>, forecast: CounterForecast): void {
    try {
      const declared = reads(item.input, forecast.counter)
      if (declared.length === 0) return
      for (const read of declared) this.#planner?.add(read)
      if (item.handler.expects) forecast.expect(item.handler.expects(item.input, forecast.counter))
    } catch {
      // Its transform will fail on what is missing and make the record a dead letter with the reason.
    }
  }

  supply(answers: readonly ReadAnswer[]): void {
    this.#planner?.supply(answers)
  }

  /**
   * Runs transforms from where it stopped. False: a record declares a read that depends on counters which the records
   * before it moved, or a search whose entry is still to be read: ask reads() again. True: everything taken is done, or
   * the output limit is reached (see leftover()).
   */
  run(): boolean {
    while (this.#next < this.#items.length && this.outputs.sizeBytes < this.#limits.outputBytesMax) {
      const item = this.#items[this.#next]!
      if (!this.#process(item)) return false
      this.#next++
      this.#advance(item)
    }
    return true
  }

  /** Items taken and not processed, in order: the next batch begins with them. */
  leftover(): readonly Item[] {
    return this.#next === this.#items.length ? this.#notTaken : [...this.#items.slice(this.#next), ...this.#notTaken]
  }

  #process(item: Item): boolean {
    const refusal = this.#refusals.find((r) => isAt(r, item))
    if (refusal) {
      this.#bury(item, refusal.code, refusal.message)
      return true
    }
    switch (item.kind) {
      case 'ignored':
        this.tally.dropped(item.reason, 1)
        return true
      case 'dead':
        this.#bury(item, item.code, item.message)
        return true
      case 'forward':
        this.#forward(item)
        return true
      case 'home':
        return this.#transform(item)
    }
  }

  #transform(item: HomeItem & { keyMismatch: boolean }): boolean {
    let prepared: Prepared
    try {
      prepared = prepareEffects(
        this.#plan,
        this.task,
        item,
        item.handler.transform(item.input, this.#state),
        this.outputs,
      )
    } catch (error) {
      if (error instanceof NotRead && this.#readsMissing(item)) return false
      if (this.#plan.topology.onTransformError === 'stop') throw error
      const message = error instanceof Error ? error.message : String(error)
      const code = (error as { code?: unknown } | null)?.code
      this.#bury(
        item,
        error instanceof Error && error.name === 'DeadLetter' && typeof code === 'string' ? code : 'transform.failed',
        message,
      )
      return true
    }
    if (prepared.rejected) {
      this.#bury(item, prepared.rejected.code, prepared.rejected.message)
      return true
    }
    applyEffects(prepared, item, {
      overlay: this.overlay,
      counters: this.#counters,
      outputs: this.outputs,
      tally: this.tally,
    })
    this.trace?.note(item, prepared.emits)
    if (!item.span.continued) this.tally.newTraces++
    if (item.keyMismatch) this.tally.keyMismatches++
    this.tally.processed(item.origin.topic, item.type)
    return true
  }

  /** Whether the item's reads, declared anew with the counters of now, name something that was not known until now. */
  #readsMissing(item: HomeItem): boolean {
    if (!item.handler.reads) return false
    const known = this.#reads.size
    this.#planner = new ReadPlanner(this.overlay, this.#below, this.#reads, this.#memory)
    this.#declare(item, item.handler.reads, new CounterForecast(this.#counters))
    // What memory has is known from here on: the transform must run again for that, too.
    return this.#planner.requests.length > 0 || this.#reads.size > known
  }

  #forward(item: Item & { kind: 'forward' }): void {
    const to = this.#plan.repartition
    const headers = encodeHeaders([...outsideHeaders(item), [ORIGIN_HEADER, encodeOrigin(item.origin)]])
    const key = keyOf(item.view)
    const value = valueOf(item.view)
    if (this.outputs.sizeAloneBytes(key, value, headers) > to.messageBytesMax) {
      this.#bury(item, 'record.too_large', `does not fit into ${to.topic} with its origin`)
      return
    }
    this.outputs.add(to, item.home, item.view.timestampMs, key, value, headers)
    this.tally.forwarded++
    if (item.keyMismatch) this.tally.keyMismatches++
  }

  #bury(item: Item, code: string, message: string): void {
    writeDeadLetter(
      this.outputs,
      this.#plan.deadLetters,
      this.task % this.#plan.deadLetters.partitions,
      item,
      code,
      message,
    )
    this.tally.buried(item.origin.topic, code)
  }

  #advance(item: Item): void {
    const { topic, partition } = item.from
    this.#move(topic, partition, item.positionAfter)
    this.#lastTimestampMs = item.view.timestampMs
    if (item.kind !== 'forward' && !isReplayed(item)) this.tally.ended(item.view.timestampMs)
    this.#first ??= { topic, partition, offset: item.view.offset }
    this.tally.records++
  }

  /** Progress behind this batch, after run() is done. Writes changelog and checkpoint record; once. */
  seal(transactionalId: string): Progress {
    if (this.#sealed) return this.#sealed
    // The batch may wait long for its transaction: messages and fetched bytes need not.
    this.#items = []
    this.#notTaken = []
    this.#planner = null
    const { changelog } = this.#plan
    const causes = new CauseSection()
    for (const { timestampMs, name, json, causeAt, causeOffset } of this.overlay.entries())
      this.outputs.add(changelog, this.task, timestampMs, Buffer.from(name), json, causes.of(causeAt, causeOffset))
    const progress = progressAfter(this.before, this.#positions, this.#counters)
    const asOf = {
      batch: progress.batch,
      positions: progress.positionsByName(),
      counters: Object.fromEntries(progress.counters),
    }
    const record = encodeCheckpointRecord(checkpointRecord(this.#plan, asOf, transactionalId))
    this.outputs.add(changelog, this.task, this.#lastTimestampMs, CHECKPOINT_KEY_BYTES, record, NO_HEADERS)
    this.#sealed = progress
    return progress
  }

  /** The overlay as changes for the store. */
  changes(): readonly Change[] {
    return [...this.overlay.entries()]
  }

  /** Into memory, once applied: what it changed, and what it read and did not change. */
  mergeInto(memory: EntryCache): void {
    for (const [name, json] of this.#reads.entries) if (!this.overlay.get(name)) memory.set(name, json)
    for (const entry of this.overlay.entries()) memory.set(entry.name, entry.json)
  }
}

/** Its age is that of the record, days maybe: nothing of how long its way has taken. */
const isReplayed = ({ headers }: Item): boolean => headers.values(REPLAYED_FROM).length > 0

const isAt = ({ topic, partition, offset }: RecordPlace, { from, view }: Item): boolean =>
  offset === view.offset && topic === from.topic && partition === from.partition

const CHECKPOINT_KEY_BYTES = Buffer.from('checkpoint')
