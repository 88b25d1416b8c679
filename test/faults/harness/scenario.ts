/**
 * One proof: topics and an application of its own on the shared cluster, service processes, a feed, and at the end the
 * checker over everything. Owns its processes; `close` ends them whatever has happened.
 */
import { randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../../../embedded/free-port.ts'
import { spawnGuarded } from '../../../embedded/guarded-child.ts'
import { ConsoleConsumer } from '../../java/console-consumer.ts'
import { dumpTopics, type TopicDump } from '../../java/log-dump.ts'
import type { LogRecord } from '../../java/log-record.ts'
import { check } from '../checker/checker.ts'
import type { Report } from '../checker/report.ts'
import { type RedisState, readRedis } from '../checker/state.ts'
import { Feeder, type FeedOptions } from '../feed/feeder.ts'
import { Sender } from '../feed/sender.ts'
import type { Cluster } from './cluster.ts'
import { SERVICE_ROOT, ServiceProcess } from './service-process.ts'

export interface ScenarioOptions {
  readonly commandPartitions?: number
  readonly characterPartitions?: number
  readonly statusPartitions?: number
  readonly sagaPartitions?: number
  /** Settings of the two input topics. */
  readonly inputConfigs?: Readonly<Record<string, string>>
  readonly statusConfigs?: Readonly<Record<string, string>>
  /** Input topics of another scenario, which this one reads from the beginning. */
  readonly inputsOf?: Scenario
}

export interface Arrival {
  readonly record: LogRecord
  readonly atMs: number
}

/** Of the embedded broker. */
const OFFSETS_PARTITIONS = 8
/** How long outputs may take that are due, once nobody breaks anything any more. */
const SETTLE_MS = 60_000
const POLL_MS = 50

export class Scenario {
  readonly application = `proof-${randomBytes(4).toString('hex')}`
  readonly topics: {
    readonly commands: string
    readonly characters: string
    readonly status: string
    readonly saga: string
  }
  readonly processes: ServiceProcess[] = []
  /** Committed status events as they came, with the time of this process. */
  readonly arrivals: Arrival[] = []
  readonly sender: Sender
  readonly tasks: number
  readonly #cluster: Cluster
  readonly #options: Required<Omit<ScenarioOptions, 'inputsOf'>> & Pick<ScenarioOptions, 'inputsOf'>
  #status: ConsoleConsumer | null = null
  #saga: ConsoleConsumer | null = null
  #feeder: Feeder | null = null

  static async create(cluster: Cluster, options: ScenarioOptions = {}): Promise<Scenario> {
    const scenario = new Scenario(cluster, options)
    await scenario.#open()
    return scenario
  }

  private constructor(cluster: Cluster, options: ScenarioOptions) {
    this.#cluster = cluster
    this.#options = {
      commandPartitions: 4,
      characterPartitions: 3,
      statusPartitions: 4,
      sagaPartitions: 4,
      inputConfigs: {},
      statusConfigs: {},
      ...options,
    }
    const own = (name: string): string => `${this.application}-${name}`
    this.topics = {
      commands: options.inputsOf?.topics.commands ?? own('commands'),
      characters: options.inputsOf?.topics.characters ?? own('characters'),
      status: own('status'),
      saga: own('saga'),
    }
    this.tasks = Math.max(this.#options.commandPartitions, this.#options.characterPartitions)
    this.sender = new Sender(cluster.bootstrapServers)
  }

  async #open(): Promise<void> {
    const {
      commandPartitions,
      characterPartitions,
      statusPartitions,
      sagaPartitions,
      inputConfigs: configs,
      statusConfigs,
      inputsOf,
    } = this.#options
    const { commands, characters, status, saga } = this.topics
    await this.#cluster.createTopics([
      ...(inputsOf
        ? []
        : [
            { topic: commands, partitions: commandPartitions, configs },
            { topic: characters, partitions: characterPartitions, configs },
          ]),
      { topic: status, partitions: statusPartitions, configs: statusConfigs },
      { topic: saga, partitions: sagaPartitions },
    ])
    const { bootstrapServers } = this.#cluster
    this.#status = await ConsoleConsumer.start(bootstrapServers, status, `${status}-witness`, (record) => {
      this.arrivals.push({ record, atMs: performance.now() })
      this.#feeder?.heard(record)
    })
    this.#saga = await ConsoleConsumer.start(bootstrapServers, saga, `${saga}-witness`)
    await Promise.all([status, saga].map((topic) => this.#cluster.groupStable(`${topic}-witness`)))
  }

  /** The transactional ids of this application begin so. */
  get transactionalIdPrefix(): string {
    return `${this.application}-`
  }

  /** Starts one more process; it may not be ready yet. */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    const [port = 0] = await freePorts(1)
    const service = await ServiceProcess.start({ ...this.#environment, REST_PORT: String(port), ...environment })
    this.processes.push(service)
    return service
  }

  get #environment(): Readonly<Record<string, string>> {
    return {
      BOOTSTRAP_SERVERS: this.#cluster.bootstrapServers,
      REDIS_URL: this.#cluster.redis.redisUrl,
      APPLICATION_ID: this.application,
      KAFKA_CONSUMER_GROUP: this.application,
      COMMAND_TOPIC_NOTE: this.topics.commands,
      EVENT_TOPIC_CHARACTER_STATUS: this.topics.characters,
      EVENT_TOPIC_NOTE_STATUS: this.topics.status,
      COMMAND_TOPIC_SAGA: this.topics.saga,
      CREATE_TOPICS: 'false',
      LOG_LEVEL: process.env['PROOF_LOG_LEVEL'] ?? 'info',
    }
  }

  /** Starts `count` and waits until each is ready. */
  async readyAll(
    count: number,
    environment: (place: number) => Readonly<Record<string, string>> = () => ({}),
  ): Promise<ServiceProcess[]> {
    return Promise.all(Array.from({ length: count }, (_, place) => this.ready(environment(place))))
  }

  /** `tributary verify` with this application's environment: its exit code and what it says. */
  async verify(): Promise<{ code: number; output: string }> {
    const { PATH = '', HOME = '' } = process.env
    const child = await spawnGuarded({
      command: process.execPath,
      args: ['cli/main.ts', 'verify'],
      cwd: SERVICE_ROOT,
      env: { PATH, HOME, ...this.#environment },
    })
    const [out, error, { code }] = await Promise.all([text(child.stdout!), text(child.stderr!), child.exited])
    return { code, output: out + error }
  }

  /** Starts one and waits until it is ready. */
  async ready(environment: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    const service = await this.start(environment)
    await service.ready
    return service
  }

  feed(options: Omit<FeedOptions, 'commands' | 'characters' | 'tasks'>): Feeder {
    const { commandPartitions, characterPartitions } = this.#options
    this.#feeder = new Feeder(
      {
        ...options,
        commands: { topic: this.topics.commands, partitions: commandPartitions },
        characters: { topic: this.topics.characters, partitions: characterPartitions },
        tasks: this.tasks,
      },
      this.sender,
    )
    return this.#feeder
  }

  /** False when outputs that are due have not come: the check will name them. */
  async settled(deadlineMs = SETTLE_MS): Promise<boolean> {
    return eventually(() => (this.#feeder?.awaited ?? 0) === 0, deadlineMs)
  }

  async until(enough: (arrivals: readonly Arrival[]) => boolean, deadlineMs = SETTLE_MS): Promise<boolean> {
    return eventually(() => enough(this.arrivals), deadlineMs)
  }

  /** Waits for what is due, ends the processes, reads everything by clients that are not ours, and checks it. */
  async finish(exact = false, say: (line: string) => void = () => {}): Promise<Report> {
    if (!(await this.settled())) say(`not all outputs have come: ${this.#feeder?.missing.slice(0, 5).join(', ')}`)
    say('settled')
    for (const service of this.processes) if (service.running) await service.terminate()
    say('ended')
    const { commands, characters, status, saga } = this.topics
    const [changelogTopic, repartitionTopic, deadLettersTopic] = ['changelog', 'repartition', 'dead-letters'].map(
      (n) => `${this.application}-${n}`,
    ) as [string, string, string]
    const all = [commands, characters, status, saga, changelogTopic, repartitionTopic, deadLettersTopic]
    const dumps = await dumpTopics(this.#cluster.bootstrapServers, all)
    say('dumped')
    const of = (topic: string): TopicDump => dumps.get(topic)!
    const console = { status: await printed(this.#status!, of(status)), saga: await printed(this.#saga!, of(saga)) }
    const report = check({
      inputs: [
        { topic: commands, role: 'commands', records: of(commands).committed },
        { topic: characters, role: 'characters', records: of(characters).committed },
      ],
      status: console.status,
      saga: console.saga,
      statusPartitions: this.#options.statusPartitions,
      deadLetters: of(deadLettersTopic).committed,
      changelog: of(changelogTopic).committed,
      repartition: of(repartitionTopic),
      repartitionTopic,
      tasks: this.tasks,
      stride: 2 ** Math.ceil(Math.log2(this.tasks)),
      redis: await this.redisState(),
      committed: await this.#cluster.committedOffsets(this.application),
      dumps,
      exact,
    })
    for (const service of this.processes)
      for (const line of service.disasters) report.add('wrong', `the service says: ${line}`)
    return report
  }

  /** See TransactionWatch: what the broker itself has broken, so that nobody could go on. */
  markersLost(): Promise<readonly string[]> {
    const { commandPartitions, characterPartitions, statusPartitions, sagaPartitions } = this.#options
    const { commands, characters, status, saga } = this.topics
    const internal = ['changelog', 'repartition', 'dead-letters'].map(
      (n) => [`${this.application}-${n}`, this.tasks] as const,
    )
    return this.#cluster.transactions.hanging(
      new Map([
        [commands, commandPartitions],
        [characters, characterPartitions],
        [status, statusPartitions],
        [saga, sagaPartitions],
        ...internal,
        ['__consumer_offsets', OFFSETS_PARTITIONS],
      ]),
    )
  }

  redisState(): Promise<RedisState> {
    return this.#cluster.withRedis((redis) => readRedis(redis, this.application, this.tasks))
  }

  /** What the console consumers have printed so far. */
  get printed(): { readonly status: readonly LogRecord[]; readonly saga: readonly LogRecord[] } {
    return { status: this.#status?.records ?? [], saga: this.#saga?.records ?? [] }
  }

  async close(): Promise<void> {
    for (const service of this.processes) {
      service.signal('SIGCONT')
      if (service.running) await service.kill()
    }
    await Promise.all([this.#status?.stop(), this.#saga?.stop(), this.sender.close()])
  }
}

/** Once the console consumer has printed the last record of each partition. Throws when it does not. */
async function printed(consumer: ConsoleConsumer, dump: TopicDump): Promise<readonly LogRecord[]> {
  const last = new Map<number, number>()
  for (const { partition, offset } of dump.committed) last.set(partition, offset)
  const reached = (): boolean => {
    const seen = new Map<number, number>()
    for (const { partition, offset } of consumer.records)
      seen.set(partition, Math.max(offset, seen.get(partition) ?? -1))
    return [...last].every(([partition, offset]) => (seen.get(partition) ?? -1) >= offset)
  }
  if (!(await eventually(reached, 30_000))) throw new Error('the console consumer has not printed what is committed')
  return consumer.records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
}

export async function eventually(right: () => boolean, deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs
  while (!right()) {
    if (performance.now() > end) return false
    await sleep(POLL_MS)
  }
  return true
}
