/**
 * What the engine tells of itself: one event per thing worth a log line or a metric. Logs, metrics, health and the
 * console listen; the engine does not know them.
 */
import type { Pause } from '../stores/ports.ts'
import type { AuditDifference, AuditResult } from './core/audit.ts'
import type { BatchTrace } from './core/batch-trace.ts'
import type { BatchTally } from './core/tally.ts'

export type TaskState = 'taking-over' | 'restoring' | 'running' | 'waiting' | 'stopped' | 'lost'

export type EngineEvent =
  | { readonly kind: 'task.state'; readonly task: number; readonly state: TaskState; readonly reason: string | null }
  | { readonly kind: 'task.stopped'; readonly task: number; readonly code: string; readonly message: string }
  /** An operator's order; `pause` null: it was taken back. */
  | { readonly kind: 'task.paused'; readonly task: number; readonly pause: Pause | null }
  | { readonly kind: 'task.recovering'; readonly task: number; readonly reason: string; readonly delayMs: number }
  | {
      readonly kind: 'restore.started'
      readonly task: number
      readonly from: number
      readonly end: number
      readonly rebuild: boolean
    }
  | { readonly kind: 'restore.progress'; readonly task: number; readonly done: number; readonly total: number }
  | { readonly kind: 'restore.done'; readonly task: number; readonly records: number; readonly durationMs: number }
  | {
      readonly kind: 'batch.applied'
      readonly task: number
      readonly batch: number
      readonly changes: number
      readonly durationMs: number
    }
  | {
      readonly kind: 'batch.committed'
      readonly task: number
      readonly batch: number
      /** When its commit was known, ms since 1970. */
      readonly atMs: number
      readonly tally: BatchTally
      /** Null unless InstanceOptions.tracing said yes when the batch began. */
      readonly trace: BatchTrace | null
    }
  | { readonly kind: 'batch.isolated'; readonly task: number; readonly records: number; readonly reason: string }
  | {
      readonly kind: 'transaction'
      readonly result: 'committed' | 'aborted' | 'unknown'
      readonly tasks: number
      readonly durationMs: number
      readonly reason: string | null
    }
  | {
      readonly kind: 'group.assigned'
      readonly generation: number
      readonly memberId: string
      readonly kept: readonly number[]
      readonly gained: readonly number[]
      readonly lost: readonly number[]
    }
  | { readonly kind: 'group.evicted'; readonly reason: string }
  | { readonly kind: 'transaction.fenced'; readonly task: number; readonly transactionalId: string }
  | { readonly kind: 'lane.fenced'; readonly reason: string }
  /** The process must end: nothing can go on. */
  | { readonly kind: 'instance.stopped'; readonly code: string; readonly message: string }
  /** The background audit has compared entries of a task with the store (engine/auditor.ts). */
  | {
      readonly kind: 'audit.pass'
      readonly task: number
      readonly result: AuditResult
      /** Compared. */
      readonly entries: number
      /** Changed meanwhile, so not compared. */
      readonly changed: number
      /** Changelog records read for it. */
      readonly records: number
      readonly durationMs: number
    }
  /** Seen twice. The values are not told: they are people's. */
  | { readonly kind: 'audit.differences'; readonly task: number; readonly differences: readonly AuditDifference[] }
  /** The store's state of a task is wrong, and the task rebuilds it from the changelog. */
  | { readonly kind: 'task.mending'; readonly task: number; readonly code: string; readonly reason: string }
  /** What is wrong with topics that are written to, while nothing can be; empty: they are back. A warning tells each. */
  | { readonly kind: 'topics.troubled'; readonly reasons: readonly string[] }
  /** Why nothing can be committed, for a while already; null: nothing is known to be in the way any more. */
  | { readonly kind: 'lane.waiting'; readonly reason: string | null }
  | { readonly kind: 'warning'; readonly code: string; readonly message: string }

export type Listener = (event: EngineEvent) => void
