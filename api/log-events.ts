/** Engine events as log lines: one per event worth a line, levels by what an operator must know. */
import type { Logger } from 'pino'
import { remedyOf } from '../engine/core/stop-codes.ts'
import type { EngineEvent } from '../engine/events.ts'

export function logEvents(log: Logger): (event: EngineEvent) => void {
  return (event) => {
    const { kind, ...fields } = event
    switch (event.kind) {
      case 'task.state':
        return log.info(fields, `task ${event.state}`)
      case 'task.stopped':
        return log.error({ ...fields, remedy: remedyOf(event.code) }, 'task stopped')
      case 'instance.stopped':
        return log.fatal({ ...fields, remedy: remedyOf(event.code) }, 'instance stopped')
      case 'task.recovering':
        return log.warn(fields, 'task recovering')
      case 'restore.started':
      case 'restore.done':
      case 'group.assigned':
        return log.info(fields, kind)
      case 'batch.isolated':
      case 'lane.fenced':
      case 'group.evicted':
      case 'transaction.fenced':
        return log.warn(fields, kind)
      case 'warning':
        return event.code === 'topic.created' ? log.info(event.message) : log.warn(fields, event.message)
      case 'transaction':
        return event.result === 'committed' ? log.trace(fields, kind) : log.warn(fields, kind)
      case 'batch.committed':
      case 'batch.applied':
        return log.trace({ task: event.task, batch: event.batch }, kind)
      case 'restore.progress':
        return log.debug(fields, kind)
    }
  }
}
