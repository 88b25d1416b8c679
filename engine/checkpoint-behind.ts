/** The checkpoint of a batch that is committed, for the store to be set to with its changes. Pure. */
import type { Checkpoint } from '../stores/ports.ts'
import { offset } from './core/numbers.ts'
import type { Progress } from './core/progress.ts'
import type { Published } from './lane-driver.ts'
import type { TopicPartition } from './ports.ts'

/** Null when a Produce answer had no offset (DUPLICATE_SEQUENCE_NUMBER): it is written, where is not known. */
export function checkpointBehind(
  before: Checkpoint,
  progress: Progress,
  published: readonly Published[],
  changelog: TopicPartition,
  nowMs: number,
): Checkpoint | null {
  const log = published.find((p) => p.topic === changelog.topic && p.partition === changelog.partition)
  if (!log) return null
  const ends: Record<string, Record<string, number>> = { ...before.published }
  for (const { topic, partition, end } of published)
    if (topic !== changelog.topic) ends[topic] = { ...ends[topic], [partition]: end }
  return {
    ...before,
    batch: progress.batch,
    offset: offset(log.end - 1),
    firstOffset: log.first,
    committedAtMs: nowMs,
    counters: Object.fromEntries(progress.counters),
    positions: progress.positionsByName(),
    published: ends,
  }
}
