/** Reads a task's committed offsets and the checkpoint records around that moment, so that a busy service can be judged. */

import { changelogEntry } from '../engine/core/changelog-entry.ts'
import type { RecordView } from '../engine/core/headers.ts'
import { type Plan, partitionName, partitionsOf } from '../engine/core/plan.ts'
import type { FetchClient, GroupClient, Kafka, TopicPartition } from '../engine/ports.ts'
import type { ChangelogEntry, CheckpointRecord } from '../stores/core/changelog.ts'
import { positionsOf, type TaskOffsets } from './core/offsets.ts'
import { OperationError } from './errors.ts'
import { answerOf } from './patience.ts'
import { logRange, newestRecords } from './records.ts'

/** A quiet moment is found at the first try; on a busy task it is not, and then the two records bound the truth. */
const TRIES = 3

export interface OffsetSources {
  readonly plan: Plan
  readonly kafka: Kafka
  readonly group: GroupClient
  readonly fetch: FetchClient
}

/** Throws OperationError. */
export async function readTaskOffsets(sources: OffsetSources, task: number): Promise<TaskOffsets> {
  const { plan } = sources
  let before = await lastCheckpoint(sources, task)
  for (let tries = 1; ; tries++) {
    const partitions = new Map([...partitionsOf(plan, task), ...positionsOf(before)].map((p) => [partitionName(p), p]))
    const committed = await committedOffsets(sources, [...partitions.values()])
    const after = await lastCheckpoint(sources, task)
    if (before?.batch === after?.batch || tries === TRIES) return { task, committed, before, after }
    before = after
  }
}

/** By partition name. `requireStable`: waits for transactions that would change them. Throws OperationError. */
export async function committedOffsets(
  { plan, group }: Pick<OffsetSources, 'plan' | 'group'>,
  partitions: readonly TopicPartition[],
  requireStable = true,
): Promise<ReadonlyMap<string, number>> {
  const { offsets } = await answerOf(
    `offsets of group ${plan.groupId}`,
    'group',
    () => group.offsets(partitions, requireStable),
    ({ code }) => code,
  )
  return new Map(offsets.map((o) => [partitionName(o), o.position]))
}

/** The newest checkpoint record of a task's changelog; null: it has none. Throws OperationError `changelog.foreign`. */
async function lastCheckpoint({ plan, kafka, fetch }: OffsetSources, task: number): Promise<CheckpointRecord | null> {
  const at = { topic: plan.changelog.topic, partition: task }
  const log = await logRange(kafka, at)
  const options = { count: 1, open: 'wait', offsetsMax: Number.POSITIVE_INFINITY } as const
  const { items } = await newestRecords(fetch, at, log, options, (view) => {
    const entry = ownEntry(at, view)
    return entry.kind === 'checkpoint' ? entry.checkpoint : null
  })
  return items[0] ?? null
}

/** A changelog record that this application has written. Throws OperationError `changelog.foreign`. */
export function ownEntry({ topic, partition }: TopicPartition, view: RecordView): OwnEntry {
  const entry = changelogEntry(view)
  if (entry.kind === 'change' || entry.kind === 'checkpoint') return entry
  const why = entry.kind === 'foreign' ? entry.reason : `state format ${entry.stateFormat}`
  throw new OperationError('changelog.foreign', 'refused', `${topic}-${partition}, offset ${view.offset}: ${why}`)
}

type OwnEntry = Extract<ChangelogEntry, { readonly kind: 'change' | 'checkpoint' }>
