/** The event streams of the note service, once its topics are known: the hub, and what holds its events back. */
import type { Logger } from 'pino'
import type { Clock } from '../../engine/clock.ts'
import type { Plan } from '../../engine/core/plan.ts'
import type { Kafka } from '../../engine/ports.ts'
import type { StateReader } from '../../stores/ports.ts'
import { holdOf, PublishedWatch } from '../../subscribe/published-watch.ts'
import { noteStatus } from '../../topology/notes/events.ts'
import { EventHub } from './hub.ts'

export interface EventsOptions {
  readonly kafka: Kafka
  readonly plan: Pick<Plan, 'sinks' | 'tasks'>
  /** Not closed here. */
  readonly reader: Pick<StateReader, 'task'>
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn'>
}

export function createEvents({ kafka, plan, reader, clock, log }: EventsOptions): EventHub {
  const status = plan.sinks.get(noteStatus)
  if (status === undefined) throw new Error(`the topology does not write ${noteStatus.topic}`)
  const { topic, partitions } = status
  const watch = new PublishedWatch(reader, clock)
  return new EventHub({ kafka, clock, topic, partitions, log, hold: holdOf(watch, topic, plan.tasks, () => {}) })
}
