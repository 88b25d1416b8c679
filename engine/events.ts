/**
 * What the engine tells of itself: one event per thing worth a log line or a metric. Logs, metrics, health and the
 * console listen; the engine does not know them.
 */
import type { BatchTally } from './core/tally.ts'

export type TaskState = 'taking-over' | 'restoring' | 'running' | 'waiting' | 'stopped' | 'lost'

export type EngineEvent =
  | { readonly kind: 'task.state'; readonly task: number; readonly state: TaskState; readonly reason: string | null }
  | { readonly kind: 'task.stopped'; readonly task: number; readonly code: string; readonly message: string }
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
  | { readonly kind: 'batch.committed'; readonly task: number; readonly batch: number; readonly tally: BatchTally }
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
  | { readonly kind: 'warning'; readonly code: string; readonly message: string }

export type Listener = (event: EngineEvent) => void
