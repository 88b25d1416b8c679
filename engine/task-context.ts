/** What the tasks of a process share: the plan, the clients, and whom they wake. */
import type { Code, GroupMembership } from './ports.ts'
import type { TakeoverContext } from './takeover-driver.ts'
import type { BuilderPool } from './wire/builder-pool.ts'
import type { EncodedOutputs } from './wire/encoded-outputs.ts'

export interface TaskContext extends TakeoverContext {
  readonly membership: () => GroupMembership | null
  /** A batch is ready for the lane. */
  readonly wakeLane: () => void
  /** There is room in the buffers, or the task has begun to run. */
  readonly wakeFetcher: () => void
  /** Of all tasks. */
  readonly builders: BuilderPool
  /** Compresses what is sealed, beside the main thread. */
  readonly compressAhead: (outputs: EncodedOutputs) => Promise<void>
  /** A tracing SDK wants to hear of batches. */
  readonly tracing: () => boolean
  /** Operators may pause tasks: one that is gained takes nothing until it is known that it is not paused. */
  readonly isPausable: boolean
  readonly memberLost: (of: GroupMembership, code: Code) => void
  readonly claimed: (task: number) => void
}
