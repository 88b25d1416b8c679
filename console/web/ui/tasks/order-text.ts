/** What an order to tasks will do, and what it did, in words. Pure. */
import type { TaskRow, TasksResult } from '../../../contract.ts'

export interface Order {
  readonly action: 'pause' | 'resume'
  readonly tasks: readonly number[]
}

/** Those that are not yet as the order wants them. */
export function changing({ action, tasks }: Order, rows: readonly TaskRow[]): readonly number[] {
  const paused = new Set(rows.filter((row) => row.paused !== null).map(({ task }) => task))
  return tasks.filter((task) => paused.has(task) === (action === 'resume'))
}

export function questionText(order: Order, rows: readonly TaskRow[]): string {
  const change = changing(order, rows).length
  const kept = order.tasks.length - change
  const pause = order.action === 'pause'
  if (change === 0)
    return `${kept === 1 ? `It is ${pause ? 'paused already' : 'not paused'}` : pause ? 'All of them are paused already' : 'None of them is paused'}: nothing would change.`
  const [it, its] = change === 1 ? ['It', 'its'] : ['They', 'their']
  const what = pause
    ? `${it} ${change === 1 ? 'finishes' : 'finish'} the batch under way and ${change === 1 ? 'takes' : 'take'} no more records until resumed, also after a restart, unless Redis is emptied. Records wait in Kafka; state stays readable and as it is.`
    : `${it} ${change === 1 ? 'goes' : 'go'} on within a second, with the records that waited in ${its} order.`
  const rest =
    kept === 0
      ? ''
      : ` ${kept} of them ${kept === 1 ? 'is' : 'are'} ${pause ? 'paused already' : 'not paused'} and ${kept === 1 ? 'stays' : 'stay'} so.`
  return what + rest
}

export function outcomeText({ action }: Order, { tasks }: TasksResult): string {
  const changed = tasks.filter((task) => task.changed).length
  const word = action === 'pause' ? 'paused' : 'resumed'
  const others = tasks.length - changed
  const done = changed === 0 ? 'Nothing changed' : `${changed} ${changed === 1 ? 'task' : 'tasks'} ${word}`
  if (others === 0) return `${done}.`
  return `${done}; ${others} ${others === 1 ? 'was' : 'were'} ${action === 'pause' ? 'paused already' : 'not paused'}.`
}
