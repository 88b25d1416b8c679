/**
 * Has a task's state in Redis built anew from the changelog. It removes the task's hash, and its owner, who finds its
 * checkpoint gone, does the rest under a new version: there is one way to rebuild, and it is the one that is tested under
 * faults. With nobody running, the next owner does it; until then Redis has nothing to read.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from './context.ts'
import { groupMembers } from './offsets.ts'

export interface RebuildRequest {
  readonly task: number
  /** False: nothing is removed. */
  readonly execute: boolean
  /** How long to wait for the owner; 0: not at all. */
  readonly waitMs: number
}

export interface RebuildReport {
  readonly task: number
  /** Of the state before; null: there was none. */
  readonly version: string | null
  readonly batch: number | null
  readonly removed: boolean
  /** Somebody runs that can rebuild. */
  readonly running: boolean
  /** Null: not waited for, or not within the time. */
  readonly rebuilt: { readonly version: string; readonly batch: number } | null
}

const POLL_MS = 100

/** Throws OperationError, StoreLost. */
export async function rebuildTask(context: Context, request: RebuildRequest): Promise<RebuildReport> {
  const { reader, admin } = context
  const { task, execute, waitMs } = request
  const before = (await reader.task(task))?.checkpoint ?? null
  const running = (await groupMembers(context)).length > 0
  const removed = execute && (await admin.forget(task))
  const version = before?.stateVersion ?? null
  const report = { task, version, batch: before?.batch ?? null, removed, running, rebuilt: null }
  if (!execute || !running) return report
  const deadline = performance.now() + waitMs
  while (performance.now() < deadline) {
    const now = (await reader.task(task))?.checkpoint ?? null
    if (now && now.stateVersion !== version)
      return { ...report, rebuilt: { version: now.stateVersion, batch: now.batch } }
    await sleep(POLL_MS)
  }
  return report
}
