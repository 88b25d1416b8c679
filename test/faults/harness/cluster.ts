/**
 * A Kafka and a Redis of the proof's own, which it may kill, pause and restart, and what a test asks of them. Shares no
 * code with the engine: administration goes through a stock client and Kafka's own tools. Owns the servers.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { Redis } from 'ioredis'
import { javaTool } from '../../../embedded/java-tool.ts'
import { type EmbeddedKafka, startKafka } from '../../../embedded/kafka.ts'
import { type EmbeddedRedis, startRedis } from '../../../embedded/redis.ts'
import { type Broker, startBrokers } from './brokers.ts'
import { KafkaProxy } from './kafka-proxy.ts'
import { RedisProxy } from './redis-proxy.ts'
import { TransactionWatch } from './transactions.ts'

export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly configs?: Readonly<Record<string, string>>
}

export interface ClusterOptions {
  /** Proxies before the broker, which is the address that every client is told, and before Redis. */
  readonly proxies?: boolean
  readonly brokers?: 1 | 3
  readonly kafkaPort?: number
  /** Of server.properties. */
  readonly kafka?: Readonly<Record<string, string>>
  /** Of redis.conf. */
  readonly redis?: Readonly<Record<string, string>>
  /** Where the data are kept, which must be there; temporary folders when absent. */
  readonly kafkaDataDir?: string
  readonly redisDataDir?: string
}

/** The one broker, or the first of three. */
type Kafka = Pick<EmbeddedKafka, 'kill' | 'restart' | 'pause' | 'resume' | 'stop' | 'port' | 'ended'>

const GROUP_PATIENCE_MS = 60_000

export class Cluster {
  readonly kafka: Kafka
  readonly redis: EmbeddedRedis
  readonly proxy: KafkaProxy | null
  readonly redisProxy: RedisProxy | null
  readonly transactions: TransactionWatch
  /** Empty with one broker. */
  readonly nodes: readonly Broker[]
  readonly #bootstrapServers: string
  readonly #folder: string
  readonly #closers: (() => Promise<unknown>)[]

  static start(options: ClusterOptions = {}): Promise<Cluster> {
    return Cluster.#start(options)
  }

  /** With a proxy before the broker, which is the address that every client is told. */
  static async startBehindProxy(): Promise<Cluster & { readonly proxy: KafkaProxy }> {
    return (await Cluster.#start({ proxies: true })) as Cluster & { readonly proxy: KafkaProxy }
  }

  static async #start({ proxies = false, brokers = 1, ...options }: ClusterOptions): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-proof-'))
    let kafkaPort = 0
    let redisPort = 0
    const proxy = proxies ? await KafkaProxy.start(() => kafkaPort) : null
    const redisProxy = proxies ? await RedisProxy.start(() => redisPort) : null
    const progress = (): void => {}
    const overrides = {
      ...options.kafka,
      ...(proxy ? { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}` } : {}),
    }
    const [kafka, redis] = await Promise.all([
      brokers === 3
        ? startBrokers(overrides)
        : startKafka({
            progress,
            overrides,
            ...(options.kafkaPort ? { port: options.kafkaPort } : {}),
            ...(options.kafkaDataDir ? { dataDir: options.kafkaDataDir } : {}),
          }),
      startRedis({ progress, dataDir: options.redisDataDir ?? join(folder, 'redis'), overrides: options.redis ?? {} }),
    ])
    const nodes = 'nodes' in kafka ? kafka.nodes : []
    const first = 'nodes' in kafka ? kafka.nodes[0]! : kafka
    kafkaPort = first.port
    redisPort = redis.port
    return new Cluster(
      { kafka: first, redis, proxy, redisProxy, nodes, bootstrapServers: kafka.bootstrapServers },
      folder,
      [
        () => kafka.stop(),
        () => redis.stop(),
        async () => proxy?.close(),
        async () => redisProxy?.close(),
        async () => rmSync(folder, { recursive: true, force: true }),
      ],
    )
  }

  private constructor(
    parts: Pick<Cluster, 'kafka' | 'redis' | 'proxy' | 'redisProxy' | 'nodes' | 'bootstrapServers'>,
    folder: string,
    closers: (() => Promise<unknown>)[],
  ) {
    this.#folder = folder
    this.kafka = parts.kafka
    this.redis = parts.redis
    this.proxy = parts.proxy
    this.redisProxy = parts.redisProxy
    this.nodes = parts.nodes
    this.#bootstrapServers = parts.bootstrapServers
    this.#closers = closers
    const ports = this.nodes.length > 0 ? this.nodes.map(({ port }) => port) : [this.kafka.port]
    this.transactions = new TransactionWatch(...ports)
  }

  get bootstrapServers(): string {
    return this.proxy ? `127.0.0.1:${this.proxy.port}` : this.#bootstrapServers
  }

  /** What the service is told. */
  get redisUrl(): string {
    return this.redisProxy ? `redis://127.0.0.1:${this.redisProxy.port}` : this.redis.redisUrl
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    await this.admin(async (admin) => {
      for (const { topic, partitions, configs = {} } of topics)
        await admin.createTopics({
          topics: [topic],
          partitions,
          replicas: this.nodes.length || 1,
          configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
        })
    })
  }

  /** Committed and stable offsets of a group, by `<topic>-<partition>`. */
  async committedOffsets(group: string): Promise<ReadonlyMap<string, number>> {
    const [answer] = await this.admin((admin) =>
      admin.listConsumerGroupOffsets({ groups: [group], requireStable: true }),
    )
    return new Map(
      (answer?.topics ?? []).flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, committedOffset }) => [`${name}-${partitionIndex}`, Number(committedOffset)]),
      ),
    )
  }

  /** Resolves when the group has members that know what they read. */
  async groupStable(group: string): Promise<void> {
    await this.admin(async (admin) => {
      const end = performance.now() + GROUP_PATIENCE_MS
      // The client's type says upper case, the broker says Stable.
      while (String((await admin.describeGroups({ groups: [group] })).get(group)?.state).toUpperCase() !== 'STABLE') {
        if (performance.now() > end) throw new Error(`group ${group} is not stable after ${GROUP_PATIENCE_MS} ms`)
        await sleep(100)
      }
    })
  }

  /** Redis itself, not through the proxy. */
  async withRedis<T>(use: (redis: Redis) => Promise<T>, url = this.redis.redisUrl): Promise<T> {
    const redis = new Redis(url, { maxRetriesPerRequest: 20 })
    redis.on('error', () => {})
    try {
      return await use(redis)
    } finally {
      redis.disconnect()
    }
  }

  /** One of Kafka's own tools, as an operator runs it: what it printed. Throws when it fails. */
  async tool(mainClass: string, ...args: readonly string[]): Promise<string> {
    const bootstrap = ['--bootstrap-server', this.bootstrapServers]
    const { code, stdout, stderr } = await javaTool(mainClass, [...bootstrap, ...args])
    if (code !== 0) throw new Error(`${mainClass} ${args.join(' ')}: exit code ${code}: ${stdout}${stderr}`)
    return stdout
  }

  /** Up to these offsets; -1 is the end of the log. */
  async deleteRecords(
    before: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    const file = join(this.#folder, 'delete-records.json')
    writeFileSync(file, JSON.stringify({ partitions: before, version: 1 }))
    await this.tool(TOOLS.deleteRecords, '--offset-json-file', file)
  }

  async stop(): Promise<void> {
    await this.transactions.close()
    for (const close of this.#closers) await close()
  }

  async admin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Admin({
      clientId: 'proof',
      bootstrapBrokers: this.bootstrapServers.split(','),
      retries: 20,
      retryDelay: 200,
    })
    try {
      return await use(admin)
    } finally {
      await admin.close()
    }
  }
}

/** Kafka's tools, by the name of their script. */
export const TOOLS = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  configs: 'kafka.admin.ConfigCommand',
  groups: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  acls: 'org.apache.kafka.tools.AclCommand',
  features: 'org.apache.kafka.tools.FeatureCommand',
  deleteRecords: 'org.apache.kafka.tools.DeleteRecordsCommand',
} as const
