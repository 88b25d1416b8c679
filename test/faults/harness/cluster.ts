/**
 * A Kafka and a Redis of the proof's own, which it may kill, pause and restart, and what a test asks of them. Shares no
 * code with the engine: administration goes through a stock client. Owns both servers.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { Redis } from 'ioredis'
import { type EmbeddedKafka, startKafka } from '../../../embedded/kafka.ts'
import { type EmbeddedRedis, startRedis } from '../../../embedded/redis.ts'
import { KafkaProxy } from './kafka-proxy.ts'
import { TransactionWatch } from './transactions.ts'

export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly configs?: Readonly<Record<string, string>>
}

const GROUP_PATIENCE_MS = 60_000

export class Cluster {
  readonly kafka: EmbeddedKafka
  readonly redis: EmbeddedRedis
  readonly proxy: KafkaProxy | null
  readonly transactions: TransactionWatch
  readonly #folder: string

  static async start(): Promise<Cluster> {
    return Cluster.#start({}, null)
  }

  /** With a proxy before the broker, which is the address that every client is told. */
  static async startBehindProxy(): Promise<Cluster & { readonly proxy: KafkaProxy }> {
    let port = 0
    const proxy = await KafkaProxy.start(() => port)
    const cluster = await Cluster.#start({ 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}` }, proxy)
    port = cluster.kafka.port
    return cluster as Cluster & { readonly proxy: KafkaProxy }
  }

  static async #start(overrides: Readonly<Record<string, string>>, proxy: KafkaProxy | null): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-proof-'))
    const [kafka, redis] = await Promise.all([
      startKafka({ progress: () => {}, overrides }),
      startRedis({ progress: () => {}, dataDir: join(folder, 'redis') }),
    ])
    return new Cluster(kafka, redis, folder, proxy)
  }

  private constructor(kafka: EmbeddedKafka, redis: EmbeddedRedis, folder: string, proxy: KafkaProxy | null) {
    this.proxy = proxy
    this.kafka = kafka
    this.redis = redis
    this.#folder = folder
    this.transactions = new TransactionWatch(kafka.port)
  }

  get bootstrapServers(): string {
    return this.proxy ? `127.0.0.1:${this.proxy.port}` : this.kafka.bootstrapServers
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    await this.#admin(async (admin) => {
      for (const { topic, partitions, configs = {} } of topics)
        await admin.createTopics({
          topics: [topic],
          partitions,
          replicas: 1,
          configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
        })
    })
  }

  /** Committed and stable offsets of a group, by `<topic>-<partition>`. */
  async committedOffsets(group: string): Promise<ReadonlyMap<string, number>> {
    const [answer] = await this.#admin((admin) =>
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
    await this.#admin(async (admin) => {
      const end = performance.now() + GROUP_PATIENCE_MS
      // The client's type says upper case, the broker says Stable.
      while (String((await admin.describeGroups({ groups: [group] })).get(group)?.state).toUpperCase() !== 'STABLE') {
        if (performance.now() > end) throw new Error(`group ${group} is not stable after ${GROUP_PATIENCE_MS} ms`)
        await sleep(100)
      }
    })
  }

  async withRedis<T>(use: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.redis.redisUrl, { maxRetriesPerRequest: 20 })
    try {
      return await use(redis)
    } finally {
      redis.disconnect()
    }
  }

  async stop(): Promise<void> {
    await this.transactions.close()
    await Promise.all([this.kafka.stop(), this.redis.stop()])
    await this.proxy?.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #admin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Admin({
      clientId: 'proof',
      bootstrapBrokers: [this.bootstrapServers],
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
