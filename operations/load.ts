/** One look at what runs: tasks from Kafka and Redis, metrics from the instances that can be reached. */
import type { Context } from './context.ts'
import type { Look } from './core/load.ts'
import { viewTasks } from './tasks.ts'

/** An instance that does not answer within this is left out. */
const METRICS_TIMEOUT_MS = 1_000
const METRICS_BYTES_MAX = 4 * 1024 * 1024

/** `instanceUrls`: bases of their health and metrics routes. Throws OperationError, StoreLost. */
export async function look(context: Context, instanceUrls: readonly string[]): Promise<Look> {
  const [{ tasks }, metrics] = await Promise.all([viewTasks(context), Promise.all(instanceUrls.map(metricsOf))])
  return { atMs: Date.now(), tasks, metrics: metrics.filter((text) => text !== null) }
}

async function metricsOf(base: string): Promise<string | null> {
  try {
    const response = await fetch(`${base}/metrics`, { signal: AbortSignal.timeout(METRICS_TIMEOUT_MS) })
    if (!response.ok) return null
    const text = await response.text()
    return text.length > METRICS_BYTES_MAX ? null : text
  } catch {
    return null
  }
}
