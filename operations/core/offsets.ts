/**
 * The group's committed offsets beside the positions in the changelog's checkpoint records, and what to write where
 * they part. Owns the rules of `tributary offsets`; pure. The stop codes they mend: engine/core/stop-codes.ts.
 */

import { checkpointRecord } from '../../engine/core/checkpoint-record.ts'
import type { LogRange } from '../../engine/core/log-windows.ts'
import { position } from '../../engine/core/numbers.ts'
import { type Plan, partitionName, partitionsOf } from '../../engine/core/plan.ts'
import type { StopCodeName } from '../../engine/core/stop-codes.ts'
import type { OffsetToCommit } from '../../engine/ports.ts'
import type { CheckpointRecord } from '../../stores/core/changelog.ts'

export interface TaskOffsets {
  readonly task: number
  /** By `topic-partition`; what was never committed is absent. */
  readonly committed: ReadonlyMap<string, number>
  /** Newest checkpoint record before the committed offsets were read, and after: they differ while the task goes on. */
  readonly before: CheckpointRecord | null
  readonly after: CheckpointRecord | null
}

/**
 * `none` neither has anything: the task begins at the start of the log · `new` a partition that the state does not know
 * yet: it begins at the start of the log · the others: the task stops, with the code of STOPS.
 */
export type OffsetState = 'ok' | 'none' | 'new' | BadOffset

export type BadOffset = 'missing' | 'foreign' | 'mismatch' | 'removed' | 'recreated'

/** What the engine says of each (engine/core/takeover.ts). */
const STOPS: Readonly<Record<BadOffset, StopCodeName>> = {
  missing: 'offsets.missing',
  foreign: 'offsets.foreign',
  mismatch: 'offsets.mismatch',
  // Of a topic that is no source: whatever offsets there are.
  removed: 'source.removed',
  // Of a source that is another topic by now, or that is missing and would be created.
  recreated: 'topic.recreated',
}

export interface OffsetRow {
  readonly task: number
  readonly topic: string
  readonly partition: number
  readonly committed: number | null
  readonly changelog: number | null
  readonly state: OffsetState
}

/** `missing`: sources that do not exist, by their real names; a plan that was found by looking does not have them. */
export function offsetRows(
  plan: Plan,
  offsets: TaskOffsets,
  missing: ReadonlySet<string> = NONE,
): readonly OffsetRow[] {
  const { task, committed, before, after } = offsets
  const topicIds = new Map([...plan.sources, plan.repartition].map(({ topic, topicId }) => [topic, topicId]))
  const known = new Map(partitionsOf(plan, task).map((p) => [partitionName(p), p]))
  // Partitions that the state knows and the topology does not: the engine compares them all the same.
  for (const at of positionsOf(after)) known.set(partitionName(at), at)
  return [...known.values()].map(({ topic, partition }) => {
    const name = partitionName({ topic, partition })
    const found = committed.get(name) ?? null
    const highest = after?.positions[topic]?.[partition] ?? null
    const lowest = before?.positions[topic]?.[partition] ?? 0
    return {
      task,
      topic,
      partition,
      committed: found,
      changelog: highest,
      state: topicState(after, topic, topicIds.get(topic), missing) ?? stateOf(after !== null, found, lowest, highest),
    }
  })
}

/** First, as the engine looks: offsets of another topic say nothing, be they the same. Null: it is the one that was read. */
function topicState(
  record: CheckpointRecord | null,
  topic: string,
  topicId: string | undefined,
  missing: ReadonlySet<string>,
): BadOffset | null {
  const before = record?.topicIds[topic]
  if (missing.has(topic) || (topicId !== undefined && before !== undefined && before !== topicId)) return 'recreated'
  return topicId === undefined ? 'removed' : null
}

function stateOf(hasState: boolean, committed: number | null, lowest: number, highest: number | null): OffsetState {
  if (!hasState) return committed === null ? 'none' : 'foreign'
  if (highest === null) return committed === null ? 'new' : 'ok'
  if (committed === null) return 'missing'
  return committed >= Math.min(lowest, highest) && committed <= highest ? 'ok' : 'mismatch'
}

export const isBad = (state: OffsetState): state is BadOffset => state in STOPS

export const stopOf = (state: BadOffset): StopCodeName => STOPS[state]

const NONE: ReadonlySet<string> = new Set()

export function positionsOf(record: CheckpointRecord | null): readonly OffsetToCommit[] {
  return Object.entries(record?.positions ?? {}).flatMap(([topic, partitions]) =>
    Object.entries(partitions).map(([partition, at]) => ({
      topic,
      partition: Number(partition),
      position: position(at),
    })),
  )
}

export interface OffsetChange {
  readonly task: number
  readonly topic: string
  readonly partition: number
  /** null: nothing committed. */
  readonly from: number | null
  readonly to: number
}

/** What one command would write; nothing of it may be written while there is a problem. */
export interface OffsetPlan {
  /** Committed offsets to set. */
  readonly changes: readonly OffsetChange[]
  /** First checkpoint records to append to the changelog, by task. */
  readonly records: readonly { readonly task: number; readonly record: CheckpointRecord }[]
  readonly problems: readonly string[]
}

export interface OffsetFacts {
  readonly plan: Plan
  readonly tasks: readonly TaskOffsets[]
  /** Of every partition that is read, by `topic-partition`. */
  readonly logs: ReadonlyMap<string, LogRange>
  readonly transactionalId: string
}

const SKIP = 'tributary offsets skip'

/**
 * Mends `offsets.missing` and `offsets.mismatch`: the group's offsets become the changelog's. And `group.changed`: the state
 * becomes the group's.
 */
export function planRestore({ plan, tasks, logs, transactionalId }: OffsetFacts): OffsetPlan {
  const changes: OffsetChange[] = []
  const records: { task: number; record: CheckpointRecord }[] = []
  const problems: string[] = []
  for (const { task, committed, after } of tasks) {
    if (after === null) continue
    problems.push(...foreignTo(plan, task, after))
    const { groupId } = plan
    if (after.groupId !== undefined && after.groupId !== groupId)
      records.push({ task, record: { ...after, batch: after.batch + 1, groupId, transactionalId } })
    for (const { topic, partition, position: to } of positionsOf(after)) {
      const from = committed.get(partitionName({ topic, partition })) ?? null
      if (from === to) continue
      changes.push({ task, topic, partition, from, to })
      problems.push(...outside(logs, topic, partition, to).map((why) => `${why}: ${SKIP} goes on with what is left`))
    }
  }
  return { changes, records, problems }
}

/** Mends `offsets.foreign`: goes on from what the group has committed, with empty state. */
export function planAdopt({ plan, tasks, logs, transactionalId }: OffsetFacts): OffsetPlan {
  const records: { task: number; record: CheckpointRecord }[] = []
  const problems: string[] = []
  for (const { task, committed, after } of tasks) {
    if (after !== null) continue
    const adopted: OffsetToCommit[] = []
    for (const { topic, partition } of partitionsOf(plan, task)) {
      const at = committed.get(partitionName({ topic, partition }))
      if (at === undefined) continue
      adopted.push({ topic, partition, position: position(at) })
      problems.push(...outside(logs, topic, partition, at))
    }
    if (adopted.length > 0) records.push({ task, record: firstCheckpoint(plan, adopted, transactionalId) })
  }
  return { changes: [], records, problems }
}

/** Mends `offsets.foreign`: begins anew at the start of every log, with empty state. */
export function planEarliest({ plan, tasks, logs, transactionalId }: OffsetFacts): OffsetPlan {
  const changes: OffsetChange[] = []
  const records: { task: number; record: CheckpointRecord }[] = []
  const problems: string[] = []
  for (const { task, committed, after } of tasks) {
    const partitions = partitionsOf(plan, task)
    if (after !== null || !partitions.some((p) => committed.has(partitionName(p)))) continue
    const starts: OffsetToCommit[] = []
    for (const { topic, partition } of partitions) {
      const name = partitionName({ topic, partition })
      const start = logs.get(name)?.start
      if (start === undefined) {
        problems.push(`${name}: the start of its log is not known`)
        continue
      }
      starts.push({ topic, partition, position: position(start) })
      const from = committed.get(name) ?? null
      if (from !== start) changes.push({ task, topic, partition, from, to: start })
    }
    records.push({ task, record: firstCheckpoint(plan, starts, transactionalId) })
  }
  return { changes, records, problems }
}

/** What a task's first batch would have written, had it read nothing and changed nothing. */
function firstCheckpoint(plan: Plan, at: readonly OffsetToCommit[], transactionalId: string): CheckpointRecord {
  const positions: Record<string, Record<string, number>> = {}
  for (const { topic, partition, position } of at) positions[topic] = { ...positions[topic], [partition]: position }
  return checkpointRecord(plan, { batch: 1, positions, counters: {} }, transactionalId)
}

/** Offsets of another cluster or of a topic that was created again mean other records. */
function foreignTo(plan: Plan, task: number, record: CheckpointRecord): string[] {
  const problems: string[] = []
  if (record.clusterId !== plan.clusterId)
    problems.push(`task ${task}: its state was written on cluster ${record.clusterId}, this is ${plan.clusterId}`)
  if (record.tasks !== plan.tasks)
    problems.push(`task ${task}: its state was written with ${record.tasks} tasks, now there are ${plan.tasks}`)
  for (const { topic, topicId } of [...plan.sources, plan.repartition]) {
    const before = record.topicIds[topic]
    if (before !== undefined && before !== topicId)
      problems.push(
        `task ${task}: ${topic} was created again since (${before}, now ${topicId}): ${SKIP} goes on at its start`,
      )
  }
  return problems
}

function outside(logs: ReadonlyMap<string, LogRange>, topic: string, partition: number, at: number): string[] {
  const name = partitionName({ topic, partition })
  const log = logs.get(name)
  if (log === undefined) return [`${name} does not exist`]
  if (at >= log.start && at <= log.end) return []
  return [`${name}: offset ${at} is outside its log, which has ${log.start} to ${log.end}`]
}
