/** The state of a task as pages show it: a task that runs and is paused is `paused`. Pure. */
import type { ShownState, TaskRow } from '../../contract.ts'

export type PageState = ShownState | 'paused'

/** Worst first, as filters and legends list them. */
export const PAGE_STATES: readonly PageState[] = [
  'stopped',
  'waiting',
  'unknown',
  'lost',
  'paused',
  'restoring',
  'taking-over',
  'running',
]

export const pageState = ({ state, paused }: Pick<TaskRow, 'state' | 'paused'>): PageState =>
  paused !== null && state === 'running' ? 'paused' : state

/** In the order of PAGE_STATES, only those that there are. */
export function stateCounts(tasks: readonly Pick<TaskRow, 'state' | 'paused'>[]): ReadonlyMap<PageState, number> {
  const counts = new Map(PAGE_STATES.map((state) => [state, 0]))
  for (const task of tasks) counts.set(pageState(task), (counts.get(pageState(task)) ?? 0) + 1)
  return new Map([...counts].filter(([, count]) => count > 0))
}
