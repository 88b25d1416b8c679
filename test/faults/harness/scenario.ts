/**
 * The note service under proof: commands and character events in, status events and sagas out, and the checker that knows
 * what each must cause.
 */
import { text } from 'node:stream/consumers'
import { spawnGuarded } from '../../../embedded/guarded-child.ts'
import { ConsoleConsumer } from '../../java/console-consumer.ts'
import { dumpTopics, type TopicDump } from '../../java/log-dump.ts'
import type { LogRecord } from '../../java/log-record.ts'
import { check } from '../checker/checker.ts'
import type { Report } from '../checker/report.ts'
import { type RedisState, readRedis } from '../checker/state.ts'
import { Feeder, type FeedOptions } from '../feed/feeder.ts'
import { Application, type Feeding, printed } from './application.ts'
import type { Cluster } from './cluster.ts'
import { SERVICE_ROOT } from './service-process.ts'

export { type Arrival, eventually } from './application.ts'

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

export class Scenario extends Application {
  readonly name = 'notes'
  readonly topics: {
    readonly commands: string
    readonly characters: string
    readonly status: string
    readonly saga: string
  }
  readonly tasks: number
  protected readonly entry = 'main.ts'
  #options: Required<Omit<ScenarioOptions, 'inputsOf'>> & Pick<ScenarioOptions, 'inputsOf'>
  #status: ConsoleConsumer | null = null
  #saga: ConsoleConsumer | null = null
  #feeder: Feeder | null = null
  #feeding: { stop: () => void; done: Promise<void> } | null = null

  static async create(cluster: Cluster, options: ScenarioOptions = {}): Promise<Scenario> {
    const scenario = new Scenario(cluster, options)
    await scenario.#open()
    return scenario
  }

  private constructor(cluster: Cluster, options: ScenarioOptions) {
    super(cluster)
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
    await this.cluster.createTopics([
      ...(inputsOf
        ? []
        : [
            { topic: commands, partitions: commandPartitions, configs },
            { topic: characters, partitions: characterPartitions, configs },
          ]),
      { topic: status, partitions: statusPartitions, configs: statusConfigs },
      { topic: saga, partitions: sagaPartitions },
    ])
    const { bootstrapServers } = this.cluster
    this.#status = await ConsoleConsumer.start(bootstrapServers, status, `${status}-witness`, (record) => {
      this.arrivals.push({ record, atMs: performance.now() })
      this.#feeder?.heard(record)
    })
    this.#saga = await ConsoleConsumer.start(bootstrapServers, saga, `${saga}-witness`)
    await Promise.all([status, saga].map((topic) => this.cluster.groupStable(`${topic}-witness`)))
  }

  get input(): string {
    return this.topics.commands
  }

  get output(): string {
    return this.topics.status
  }

  protected get awaited(): number {
    return this.#feeder?.awaited ?? 0
  }

  get partitions(): ReadonlyMap<string, number> {
    const { commandPartitions, characterPartitions, statusPartitions, sagaPartitions } = this.#options
    const { commands, characters, status, saga } = this.topics
    return new Map([
      [commands, commandPartitions],
      [characters, characterPartitions],
      [status, statusPartitions],
      [saga, sagaPartitions],
      ...Object.values(this.internal).map((topic) => [topic, this.tasks] as const),
    ])
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      BOOTSTRAP_SERVERS: this.cluster.bootstrapServers,
      REDIS_URL: this.cluster.redisUrl,
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

  /** The command topic has more partitions from now on; the number of tasks stays. */
  widened(commandPartitions: number): void {
    this.#options = { ...this.#options, commandPartitions }
  }

  /** `tributary verify` with this application's environment: its exit code and what it says. */
  verify(): Promise<{ code: number; output: string }> {
    return this.tributary('verify')
  }

  /** `tributary …`, as an operator runs it. */
  async tributary(...args: readonly string[]): Promise<{ code: number; output: string }> {
    const { PATH = '', HOME = '' } = process.env
    const child = await spawnGuarded({
      command: process.execPath,
      args: ['cli/main.ts', ...args],
      cwd: SERVICE_ROOT,
      env: { PATH, HOME, ...this.environment },
    })
    const [out, error, { code }] = await Promise.all([text(child.stdout!), text(child.stderr!), child.exited])
    return { code, output: out + error }
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

  startFeeding(options: Feeding): void {
    let enough = false
    const uniqueKeys = this.#options.inputConfigs['cleanup.policy'] === 'compact'
    const feeder = this.feed({ ...options, uniqueKeys })
    this.#feeding = { stop: () => void (enough = true), done: feeder.run(() => enough) }
  }

  async stopFeeding(): Promise<void> {
    this.#feeding?.stop()
    await this.#feeding?.done
    this.#feeding = null
  }

  /** Waits for what is due, ends the processes, reads everything by clients that are not ours, and checks it. */
  async finish(exact = false, say: (line: string) => void = () => {}): Promise<Report> {
    if (!(await this.settled())) say(`not all outputs have come: ${this.#feeder?.missing.slice(0, 5).join(', ')}`)
    say('settled')
    for (const service of this.processes) if (service.running) await service.terminate()
    say('ended')
    const { commands, characters, status, saga } = this.topics
    const { changelog: changelogTopic, repartition: repartitionTopic, deadLetters: deadLettersTopic } = this.internal
    const all = [commands, characters, status, saga, changelogTopic, repartitionTopic, deadLettersTopic]
    const dumps = await dumpTopics(this.cluster.bootstrapServers, all)
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
      committed: await this.cluster.committedOffsets(this.application),
      dumps,
      exact,
      compacted: this.compacted,
      statusTopic: status,
      sagaTopic: saga,
    })
    for (const service of this.processes)
      for (const line of service.disasters) report.add('wrong', `the service says: ${line}`)
    return report
  }

  redisState(): Promise<RedisState> {
    return this.cluster.withRedis((redis) => readRedis(redis, this.application, this.tasks))
  }

  /** What the console consumers have printed so far. */
  get printed(): { readonly status: readonly LogRecord[]; readonly saga: readonly LogRecord[] } {
    return { status: this.#status?.records ?? [], saga: this.#saga?.records ?? [] }
  }

  override async close(): Promise<void> {
    await this.stopFeeding().catch(() => {})
    await super.close()
    await Promise.all([this.#status?.stop(), this.#saga?.stop()])
  }
}
