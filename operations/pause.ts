/** Orders to stop and resume taking records, per task; the owners hear of them within a second, also after a restart. */
import type { Pause, StoreAdmin } from '../stores/ports.ts'

export interface PausedTask {
  readonly task: number
  /** What applies now. */
  readonly pause: Pause | null
  /** This call made it so. */
  readonly changed: boolean
}

type Orders = Pick<StoreAdmin, 'pause' | 'resume' | 'pauses'>

/** A task that is paused already stays so as it was. Throws StoreLost; what is half done is done by the same call again. */
export async function pauseTasks(orders: Orders, tasks: readonly number[], by: string): Promise<readonly PausedTask[]> {
  const since = new Date().toISOString()
  const changed: boolean[] = []
  for (const task of tasks) changed.push(await orders.pause(task, { since, by }))
  return report(orders, tasks, changed)
}

/** Throws StoreLost; what is half done is done by the same call again. */
export async function resumeTasks(orders: Orders, tasks: readonly number[]): Promise<readonly PausedTask[]> {
  const changed: boolean[] = []
  for (const task of tasks) changed.push(await orders.resume(task))
  return report(orders, tasks, changed)
}

async function report(
  orders: Orders,
  tasks: readonly number[],
  changed: readonly boolean[],
): Promise<readonly PausedTask[]> {
  const pauses = await orders.pauses(tasks)
  return tasks.map((task, at) => ({ task, pause: pauses[at] ?? null, changed: changed[at] === true }))
}
