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

export interface Context {
  readonly config: Config
  readonly bootstrapServers: string
  readonly redisUrl: string
  readonly kafka: Kafka
  readonly plan: Plan
  readonly reader: StateReader
}

/** Opens what a command needs, runs it, closes everything. Throws CliError, ConfigError, RequestLost, StoreLost. */
export async function withContext<T>(io: Io, work: (context: Context) => Promise<T>): Promise<T> {
  const config = readConfig(io.env)
  const { bootstrapServers, redisUrl } = addresses(io, config)
  const kafka = connectKafka(kafkaOptions({ ...config, BOOTSTRAP_SERVERS: bootstrapServers }))
  const layout = storeLayoutOf(noteTopology, config.APPLICATION_ID)
  const reader = openStateReader({ url: redisUrl, layout, instance: `cli-${randomBytes(3).toString('hex')}` })
  try {
    const plan = await findDeployment(kafka, config)
    return await work({ config, bootstrapServers, redisUrl, kafka, plan, reader })
  } finally {
    await reader.close()
    await kafka.close()
  }
}

/** Each address from the environment, else from the stack that runs here. */
export function addresses(io: Io, config: Config): { bootstrapServers: string; redisUrl: string } {
  const { BOOTSTRAP_SERVERS, REDIS_URL } = config
  if (BOOTSTRAP_SERVERS !== undefined && REDIS_URL !== undefined)
    return { bootstrapServers: BOOTSTRAP_SERVERS, redisUrl: REDIS_URL }
  const stack = io.runningStack()
  const missing = [BOOTSTRAP_SERVERS === undefined && 'BOOTSTRAP_SERVERS', REDIS_URL === undefined && 'REDIS_URL']
  if (stack === null) {
    const names = missing.filter((name) => name !== false).join(' and ')
    throw new CliError(
      'address.missing',
      EXIT.usage,
      `${names} not set, and no stack runs on this machine: set them, or start one (npm start, npm run stack)`,
    )
  }
  const found = {
    bootstrapServers: BOOTSTRAP_SERVERS ?? stack.bootstrapServers,
    redisUrl: REDIS_URL ?? stack.redisUrl,
  }
  const used = [
    BOOTSTRAP_SERVERS === undefined && stack.bootstrapServers,
    REDIS_URL === undefined && maskedUrl(stack.redisUrl),
  ]
  io.err(`using the running stack at ${used.filter((address) => address !== false).join(' and ')}\n`)
  return found
}
