/** What the operators' interface works with, once the topics are there. Owns its connections, and closes them. */
import type { Clock } from '../engine/clock.ts'
import type { Context } from '../operations/context.ts'
import type { Finding } from '../operations/core/doctor.ts'
import { type DoctorContext, examine } from '../operations/doctor.ts'
import { describe } from '../topology/describe.ts'
import type { TopologyView } from './contract.ts'
import { draw } from './drawing.ts'
import { Live } from './live.ts'

export interface ConsoleBackend {
  readonly context: Context
  readonly live: Live
  readonly topology: TopologyView
  /** Secrets masked. */
  readonly config: Readonly<Record<string, unknown>>
  /** Of this process. */
  readonly instance: string
  readonly version: string
  examine(): Promise<readonly Finding[]>
  /** Something that all instances should be able to show: an operator's action. */
  notice(level: 'info' | 'warn', code: string, text: string): void
  /** The record of an action. */
  audit(fields: Readonly<Record<string, unknown>>, what: string): void
  close(): Promise<void>
}

export interface ConsoleOptions
  extends Pick<ConsoleBackend, 'context' | 'config' | 'instance' | 'version' | 'notice' | 'audit'> {
  readonly clock: Clock
  readonly doctor: DoctorContext
  readonly close: () => Promise<void>
}

export function createConsole(options: ConsoleOptions): ConsoleBackend {
  const { context, clock, doctor, instance } = options
  const { plan } = context
  const live = new Live({ context, clock, name: instance })
  live.start()
  const topics = Object.fromEntries([
    ...plan.sources.map(({ source, topic }) => [source.topic, topic]),
    ...[...plan.sinks].map(([sink, { topic }]) => [sink.topic, topic]),
  ])
  const description = describe(plan.topology).json
  return {
    ...options,
    live,
    topology: {
      application: plan.application,
      group: plan.groupId,
      tasks: plan.tasks,
      description,
      topics,
      drawing: draw(description, topics, plan.deadLetters.topic),
    },
    examine: () => Array.fromAsync(examine(doctor)),
    async close() {
      await live.close()
      await options.close()
    },
  }
}
