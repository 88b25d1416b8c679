/** Where the demo plays: Kafka and Redis (embedded, or those of the environment) and names that nobody else uses. */
import { randomBytes } from 'node:crypto'
import { type Config, ConfigError, maskedUrl, readConfig } from '../config.ts'
import { freePorts } from '../embedded/free-port.ts'
import { type Stack, startStack } from '../embedded/stack.ts'

export interface Setting {
  readonly config: Config & { readonly BOOTSTRAP_SERVERS: string; readonly REDIS_URL: string }
  /** For the service's process. */
  readonly env: NodeJS.ProcessEnv
  readonly stack: Stack | null
}

const PARTITIONS = 4
/** How the service is told that npm started it, and would end with; here it ends with the demo. */
const NPM = /^npm_/

/** Throws ConfigError, StackError. */
export async function prepareSetting(environment: NodeJS.ProcessEnv, say: (line: string) => void): Promise<Setting> {
  const given = readConfig(environment)
  const need = { kafka: given.BOOTSTRAP_SERVERS === undefined, redis: given.REDIS_URL === undefined }
  if (!given.CREATE_TOPICS)
    throw new ConfigError(['CREATE_TOPICS: the demo plays on topics of its own and has to create them'])
  const stack = need.kafka || need.redis ? await startStack({ need, progress: (line) => say(`  ${line}`) }) : null
  const bootstrapServers = given.BOOTSTRAP_SERVERS ?? stack!.bootstrapServers
  const redisUrl = given.REDIS_URL ?? stack!.redisUrl
  say(`  Kafka at ${bootstrapServers}, Redis at ${maskedUrl(redisUrl)}`)
  const [port] = await freePorts(1)
  const name = `demo-${randomBytes(3).toString('hex')}`
  const env = {
    ...Object.fromEntries(Object.entries(environment).filter(([variable]) => !NPM.test(variable))),
    BOOTSTRAP_SERVERS: bootstrapServers,
    REDIS_URL: redisUrl,
    REDIS_URL_FILE: '',
    REST_PORT: String(port),
    APPLICATION_ID: name,
    KAFKA_CONSUMER_GROUP: name,
    // Static: after a kill it is the same member that comes back, so nobody waits for a session to end.
    GROUP_INSTANCE_ID: name,
    TOPIC_PARTITIONS: String(PARTITIONS),
    COMMAND_TOPIC_NOTE: `${name}.COMMAND_TOPIC_NOTE`,
    EVENT_TOPIC_CHARACTER_STATUS: `${name}.EVENT_TOPIC_CHARACTER_STATUS`,
    EVENT_TOPIC_NOTE_STATUS: `${name}.EVENT_TOPIC_NOTE_STATUS`,
    COMMAND_TOPIC_SAGA: `${name}.COMMAND_TOPIC_SAGA`,
    LOG_LEVEL: 'warn',
  }
  return { config: readConfig(env) as Setting['config'], env, stack }
}
