/**
 * The whole state, task by task, each as of the end of one batch: folded from the changelog, which is the state, and not
 * read from Redis, whose keys change one after the other while the service goes on.
 */
import { position } from '../engine/core/numbers.ts'
import type { CheckpointRecord } from '../stores/core/changelog.ts'
import type { Change } from '../stores/ports.ts'
import type { KafkaContext } from './context.ts'
import { StateFold } from './core/state-fold.ts'
import { ownEntry } from './group-offsets.ts'
import { logRange, readRecords } from './records.ts'

export interface ExportedTask {
  readonly task: number
  /** Null: nothing was processed yet. */
  readonly checkpoint: CheckpointRecord | null
  /** Of the checkpoint record in the changelog. */
  readonly offset: number | null
  readonly entries: Iterable<Change>
}

/** Throws OperationError `changelog.foreign` and others. */
export async function* exportState(
  { plan, kafka }: KafkaContext,
  tasks: readonly number[],
): AsyncGenerator<ExportedTask> {
  const fetch = kafka.fetchClient()
  try {
    for (const task of tasks) {
      const at = { topic: plan.changelog.topic, partition: task }
      const { start, end } = await logRange(kafka, at)
      const fold = new StateFold()
      await readRecords(fetch, at, position(start), position(end), 'wait', (view) => {
        fold.take(view.offset, ownEntry(at, view))
      })
      const { last } = fold
      yield { task, checkpoint: last?.checkpoint ?? null, offset: last?.offset ?? null, entries: fold.entries() }
    }
  } finally {
    await fetch.close()
  }
}
