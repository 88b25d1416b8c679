/** Engine events as log lines: one per event worth a line, levels by what an operator must know. */
import type { Logger } from 'pino'
import { remedyOf } from '../engine/core/stop-codes.ts'
import type { EngineEvent } from '../engine/events.ts'

/** A restore that takes long says how far it is, per task, this often. */
const PROGRESS_EVERY_MS = 2_000

export function logEvents(log: Logger, nowMs: () => number = Date.now): (event: EngineEvent) => void {
  const progressAt = new Map<number, number>()
  return (event) => {
    const { kind, ...fields } = event
    switch (event.kind) {
      case 'task.state':
        return log.info(fields, `task ${event.state}`)
      case 'task.stopped':
        return log.error({ ...fields, remedy: remedyOf(event.code) }, 'task stopped')
      case 'instance.stopped':
        return log.fatal({ ...fields, remedy: remedyOf(event.code) }, 'instance stopped')
      case 'task.paused':
        return log.warn(fields, event.pause ? 'task paused by an operator: it takes no records' : 'task resumed')
      case 'task.recovering':
        return log.warn(fields, 'task recovering')
      case 'restore.started':
        progressAt.set(event.task, nowMs())
        return log.info(fields, kind)
      case 'restore.done':
      case 'group.assigned':
        return log.info(fields, kind)
      case 'task.mending':
        return log.warn(fields, 'rebuilding the state of a task')
      case 'audit.pass':
        return log.debug(fields, kind)
      case 'batch.isolated':
      case 'lane.fenced':
      case 'group.evicted':
      case 'transaction.fenced':
        return log.warn(fields, kind)
      // Told by the warning beside it.
      case 'audit.differences':
        return
      case 'topics.troubled':
        return event.reasons.length === 0 ? log.info('the topics that are written to are back') : undefined
      // What is in its way the warning beside it tells.
      case 'lane.waiting':
        return event.reason === null ? log.info('nothing is in the way of commits any more') : undefined
      case 'warning':
        return event.code === 'topic.created' ? log.info(event.message) : log.warn(fields, event.message)
      case 'transaction':
        return event.result === 'committed' ? log.trace(fields, kind) : log.warn(fields, kind)
      case 'batch.committed':
      case 'batch.applied':
        return log.trace({ task: event.task, batch: event.batch }, kind)
      case 'restore.progress': {
        if (nowMs() - (progressAt.get(event.task) ?? 0) < PROGRESS_EVERY_MS) return
        progressAt.set(event.task, nowMs())
        const percent = event.total === 0 ? 100 : Math.floor((100 * event.done) / event.total)
        return log.info({ task: event.task, done: event.done, total: event.total, percent }, `restoring ${percent} %`)
      }
    }
  }
}
