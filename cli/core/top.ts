/** How `tributary top` looks: a screen, a line, or JSON. Pure. */
import type { Load, TaskLoad } from '../../operations/core/load.ts'
import { ageText } from '../../operations/core/text.ts'
import { tableWithin } from './table.ts'

/** Owners are shortened so that what stands before them fits; what is still longer than `columns` is cut. Ends with a line end. */
export function loadScreen(application: string, load: Load, columns = Number.POSITIVE_INFINITY): string {
  const { atMs, tasks, instances } = load
  const rows = tasks.map((task) => [
    task.task,
    stateText(task),
    task.batch,
    task.ageMs === null ? null : ageText(task.ageMs),
    rateText(task.recordsPerSecond),
    rateText(task.batchesPerSecond),
    task.lag,
    task.instance,
  ])
  const text = [
    `${application}  ${new Date(atMs).toISOString()}  ${instances} ${instances === 1 ? 'instance' : 'instances'} asked`,
    `${summary(load)}\n`,
    tableWithin(['TASK', 'STATE', 'BATCH', 'AGE', 'RECORDS/S', 'BATCHES/S', 'LAG', 'OWNER'], rows, columns),
  ].join('\n')
  return text
    .split('\n')
    .map((line) => (line.length > columns ? line.slice(0, columns) : line))
    .join('\n')
}

export function loadLine(load: Load): string {
  const paused = load.tasks.filter((task) => task.paused).map(({ task }) => task)
  const off = load.tasks.filter(({ state }) => state !== null && state !== 'running')
  const parts = [
    new Date(load.atMs).toISOString(),
    summary(load),
    ...(paused.length > 0 ? [`paused: ${paused.join(',')}`] : []),
    ...off.map((task) => `task ${task.task}: ${task.state}`),
  ]
  return `${parts.join('  ')}\n`
}

export const loadJson = (load: Load) => ({ time: new Date(load.atMs).toISOString(), ...load })

function summary({ recordsPerSecond, lag, transactionMs, transactionsPerSecond }: Load): string {
  const transactions =
    transactionMs === null
      ? 'transactions -'
      : `transactions ${rateText(transactionsPerSecond)}/s of ${transactionMs.toFixed(1)} ms`
  return `${rateText(recordsPerSecond)} records/s  lag ${lag}  ${transactions}`
}

const stateText = ({ state, paused }: TaskLoad): string | null =>
  paused ? (state === null || state === 'running' ? 'paused' : `${state}, paused`) : state

const rateText = (rate: number | null): string =>
  rate === null ? '-' : rate >= 100 ? String(Math.round(rate)) : rate.toFixed(1)
