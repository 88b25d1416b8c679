/**
 * Which of a topic's partitions hands out its next event, and whether it may already. Owns the rule of release: an event
 * is handed out when Redis has what it tells of, that is when the checkpoint of its task says that the task has published
 * past it; at the latest HOLD_MAX_MS after it became stable. Its task is the home partition of its key. Within a partition
 * the order is that of the offsets; across partitions, of what may go, the lowest timestamp does. Pure.
 */
import { keyOf, type RecordView } from '../../engine/core/headers.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import type { Gap, PartitionFeed } from './partition-feed.ts'

/** What holds events back. */
export interface ReleaseRule {
  readonly tasks: number
  /** Behind what this task has published there and Redis has; -1: not known. */
  readonly publishedEnd: (task: number, partition: number) => number
}

export type Merged =
  | { readonly kind: 'event'; readonly view: RecordView; readonly partition: number; readonly timedOut: boolean }
  | { readonly kind: 'gap'; readonly gap: Gap }

export interface Blocked {
  /** Tasks whose checkpoints are waited for. */
  readonly tasks: ReadonlySet<number>
  /** When the first of them goes without. */
  readonly untilMs: number
}

const NOTHING_BLOCKED: Blocked = { tasks: new Set(), untilMs: Number.POSITIVE_INFINITY }

/** @param rule null: nothing is held back */
export function nextOf(feeds: readonly PartitionFeed[], rule: ReleaseRule | null, nowMs: number): Merged | Blocked {
  let best: PartitionFeed | undefined
  let bestMs = Number.POSITIVE_INFINITY
  let timedOut = false
  let tasks: Set<number> | undefined
  let untilMs = Number.POSITIVE_INFINITY
  for (const feed of feeds) {
    const head = feed.head()
    if (head === undefined) continue
    if (head.kind === 'gap') {
      feed.take()
      return head
    }
    const { view } = head
    if (best !== undefined && view.timestampMs >= bestMs) continue
    const task = rule === null ? null : taskOf(view, rule.tasks)
    let late = false
    if (rule !== null && task !== null && rule.publishedEnd(task, feed.partition) <= view.offset) {
      const atMs = feed.releasedAtMs(view.offset) ?? nowMs
      if (atMs > nowMs) {
        tasks ??= new Set()
        tasks.add(task)
        untilMs = Math.min(untilMs, atMs)
        continue
      }
      late = true
    }
    best = feed
    bestMs = view.timestampMs
    timedOut = late
  }
  if (best === undefined) return tasks === undefined ? NOTHING_BLOCKED : { tasks, untilMs }
  const { view } = best.head() as { view: RecordView }
  best.take()
  return { kind: 'event', view, partition: best.partition, timedOut }
}

/** null: a record without a key belongs to no task. */
function taskOf(view: RecordView, tasks: number): number | null {
  const key = keyOf(view)
  return key === null ? null : partitionFor(key, tasks)
}
