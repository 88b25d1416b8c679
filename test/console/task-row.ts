/** A task as the page is told of it. */
import type { TaskRow } from '../../console/contract.ts'

export const row = (task: number, of: Partial<TaskRow> = {}): TaskRow => ({
  task,
  state: 'running',
  reason: null,
  remedy: null,
  instance: 'a',
  paused: null,
  restore: null,
  batch: task,
  ageMs: 10,
  lag: 0,
  exact: true,
  recordsPerSecond: 1,
  unapplied: 0,
  partitions: [{ topic: 'commands', partition: task, committed: 1, end: 1, lag: 0, exact: true }],
  ...of,
})
