/**
 * A cluster, a store and the processes of one application on one virtual clock: what the test driver drives, and what a
 * simulation may drive with several processes and faults. Owns the event loop: nothing happens but in `until` and its
 * relatives. The edges are models (kafka/, stores/memory.ts); everything between them is the real engine.
 */

import { internalTopics, type Plan, partitionsOf } from '../engine/core/plan.ts'
import type { EngineEvent } from '../engine/events.ts'
import { prepare } from '../engine/preparation.ts'
import type { Compression } from '../engine/wire/layout.ts'
import { type MemoryFault, MemoryRedis } from '../stores/memory.ts'
import { storeLayoutOf } from '../stores/store-layout.ts'
import type { Topology } from '../topology/define.ts'
import { type KafkaFault, MemoryKafka } from './kafka/memory-kafka.ts'
import { Process } from './process.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface WorldOptions {
  readonly application?: string
  readonly groupId?: string
  /** Real name by declared name; a topic that is not in it has its declared name. */
  readonly topicNames?: Readonly<Record<string, string>>
  /** Partitions of the topology's topics: of all, or by declared name. Default 4. */
  readonly topicPartitions?: number | Readonly<Record<string, number>>
  /** Number of tasks; by default the largest partition count of a source, as at a first start. */
  readonly tasks?: number
  /** Configuration of topics by declared name, as `max.message.bytes`. Any other topic that is named exists, with one partition. */
  readonly topicConfigs?: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly requireSpanContext?: boolean
  readonly stride?: number
  /** What all tasks of a process keep in memory of the store, in bytes. */
  readonly memoryBytesMax?: number
  /** Of the outputs: one that needs no thread (none, lz4, snappy). */
  readonly compression?: Compression
  /** Where the clock begins, ms since 1970. */
  readonly startMs?: number
  /** Of the jitter; a run is the same for the same seed. */
  readonly seed?: number
  /** Between two passes of the background audit; without it there is none. */
  readonly auditIntervalMs?: number
  /** Whether batches are traced (InstanceOptions.tracing). */
  readonly tracing?: () => boolean
  readonly kafkaFault?: KafkaFault
  readonly storeFault?: MemoryFault
  readonly onEvent?: (event: EngineEvent, process: string) => void
}

/** 2026-01-01T00:00:00Z */
const START_MS = 1_767_225_600_000
const TOPIC_PARTITIONS = 4
/** Of the clock's own time; far beyond every timeout of the engine. */
const PATIENCE_MS = 120_000

/** The topology cannot go on: `code` is one of engine/core/stop-codes.ts. */
export class TopologyStopped extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(`${code}: ${message}`)
    this.name = 'TopologyStopped'
    this.code = code
  }
}

export class World {
  readonly clock: VirtualClock
  readonly kafka: MemoryKafka
  readonly redis: MemoryRedis
  readonly plan: Plan
  readonly processes: Process[] = []
  readonly #options: WorldOptions
  readonly #deleteRetentionMs: number

  private constructor(
    clock: VirtualClock,
    kafka: MemoryKafka,
    plan: Plan,
    deleteRetentionMs: number,
    options: WorldOptions,
  ) {
    this.clock = clock
    this.kafka = kafka
    this.plan = plan
    this.#deleteRetentionMs = deleteRetentionMs
    this.#options = options
    this.redis = new MemoryRedis(options.storeFault ? { fault: options.storeFault } : {})
  }

  /** Makes the topics and binds the topology to them, as a first start does. Starts no process. */
  static async create(topology: Topology, options: WorldOptions = {}): Promise<World> {
    const clock = new VirtualClock(options.startMs ?? START_MS, options.seed ?? 1)
    const kafka = new MemoryKafka(clock, options.kafkaFault ? { fault: options.kafkaFault } : {})
    const application = options.application ?? 'test'
    createTopics(kafka, topology, application, options)
    const preparing = prepare(kafka.connect('preparation'), clock, () => {}, {
      topology,
      application,
      groupId: options.groupId ?? 'test',
      topicNames: options.topicNames ?? {},
      topicPartitions: TOPIC_PARTITIONS,
      createTopics: false,
      requireSpanContext: options.requireSpanContext ?? false,
      stride: options.stride ?? null,
      patienceMs: PATIENCE_MS,
    })
    const { plan, deleteRetentionMs } = await finished(clock, preparing)
    return new World(clock, kafka, plan, deleteRetentionMs, options)
  }

  /** Starts one more process; `name` is its GROUP_INSTANCE_ID, and may be that of one that was killed. */
  start(name: string): Process {
    const { memoryBytesMax, compression, auditIntervalMs, tracing, onEvent } = this.#options
    const process = new Process({
      name,
      clock: this.clock.scope(),
      kafka: this.kafka.connect(name),
      stores: this.redis.stores(storeLayoutOf(this.plan.topology, this.plan.application)),
      onEvent: (event) => onEvent?.(event, name),
      options: {
        plan: this.plan,
        deleteRetentionMs: this.#deleteRetentionMs,
        compression: compression ?? 'none',
        ...(memoryBytesMax === undefined ? {} : { memoryBytesMax }),
        ...(auditIntervalMs === undefined ? {} : { auditIntervalMs }),
        ...(tracing === undefined ? {} : { tracing }),
      },
    })
    this.processes.push(process)
    process.instance.start()
    return process
  }

  /** The end of a process, without any notice. */
  kill(process: Process): void {
    process.kill()
    this.processes.splice(this.processes.indexOf(process), 1)
  }

  /** Drains a process and ends it. */
  async end(process: Process): Promise<void> {
    await this.finish(process.instance.close(PATIENCE_MS))
    this.kill(process)
  }

  /** Every task runs somewhere. */
  get running(): boolean {
    return this.#everyTask((process, task) => process.instance.tasks.get(task)?.state === 'running')
  }

  /** Every committed record of every source is processed, its outputs are committed, its changes are in the store. */
  get atRest(): boolean {
    return this.#everyTask((process, task) => {
      const { state, progress } = process.instance.tasks.get(task)!
      if (state !== 'running' || !progress || !process.applied(task)) return false
      return partitionsOf(this.plan, task).every((partition) => {
        const from = progress.position(partition.topic, partition.partition)
        return from !== undefined && this.kafka.cluster.log(partition)?.committed(from).length === 0
      })
    })
  }

  /** Throws TopologyStopped. */
  async untilRunning(): Promise<void> {
    await this.until('run every task', () => this.#assertGoing() && this.running)
  }

  /** Throws TopologyStopped. */
  async untilAtRest(): Promise<void> {
    await this.until('come to rest', () => this.#assertGoing() && this.atRest)
  }

  /** Runs until the condition holds. Throws when it does not within the patience, in the clock's own time. */
  async until(what: string, condition: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
    if (await run(this.clock, condition, patienceMs)) return
    const states = this.processes.map(
      (p) =>
        `${p.name}: ${p
          .taskStates()
          .map(([n, s, why]) => `${n} ${s}${why ? ` (${why})` : ''}`)
          .join(', ')}`,
    )
    throw new Error(`within ${patienceMs} ms of its own time it did not ${what}; ${states.join('; ')}`)
  }

  /** Lets time pass. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.clock.nowMs() + durationMs
    let passed = false
    this.clock.after(durationMs, () => {
      passed = true
    })
    await this.until(`reach ${endMs}`, () => passed, durationMs + 1)
  }

  /** Runs until the promise is settled. */
  finish<T>(work: Promise<T>): Promise<T> {
    return finished(this.clock, work)
  }

  /** The real name of a topic that may be given by its declared one. */
  topicName(declared: string): string {
    return this.#options.topicNames?.[declared] ?? declared
  }

  #everyTask(holds: (process: Process, task: number) => boolean): boolean {
    for (let task = 0; task < this.plan.tasks; task++)
      if (!this.processes.some((process) => process.instance.tasks.has(task) && holds(process, task))) return false
    return true
  }

  #assertGoing(): true {
    for (const { stop } of this.processes) if (stop) throw new TopologyStopped(stop.code, stop.message)
    return true
  }
}

async function run(clock: VirtualClock, condition: () => boolean, patienceMs: number): Promise<boolean> {
  const deadlineMs = clock.nowMs() + patienceMs
  for (;;) {
    await clock.settle()
    if (condition()) return true
    const nextMs = clock.nextMs
    if (nextMs === undefined || nextMs > deadlineMs) return false
    clock.step()
  }
}

async function finished<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let settled = false
  const note = (): void => {
    settled = true
  }
  work.then(note, note)
  if (!(await run(clock, () => settled, PATIENCE_MS)))
    throw new Error(`not done within ${PATIENCE_MS} ms of the clock's own time`)
  return work
}

function createTopics({ cluster }: MemoryKafka, topology: Topology, application: string, options: WorldOptions): void {
  const { topicNames = {}, topicPartitions = TOPIC_PARTITIONS, topicConfigs = {}, tasks } = options
  for (const { topic } of [...topology.sources, ...topology.sinks]) {
    const partitions =
      typeof topicPartitions === 'number' ? topicPartitions : (topicPartitions[topic] ?? TOPIC_PARTITIONS)
    cluster.create({
      topic: topicNames[topic] ?? topic,
      partitions,
      replicationFactor: 1,
      configs: topicConfigs[topic] ?? {},
    })
  }
  for (const [topic, configs] of Object.entries(topicConfigs))
    if (!cluster.topics.has(topicNames[topic] ?? topic))
      cluster.create({ topic, partitions: 1, replicationFactor: 1, configs })
  if (tasks === undefined) return
  // A changelog that is there decides, as at every start but the first.
  const { changelog } = internalTopics(application)
  cluster.create({
    topic: changelog,
    partitions: tasks,
    replicationFactor: 1,
    configs: { 'cleanup.policy': 'compact' },
  })
}
