/**
 * The background audit of a running instance: again and again, a sample of one of its tasks' changelog is compared with the
 * store, beside the work. A difference that is seen twice is told, counted and mended by a rebuild of that task.
 * Owns its fetch connection, its pace and the memory of what it has mended. The rule: engine/core/audit.ts.
 *
 * Cost: at most AUDIT_RECORDS_PER_SECOND changelog records are read, and AUDIT_ENTRIES_MAX entries are asked for in one read;
 * one pass at a time in a process, a pause between two. No task waits for it.
 */
import type { ReadRequest } from '../stores/ports.ts'
import { type Clock, sleep } from './clock.ts'
import { AuditCore, type AuditDifference, type AuditResult, auditDistance } from './core/audit.ts'
import { type Position, position } from './core/numbers.ts'
import { type Plan, topicIdsOf } from './core/plan.ts'
import type { Listener, TaskState } from './events.ts'
import { fetchPortion } from './log-reading.ts'
import type { Inspected } from './pipeline-hooks.ts'
import { type FetchClient, type Kafka, RequestLost } from './ports.ts'
import { RoundTimer } from './round-timer.ts'

export interface AuditedTask {
  readonly task: number
  readonly state: TaskState
  inspect(requests: readonly ReadRequest[]): Promise<Inspected | null>
  mend(code: string, reason: string): void
}

export interface AuditorParts {
  readonly plan: Plan
  readonly kafka: Kafka
  readonly clock: Clock
  readonly listener: Listener
  readonly tasks: () => Iterable<AuditedTask>
}

/** At 0.54 µs a record (bench/observability.ts) 0.3 % of a core. */
export const AUDIT_RECORDS_PER_SECOND = 5_000
/** A pass that begins nearer to the end of the log than this takes the whole of it. */
const NEAREST_OFFSETS = 1_000
const FETCH = { maxBytes: 128 * 1024, maxWaitMs: 100 } as const
const PAUSE_MIN_MS = 10
/** Between the first sight of a difference and the second. */
const CONFIRM_AFTER_MS = 1_000
/** Far below delete.retention.ms, in which deletions must be met. */
const WALK_MS_MAX = 60 * 60 * 1000
/** A task is rebuilt at most so often within the window: what comes again and again is not mended by that. */
const MENDS_MAX = 3
const MENDS_WINDOW_MS = 60 * 60 * 1000
/** Named in the log. */
const NAMED_MAX = 5

export class Auditor {
  readonly #parts: AuditorParts
  readonly #timer: RoundTimer
  readonly #mends = new Map<number, number[]>()
  #fetch: FetchClient | null = null
  #last = -1

  constructor(parts: AuditorParts, intervalMs: number) {
    this.#parts = parts
    this.#timer = new RoundTimer(parts.clock, intervalMs, () => this.#round())
  }

  start(): void {
    this.#timer.start()
  }

  /** A pass under way ends at its next step. */
  async close(): Promise<void> {
    this.#timer.close()
    await this.#fetch?.close()
  }

  async #round(): Promise<void> {
    const task = this.#next()
    try {
      if (task) await this.#pass(task)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      // The audit must not end the service; a damaged changelog is told by whoever has to read it.
      if (!(error instanceof RequestLost) && !this.#timer.closed) this.#warn('audit.failed', reason)
    }
  }

  /** By turns. */
  #next(): AuditedTask | null {
    const running = [...this.#parts.tasks()].filter(({ state }) => state === 'running').sort((a, b) => a.task - b.task)
    const next = running.find(({ task }) => task > this.#last) ?? running[0] ?? null
    this.#last = next?.task ?? -1
    return next
  }

  async #pass(task: AuditedTask): Promise<void> {
    const { plan, clock, listener } = this.#parts
    const { stores, indexes } = plan.topology
    const core = new AuditCore({ application: plan.application, stores, indexes })
    const startedAtMs = clock.elapsedMs()
    const deadlineMs = startedAtMs + WALK_MS_MAX
    const tell = (result: AuditResult, entries: number, changed: number): void =>
      listener({
        kind: 'audit.pass',
        task: task.task,
        result,
        entries,
        changed,
        records: core.records,
        durationMs: clock.elapsedMs() - startedAtMs,
      })
    const sampledTo = await this.#sample(task.task, core)
    if (sampledTo === null) return tell('abandoned', 0, 0)
    if (core.size === 0) return
    const firstTo = await this.#look(task, core, sampledTo, deadlineMs)
    if (firstTo === null) return tell('abandoned', 0, 0)
    const { compared, changed, differences } = core.verdict()
    if (differences.length === 0) return tell('agreed', compared, changed)
    core.narrow()
    await sleep(clock, CONFIRM_AFTER_MS)
    const secondTo = await this.#look(task, core, firstTo, deadlineMs)
    if (secondTo === null) return tell('abandoned', compared, changed)
    const confirmed = core.verdict().differences
    tell(confirmed.length === 0 ? 'settled' : 'differed', compared, changed)
    if (confirmed.length > 0) this.#found(task, confirmed)
  }

  /** Takes the sample from somewhere in the log; where it ended. Null: the log could not be read. */
  async #sample(task: number, core: AuditCore): Promise<Position | null> {
    const { kafka, clock, plan } = this.#parts
    const partition = [{ topic: plan.changelog.topic, partition: task }]
    const [[start], [end]] = await Promise.all([
      kafka.admin.listOffsets(partition, 'earliest'),
      kafka.admin.listOffsets(partition, 'latest'),
    ])
    if (start?.code !== 0 || end?.code !== 0) return null
    const distance = auditDistance(end.position - start.position, NEAREST_OFFSETS, clock.random())
    let at: Position | null = position(Math.max(start.position, end.position - distance))
    // The sample is of one place, but an aborted transaction or a compacted stretch may lie there.
    while (at !== null && core.size === 0 && at < end.position) at = (await this.#step(task, core, at))?.at ?? null
    return at
  }

  /** Reads the sample in the store, then the changelog to behind of what that may have been. Null: given up. */
  async #look(task: AuditedTask, core: AuditCore, from: Position, deadlineMs: number): Promise<Position | null> {
    const inspected = await task.inspect(core.requests())
    if (!inspected) return null
    core.read(inspected.answers, inspected.since)
    // The stable end, too: a change that was compacted away is told by the later one that replaced it.
    let target = inspected.through + 1
    let first = true
    let at = from
    while (first || at < target) {
      if (this.#parts.clock.elapsedMs() > deadlineMs) return null
      const step = await this.#step(task.task, core, at)
      if (!step) return null
      if (first) target = Math.max(target, step.stableEnd)
      first = false
      at = step.at
    }
    return at
  }

  /** One fetch, and the pause that it costs. */
  async #step(task: number, core: AuditCore, at: Position): Promise<{ at: Position; stableEnd: number } | null> {
    const { plan, clock, kafka } = this.#parts
    if (this.#timer.closed) return null
    this.#fetch ??= kafka.fetchClient(topicIdsOf(plan))
    const partition = { topic: plan.changelog.topic, partition: task }
    const { answer, records, end } = await fetchPortion(this.#fetch, partition, at, FETCH)
    if (this.#timer.closed || answer?.code !== 0) return null
    // Damaged: whoever has to read it says so.
    if (!records && answer.records.length > 0) return null
    const before = core.records
    for (let view = records?.next(); view; view = records?.next()) core.take(view)
    const pauseMs = ((core.records - before) * 1000) / AUDIT_RECORDS_PER_SECOND
    await sleep(clock, Math.max(PAUSE_MIN_MS, Math.round(pauseMs)))
    return { at: end, stableEnd: answer.lastStableOffset }
  }

  #found(task: AuditedTask, differences: readonly AuditDifference[]): void {
    const { clock, listener } = this.#parts
    listener({ kind: 'audit.differences', task: task.task, differences })
    const named = differences.slice(0, NAMED_MAX).map(({ kind, what }) => `${kind} ${what}`)
    if (differences.length > NAMED_MAX) named.push(`and ${differences.length - NAMED_MAX} more`)
    this.#warn('audit.difference', `task ${task.task}: the store is not what its changelog says: ${named.join(', ')}`)
    const nowMs = clock.elapsedMs()
    const mends = (this.#mends.get(task.task) ?? []).filter((atMs) => atMs > nowMs - MENDS_WINDOW_MS)
    if (mends.length >= MENDS_MAX) {
      this.#warn('audit.unmended', `task ${task.task}: rebuilt ${MENDS_MAX} times within an hour, and it differs again`)
      return
    }
    this.#mends.set(task.task, [...mends, nowMs])
    task.mend('audit.difference', `the audit found ${differences.length} differences`)
  }

  #warn(code: string, message: string): void {
    this.#parts.listener({ kind: 'warning', code, message })
  }
}
