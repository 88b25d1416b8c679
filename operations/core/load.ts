/** What `top` shows: two looks at the tasks, some time apart, become rates. Pure. */
import { internalTopics } from '../../engine/core/plan.ts'
import type { TaskView } from '../tasks.ts'
import { parseMetrics, sumOf } from './prometheus.ts'

/** One look. */
export interface Look {
  readonly atMs: number
  readonly tasks: readonly TaskView[]
  /** Texts of the instances' /metrics; those that did not answer are absent. */
  readonly metrics: readonly string[]
}

export interface TaskLoad {
  readonly task: number
  /** As its instance says it; null: no instance was asked that has it. */
  readonly state: string | null
  readonly paused: boolean
  readonly instance: string | null
  readonly batch: number | null
  readonly ageMs: number | null
  readonly lag: number
  /** Of the input. Null at the first look. */
  readonly recordsPerSecond: number | null
  readonly batchesPerSecond: number | null
}

export interface Load {
  readonly atMs: number
  readonly tasks: readonly TaskLoad[]
  readonly lag: number
  readonly recordsPerSecond: number | null
  /** Mean since the last look (at the first: since the instances began), of those that answered; null: none, or no transaction. */
  readonly transactionMs: number | null
  readonly transactionsPerSecond: number | null
  readonly instances: number
}

export function loadOf(application: string, before: Look | null, now: Look): Load {
  const seconds = before ? Math.max(0.001, (now.atMs - before.atMs) / 1_000) : null
  const samples = samplesOf(application, now)
  const states = new Map<string, string>()
  for (const { name, labels, value } of samples.all)
    if (name === 'topology_task_state' && value === 1) states.set(labels.partition ?? '', labels.state ?? '')
  const tasks = now.tasks.map((task): TaskLoad => {
    const earlier = before?.tasks.find((other) => other.task === task.task)
    const read = earlier && passedOf(application, task) - passedOf(application, earlier)
    const batches = earlier && task.batch !== null && earlier.batch !== null ? task.batch - earlier.batch : null
    return {
      task: task.task,
      state: states.get(String(task.task)) ?? null,
      paused: task.paused !== null,
      instance: task.instance,
      batch: task.batch,
      ageMs: task.checkpointAgeMs,
      lag: task.partitions.reduce((sum, { lag }) => sum + lag, 0),
      recordsPerSecond: seconds === null || read === undefined ? null : Math.max(0, read) / seconds,
      batchesPerSecond: seconds === null || batches === null ? null : Math.max(0, batches) / seconds,
    }
  })
  const earlier = before && before.metrics.length === now.metrics.length ? samplesOf(application, before) : null
  const count = samples.count - (earlier?.count ?? 0)
  const sum = samples.seconds - (earlier?.seconds ?? 0)
  const known = tasks.map((task) => task.recordsPerSecond)
  return {
    atMs: now.atMs,
    tasks,
    lag: tasks.reduce((total, { lag }) => total + lag, 0),
    recordsPerSecond: known.some((rate) => rate === null) ? null : known.reduce<number>((a, b) => a + (b ?? 0), 0),
    // Instances that restarted count from zero again.
    transactionMs: count > 0 && sum >= 0 ? (1_000 * sum) / count : null,
    transactionsPerSecond: seconds !== null && earlier && count >= 0 ? count / seconds : null,
    instances: now.metrics.length,
  }
}

/**
 * Offsets of the input that were passed; those of its markers too, where it was written in transactions. Not those of the
 * repartition topic: what was forwarded through it is input that counts already, and every transaction leaves a marker there.
 */
export const passedOf = (application: string, { partitions }: Pick<TaskView, 'partitions'>): number => {
  const { repartition } = internalTopics(application)
  return partitions.reduce((sum, { topic, committed }) => sum + (topic === repartition ? 0 : (committed ?? 0)), 0)
}

function samplesOf(application: string, { metrics }: Look) {
  const all = metrics.flatMap(parseMetrics).filter(({ labels }) => labels.application === application)
  const committed = { result: 'committed' }
  return {
    all,
    count: sumOf(all, 'topology_transaction_duration_seconds_count', committed),
    seconds: sumOf(all, 'topology_transaction_duration_seconds_sum', committed),
  }
}
