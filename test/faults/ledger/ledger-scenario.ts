/** The ledger under proof: transfers in, outcomes out, and the checker that folds the input by itself. */
import { ConsoleConsumer } from '../../java/console-consumer.ts'
import { dumpTopics, type TopicDump } from '../../java/log-dump.ts'
import { Report } from '../checker/report.ts'
import { Application, type Feeding, printed } from '../harness/application.ts'
import type { Cluster } from '../harness/cluster.ts'
import { checkLedger, type LedgerRedis, readLedgerRedis } from './checker.ts'
import { LedgerFeed } from './feed.ts'

const PARTITIONS = 4

export class LedgerScenario extends Application {
  readonly name = 'ledger'
  readonly tasks = PARTITIONS
  readonly input: string
  readonly output: string
  protected readonly entry = 'test/faults/ledger/service.ts'
  #outcomes: ConsoleConsumer | null = null
  #feed: LedgerFeed | null = null
  #feeding: { stop: () => void; done: Promise<void> } | null = null

  static async create(cluster: Cluster): Promise<LedgerScenario> {
    const scenario = new LedgerScenario(cluster)
    await scenario.#open()
    return scenario
  }

  private constructor(cluster: Cluster) {
    super(cluster)
    this.input = `${this.application}-transfers`
    this.output = `${this.application}-outcomes`
  }

  async #open(): Promise<void> {
    const { cluster, input, output } = this
    await cluster.createTopics([input, output].map((topic) => ({ topic, partitions: PARTITIONS })))
    this.#outcomes = await ConsoleConsumer.start(cluster.bootstrapServers, output, `${output}-witness`, (record) => {
      this.arrivals.push({ record, atMs: performance.now() })
      this.#feed?.heard(record)
    })
    await cluster.groupStable(`${output}-witness`)
  }

  protected get awaited(): number {
    return this.#feed?.awaited ?? 0
  }

  get partitions(): ReadonlyMap<string, number> {
    return new Map([this.input, this.output, ...Object.values(this.internal)].map((topic) => [topic, PARTITIONS]))
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      BOOTSTRAP_SERVERS: this.cluster.bootstrapServers,
      REDIS_URL: this.cluster.redisUrl,
      APPLICATION_ID: this.application,
      LEDGER_TRANSFERS: this.input,
      LEDGER_OUTCOMES: this.output,
      LOG_LEVEL: process.env['PROOF_LOG_LEVEL'] ?? 'info',
    }
  }

  startFeeding({ seed, perSecond }: Feeding): void {
    let enough = false
    const feed = new LedgerFeed({ seed, topic: this.input, partitions: PARTITIONS, perSecond }, this.sender)
    this.#feed = feed
    this.#feeding = { stop: () => void (enough = true), done: feed.run(() => enough) }
  }

  async stopFeeding(): Promise<void> {
    this.#feeding?.stop()
    await this.#feeding?.done
    this.#feeding = null
  }

  async finish(_exact = false, say: (line: string) => void = () => {}): Promise<Report> {
    if (!(await this.settled())) say(`${this.awaited} outcomes have not come`)
    for (const service of this.processes) if (service.running) await service.terminate()
    const { changelog, repartition, deadLetters } = this.internal
    const dumps = await this.#dumps()
    const of = (topic: string): TopicDump => dumps.get(topic)!
    const report = checkLedger({
      transfersTopic: this.input,
      transfers: of(this.input).committed,
      outcomes: await printed(this.#outcomes!, of(this.output)),
      outcomePartitions: PARTITIONS,
      deadLetters: of(deadLetters).committed,
      changelog: of(changelog).committed,
      repartition: of(repartition),
      repartitionTopic: repartition,
      tasks: PARTITIONS,
      redis: await this.#redis(),
      committed: await this.cluster.committedOffsets(this.application),
      dumps,
      compacted: this.compacted,
    })
    for (const service of this.processes)
      for (const line of service.disasters) report.add('wrong', `the service says: ${line}`)
    return report
  }

  /** Redis against the fold of the changelog, as `tributary verify` does for notes. */
  async verify(): Promise<{ code: number; output: string }> {
    const [dumps, redis] = [await this.#dumps(), await this.#redis()]
    const report = new Report()
    const state = new Map<string, unknown>()
    for (const { key, value } of dumps.get(this.internal.changelog)!.committed) {
      const name = key?.toString('utf8') ?? ''
      if (name === 'checkpoint') continue
      if (value === null) state.delete(name)
      else state.set(name, JSON.parse(value.toString('utf8')))
    }
    for (const name of new Set([...state.keys(), ...redis.entries.keys()]))
      if (JSON.stringify(state.get(name)) !== JSON.stringify(redis.entries.get(name)))
        report.add('state', `${name} differs from the changelog`)
    return { code: report.anomalies.length === 0 ? 0 : 1, output: report.text || 'the same' }
  }

  #dumps(): Promise<ReadonlyMap<string, TopicDump>> {
    return dumpTopics(this.cluster.bootstrapServers, [this.input, this.output, ...Object.values(this.internal)])
  }

  #redis(): Promise<LedgerRedis> {
    return this.cluster.withRedis((redis) => readLedgerRedis(redis, this.application, PARTITIONS))
  }

  override async close(): Promise<void> {
    await this.stopFeeding().catch(() => {})
    await super.close()
    await this.#outcomes?.stop()
  }
}
