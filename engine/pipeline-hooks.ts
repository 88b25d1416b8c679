/** What a pipeline begins with, whom it tells what becomes of it, and what it answers to those who look into the store beside it. */
import type { Checkpoint, ReadAnswer, TaskStore } from '../stores/ports.ts'
import type { Offset } from './core/numbers.ts'
import type { Progress } from './core/progress.ts'

/** What a takeover hands over. */
export interface PipelineStart {
  readonly progress: Progress
  readonly checkpoint: Checkpoint
  readonly store: TaskStore
}

export interface PipelineHooks {
  /** A number that no attempt of the task has had. */
  readonly newAttempt: () => number
  /** Reading, computing or applying failed: the pipeline is at its end. */
  readonly failed: (error: unknown) => void
  /** What was decided is not known here, or cannot be used: take over again. */
  readonly recover: (reason: string) => void
  /** Only an operator can mend it. */
  readonly stopped: (code: string, message: string) => void
  /** A batch was committed and applied. */
  readonly applied: () => void
}

/** What the store held of a task that goes on meanwhile: as of changelog offset `since` or a later one, up to `through`. */
export interface Inspected {
  readonly answers: readonly ReadAnswer[]
  readonly since: Offset
  readonly through: Offset
}
