/**
 * Runs a topology without a broker and without Redis: the real engine between models of both, on a clock of its own.
 * Records go in, the same bytes come out that a cluster would get, and a test may end the process at any point.
 *
 *   const driver = await TopologyTestDriver.start(noteTopology)
 *   await driver.send({ topic: 'COMMAND_TOPIC_NOTE', key, headers, value: { type: 'CREATE', … } })
 *   await driver.drain()
 *   driver.read('EVENT_TOPIC_NOTE_STATUS')[0]?.json
 *   await driver.close()
 *
 * Needs no test runner. Several processes at once, faults and time are testing/world.ts, which this drives.
 */
import { encodeHeaders } from '../engine/core/headers.ts'
import { partitionFor } from '../engine/core/murmur2.ts'
import { type Position, position } from '../engine/core/numbers.ts'
import type { Plan } from '../engine/core/plan.ts'
import { PLAIN_STAMP, RecordBatchBuilder } from '../engine/wire/record-batch-builder.ts'
import { storeLayoutOf } from '../stores/store-layout.ts'
import type { Topology } from '../topology/define.ts'
import type { Visible } from './kafka/partition-log.ts'
import { DeadLetterRecord, OutputRecord } from './output-record.ts'
import type { Process } from './process.ts'
import { TestState } from './test-state.ts'
import { World, type WorldOptions } from './world.ts'

export { DeadLetterRecord, OutputRecord } from './output-record.ts'
export type { StateEntry, TestState } from './test-state.ts'
export { TopologyStopped } from './world.ts'

export type TestDriverOptions = WorldOptions

type HeaderValue = string | Buffer | null

export interface TestRecord {
  /** Declared name, or the real one. */
  readonly topic: string
  /** By default that of the key, as Kafka's own producers choose it; 0 without a key. */
  readonly partition?: number
  readonly key?: Buffer | string | null
  /** Text and bytes as they are; anything else as JSON. */
  readonly value?: unknown
  readonly headers?: Readonly<Record<string, HeaderValue>> | readonly (readonly [name: string, value: HeaderValue])[]
  /** ms since 1970; by default now, in the driver's own time. */
  readonly timestampMs?: number
}

export interface Sent {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export class TopologyTestDriver {
  readonly world: World
  readonly state: TestState
  #process: Process
  readonly #positions = new Map<string, Position>()

  private constructor(world: World, process: Process) {
    this.world = world
    this.#process = process
    const layout = storeLayoutOf(world.plan.topology, world.plan.application)
    this.state = new TestState(world.redis.reader(layout), world.plan.tasks)
  }

  /** Resolves when every task runs. Throws StartError, TopologyStopped. */
  static async start(topology: Topology, options: TestDriverOptions = {}): Promise<TopologyTestDriver> {
    const world = await World.create(topology, options)
    const driver = new TopologyTestDriver(world, world.start(PROCESS))
    await world.untilRunning()
    return driver
  }

  get plan(): Plan {
    return this.world.plan
  }

  /** Writes the records, each as a producer without transactions would. They are processed by drain(). */
  async send(...records: readonly TestRecord[]): Promise<readonly Sent[]> {
    return records.map((record) => this.#append(record))
  }

  /** Runs until everything sent is processed, committed and in the store. Throws TopologyStopped. */
  async drain(): Promise<void> {
    await this.world.untilAtRest()
  }

  /** Committed records of a topic since the last read, in the order in which they were written. */
  read(topic: string): readonly OutputRecord[] {
    const name = this.world.topicName(topic)
    return this.#unread(name).map(({ partition, view }) => new OutputRecord(topic, partition, view))
  }

  /** Dead letters since the last call. */
  deadLetters(): readonly DeadLetterRecord[] {
    const { topic } = this.plan.deadLetters
    return this.#unread(topic).map(({ partition, view }) => new DeadLetterRecord(topic, partition, view))
  }

  counters(task: number): Promise<Readonly<Record<string, number>>> {
    return this.state.counters(task)
  }

  /** Lets time pass for the engine. Records carry their own timestamps. */
  async advance(durationMs: number): Promise<void> {
    await this.world.advance(durationMs)
  }

  /**
   * Ends the process without notice, wherever it is, and starts it again: what was in memory is gone. With `storeLost`
   * the store is empty, too, and the state comes back from the changelog alone.
   */
  async restart({ storeLost = false } = {}): Promise<void> {
    this.crash({ storeLost })
    await this.world.untilRunning()
  }

  /** As restart(), and does not wait: for use in the middle of things, as in a fault hook. */
  crash({ storeLost = false } = {}): void {
    this.world.kill(this.#process)
    if (storeLost) this.world.redis.flush()
    this.#process = this.world.start(PROCESS)
  }

  /** Commits what is computed and ends. */
  async close(): Promise<void> {
    await this.world.end(this.#process)
  }

  #append(record: TestRecord): Sent {
    const topic = this.world.topicName(record.topic)
    const { cluster } = this.world.kafka
    const partitions = cluster.topics.get(topic)?.info.partitions
    if (partitions === undefined) throw new Error(`there is no topic ${topic}`)
    const key = bytesOf(record.key ?? null)
    const partition = record.partition ?? (key === null ? 0 : partitionFor(key, partitions))
    const builder = new RecordBatchBuilder()
    const headers = Array.isArray(record.headers) ? record.headers : Object.entries(record.headers ?? {})
    const encoded = encodeHeaders(headers.map(([name, value]) => [name, bytesOf(value)] as const))
    builder.add(record.timestampMs ?? this.world.clock.nowMs(), key, valueBytes(record.value), encoded)
    const batch = builder.finish(PLAIN_STAMP)
    const { code, baseOffset } = cluster.append({ topic, partition }, batch)
    if (code !== 0) throw new Error(`${topic}-${partition} refuses the record (code ${code})`)
    return { topic, partition, offset: baseOffset }
  }

  #unread(topic: string): readonly (Visible & { readonly partition: number })[] {
    const logs = this.world.kafka.cluster.topics.get(topic)?.logs
    if (!logs) throw new Error(`there is no topic ${topic}`)
    const unread = logs.flatMap((log, partition) => {
      const name = `${topic}-${partition}`
      const records = log.committed(this.#positions.get(name) ?? position(0))
      this.#positions.set(name, log.lastStableOffset)
      return records.map((record) => ({ ...record, partition }))
    })
    return unread.sort((a, b) => a.arrival - b.arrival || a.view.offset - b.view.offset)
  }
}

const PROCESS = 'driver'

function bytesOf(value: HeaderValue): Buffer | null {
  return typeof value === 'string' ? Buffer.from(value) : value
}

function valueBytes(value: unknown): Buffer | string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value
  return JSON.stringify(value)
}
