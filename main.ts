/**
 * `npm start`: the note service, with an embedded Kafka and Redis for whichever address is not set. Prints one JSON line
 * on stdout when every task runs; logs go to stderr, and the console's address before that. Ends on SIGINT or SIGTERM: drains, leaves the group, stops the stack.
 */
import pino from 'pino'
import { startTracing, type Tracing } from './api/tracing/sdk.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { StackError } from './embedded/errors.ts'
import { onNpmGone } from './embedded/npm-parent.ts'
import { type Stack, startStack } from './embedded/stack.ts'
import { writeStackFile } from './embedded/stack-file.ts'
import { KafkaOptionsError } from './engine/kafka/kafka.ts'
import { StartError } from './engine/preparation.ts'
import { type RunningService, startService } from './service.ts'

const EXIT_CONFIG = 2
const say = (line: string): void => void process.stderr.write(`${line}\n`)

function configured(): Config {
  try {
    return readConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const line of error.lines) say(`config.invalid: ${line}`)
    process.exit(EXIT_CONFIG)
  }
}

const config = configured()
const log = pino(
  { level: config.LOG_LEVEL, base: null, timestamp: pino.stdTimeFunctions.isoTime },
  pino.destination({ dest: 2, sync: true }),
)
let stack: Stack | null = null
let service: RunningService | null = null
let tracing: Tracing | null = null
let removeStackFile = (): void => {}
let stopping = false

/** A second signal, or one while starting, ends at once: what was computed is done again by the successor. */
async function stop(reason: string, code: number): Promise<void> {
  if (stopping) process.exit(code === 0 ? 130 : code)
  stopping = true
  log.info({ reason }, 'stopping')
  removeStackFile()
  await service?.close()
  await tracing?.close()
  await stack?.stop()
  log.info('stopped')
  process.exit(code)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal, 0))
onNpmGone(() => void stop('npm is gone', 1))

try {
  tracing = await startTracing(config)
  if (tracing.start.kind === 'missing') log.warn({ code: 'tracing.sdk_missing' }, tracing.start.message)
  else if (tracing.start.kind !== 'off') log.info(tracing.start, 'tracing')
  const need = { kafka: config.BOOTSTRAP_SERVERS === undefined, redis: config.REDIS_URL === undefined }
  if (need.kafka || need.redis) {
    stack = await startStack({
      ...(config.EMBEDDED_KAFKA_PORT === undefined ? {} : { kafkaPort: config.EMBEDDED_KAFKA_PORT }),
      ...(config.EMBEDDED_REDIS_PORT === undefined ? {} : { redisPort: config.EMBEDDED_REDIS_PORT }),
      ...(config.EMBEDDED_DATA_DIR === undefined ? {} : { dataDir: config.EMBEDDED_DATA_DIR }),
      need,
      progress: say,
    })
    stack.ended.then((line) => {
      say(line)
      return stop('a server of the embedded stack is gone', 1)
    })
  }
  const bootstrapServers = config.BOOTSTRAP_SERVERS ?? stack!.bootstrapServers
  const redisUrl = config.REDIS_URL ?? stack!.redisUrl
  service = await startService({ ...config, BOOTSTRAP_SERVERS: bootstrapServers, REDIS_URL: redisUrl }, log)
  service.stopped.then(({ code }) => stop(code, 1))
  const { restUrl } = service
  if (stack)
    removeStackFile = writeStackFile({
      bootstrapServers,
      redisUrl,
      restUrl,
      pid: process.pid,
      startedAt: new Date().toISOString(),
    })
  // Before the tasks run: with tasks that do not, it is needed most.
  say(`console: ${service.consoleUrl}`)
  await service.ready
  process.stdout.write(`${JSON.stringify({ msg: 'ready', bootstrapServers, redisUrl, restUrl })}\n`)
} catch (error) {
  if (error instanceof StartError || error instanceof StackError) say(`${error.code}: ${error.message}`)
  else if (error instanceof KafkaOptionsError) say(`config.invalid: ${error.message}`)
  else if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
    say(`rest.port_in_use: REST_PORT ${config.REST_PORT} is in use: set REST_PORT to a free port`)
  else say(error instanceof Error ? (error.stack ?? error.message) : String(error))
  await service?.close()
  await stack?.stop()
  process.exit(1)
}
