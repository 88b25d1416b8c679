/**
 * Runs one history from its start to rest and judges it. Owns the processes and what is done to them; what they run is
 * the real engine.
 */
import { position } from '../../engine/core/numbers.ts'
import { type Plan, partitionsOf } from '../../engine/core/plan.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { TASK_FIELDS, taskKeys } from '../../stores/core/keys.ts'
import { storeLayoutOf } from '../../stores/store-layout.ts'
import { ProcessClock, SimClock } from './clock.ts'
import { APPLICATION, createCluster } from './cluster.ts'
import { Coverage } from './coverage.ts'
import { keyAtHome } from './generate.ts'
import type { History, HistoryEvent } from './history.ts'
import { isFault } from './history.ts'
import { judgeRest } from './judge/final.ts'
import { Mirror } from './judge/mirror.ts'
import { judgeStore, storedCheckpoint } from './judge/store.ts'
import { Violation } from './judge/violation.ts'
import { Ledger } from './ledger.ts'
import { Cleaner } from './model/cleaner.ts'
import type { SimKafka } from './model/kafka.ts'
import { Network } from './model/network.ts'
import { SimRedis } from './model/redis.ts'
import { SimProcess } from './process.ts'
import { Producer } from './producer.ts'
import { Random } from './random.ts'

const START_MS = 1_767_225_600_000
/** Behind the last event everything is whole again; then all must come to rest within this. */
const REST_MS = 60_000
/** More than any honest history takes: a loop that does not wait. */
const STEPS_MAX = 400_000
/** At rest, per process and second: heartbeats, fetches, their answers. */
const IDLE_STEPS_MAX = 200
const IDLE_MS = 1_000
const CHECK_MS = 25
const DRAIN_MS = 2_000
const NO_MEMBER = { memberId: '', generation: -1, instanceId: null }

export interface Verdict {
  readonly violation: Violation | null
  readonly steps: number
  readonly virtualMs: number
  readonly coverage: Coverage
  readonly log: readonly string[]
}

export class Simulation {
  readonly #history: History
  readonly #clock = new SimClock(START_MS)
  readonly #random: Random
  readonly #kafka: SimKafka
  readonly #plan: Plan
  readonly #redis: SimRedis
  readonly #network: Network
  readonly #producer: Producer
  readonly #ledger = new Ledger()
  readonly #cleaner: Cleaner
  readonly #mirrors: Mirror[]
  readonly #coverage = new Coverage()
  readonly #processes = new Map<number, SimProcess>()
  readonly #log: string[] = []
  readonly #keepLog: boolean
  #violation: Violation | null = null
  #starting = 0

  constructor(history: History, keepLog = false) {
    this.#history = history
    this.#keepLog = keepLog
    this.#random = new Random(history.seed ^ 0x5bd1e995)
    const { kafka, plan } = createCluster(history, this.#clock, this.#random)
    this.#kafka = kafka
    this.#plan = plan
    this.#network = new Network(this.#random, history.latencyMs)
    this.#redis = new SimRedis({
      clock: this.#clock,
      random: this.#random,
      latencyMs: history.redisLatencyMs,
      note: (fault) => this.#met(fault),
      written: (task) => this.#guarded(() => this.#storeWritten(task)),
    })
    this.#producer = new Producer(kafka, this.#clock, this.#random, this.#ledger)
    this.#cleaner = new Cleaner(history.deleteRetentionMs)
    const logs = kafka.cluster.topics.get(plan.changelog.topic)!.logs
    this.#mirrors = logs.map((log, task) => new Mirror(task, log, kafka))
    this.#watchOffsets()
  }

  run(): Verdict {
    const { events, processes } = this.#history
    processes.forEach(({ atStart }, i) => {
      if (atStart) this.#start(i)
    })
    for (const event of events) this.#clock.after(event.atMs, () => this.#guarded(() => this.#happen(event)))
    const endMs = START_MS + (events.at(-1)?.atMs ?? 0) + 1
    try {
      this.#until(() => this.#clock.nowMs() >= endMs, endMs + 1_000)
      if (!this.#violation) this.#rest()
    } catch (error) {
      this.#violation ??=
        error instanceof Violation
          ? error
          : new Violation('crash', error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    for (const process of this.#processes.values()) process.clock.kill()
    for (const [name, count] of this.#network.met) for (let i = 0; i < count; i++) this.#coverage.note(name)
    return {
      violation: this.#violation,
      steps: this.#clock.steps,
      virtualMs: this.#clock.nowMs() - START_MS,
      coverage: this.#coverage,
      log: this.#log,
    }
  }

  #rest(): void {
    this.#network.heal()
    this.#redis.heal()
    for (const process of this.#processes.values()) process.clock.resume()
    if ([...this.#processes.values()].every((p) => p.leaving) && this.#starting === 0) this.#startLater(0, DRAIN_MS * 2)
    // A task that has nothing to do does not look at the store: every task gets one more record.
    for (let task = 0; task < this.#plan.tasks; task++)
      this.#producer.write({
        kind: 'input',
        atMs: 0,
        source: 0,
        partition: task,
        mode: 'plain',
        records: [{ op: 'put', key: keyAtHome(task, this.#plan.tasks), field: 0, value: 1 }],
      })
    let unrest = '?'
    const look = (): void => {
      this.#guarded(() => {
        unrest = this.#unrest()
      })
      if (unrest !== '') this.#clock.after(CHECK_MS, look)
    }
    look()
    const healedMs = this.#clock.nowMs()
    if (!this.#until(() => unrest === '', healedMs + REST_MS))
      throw new Violation(
        'I9',
        `no rest ${this.#clock.nowMs() - healedMs} ms after everything was whole again, ${unrest}: ${this.#states()}`,
      )
    if (this.#violation) return
    const before = this.#clock.steps
    const untilMs = this.#clock.nowMs() + IDLE_MS
    this.#until(() => false, untilMs)
    const idle = this.#clock.steps - before
    if (idle > IDLE_STEPS_MAX * (this.#processes.size + 1))
      throw new Violation('I9', `${idle} steps in ${IDLE_MS} ms at rest`)
    if (this.#violation) return
    for (const mirror of this.#mirrors) mirror.update()
    judgeRest({
      plan: this.#plan,
      kafka: this.#kafka,
      keyspace: this.#redis.keyspace,
      mirrors: this.#mirrors,
      expected: this.#ledger.expected(this.#plan.tasks),
    })
  }

  /** False: the time has come, or nothing is planned. */
  #until(condition: () => boolean, untilMs: number): boolean {
    const done = this.#clock.run(() => this.#violation !== null || condition(), untilMs, STEPS_MAX)
    if (this.#clock.steps > STEPS_MAX)
      throw new Violation('I9', `${this.#clock.steps} steps: it does not wait; ${this.#states()}`)
    return done
  }

  /** What is thrown in a timer of the simulation itself ends the history. */
  #guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#violation ??=
        error instanceof Violation
          ? error
          : new Violation('crash', error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }

  /** What it still waits for; '' at rest. */
  #unrest(): string {
    if (this.#starting > 0) return `${this.#starting} processes are to start`
    for (const { name, leaving } of this.#processes.values()) if (leaving) return `${name} is leaving`
    if (this.#producer.open > 0) return `${this.#producer.open} transactions of the simulation's producer are open`
    const owners = new Map<number, SimProcess>()
    for (const process of this.#processes.values())
      for (const [task, { state }] of process.instance.tasks) if (state !== 'lost') owners.set(task, process)
    for (let task = 0; task < this.#plan.tasks; task++) {
      const { state, progress } = owners.get(task)?.instance.tasks.get(task) ?? {}
      if (state !== 'running' || !progress) return `task ${task} does not run`
      if (progress.batch !== storedCheckpoint(this.#redis.keyspace, APPLICATION, task)?.batch)
        return `task ${task} is not applied`
      for (const where of partitionsOf(this.#plan, task)) {
        const log = this.#kafka.cluster.log(where)!
        const at = progress.position(where.topic, where.partition) ?? position(0)
        if (log.committed(at).length > 0)
          return `task ${task} has not read ${where.topic}-${where.partition} from ${at} to ${log.end}`
      }
    }
    for (const [topic, { logs }] of this.#kafka.cluster.topics)
      if (logs.some((log) => log.lastStableOffset !== log.end)) return `${topic} has open transactions`
    return ''
  }

  // ------------------------------------------------------------------ processes

  #start(index: number): void {
    const clock = new ProcessClock(this.#clock)
    const name = `p${index}`
    const { memoryBytesMax, deleteRetentionMs, processes } = this.#history
    const kafka = this.#kafka.connectThrough({
      client: name,
      network: this.#network,
      clock: this.#clock,
      process: clock,
      kill: (restartMs) => this.#kill(index, restartMs, clock),
    })
    const process = new SimProcess({
      name,
      clock,
      hear: (event, from) => this.#guarded(() => this.#hear(index, event, from)),
      options: {
        plan: this.#plan,
        kafka,
        stores: this.#redis.stores(storeLayoutOf(this.#plan.topology, APPLICATION), clock),
        instanceId: processes[index]!.fixed ? name : null,
        deleteRetentionMs,
        memoryBytesMax,
      },
    })
    this.#processes.set(index, process)
    this.#note(name, 'starts')
  }

  /** `of` is given when it must be that very process, not one that has started since. */
  #kill(index: number, restartMs: number | null, of?: ProcessClock): void {
    const process = this.#processes.get(index)
    if (!process || (of && process.clock !== of)) return
    this.#note(process.name, 'is killed')
    process.clock.kill()
    this.#processes.delete(index)
    if (restartMs !== null) this.#startLater(index, restartMs)
  }

  #startLater(index: number, delayMs: number): void {
    this.#starting++
    this.#clock.after(delayMs, () => {
      this.#starting--
      if (!this.#processes.has(index)) this.#guarded(() => this.#start(index))
    })
  }

  #stop(index: number, restartMs: number | null): void {
    const process = this.#processes.get(index)
    if (!process || process.leaving) return
    process.leaving = true
    process.instance.close(DRAIN_MS).then(
      () => this.#kill(index, restartMs, process.clock),
      (error: unknown) => {
        this.#violation ??= new Violation('crash', `close: ${String(error)}`)
      },
    )
  }

  #hear(index: number, event: EngineEvent, process: SimProcess): void {
    const coverage = this.#coverage
    coverage.states.add(`${event.kind} ${this.#situation()}`)
    if (this.#keepLog)
      this.#note(
        process.name,
        JSON.stringify(event, (key, value) =>
          key === 'tally' ? undefined : typeof value === 'bigint' ? String(value) : value,
        ),
      )
    switch (event.kind) {
      case 'batch.committed':
        coverage.batches++
        coverage.forwarded += event.tally.forwarded
        coverage.owners.add(process.name)
        break
      case 'batch.applied':
        coverage.applied++
        break
      case 'group.assigned':
        coverage.rebalanced(this.#clock.nowMs())
        break
      case 'restore.started':
        if (event.rebuild) coverage.rebuilds++
        coverage.takeovers++
        break
      case 'task.recovering':
        coverage.recoveries++
        break
      case 'transaction.fenced':
        coverage.fenced++
        break
      case 'task.stopped':
        // One that has lost its tasks and does not know it yet may see anything.
        if (this.#kafka.group(this.#plan.groupId).check(process.instance.membership ?? NO_MEMBER) !== 0) {
          this.#coverage.note('zombie stopped')
          break
        }
        throw new Violation('stop', `task ${event.task} of ${process.name} stopped: ${event.code}, ${event.message}`)
      case 'instance.stopped':
        if (event.code !== 'instance.duplicate')
          throw new Violation('stop', `${process.name} stopped: ${event.code}, ${event.message}`)
        // Its supervisor starts it again.
        this.#clock.soon(() => this.#kill(index, 500, process.clock))
        break
      default:
        break
    }
  }

  // ------------------------------------------------------------------ events

  #happen(event: HistoryEvent): void {
    this.#note('world', JSON.stringify(event))
    if (this.#happened(event) && isFault(event) && !['net', 'redis', 'kill-at'].includes(event.kind))
      this.#met(event.kind)
  }

  /** False: there was nothing that it could happen to. */
  #happened(event: HistoryEvent): boolean {
    const redis = this.#redis
    switch (event.kind) {
      case 'input':
        this.#producer.write(event)
        return true
      case 'net':
        this.#network.arm(event.api, event.fate, event.skip, event.count)
        return true
      case 'kill-at':
        this.#network.arm(event.api, event.carried ? 'kill-after' : 'kill-before', 0, 1, event.restartMs)
        return true
      case 'redis':
        redis.arm(event.command, event.fate, event.skip, event.count)
        return true
      case 'kill': {
        const there = this.#processes.has(event.process)
        this.#kill(event.process, event.restartMs)
        return there
      }
      case 'stop': {
        const there = this.#processes.has(event.process)
        this.#stop(event.process, event.restartMs)
        return there
      }
      case 'pause': {
        const process = this.#processes.get(event.process)
        process?.clock.pause()
        this.#clock.after(event.forMs, () => process?.clock.resume())
        return process !== undefined
      }
      case 'join':
        if (this.#processes.has(event.process)) return false
        this.#start(event.process)
        return true
      case 'expire': {
        const memberId = this.#processes.get(event.process)?.instance.membership?.memberId
        if (memberId !== undefined) this.#kafka.group(this.#plan.groupId).expire(memberId)
        return memberId !== undefined
      }
      case 'flush':
        redis.flush()
        return true
      case 'dump':
        redis.saveDump()
        return true
      case 'rollback':
        if (!redis.rollback()) return false
        if (event.cut) redis.cut()
        return true
      case 'cut':
        redis.cut()
        return true
      case 'checkpoint-deleted': {
        const { task } = taskKeys(APPLICATION, event.task)
        if (redis.keyspace.kindOf(task) !== 'hash') return false
        redis.keyspace.deleteField(task, TASK_FIELDS.checkpoint)
        return true
      }
      case 'wrong-type': {
        const { task } = taskKeys(APPLICATION, event.task)
        redis.keyspace.delete(task)
        redis.keyspace.setText(task, 'not a hash')
        return true
      }
      case 'compact':
        this.#mirrors.forEach((mirror, task) => {
          mirror.update()
          this.#cleaner.clean(
            this.#kafka.cluster.topics.get(this.#plan.changelog.topic)!.logs[task]!,
            this.#clock.nowMs(),
          )
        })
        return true
      case 'retention':
        for (let task = 0; task < this.#plan.tasks; task++)
          for (const { position: at, ...where } of this.#kafka
            .group(this.#plan.groupId)
            .offsets.fetch(partitionsOf(this.#plan, task), false).offsets)
            this.#kafka.cluster.log(where)!.deleteBefore(at)
        return true
    }
  }

  // ------------------------------------------------------------------ watching

  #storeWritten(task: number): void {
    const mirror = this.#mirrors[task]!
    mirror.update()
    judgeStore(this.#redis.keyspace, APPLICATION, task, mirror)
  }

  /** I4: what the group has committed never goes back. */
  #watchOffsets(): void {
    const { offsets } = this.#kafka.group(this.#plan.groupId)
    const commit = offsets.commit.bind(offsets)
    offsets.commit = (next) => {
      const before = new Map(offsets.fetch(next, false).offsets.map((o) => [`${o.topic}-${o.partition}`, o.position]))
      for (const { topic, partition, position: at } of next)
        if (at < (before.get(`${topic}-${partition}`) ?? 0))
          this.#violation ??= new Violation(
            'I4',
            `${topic}-${partition}: the committed offset goes back from ${before.get(`${topic}-${partition}`)} to ${at}`,
          )
      commit(next)
    }
  }

  #met(fault: string): void {
    this.#coverage.note(fault)
  }

  #note(who: string, what: string): void {
    if (this.#keepLog) this.#log.push(`${String(this.#clock.nowMs() - START_MS).padStart(6)} ${who} ${what}`)
  }

  /** Without names and numbers: what is alike counts once. */
  #situation(): string {
    const processes = [...this.#processes.values()].map(({ instance, clock, leaving }) => {
      const tasks = [...instance.tasks.values()].map((t) => t.state.slice(0, 2)).sort()
      return `${clock.isPaused ? 'z' : ''}${leaving ? 'l' : ''}${tasks.join('')}`
    })
    const transactions = this.#kafka.transactions
      .list({})
      .map((t) => t.state)
      .filter((state) => !state.startsWith('Complete'))
    return `${this.#kafka.group(this.#plan.groupId).describe('').state} ${processes.sort().join(' ')} ${transactions.sort().join(' ')}`
  }

  #states(): string {
    return [...this.#processes.values()]
      .map(
        ({ name, instance, clock }) =>
          `${name}${clock.isPaused ? ' (paused)' : ''}: ${[...instance.tasks.values()].map((t) => `${t.task} ${t.state}${t.reason ? ` (${t.reason})` : ''} at batch ${t.progress?.batch ?? '-'}`).join(', ')}`,
      )
      .join('; ')
  }
}
