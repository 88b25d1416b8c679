/**
 * What a command works with: the configuration, the addresses, and connections that are closed when it ends. Owns where
 * the addresses come from: the environment, else a stack that runs on this machine, and then it says so.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type Config, maskedUrl, readConfig } from '../config.ts'
import { readStackFile, type StackAddresses } from '../embedded/stack-file.ts'
import { connectKafka, type KafkaConnectionOptions } from '../engine/kafka/kafka.ts'
import { connectKafkaOperator } from '../engine/kafka/operator.ts'
import type * as operations from '../operations/context.ts'
import { type DeploymentOptions, findDeployment } from '../operations/deployment.ts'
import { OperationError } from '../operations/errors.ts'
import { kafkaOptions, preparationOf } from '../service-options.ts'
import { openStoreAdmin } from '../stores/redis/admin.ts'
import { openStateReader } from '../stores/redis/stores.ts'
import { storeLayoutOf } from '../stores/store-layout.ts'
import { noteTopology } from '../topology/notes/topology.ts'

/** Where a command writes, and what it knows of the process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Results only. */
  readonly out: (text: string) => void
  /** Everything else. */
  readonly err: (text: string) => void
  readonly runningStack: () => StackAddresses | null
  /** For commands that go on: from now on the user's wish that it ends (Ctrl-C) aborts this. Absent: it never comes. */
  readonly interrupted?: () => AbortSignal
  /** Resolves when what was written has left; for commands that write much. */
  readonly flushed?: () => Promise<void>
  /** Size of the terminal; null or absent: `out` is no terminal. */
  readonly terminal?: () => { readonly columns: number; readonly rows: number } | null
}

export const processIo = (): Io => ({
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  runningStack: readStackFile,
  interrupted: () => {
    const controller = new AbortController()
    // The second time, it ends at once.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
    return controller.signal
  },
  flushed: async () => {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
  },
  terminal: () =>
    process.stdout.isTTY ? { columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 } : null,
})

/** For commands that need no Redis. */
export interface KafkaContext extends operations.KafkaContext {
  readonly config: Config
}

export interface Context extends operations.OperatorContext, KafkaContext {}

/** Where everything is, before anything is asked. */
export interface Addressed {
  readonly config: Config
  readonly kafkaOptions: KafkaConnectionOptions
  readonly redisUrl: string
  /** Base of the health and metrics routes of an instance that may run here. */
  readonly instanceUrl: string
}

type Looking = Pick<DeploymentOptions, 'repartitionMayMiss' | 'changelogMayMiss'>

type Variable = 'BOOTSTRAP_SERVERS' | 'REDIS_URL'

/** Connects, runs the command, closes. Throws OperationError, ConfigError, RequestLost, KafkaRefused. */
export async function withKafka<T>(
  io: Io,
  work: (context: KafkaContext) => Promise<T>,
  looking: Looking = {},
): Promise<T> {
  const config = readConfig(io.env)
  const { BOOTSTRAP_SERVERS } = addresses(io, config, ['BOOTSTRAP_SERVERS'])
  return connected(config, kafkaOptions({ ...config, BOOTSTRAP_SERVERS }), work, looking)
}

/** As withKafka, with Redis, to which it connects at the first read. Throws StoreLost as well. */
export async function withContext<T>(
  io: Io,
  work: (context: Context, addressed: Addressed) => Promise<T>,
  looking: Looking = {},
): Promise<T> {
  const addressed = addressesOf(io)
  const { config, redisUrl: url } = addressed
  const layout = storeLayoutOf(noteTopology, config.APPLICATION_ID)
  const instance = instanceName()
  const reader = openStateReader({ url, layout, instance })
  const admin = openStoreAdmin({ url, application: config.APPLICATION_ID, instance })
  const operator = connectKafkaOperator(addressed.kafkaOptions)
  try {
    return await connected(
      config,
      addressed.kafkaOptions,
      (context) => work({ ...context, reader, admin, operator }, addressed),
      looking,
    )
  } finally {
    await Promise.all([reader.close(), admin.close(), operator.close()])
  }
}

/** As withContext, where it need not have run yet, or may be broken: looks at nothing first. */
export async function withServers<T>(
  io: Io,
  work: (addressed: Addressed, servers: Omit<operations.OperatorContext, 'plan' | 'reader'>) => Promise<T>,
): Promise<T> {
  const addressed = addressesOf(io)
  const { config, redisUrl: url } = addressed
  const admin = openStoreAdmin({ url, application: config.APPLICATION_ID, instance: instanceName() })
  const operator = connectKafkaOperator(addressed.kafkaOptions)
  const kafka = connectKafka(addressed.kafkaOptions)
  try {
    return await work(addressed, { kafka, operator, admin })
  } finally {
    await Promise.all([kafka.close(), admin.close(), operator.close()])
  }
}

/** How this process is named in CLIENT LIST. */
export const instanceName = (): string => `cli-${randomBytes(3).toString('hex')}`

/** Throws OperationError `address.missing`, ConfigError, KafkaOptionsError. */
export function addressesOf(io: Io): Addressed {
  const config = readConfig(io.env)
  const { BOOTSTRAP_SERVERS, REDIS_URL } = addresses(io, config, ['BOOTSTRAP_SERVERS', 'REDIS_URL'])
  const stackUrl = config.BOOTSTRAP_SERVERS === undefined ? io.runningStack()?.restUrl : undefined
  const host = config.REST_HOST === '0.0.0.0' || config.REST_HOST === '::' ? '127.0.0.1' : config.REST_HOST
  return {
    config,
    kafkaOptions: kafkaOptions({ ...config, BOOTSTRAP_SERVERS }),
    redisUrl: REDIS_URL,
    instanceUrl: stackUrl
      ? new URL(stackUrl).origin
      : `http://${host.includes(':') ? `[${host}]` : host}:${config.REST_PORT}`,
  }
}

async function connected<T>(
  config: Config,
  options: KafkaConnectionOptions,
  work: (context: KafkaContext) => Promise<T>,
  looking: Looking = {},
): Promise<T> {
  const kafka = connectKafka(options)
  try {
    return await work({ config, kafka, plan: await findDeployment(kafka, { ...preparationOf(config), ...looking }) })
  } finally {
    await kafka.close()
  }
}

/** Each address from the environment, else from the stack that runs here. */
export function addresses(io: Io, config: Config, names: readonly Variable[]): Record<Variable, string> {
  const missing = names.filter((name) => config[name] === undefined)
  const given = { BOOTSTRAP_SERVERS: config.BOOTSTRAP_SERVERS ?? '', REDIS_URL: config.REDIS_URL ?? '' }
  if (missing.length === 0) return given
  const stack = io.runningStack()
  if (stack === null) {
    throw new OperationError(
      'address.missing',
      'usage',
      `${missing.join(' and ')} not set, and no stack runs on this machine: set ${missing.length > 1 ? 'them' : 'it'}, or start one (npm start, npm run stack)`,
    )
  }
  const running = { BOOTSTRAP_SERVERS: stack.bootstrapServers, REDIS_URL: stack.redisUrl }
  io.err(`using the running stack at ${missing.map((name) => maskedUrl(running[name])).join(' and ')}\n`)
  for (const name of missing) given[name] = running[name]
  return given
}
