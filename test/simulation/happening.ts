/** Carries out one event of a history: what is written, and what goes wrong. */
import { partitionsOf } from '../../engine/core/plan.ts'
import { stateKeyPrefix, TASK_FIELDS, taskKeys } from '../../stores/core/keys.ts'
import type { Pause } from '../../stores/ports.ts'
import { APPLICATION } from './cluster.ts'
import type { HistoryEvent } from './history.ts'
import { storedCheckpoint } from './judge/store.ts'
import { DUPLICATE } from './process.ts'
import { chains } from './topology.ts'
import type { SimWorld } from './world.ts'

/** False: there was nothing that it could happen to. */
export function happened(world: SimWorld, event: HistoryEvent): boolean {
  const redis = world.redis
  switch (event.kind) {
    case 'input':
      world.producer.write(event)
      return true
    case 'net':
      world.network.arm(event.api, event.fate, event.skip, event.count)
      return true
    case 'kill-at':
      world.network.arm(event.api, event.carried ? 'kill-after' : 'kill-before', 0, 1, event.restartMs)
      return true
    case 'redis':
      redis.arm(event.command, event.fate, event.skip, event.count)
      return true
    case 'kill': {
      const there = world.processes.has(event.process)
      world.kill(event.process, event.restartMs)
      return there
    }
    case 'stop': {
      const there = world.processes.has(event.process)
      world.stop(event.process, event.restartMs)
      return there
    }
    case 'pause': {
      const process = world.processes.get(event.process)
      process?.clock.pause()
      world.clock.after(event.forMs, () => process?.clock.resume())
      return process !== undefined
    }
    case 'join':
      if (world.processes.has(event.process)) return false
      world.start(event.process)
      return true
    case 'duplicate': {
      const second = event.process + DUPLICATE
      if (!world.history.processes[event.process]!.fixed || world.processes.has(second)) return false
      world.start(second)
      return true
    }
    case 'outage': {
      const { of, forMs } = event
      const down = of === 'kafka' ? world.network : redis
      down.isDown = true
      if (of === 'redis') redis.cut()
      world.clock.after(forMs, () => {
        down.isDown = false
      })
      return true
    }
    case 'broker-restart':
      world.restartBroker(event.forMs, event.lagMs)
      world.kafka.isAbortMarkerDenied = event.denied
      return true
    case 'expire': {
      const memberId = world.processes.get(event.process)?.instance.membership?.memberId
      if (memberId !== undefined) world.kafka.group(world.plan.groupId).expire(memberId)
      return memberId !== undefined
    }
    case 'flush':
      redis.flush()
      return true
    case 'dump':
      redis.saveDump()
      return true
    case 'rollback':
      if (!redis.rollback()) return false
      redis.cut()
      return true
    case 'cut':
      redis.cut()
      return true
    case 'checkpoint-deleted': {
      const { task } = taskKeys(APPLICATION, event.task)
      if (redis.keyspace.kindOf(task) !== 'hash') return false
      redis.keyspace.deleteField(task, TASK_FIELDS.checkpoint)
      return true
    }
    case 'wrong-type': {
      const { task } = taskKeys(APPLICATION, event.task)
      redis.keyspace.delete(task)
      redis.keyspace.setText(task, 'not a hash')
      return true
    }
    case 'wrong-type-key':
      return spoil(world, event.task)
    case 'mend': {
      const process = world.processes.get(event.process)
      process?.instance.mend('audit.difference', 'seen twice')
      return process !== undefined
    }
    case 'hold': {
      const process = world.processes.get(event.process)
      if (!process) return false
      const order = (pause: Pause | null): void => {
        for (const task of process.instance.tasks.values()) task.ordered(pause)
      }
      order({ since: new Date(world.clock.nowMs()).toISOString(), by: 'simulation' })
      world.clock.after(event.forMs, () => order(null))
      return true
    }
    case 'chores': {
      const process = world.processes.get(event.process)
      for (const task of process?.instance.tasks.values() ?? []) {
        task.probe()
        task.recommit(world.clock.nowMs())
      }
      return process !== undefined
    }
    case 'clock': {
      const process = world.processes.get(event.process)
      process?.clock.shift(event.byMs)
      return process !== undefined
    }
    case 'compact':
      world.mirrors.forEach((mirror, task) => {
        mirror.update()
        world.cleaner.clean(
          world.kafka.cluster.topics.get(world.plan.changelog.topic)!.logs[task]!,
          world.clock.nowMs(),
        )
      })
      return true
    case 'retention':
      for (let task = 0; task < world.plan.tasks; task++)
        for (const { position: at, ...where } of world.kafka
          .group(world.plan.groupId)
          .offsets.fetch(partitionsOf(world.plan, task), false).offsets)
          world.kafka.cluster.log(where)!.deleteBefore(at)
      return true
  }
}

/** A key of the value store becomes a hash, as by a mistake at the keyboard; false when the task has none. */
function spoil({ redis: { keyspace }, spoilt }: SimWorld, task: number): boolean {
  const version = storedCheckpoint(keyspace, APPLICATION, task)?.stateVersion
  const prefix = stateKeyPrefix(taskKeys(APPLICATION, task), version ?? '', chains.name)
  const [key] = version === undefined ? [] : keyspace.keys(prefix)
  if (key === undefined) return false
  keyspace.delete(key)
  keyspace.setField(key, 'oops', '1')
  spoilt.add(key)
  return true
}
