/**
 * What subscriptions of this process share: one Kafka and, per application, one watch of its tasks' checkpoints. Owns
 * both: opened with the first that needs them, closed with the last. Loaded when a subscription begins, so that who only
 * declares a topology loads no client.
 */
import { hostname } from 'node:os'
import { systemClock } from '../engine/clock.ts'
import { internalTopics } from '../engine/core/plan.ts'
import { connectKafka, type KafkaConnectionOptions } from '../engine/kafka/kafka.ts'
import type { Kafka } from '../engine/ports.ts'
import { openStateReader } from '../stores/redis/stores.ts'
import { holdOf, PublishedWatch } from './published-watch.ts'
import type { Hold } from './topic-reader.ts'

interface Shared<T> {
  readonly value: T
  users: number
}

const kafkas = new Map<string, Shared<Kafka>>()
const watches = new Map<string, Shared<{ watch: PublishedWatch; close(): Promise<void> }>>()

export interface Borrowed<T> {
  readonly value: T
  release(): Promise<void>
}

/** @throws KafkaOptionsError */
export function borrowKafka(options: KafkaConnectionOptions): Borrowed<Kafka> {
  return borrow(
    kafkas,
    JSON.stringify(options),
    () => connectKafka(options),
    (kafka) => kafka.close(),
  )
}

export interface HoldOptions {
  readonly application: string
  readonly redisUrl: string
  readonly topic: string
}

/** null: there is no such application, so nothing to wait for. @throws RequestLost, KafkaRefused */
export async function borrowHold(
  kafka: Kafka,
  { application, redisUrl, topic }: HoldOptions,
  timedOut: (count: number) => void,
): Promise<Borrowed<Hold> | null> {
  const { changelog } = internalTopics(application)
  const tasks = (await kafka.admin.topics([changelog])).get(changelog)?.partitions
  if (tasks === undefined) return null
  const { value, release } = borrow(
    watches,
    `${application} ${redisUrl}`,
    () => {
      const layout = { application, stores: [], indexes: [] }
      const reader = openStateReader({ url: redisUrl, layout, instance: `subscribe-${hostname()}-${process.pid}` })
      const watch = new PublishedWatch(reader, systemClock)
      return {
        watch,
        close() {
          watch.close()
          return reader.close()
        },
      }
    },
    ({ close }) => close(),
  )
  return { value: holdOf(value.watch, topic, tasks, timedOut), release }
}

function borrow<T>(
  pool: Map<string, Shared<T>>,
  name: string,
  open: () => T,
  close: (value: T) => Promise<void>,
): Borrowed<T> {
  const shared = pool.get(name) ?? { value: open(), users: 0 }
  pool.set(name, shared)
  shared.users++
  let released = false
  return {
    value: shared.value,
    async release() {
      if (released) return
      released = true
      if (--shared.users > 0) return
      if (pool.get(name) === shared) pool.delete(name)
      await close(shared.value)
    },
  }
}
