/**
 * What a command works with: the configuration, the addresses, and connections that are closed when it ends. Owns where
 * the addresses come from: the environment, else a stack that runs on this machine, and then it says so.
 */
import { randomBytes } from 'node:crypto'
import { type Config, maskedUrl, readConfig } from '../config.ts'
import { readStackFile, type StackAddresses } from '../embedded/stack-file.ts'
import type { Plan } from '../engine/core/plan.ts'
import { connectKafka } from '../engine/kafka/kafka.ts'
import type { Kafka } from '../engine/ports.ts'
import { kafkaOptions } from '../service.ts'
import type { StateReader } from '../stores/ports.ts'
import { openStateReader } from '../stores/redis/stores.ts'
import { storeLayoutOf } from '../stores/store-layout.ts'
import { noteTopology } from '../topology/notes/topology.ts'
import { findDeployment } from './deployment.ts'
import { CliError, EXIT } from './errors.ts'

/** Where a command writes, and what it knows of the process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Results only. */
  readonly out: (text: string) => void
  /** Everything else. */
  readonly err: (text: string) => void
  readonly runningStack: () => StackAddresses | null
}

export const processIo = (): Io => ({
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  runningStack: readStackFile,
})

/** For commands that need no Redis. */
export interface KafkaContext {
  readonly config: Config
  readonly kafka: Kafka
  readonly plan: Plan
}

export interface Context extends KafkaContext {
  readonly redisUrl: string
  readonly reader: StateReader
}

type Variable = 'BOOTSTRAP_SERVERS' | 'REDIS_URL'

/** Connects, runs the command, closes. Throws CliError, ConfigError, RequestLost, KafkaRefused. */
export async function withKafka<T>(io: Io, work: (context: KafkaContext) => Promise<T>): Promise<T> {
  const config = readConfig(io.env)
  return connected(config, addresses(io, config, ['BOOTSTRAP_SERVERS']).BOOTSTRAP_SERVERS, work)
}

/** As withKafka, with Redis, to which it connects at the first read. Throws StoreLost as well. */
export async function withContext<T>(io: Io, work: (context: Context) => Promise<T>): Promise<T> {
  const config = readConfig(io.env)
  const { BOOTSTRAP_SERVERS, REDIS_URL: redisUrl } = addresses(io, config, ['BOOTSTRAP_SERVERS', 'REDIS_URL'])
  const layout = storeLayoutOf(noteTopology, config.APPLICATION_ID)
  const reader = openStateReader({ url: redisUrl, layout, instance: `cli-${randomBytes(3).toString('hex')}` })
  try {
    return await connected(config, BOOTSTRAP_SERVERS, (context) => work({ ...context, redisUrl, reader }))
  } finally {
    await reader.close()
  }
}

async function connected<T>(
  config: Config,
  bootstrapServers: string,
  work: (context: KafkaContext) => Promise<T>,
): Promise<T> {
  const kafka = connectKafka(kafkaOptions({ ...config, BOOTSTRAP_SERVERS: bootstrapServers }))
  try {
    return await work({ config, kafka, plan: await findDeployment(kafka, config) })
  } finally {
    await kafka.close()
  }
}

/** Each address from the environment, else from the stack that runs here. */
function addresses(io: Io, config: Config, names: readonly Variable[]): Record<Variable, string> {
  const missing = names.filter((name) => config[name] === undefined)
  const given = { BOOTSTRAP_SERVERS: config.BOOTSTRAP_SERVERS ?? '', REDIS_URL: config.REDIS_URL ?? '' }
  if (missing.length === 0) return given
  const stack = io.runningStack()
  if (stack === null) {
    throw new CliError(
      'address.missing',
      EXIT.usage,
      `${missing.join(' and ')} not set, and no stack runs on this machine: set ${missing.length > 1 ? 'them' : 'it'}, or start one (npm start, npm run stack)`,
    )
  }
  const running = { BOOTSTRAP_SERVERS: stack.bootstrapServers, REDIS_URL: stack.redisUrl }
  io.err(`using the running stack at ${missing.map((name) => maskedUrl(running[name])).join(' and ')}\n`)
  for (const name of missing) given[name] = running[name]
  return given
}
