/** What a process says, counted; and what it must not say. */
import type { EngineEvent } from '../../engine/events.ts'
import { taskKeys } from '../../stores/core/keys.ts'
import { APPLICATION } from './cluster.ts'
import { Violation } from './judge/violation.ts'
import { DUPLICATE, type SimProcess } from './process.ts'
import type { SimWorld } from './world.ts'

const NO_MEMBER = { memberId: '', generation: -1, instanceId: null }

export function hear(world: SimWorld, index: number, event: EngineEvent, process: SimProcess): void {
  const coverage = world.coverage
  coverage.states.add(`${event.kind} ${world.situation()}`)
  if (world.keepLog)
    world.note(
      process.name,
      JSON.stringify(event, (key, value) =>
        key === 'tally' ? undefined : typeof value === 'bigint' ? String(value) : value,
      ),
    )
  switch (event.kind) {
    case 'batch.committed':
      coverage.batches++
      coverage.forwarded += event.tally.forwarded
      coverage.owners.add(process.name)
      break
    case 'batch.applied':
      coverage.applied++
      break
    case 'group.assigned':
      coverage.rebalanced(world.clock.nowMs())
      break
    case 'restore.started':
      if (event.rebuild) coverage.rebuilds++
      coverage.takeovers++
      break
    case 'task.recovering':
      coverage.recoveries++
      // One that hears late of its task's new owner meets it in the store first.
      if (isMember(world, process)) coverage.recoveriesOfOwners++
      break
    case 'transaction.fenced':
      coverage.fenced++
      break
    case 'task.stopped':
      // One that has lost its tasks and does not know it yet may see anything.
      if (!isMember(world, process)) {
        world.coverage.note('zombie stopped')
        break
      }
      // Again behind a rebuild: it says so and waits for an operator, who starts it again.
      if (event.code === 'redis.wrongtype' && isSpoilt(world, event.task)) {
        world.clock.soon(() => world.kill(index, 500, process.clock))
        break
      }
      throw new Violation('stop', `task ${event.task} of ${process.name} stopped: ${event.code}, ${event.message}`)
    case 'warning':
      if (event.code === 'transaction.mended') coverage.note('hanging transaction ended')
      break
    case 'instance.stopped':
      if (event.code !== 'instance.duplicate')
        throw new Violation('stop', `${process.name} stopped: ${event.code}, ${event.message}`)
      // Its supervisor starts it again; the second of two with one id has been a mistake.
      world.clock.soon(() => world.kill(index, index < DUPLICATE ? 500 : null, process.clock))
      break
    default:
      break
  }
}

const isSpoilt = ({ spoilt, redis }: SimWorld, task: number): boolean =>
  spoilt.size > 0 || redis.spoiltAgain.has(taskKeys(APPLICATION, task).task)

/** Of the current generation. */
const isMember = (world: SimWorld, process: SimProcess): boolean =>
  world.kafka.group(world.plan.groupId).check(process.instance.membership ?? NO_MEMBER) === 0
