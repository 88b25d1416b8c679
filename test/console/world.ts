/** An application of as many tasks as wanted, as operations see it: what Kafka and Redis would answer, without either. */

import { codes } from '../../engine/core/kafka-errors.ts'
import { position } from '../../engine/core/numbers.ts'
import type { Plan } from '../../engine/core/plan.ts'
import type { Kafka, TopicPartition } from '../../engine/ports.ts'
import type { Context } from '../../operations/context.ts'
import type { Pause, StateReader, StoreAdmin } from '../../stores/ports.ts'
import { noteTopology } from '../../topology/notes/topology.ts'

export const COMMANDS = 'note-commands'

export function planOf(tasks: number): Plan {
  const topic = (name: string) => ({
    topic: name,
    topicId: `id-${name}`,
    partitions: tasks,
    messageBytesMax: 1_000_000,
  })
  return {
    topology: noteTopology,
    application: 'app',
    groupId: 'group',
    clusterId: 'cluster',
    tasks,
    stride: tasks,
    requireSpanContext: false,
    sources: noteTopology.sources.map((source, at) => ({
      source,
      topic: at === 0 ? COMMANDS : source.topic,
      topicId: `id-${at}`,
      partitions: tasks,
    })),
    sinks: new Map(noteTopology.sinks.map((sink) => [sink, topic(sink.topic)])),
    changelog: topic('app-changelog'),
    repartition: topic('app-repartition'),
    deadLetters: topic('app-dead-letters'),
  }
}

export class ConsoleWorld {
  readonly plan: Plan
  readonly board = new Map<string, string>()
  readonly pauses = new Map<number, Pause>()
  /** Of every partition alike. */
  committed = 0
  end = 0
  /** How often Kafka was asked for the group. */
  looks = 0
  /** Every answer of Kafka waits for it. */
  hold: Promise<void> = Promise.resolve()
  failing: Error | null = null

  constructor(tasks: number) {
    this.plan = planOf(tasks)
  }

  get context(): Context {
    const { plan } = this
    const answer = async <T>(make: () => T): Promise<T> => {
      await this.hold
      if (this.failing) throw this.failing
      return make()
    }
    const kafka = {
      admin: {
        listOffsets: (partitions: readonly TopicPartition[], at: string) =>
          answer(() =>
            partitions.map((one) => ({ ...one, code: 0, position: position(at === 'latest' ? this.end : 0) })),
          ),
      },
      groupClient: () => ({
        offsets: (partitions: readonly TopicPartition[]) =>
          answer(() => ({
            code: 0,
            offsets: partitions.map((one) => ({ ...one, position: position(this.committed), metadata: '' })),
          })),
        close: async () => {},
      }),
      // An operator's mistake: this user may not.
      transactionClient: ({ transactionalId }: { transactionalId: string }) => ({
        transactionalId,
        initProducerId: async () => ({ code: codes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, identity: null }),
        close: async () => {},
      }),
      groupAdmin: () => ({
        describe: () => {
          this.looks++
          return answer(() => ({ code: 0, state: 'Stable', members: [] }))
        },
        close: async () => {},
      }),
    }
    const reader = {
      task: async (task: number) => ({ instance: `owner-${task % 2}`, transactionalId: null, checkpoint: null }),
    }
    const admin = {
      pauses: async (tasks: readonly number[]) => tasks.map((task) => this.pauses.get(task) ?? null),
      pause: async (task: number, pause: Pause) => {
        if (this.failing) throw this.failing
        if (this.pauses.has(task)) return false
        this.pauses.set(task, pause)
        return true
      },
      resume: async (task: number) => this.pauses.delete(task),
      told: async () => {
        if (this.failing) throw this.failing
        return [...this.board].map(([name, json]) => ({ name, json }))
      },
    }
    return {
      plan,
      kafka: kafka as unknown as Kafka,
      reader: reader as unknown as StateReader,
      admin: admin as unknown as StoreAdmin,
    }
  }
}
