/**
 * Where a script is played: on the real broker, or on the model of testing/kafka behind a virtual clock. Both have the same
 * ports; only how time passes, and what a stock tool does from outside, is different. Owns what it opened.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import type { Clock } from '../../engine/clock.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { Kafka } from '../../engine/ports.ts'
import { MemoryKafka, type MemoryKafkaOptions } from '../../testing/kafka/memory-kafka.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'

export interface Stage {
  readonly name: 'broker' | 'model'
  readonly kafka: Kafka
  /** Lets work go on until it is done; on the model nothing happens but here. */
  run<T>(work: Promise<T>): Promise<T>
  pause(ms: number): Promise<void>
  /** What has been sent has arrived, and what can be answered at once is answered. No timeout passes. */
  quiet(): Promise<void>
  deleteTopic(topic: string): Promise<void>
  close(): Promise<void>
}

export function brokerStage(bootstrapServers: string): Stage {
  const kafka = connectKafka({ bootstrapServers, clientId: 'conformance' })
  return {
    name: 'broker',
    kafka,
    run: (work) => work,
    pause: (ms) => sleep(ms),
    quiet: () => sleep(30),
    async deleteTopic(topic) {
      const admin = new Admin({ clientId: 'conformance', bootstrapBrokers: bootstrapServers.split(',') })
      await admin.deleteTopics({ topics: [topic] })
      await admin.close()
    },
    close: () => kafka.close(),
  }
}

const START_MS = 1_767_225_600_000

export interface ModelStage extends Stage {
  readonly clock: Clock
  readonly model: MemoryKafka
}

export function modelStage(options: Omit<MemoryKafkaOptions, 'fault'> = {}): ModelStage {
  const clock = new VirtualClock(START_MS)
  const model = new MemoryKafka(clock, options)
  const quiet = async (): Promise<void> => {
    await clock.settle()
    while (clock.nextMs !== undefined && clock.nextMs <= clock.nowMs()) {
      clock.step()
      await clock.settle()
    }
  }
  const run = async <T>(work: Promise<T>): Promise<T> => {
    let done = false
    const settled = work.finally(() => {
      done = true
    })
    settled.catch(() => {})
    for (;;) {
      await quiet()
      if (done) return settled
      if (!clock.step()) throw new Error('nothing is planned, and what was asked for is not answered')
    }
  }
  return {
    name: 'model',
    clock,
    model,
    kafka: model.connect('conformance'),
    run,
    quiet,
    pause: (ms) => run(new Promise((resolve) => void clock.after(ms, resolve))),
    async deleteTopic(topic) {
      model.cluster.delete(topic)
    },
    close: async () => {},
  }
}
