/**
 * Kafka and Redis for one developer's machine, started in parallel: embedded servers, else containers, else one line that
 * says what to install. Owns which of them is taken, and the lock on a data folder.
 */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { takeLock } from '../scripts/file-lock.mjs'
import { containersAvailable, startKafkaContainer, startRedisContainer } from './containers.ts'
import { type Progress, StackError } from './errors.ts'
import { findJava, JAVA_VERSION_MIN, onPath } from './java.ts'
import { type EmbeddedKafka, startKafka } from './kafka.ts'
import { KAFKA_CACHE } from './kafka-libraries.ts'
import { cachedArtifacts } from './maven-cache.ts'
import { type EmbeddedRedis, startRedis } from './redis.ts'
import { redisInArtifact, redisOnPath } from './redis-binary.ts'

export interface StackOptions {
  /** Free ports when absent. */
  readonly kafkaPort?: number
  readonly redisPort?: number
  /** Kept over stops, in `kafka/` and `redis/` below it; without it everything is gone at stop. */
  readonly dataDir?: string
  readonly progress: Progress
  /** Which servers to start; both by default. */
  readonly need?: { readonly kafka: boolean; readonly redis: boolean }
}

export interface Stack {
  /** `''` when Kafka was not asked for. */
  readonly bootstrapServers: string
  /** `''` when Redis was not asked for. */
  readonly redisUrl: string
  /** The embedded server; undefined when it runs in a container or was not asked for. */
  readonly kafka: EmbeddedKafka | undefined
  readonly redis: EmbeddedRedis | undefined
  /** Resolves with one line when an embedded server ends though nobody asked it to. */
  readonly ended: Promise<string>
  /** Ends everything. Idempotent. */
  stop(): Promise<void>
}

interface Part<Embedded> {
  readonly address: string
  readonly embedded: Embedded | undefined
  readonly stop: () => Promise<void>
}

/** Throws StackError: `stack.unavailable`, `stack.data_in_use`, `stack.port_in_use`, `stack.download_failed`, `stack.start_failed`. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const need = options.need ?? { kafka: true, redis: true }
  const dataDir = options.dataDir === undefined ? undefined : resolve(options.dataDir)
  const unlock = dataDir === undefined ? () => {} : await lockData(dataDir)
  const started: { stop: () => Promise<void> }[] = []
  const keep = <T extends { stop: () => Promise<void> }>(part: T): T => {
    started.push(part)
    return part
  }
  const stop = async (): Promise<void> => {
    await Promise.allSettled(started.map((part) => part.stop()))
    unlock()
  }
  // Settled, not all: when one fails, the other must have come far enough to be stopped.
  const [kafka, redis] = await Promise.allSettled([
    need.kafka ? kafkaPart(options, dataDir).then(keep) : undefined,
    need.redis ? redisPart(options, dataDir).then(keep) : undefined,
  ])
  if (kafka.status === 'rejected' || redis.status === 'rejected') {
    await stop()
    throw kafka.status === 'rejected' ? kafka.reason : (redis as PromiseRejectedResult).reason
  }
  const never = new Promise<string>(() => {})
  return {
    bootstrapServers: kafka.value?.address ?? '',
    redisUrl: redis.value?.address ?? '',
    kafka: kafka.value?.embedded,
    redis: redis.value?.embedded,
    ended: Promise.race([kafka.value?.embedded?.ended ?? never, redis.value?.embedded?.ended ?? never]),
    stop,
  }
}

async function kafkaPart(
  { kafkaPort, progress }: StackOptions,
  dataDir: string | undefined,
): Promise<Part<EmbeddedKafka>> {
  if (await kafkaCanBeEmbedded()) {
    const kafka = await startKafka({ ...at(kafkaPort, dataDir, 'kafka'), progress })
    return { address: kafka.bootstrapServers, embedded: kafka, stop: kafka.stop }
  }
  if (!(await containersAvailable()))
    throw unavailable('Kafka', `Java ${JAVA_VERSION_MIN} or newer and Maven`, 'BOOTSTRAP_SERVERS')
  const container = await startKafkaContainer(kafkaPort, progress)
  return { address: `${container.host}:${container.port}`, embedded: undefined, stop: container.stop }
}

async function redisPart(
  { redisPort, progress }: StackOptions,
  dataDir: string | undefined,
): Promise<Part<EmbeddedRedis>> {
  if (redisOnPath() !== undefined || (redisInArtifact() && (await mavenRuns()))) {
    const redis = await startRedis({ ...at(redisPort, dataDir, 'redis'), progress })
    return { address: redis.redisUrl, embedded: redis, stop: redis.stop }
  }
  if (!(await containersAvailable())) throw unavailable('Redis', 'redis-server or valkey-server', 'REDIS_URL')
  const container = await startRedisContainer(redisPort, progress)
  return { address: `redis://${container.host}:${container.port}`, embedded: undefined, stop: container.stop }
}

async function kafkaCanBeEmbedded(): Promise<boolean> {
  if (process.platform === 'win32' || !(await findJava())) return false
  return cachedArtifacts(KAFKA_CACHE) !== undefined || onPath('mvn')
}

async function mavenRuns(): Promise<boolean> {
  return onPath('mvn') && (await findJava()) !== undefined
}

function at(port: number | undefined, dataDir: string | undefined, name: string): { port?: number; dataDir?: string } {
  return {
    ...(port === undefined ? {} : { port }),
    ...(dataDir === undefined ? {} : { dataDir: join(dataDir, name) }),
  }
}

function unavailable(name: string, install: string, variable: string): StackError {
  return new StackError(
    'stack.unavailable',
    `${name} cannot be started here.`,
    `Install ${install} (on Windows: in WSL), or start a Docker engine, or set ${variable} to a running one.`,
  )
}

/** Redis does not lock its folder: two of them would write one append-only file. */
async function lockData(dataDir: string): Promise<() => void> {
  mkdirSync(dataDir, { recursive: true })
  const lock = join(dataDir, 'stack.lock')
  const { release, holder } = await takeLock(lock, { waitMs: 0 })
  if (release) return release
  throw new StackError(
    'stack.data_in_use',
    `${dataDir} is in use by process ${holder}.`,
    `Stop that one, or choose another folder (EMBEDDED_DATA_DIR). If it is gone, remove ${lock}.`,
  )
}
