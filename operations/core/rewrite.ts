/**
 * Whether a changelog can be written anew from the state in Redis, and what has to be set beside it. Owns the rules of
 * `tributary changelog rewrite`; pure.
 *
 * The checkpoint in Redis names what the state is as of: batch, positions and counters. That makes it a whole snapshot as
 * long as the group has committed these positions and no others.
 */
import { type Plan, partitionName, partitionsOf } from '../../engine/core/plan.ts'
import type { Checkpoint } from '../../stores/ports.ts'
import type { OffsetChange } from './offsets.ts'

export interface TaskSnapshot {
  readonly task: number
  /** As Redis has it; null: no state. */
  readonly checkpoint: Checkpoint | null
  /** Only a part of a write has reached Redis: its values are of no one moment. */
  readonly isPartial: boolean
  /** By partition name. */
  readonly committed: ReadonlyMap<string, number>
}

/** Without any, the task has never done anything: its changelog is empty, and Redis only names the topic. */
export const hasBatches = ({ batch }: Checkpoint): boolean => batch > 0

export interface RewritePlan {
  /** Tasks whose changelog partition is written, with the checkpoint that they have in Redis. */
  readonly tasks: readonly { readonly task: number; readonly checkpoint: Checkpoint }[]
  /** Committed offsets to set. */
  readonly changes: readonly OffsetChange[]
  readonly problems: readonly string[]
}

/** `redo`: records that are committed and whose changes Redis does not have may be processed once more. */
export function planRewrite(plan: Plan, snapshots: readonly TaskSnapshot[], redo: boolean): RewritePlan {
  const tasks: { task: number; checkpoint: Checkpoint }[] = []
  const changes: OffsetChange[] = []
  const problems: string[] = []
  for (const snapshot of snapshots) {
    const { task, checkpoint, isPartial, committed } = snapshot
    if ((checkpoint === null || !hasBatches(checkpoint)) && committed.size > 0) {
      problems.push(`task ${task}: Redis has no state of it, and group ${plan.groupId} has committed offsets`)
      continue
    }
    if (checkpoint === null) continue
    const foreign = foreignTo(plan, checkpoint)
    if (foreign !== null) {
      problems.push(`task ${task}: ${foreign}`)
      continue
    }
    if (isPartial) problems.push(`task ${task}: only a part of its last write has reached Redis`)
    const behind: string[] = []
    for (const change of changesOf(plan, snapshot, checkpoint)) {
      if (change.from !== null && change.from > change.to)
        behind.push(
          `${partitionName(change)} is committed up to ${change.from}, its state in Redis is as of ${change.to}`,
        )
      changes.push(change)
    }
    if (!redo)
      problems.push(...behind.map((what) => `task ${task}: ${what} (--redo processes what lies between again)`))
    tasks.push({ task, checkpoint })
  }
  if (tasks.length === 0 && problems.length === 0) problems.push(`Redis has no state of ${plan.application}`)
  return { tasks, changes, problems }
}

function foreignTo(plan: Plan, { clusterId, groupId, positions }: Checkpoint): string | null {
  if (clusterId !== plan.clusterId)
    return `its state in Redis was written on cluster ${clusterId}, this is ${plan.clusterId}`
  if (groupId !== undefined && groupId !== plan.groupId)
    return `its state in Redis was written by group ${groupId}, this is ${plan.groupId}`
  const known = new Set([...plan.sources, plan.repartition].map(({ topic }) => topic))
  const gone = Object.keys(positions).find((topic) => !known.has(topic))
  return gone === undefined ? null : `its state in Redis is as of ${gone}, which is no source or does not exist`
}

function changesOf(plan: Plan, { task, committed }: TaskSnapshot, { positions }: Checkpoint): OffsetChange[] {
  return partitionsOf(plan, task).flatMap((at) => {
    const to = positions[at.topic]?.[at.partition]
    const from = committed.get(partitionName(at)) ?? null
    return to === undefined || to === from ? [] : [{ task, ...at, from, to }]
  })
}
