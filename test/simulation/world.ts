/**
 * What one history takes place in: cluster, store, network, the processes and what is known of them from outside. Owns
 * their lives and the first rule that was broken; what happens when is simulation.ts.
 */

import { writtenPartitions } from '../../engine/core/hanging.ts'
import { position } from '../../engine/core/numbers.ts'
import { type Plan, partitionsOf } from '../../engine/core/plan.ts'
import { storeLayoutOf } from '../../stores/store-layout.ts'
import { OFFSETS_PARTITION } from '../../testing/kafka/transactions.ts'
import { ProcessClock, SimClock } from './clock.ts'
import { APPLICATION, createCluster } from './cluster.ts'
import { Coverage } from './coverage.ts'
import { hear } from './hearing.ts'
import type { History } from './history.ts'
import { Mirror } from './judge/mirror.ts'
import { judgeProduce, Told } from './judge/order.ts'
import { judgeStore, storedCheckpoint } from './judge/store.ts'
import { Violation } from './judge/violation.ts'
import { Ledger } from './ledger.ts'
import { Cleaner } from './model/cleaner.ts'
import type { SimKafka } from './model/kafka.ts'
import { Network } from './model/network.ts'
import { SimRedis } from './model/redis.ts'
import { DUPLICATE, SimProcess } from './process.ts'
import { Producer } from './producer.ts'
import { Random } from './random.ts'

export const START_MS = 1_767_225_600_000
export const DRAIN_MS = 2_000

export class SimWorld {
  readonly history: History
  readonly clock = new SimClock(START_MS)
  readonly kafka: SimKafka
  readonly plan: Plan
  readonly redis: SimRedis
  readonly network: Network
  readonly producer: Producer
  readonly ledger = new Ledger()
  readonly cleaner: Cleaner
  readonly mirrors: readonly Mirror[]
  readonly coverage = new Coverage()
  readonly processes = new Map<number, SimProcess>()
  readonly log: string[] = []
  readonly keepLog: boolean
  violation: Violation | null = null
  /** Keys of the store that hold another type: nothing is said of their values. */
  readonly spoilt = new Set<string>()
  readonly #random: Random
  readonly #told = new Map<ProcessClock, Told>()
  /** Processes that are to start later. */
  starting = 0

  constructor(history: History, keepLog: boolean) {
    this.history = history
    this.keepLog = keepLog
    const random = new Random(history.seed ^ 0x5bd1e995)
    const { kafka, plan } = createCluster(history, this.clock, random)
    this.#random = random
    this.kafka = kafka
    this.plan = plan
    this.network = new Network(random, history.latencyMs)
    this.redis = new SimRedis({
      clock: this.clock,
      random,
      latencyMs: history.redisLatencyMs,
      note: (fault) => this.coverage.note(fault),
      claiming: (task, process) => this.guarded(() => this.#told.get(process)?.claims(task)),
      written: (task) => this.guarded(() => this.#storeWritten(task)),
    })
    this.producer = new Producer(kafka, this.clock, random, this.ledger)
    this.cleaner = new Cleaner(history.deleteRetentionMs)
    const { logs } = kafka.cluster.topics.get(plan.changelog.topic)!
    this.mirrors = logs.map((log, task) => new Mirror(task, log, kafka))
    this.#watchOffsets()
  }

  // ------------------------------------------------------------------ processes

  start(index: number): void {
    const clock = new ProcessClock(this.clock)
    const told = new Told()
    this.#told.set(clock, told)
    const name = `p${index % DUPLICATE}`
    const { memoryBytesMax, deleteRetentionMs, processes } = this.history
    const kafka = this.kafka.connectThrough({
      client: name,
      network: this.network,
      clock: this.clock,
      process: clock,
      kill: (restartMs) => this.kill(index, restartMs, clock),
      answered: (api, answer) => {
        if (api === 'heartbeat' && answer === 0) told.heartbeatAnswered()
      },
      producing: (batch) => this.guarded(() => judgeProduce(this.kafka, batch)),
    })
    const process = new SimProcess({
      name,
      clock,
      hear: (event, from) =>
        this.guarded(() => {
          if (event.kind === 'task.state' && event.state === 'taking-over') told.takeoverBegins(event.task)
          hear(this, index, event, from)
        }),
      options: {
        plan: this.plan,
        kafka,
        stores: this.redis.stores(storeLayoutOf(this.plan.topology, APPLICATION), clock),
        instanceId: processes[index % DUPLICATE]!.fixed ? name : null,
        deleteRetentionMs,
        memoryBytesMax,
      },
    })
    this.processes.set(index, process)
    this.note(name, 'starts')
  }

  /** `of` is given when it must be that very process, not one that has started since. */
  kill(index: number, restartMs: number | null, of?: ProcessClock): void {
    const process = this.processes.get(index)
    if (!process || (of && process.clock !== of)) return
    this.note(process.name, 'is killed')
    process.clock.kill()
    this.processes.delete(index)
    if (restartMs !== null) this.startLater(index, restartMs)
  }

  /** Killed and started again; each partition that the application writes to gets its leader back when it likes. */
  restartBroker(forMs: number, lagMs: number): void {
    const { cluster } = this.kafka
    this.kafka.restarts++
    this.network.isDown = true
    for (const { topic, partition } of [...writtenPartitions(this.plan), OFFSETS_PARTITION]) {
      const name = `${topic}-${partition}`
      cluster.leaderless.add(name)
      const behindMs = this.#random.chance(0.3) ? 0 : this.#random.below(lagMs + 1)
      this.clock.after(forMs + behindMs, () => {
        cluster.leaderless.delete(name)
        cluster.changed()
      })
    }
    this.clock.after(forMs, () => {
      this.network.isDown = false
      this.kafka.restarts++
    })
  }

  startLater(index: number, delayMs: number): void {
    this.starting++
    this.clock.after(delayMs, () => {
      this.starting--
      if (!this.processes.has(index)) this.guarded(() => this.start(index))
    })
  }

  stop(index: number, restartMs: number | null): void {
    const process = this.processes.get(index)
    if (!process || process.leaving) return
    process.leaving = true
    process.instance.close(DRAIN_MS).then(
      () => this.kill(index, restartMs, process.clock),
      (error: unknown) => {
        this.violation ??= new Violation('crash', `close: ${String(error)}`)
      },
    )
  }

  // ------------------------------------------------------------------ watching

  /** What is thrown in a timer of the simulation itself ends the history. */
  guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.violation ??=
        error instanceof Violation
          ? error
          : new Violation('crash', error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }

  /** What it still waits for; '' at rest. */
  unrest(): string {
    if (this.starting > 0) return `${this.starting} processes are to start`
    for (const { name, leaving } of this.processes.values()) if (leaving) return `${name} is leaving`
    if (this.producer.open > 0) return `${this.producer.open} transactions of the simulation's producer are open`
    const owners = new Map<number, SimProcess>()
    for (const process of this.processes.values())
      for (const [task, { state }] of process.instance.tasks) if (state !== 'lost') owners.set(task, process)
    for (let task = 0; task < this.plan.tasks; task++) {
      const { state, progress } = owners.get(task)?.instance.tasks.get(task) ?? {}
      if (state !== 'running' || !progress) return `task ${task} does not run`
      if (progress.batch !== storedCheckpoint(this.redis.keyspace, APPLICATION, task)?.batch)
        return `task ${task} is not applied`
      for (const where of partitionsOf(this.plan, task)) {
        const log = this.kafka.cluster.log(where)!
        const at = progress.position(where.topic, where.partition) ?? position(0)
        if (log.committed(at).length > 0)
          return `task ${task} has not read ${where.topic}-${where.partition} from ${at} to ${log.end}`
      }
    }
    for (const [topic, { logs }] of this.kafka.cluster.topics)
      if (logs.some((log) => log.lastStableOffset !== log.end)) return `${topic} has open transactions`
    if (this.kafka.pendingOffsets.length > 0) return 'offsets of the group are pending'
    return ''
  }

  #storeWritten(task: number): void {
    const mirror = this.mirrors[task]!
    mirror.update()
    judgeStore(this.redis.keyspace, APPLICATION, task, mirror, this.spoilt)
  }

  /** I4: what the group has committed never goes back. */
  #watchOffsets(): void {
    const { offsets } = this.kafka.group(this.plan.groupId)
    const commit = offsets.commit.bind(offsets)
    offsets.commit = (next) => {
      const before = new Map(offsets.fetch(next, false).offsets.map((o) => [`${o.topic}-${o.partition}`, o.position]))
      for (const { topic, partition, position: at } of next)
        if (at < (before.get(`${topic}-${partition}`) ?? 0))
          this.violation ??= new Violation(
            'I4',
            `${topic}-${partition}: the committed offset goes back from ${before.get(`${topic}-${partition}`)} to ${at}`,
          )
      commit(next)
    }
  }

  note(who: string, what: string): void {
    if (this.keepLog) this.log.push(`${String(this.clock.nowMs() - START_MS).padStart(6)} ${who} ${what}`)
  }

  /** Without names and numbers: what is alike counts once. */
  situation(): string {
    const processes = [...this.processes.values()].map(({ instance, clock, leaving }) => {
      const tasks = [...instance.tasks.values()].map((t) => t.state.slice(0, 2)).sort()
      return `${clock.isPaused ? 'z' : ''}${leaving ? 'l' : ''}${tasks.join('')}`
    })
    const transactions = this.kafka.transactions
      .list({})
      .map((t) => t.state)
      .filter((state) => !state.startsWith('Complete'))
    return `${this.kafka.group(this.plan.groupId).describe('').state} ${processes.sort().join(' ')} ${transactions.sort().join(' ')}`
  }

  states(): string {
    return [...this.processes.values()]
      .map(
        ({ name, instance, clock }) =>
          `${name}${clock.isPaused ? ' (paused)' : ''}: ${[...instance.tasks.values()].map((t) => `${t.task} ${t.state}${t.reason ? ` (${t.reason})` : ''} at batch ${t.progress?.batch ?? '-'}`).join(', ')}`,
      )
      .join('; ')
  }
}
