/**
 * Where a task goes on whose input was lost: behind what retention has deleted, at the end of a log that was cut, at the
 * start of a topic that was created again, behind an offset that the operator names, or without a source that is no more.
 * The state stays as it is; only its positions change. Owns the rules of `tributary offsets skip`; pure.
 */
import type { LogRange } from '../../engine/core/log-windows.ts'
import { position } from '../../engine/core/numbers.ts'
import { partitionName, partitionsOf } from '../../engine/core/plan.ts'
import type { TopicPartition } from '../../engine/ports.ts'
import type { CheckpointRecord } from '../../stores/core/changelog.ts'
import { type OffsetChange, type OffsetFacts, type OffsetPlan, positionsOf, type TaskOffsets } from './offsets.ts'

/** The first offset to read again. */
export interface SkipTarget extends TopicPartition {
  readonly offset: number
}

/** `missing`: topics that do not exist and will be created, so that they begin at 0. */
export type SkipFacts = OffsetFacts & { readonly missing: ReadonlySet<string> }

/**
 * Per task that has to move: its committed offsets, and its next checkpoint record, which has the same positions. A task
 * without state, or whose positions are all in their logs, is left alone.
 */
export function planSkip(facts: SkipFacts, targets: readonly SkipTarget[]): OffsetPlan {
  const changes: OffsetChange[] = []
  const records: { task: number; record: CheckpointRecord }[] = []
  const problems: string[] = []
  const topicsRead = new Set([...facts.plan.sources, facts.plan.repartition].map(({ topic }) => topic))
  const open = new Map(targets.map((target) => [partitionName(target), target.offset]))
  for (const offsets of facts.tasks) {
    const { task, committed, after } = offsets
    if (after === null) continue
    const foreign = foreignTo(facts, task, after)
    if (foreign.length > 0) {
      problems.push(...foreign)
      continue
    }
    const topicIds = topicIdsOf(facts, after)
    const moved = new Map<string, TopicPartition & { to: number }>()
    for (const at of partitionsToKnow(facts, offsets)) {
      const name = partitionName(at)
      const target = open.get(name)
      open.delete(name)
      const renewed = facts.missing.has(at.topic) || topicIds[at.topic] !== after.topicIds[at.topic]
      const known = after.positions[at.topic]?.[at.partition]
      if (known !== undefined && !topicsRead.has(at.topic) && !facts.missing.has(at.topic)) {
        // Of a source that the topology has no more: left, and where the group was in it stays committed.
        continue
      }
      const log = facts.missing.has(at.topic) ? { start: 0, end: 0 } : facts.logs.get(name)
      if (log === undefined) {
        // Of a topic that has fewer partitions now: nothing will read this one.
        if (!renewed) problems.push(`${name} does not exist`)
        continue
      }
      const from = known ?? committed.get(name) ?? log.start
      const to = renewed ? log.start : Math.min(Math.max(from, log.start), log.end)
      if (target !== undefined) problems.push(...unreachable(name, target, to, log))
      moved.set(name, { ...at, to: target ?? to })
    }
    const record = nextCheckpoint(after, [...moved.values()], topicIds, facts.transactionalId)
    if (isSame(record, after)) continue
    records.push({ task, record })
    for (const [name, { topic, partition, to }] of moved) {
      const from = committed.get(name) ?? null
      if (from !== to) changes.push({ task, topic, partition, from, to })
    }
  }
  for (const name of open.keys()) problems.push(`${name}: no task with state reads it`)
  return { changes, records, problems }
}

/** What the state knows, and what the group has committed beside it. */
function partitionsToKnow({ plan }: OffsetFacts, { task, committed, after }: TaskOffsets): readonly TopicPartition[] {
  const known = positionsOf(after).map(({ topic, partition }) => ({ topic, partition }))
  const names = new Set(known.map((at) => partitionName(at)))
  const beside = partitionsOf(plan, task).filter((at) => {
    const name = partitionName(at)
    return committed.has(name) && !names.has(name)
  })
  return [...known, ...beside]
}

const topicIdsOf = (
  { plan, missing }: SkipFacts,
  { topicIds }: CheckpointRecord,
): Readonly<Record<string, string>> => ({
  ...topicIds,
  ...Object.fromEntries(
    [...plan.sources, plan.repartition]
      .filter(({ topic }) => !missing.has(topic))
      .map(({ topic, topicId }) => [topic, topicId]),
  ),
  ...Object.fromEntries([...missing].map((topic) => [topic, ''])),
})

/** State of another cluster or another number of tasks is none that could go on here. */
function foreignTo({ plan }: OffsetFacts, task: number, { clusterId, tasks }: CheckpointRecord): string[] {
  if (clusterId !== plan.clusterId)
    return [`task ${task}: its state was written on cluster ${clusterId}, this is ${plan.clusterId}`]
  if (tasks !== plan.tasks)
    return [`task ${task}: its state was written with ${tasks} tasks, now there are ${plan.tasks}`]
  return []
}

function unreachable(name: string, target: number, least: number, { end }: LogRange): string[] {
  // What lies before is in the state already: read again, it would count twice.
  if (target < least) return [`${name}: ${target} lies before ${least}, where the state goes on`]
  return target > end ? [`${name}: ${target} is behind the end of the log, ${end}`] : []
}

function nextCheckpoint(
  last: CheckpointRecord,
  at: readonly (TopicPartition & { to: number })[],
  topicIds: Readonly<Record<string, string>>,
  transactionalId: string,
): CheckpointRecord {
  const positions: Record<string, Record<string, number>> = {}
  for (const { topic, partition, to } of at) positions[topic] = { ...positions[topic], [partition]: position(to) }
  return { ...last, batch: last.batch + 1, positions, topicIds, transactionalId }
}

function isSame(next: CheckpointRecord, last: CheckpointRecord): boolean {
  const places = (record: CheckpointRecord): string =>
    JSON.stringify([
      positionsOf(record)
        .map(({ topic, partition, position: at }) => `${partitionName({ topic, partition })}@${at}`)
        .sort(),
      Object.entries(record.topicIds).sort(([a], [b]) => (a < b ? -1 : 1)),
    ])
  return places(next) === places(last)
}
