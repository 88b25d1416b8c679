/**
 * Where a fault happens: one application with its processes by place, the servers, and the words in which faults are
 * written. A place keeps its instance id. Owns which process stands where; every wait has a deadline and says what for.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { below, type Random } from '../feed/random.ts'
import type { Application, Feeding } from '../harness/application.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { KafkaProxy } from '../harness/kafka-proxy.ts'
import type { RedisProxy } from '../harness/redis-proxy.ts'
import { Scenario } from '../harness/scenario.ts'
import { type ServiceProcess, tasksOf, withDeadline } from '../harness/service-process.ts'

/** Beyond the session of the group (6 s), and so beyond a transaction's 5 s. */
export const BEYOND_SESSION_MS = 7_500
const MOMENT_MS = 60_000
const HEAL_MS = 120_000
const POLL_MS = 20
/** A healing that takes longer says what it has waited for. */
const SLOW_MS = 10_000

export interface StageOptions {
  readonly cluster: Cluster
  readonly app: Application
  readonly random: Random
  readonly seed: number
  readonly perSecond: number
  readonly folder: string
  readonly say: (line: string) => void
}

export class Stage {
  readonly cluster: Cluster
  readonly app: Application
  readonly random: Random
  readonly seed: number
  /** A folder for what a fault needs, removed behind the scene. */
  readonly folder: string
  readonly say: (line: string) => void
  /** By place. */
  readonly services: ServiceProcess[] = []
  /** More environment for every process that is started from now on. */
  extra: Readonly<Record<string, string>> = {}
  readonly #perSecond: number
  #feeds = 0

  constructor({ cluster, app, random, seed, perSecond, folder, say }: StageOptions) {
    this.cluster = cluster
    this.app = app
    this.random = random
    this.seed = seed
    this.folder = folder
    this.say = say
    this.#perSecond = perSecond
  }

  get proxy(): KafkaProxy {
    if (!this.cluster.proxy) throw new Error('this scene has no proxies')
    return this.cluster.proxy
  }

  get redisProxy(): RedisProxy {
    if (!this.cluster.redisProxy) throw new Error('this scene has no proxies')
    return this.cluster.redisProxy
  }

  /** For faults that belong to the notes alone. */
  get notes(): Scenario {
    if (!(this.app instanceof Scenario)) throw new Error('this fault belongs to the notes')
    return this.app
  }

  get application(): string {
    return this.app.application
  }

  below(bound: number): number {
    return below(this.random, bound)
  }

  // ------------------------------------------------------------------ processes

  environment(place: number): Readonly<Record<string, string>> {
    return { GROUP_INSTANCE_ID: `place-${place}`, ...this.extra }
  }

  transactionalId(place: number): string {
    return `${this.application}-place-${place}`
  }

  at(place: number): ServiceProcess {
    return this.services[place]!
  }

  anyPlace(): number {
    return this.below(this.services.length)
  }

  /** Starts what stands there from now on; it may not be ready yet. */
  async start(place: number, more: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    const service = await this.app.start({ ...this.environment(place), ...more })
    this.services[place] = service
    return service
  }

  async startAll(count = this.services.length): Promise<void> {
    for (let place = 0; place < count; place++) await this.start(place)
    await Promise.all(this.services.map((s) => s.ready))
  }

  /** SIGTERM to all, and none runs when it resolves. */
  async stopAll(): Promise<void> {
    await Promise.all(this.services.filter((s) => s.running).map((s) => s.terminate()))
  }

  /** SIGKILL, and a new process in its place. */
  async killAndStart(place: number): Promise<void> {
    await this.at(place).kill()
    await this.start(place)
  }

  /** One that runs on the side, in no place. */
  another(name: string): Promise<ServiceProcess> {
    return this.app.start({ ...this.extra, GROUP_INSTANCE_ID: name })
  }

  /**
   * Starts a process at place 0 and waits until it has stopped with this code, every task of it; ends it. How many stops
   * it was: tasks, or the start itself.
   */
  async stopsWith(code: string, more: Readonly<Record<string, string>> = {}): Promise<number> {
    const service = await this.start(0, more)
    service.expected.add(code)
    const stops = (): number => service.stopCodes.filter((c) => c === code).length
    const enough = (): boolean => stops() >= this.app.tasks || (stops() > 0 && !service.running)
    await this.until(enough, () => `it stops with ${code}; ${service.tail(6)}`)
    if (service.running) await service.terminate()
    return stops()
  }

  // ------------------------------------------------------------------ the feed

  startFeeding(options: Partial<Feeding> = {}): void {
    const seed = (this.seed + 7_919 * this.#feeds++) >>> 0
    this.app.startFeeding({ seed, mode: 'spread', perSecond: this.#perSecond, ...options })
  }

  /** With no input meanwhile, and everything that was put in before done. */
  async quiet<T>(work: () => Promise<T>): Promise<T> {
    await this.app.stopFeeding()
    if (!(await this.app.settled())) throw new Error('not everything that was fed has come out')
    try {
      return await work()
    } finally {
      this.startFeeding()
    }
  }

  // ------------------------------------------------------------------ waiting

  async until(
    right: () => boolean | Promise<boolean>,
    what: string | (() => string),
    deadlineMs = MOMENT_MS,
  ): Promise<void> {
    const end = performance.now() + deadlineMs
    while (!(await right())) {
      if (performance.now() > end)
        throw new Error(`not within ${deadlineMs} ms: ${typeof what === 'string' ? what : what()}`)
      await sleep(POLL_MS)
    }
  }

  /** So many more outputs. */
  async flow(outputs = 60): Promise<void> {
    const before = this.app.arrivals.length
    await this.until(() => this.app.arrivals.length >= before + outputs, `${outputs} more outputs`)
  }

  seen(moment: Promise<void>, what: string): Promise<void> {
    return withDeadline(moment, MOMENT_MS, () => `${what} never passed`)
  }

  /** An open transaction of ours, with records in it; resolves in that very moment. Whether there was one. */
  openTransaction(): Promise<boolean> {
    return this.cluster.transactions.untilOpen(this.app.transactionalIdPrefix, true, 10_000)
  }

  /**
   * Every process that runs is ready, every task has one owner, and of each task an output has come of an input that was
   * sent from now on. How long that took, ms.
   */
  async healed(): Promise<number> {
    const beganMs = performance.now()
    const sentMs = Date.now()
    const from = this.app.arrivals.length
    const { app } = this
    let heardMs = 0
    const whole = async (): Promise<boolean> => {
      if (app.heardSince(sentMs, from).size < app.tasks) return false
      heardMs ||= performance.now() - beganMs
      const running = app.processes.filter((p) => p.running)
      return (await Promise.all(running.map((p) => p.isReady()))).every(Boolean)
    }
    const state = (): string =>
      `heard of tasks ${[...app.heardSince(sentMs, from)]} since; ${app.processes
        .filter((p) => p.running)
        .map((p) => `process ${p.pid} has ${tasksOf(p)}:\n${p.tail(6)}`)
        .join('\n')}`
    await this.until(whole, () => `outputs of every task, and every process ready; ${state()}`, HEAL_MS)
    const healedMs = Math.round(performance.now() - beganMs)
    if (healedMs > SLOW_MS) {
      const newest = app.arrivals.at(-1)
      const lateMs = newest ? Date.now() - newest.record.timestampMs : 0
      this.say(
        `slow: heard of all after ${Math.round(heardMs)} ms; the newest output is ${Math.round(lateMs)} ms old; ${app.arrivals.length - from} came meanwhile`,
      )
    }
    return healedMs
  }

  // ------------------------------------------------------------------ counting

  /** Log lines of all processes that there ever were. */
  count(msg: string, where: (fields: Readonly<Record<string, unknown>>) => boolean = () => true): number {
    return this.app.processes.reduce(
      (sum, p) => sum + p.log.filter(({ fields }) => fields['msg'] === msg && where(fields)).length,
      0,
    )
  }

  /** What of it was logged during the work; waits for the first when `atLeast` is 1. */
  async counted(msg: string, work: () => Promise<unknown>, atLeast = 1): Promise<number> {
    const before = this.count(msg)
    await work()
    await this.until(() => this.count(msg) >= before + atLeast, `"${msg}" in a log`)
    return this.count(msg) - before
  }

  async redis(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.cluster.withRedis((client) => client.call(command, ...args.map(String)))
  }

  taskKey(task: number): string {
    return `{${this.application}:${task}}:task`
  }
}
