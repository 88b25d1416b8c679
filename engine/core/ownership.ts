/**
 * The one ownership value: who we are in the group and which tasks are ours. Immutable, replaced only when a SyncGroup
 * answer arrives (traps P22, P23: a JoinGroup answer knows the new generation before anybody knows who lost what).
 */
import type { GroupMembership } from '../ports.ts'

export interface Ownership {
  readonly membership: GroupMembership
  readonly tasks: ReadonlySet<number>
  /** Transactional ids of all members of this generation: whose transactions belong to the living. */
  readonly transactionalIds: ReadonlySet<string>
}

export interface OwnershipChange {
  readonly ownership: Ownership
  /** Keep running through the rebalance. */
  readonly kept: readonly number[]
  /** Not ours any more; leave the lane in the same turn of the event loop. */
  readonly lost: readonly number[]
  /** To be taken over from step (a), though they may have been ours before. */
  readonly gained: readonly number[]
}

/**
 * A task is kept only if nobody else can have had it in between: same member id, the generation right behind the last
 * one whose SyncGroup answer we received, and the task in both. Anything else that is assigned to us is gained anew.
 */
export function changeOwnership(before: Ownership | null, next: Ownership): OwnershipChange {
  const continues =
    before !== null &&
    before.membership.memberId === next.membership.memberId &&
    next.membership.generation === before.membership.generation + 1
  const kept: number[] = []
  const gained: number[] = []
  for (const task of next.tasks) (continues && before.tasks.has(task) ? kept : gained).push(task)
  const lost = [...(before?.tasks ?? [])].filter((task) => !kept.includes(task))
  return { ownership: next, kept, lost, gained }
}
