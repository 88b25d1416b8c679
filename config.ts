/**
 * The configuration, from environment variables: the only reader of process.env of the service. Validated as a whole,
 * one line per mistake; secrets may come from files (`…_FILE`) and never leave this file unmasked.
 */
import { readFileSync } from 'node:fs'
import * as z from 'zod'

const NON_LOOPBACK_NEEDS_TOKEN = 'REST_HOST: a bind beyond loopback needs API_TOKEN (or API_TOKEN_FILE)'
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|::1)$/

const text = (fallback: string) => z.string().min(1).default(fallback)
const topic = (name: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, 'must be a Kafka topic name')
    .default(name)
const port = z.coerce
  .number('must be a port number')
  .int('must be a port number')
  .min(1, 'must be 1 to 65535')
  .max(65_535, 'must be 1 to 65535')
const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0'], 'must be true or false')
    .transform((v) => v === 'true' || v === '1')
    .default(fallback)

const url = z.string().regex(/^https?:\/\/[^\s/]+/, 'must begin with http:// or https://')

const schema = z.object({
  BOOTSTRAP_SERVERS: z.string().min(1).optional(),
  KAFKA_CONSUMER_GROUP: text('Notes Service'),
  COMMAND_TOPIC_NOTE: topic('COMMAND_TOPIC_NOTE'),
  EVENT_TOPIC_CHARACTER_STATUS: topic('EVENT_TOPIC_CHARACTER_STATUS'),
  EVENT_TOPIC_NOTE_STATUS: topic('EVENT_TOPIC_NOTE_STATUS'),
  COMMAND_TOPIC_SAGA: topic('COMMAND_TOPIC_SAGA'),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//, 'must begin with redis:// or rediss://')
    .refine((value) => URL.canParse(value), 'must be a URL (special characters of a password as %XX)')
    .optional(),
  REST_HOST: text('127.0.0.1'),
  REST_PORT: port.default(8080),
  REST_REQUESTS_PER_MINUTE: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be 1 to 1000000')
    .max(1_000_000, 'must be 1 to 1000000')
    .optional(),
  LOG_LEVEL: z
    .enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'must be trace, debug, info, warn, error, fatal or silent',
    )
    .default('info'),
  APPLICATION_ID: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be 1 to 100 letters, digits, dots, underscores, hyphens')
    .default('notes'),
  GROUP_INSTANCE_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be 1 to 100 letters, digits, dots, underscores, hyphens')
    .optional(),
  TOPIC_PARTITIONS: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be 1 to 10000')
    .max(10_000, 'must be 1 to 10000')
    .default(4),
  CREATE_TOPICS: flag(true),
  NOTE_ID_STRIDE: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be 1 to 65536')
    .max(65_536, 'must be 1 to 65536')
    .optional(),
  REQUIRE_SPAN_CONTEXT: flag(false),
  OUTPUT_COMPRESSION: z
    .enum(['none', 'gzip', 'snappy', 'lz4', 'zstd'], 'must be none, gzip, snappy, lz4 or zstd')
    .default('lz4'),
  AUDIT_INTERVAL_MS: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(0, 'must be 0 (no audit) to 86400000')
    .max(86_400_000, 'must be 0 (no audit) to 86400000')
    .default(5_000),
  OTEL_SDK_DISABLED: flag(false),
  OTEL_EXPORTER_OTLP_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url.optional(),
  OTEL_SERVICE_NAME: z.string().min(1).optional(),
  EMBEDDED_KAFKA_PORT: port.optional(),
  EMBEDDED_REDIS_PORT: port.optional(),
  EMBEDDED_DATA_DIR: z.string().min(1).optional(),
  KAFKA_SECURITY_PROTOCOL: z
    .enum(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], 'must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL')
    .default('PLAINTEXT'),
  KAFKA_SASL_MECHANISM: z
    .enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], 'must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512')
    .optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
  KAFKA_SSL_CA: z.string().optional(),
  KAFKA_SSL_CERT: z.string().optional(),
  KAFKA_SSL_KEY: z.string().optional(),
  API_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII characters without spaces')
    .optional(),
})

const SECRETS = [
  'KAFKA_SASL_PASSWORD',
  'KAFKA_SSL_KEY',
  'API_TOKEN',
  'KAFKA_SASL_USERNAME',
  'KAFKA_SSL_CA',
  'KAFKA_SSL_CERT',
  'REDIS_URL',
] as const
const MASKED = new Set<string>(['KAFKA_SASL_PASSWORD', 'KAFKA_SSL_KEY', 'API_TOKEN'])

export type Config = z.infer<typeof schema>

/** `lines` has one line per mistake, each beginning with the variable's name. */
export class ConfigError extends Error {
  readonly code = 'config.invalid'
  readonly lines: readonly string[]
  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.name = 'ConfigError'
    this.lines = lines
  }
}

/** An empty variable counts as not set. Throws ConfigError. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const mistakes: string[] = []
  const values: Record<string, string> = {}
  for (const name of Object.keys(schema.shape)) {
    const value = environment[name]
    if (value !== undefined && value !== '') values[name] = value
  }
  for (const name of SECRETS) {
    const file = environment[`${name}_FILE`]
    if (file === undefined || file === '') continue
    if (values[name] !== undefined) mistakes.push(`${name}: set either ${name} or ${name}_FILE, not both`)
    try {
      values[name] = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    } catch {
      mistakes.push(`${name}_FILE: cannot be read`)
    }
  }
  const parsed = schema.safeParse(values)
  if (!parsed.success) mistakes.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  else mistakes.push(...rulesBroken(parsed.data))
  if (mistakes.length > 0 || !parsed.success) throw new ConfigError(mistakes)
  return parsed.data
}

function rulesBroken(config: Config): readonly string[] {
  const mistakes: string[] = []
  // Its transactional id would be that of `tributary dead-letters replay`.
  if (config.GROUP_INSTANCE_ID === 'replay') mistakes.push('GROUP_INSTANCE_ID: `replay` is taken, choose another')
  if (!LOOPBACK.test(config.REST_HOST) && !config.API_TOKEN) mistakes.push(NON_LOOPBACK_NEEDS_TOKEN)
  const topics = [
    config.COMMAND_TOPIC_NOTE,
    config.EVENT_TOPIC_CHARACTER_STATUS,
    config.EVENT_TOPIC_NOTE_STATUS,
    config.COMMAND_TOPIC_SAGA,
  ]
  if (new Set(topics).size < topics.length)
    mistakes.push(
      'COMMAND_TOPIC_NOTE, EVENT_TOPIC_CHARACTER_STATUS, EVENT_TOPIC_NOTE_STATUS and COMMAND_TOPIC_SAGA: must be four different topics',
    )
  if (
    config.KAFKA_SECURITY_PROTOCOL.startsWith('SASL_') &&
    !(config.KAFKA_SASL_MECHANISM && config.KAFKA_SASL_USERNAME && config.KAFKA_SASL_PASSWORD)
  )
    mistakes.push(
      'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD: needed with KAFKA_SECURITY_PROTOCOL=SASL_…',
    )
  // Somebody believes that the connection is protected.
  const unused = (prefix: string, needs: string): void => {
    const protocol = config.KAFKA_SECURITY_PROTOCOL
    const set = Object.entries(config).flatMap(([name, value]) =>
      name.startsWith(prefix) && value !== undefined ? [name] : [],
    )
    if (set.length > 0 && !protocol.includes(needs))
      mistakes.push(
        `${set.join(', ')}: not used with KAFKA_SECURITY_PROTOCOL=${protocol}; set one with ${needs}, or none`,
      )
  }
  unused('KAFKA_SASL_', 'SASL')
  unused('KAFKA_SSL_', 'SSL')
  if ((config.KAFKA_SSL_CERT === undefined) !== (config.KAFKA_SSL_KEY === undefined))
    mistakes.push('KAFKA_SSL_CERT and KAFKA_SSL_KEY: set both or none')
  return mistakes
}

/** The effective configuration, fit for a log. */
export function maskedConfig(config: Config): Record<string, unknown> {
  const masked: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(config)) {
    if (value === undefined) continue
    if (MASKED.has(name)) masked[name] = '***'
    else if (name === 'REDIS_URL') masked[name] = maskedUrl(String(value))
    else if (name.startsWith('OTEL_EXPORTER_')) masked[name] = String(value).replace(/\/\/[^@/]*@/, '//***@')
    else if (name === 'KAFKA_SSL_CA' || name === 'KAFKA_SSL_CERT') masked[name] = '(set)'
    else masked[name] = value
  }
  return masked
}

export interface ExplainedVariable {
  readonly name: string
  /** Masked as in maskedConfig; null: it has none. */
  readonly value: unknown
  readonly from: 'environment' | 'file' | 'default' | 'not set'
}

/** Every variable with its effective value and where that came from, in the order of the schema. Throws ConfigError. */
export function explainConfig(environment: Readonly<Record<string, string | undefined>>): readonly ExplainedVariable[] {
  const masked = maskedConfig(readConfig(environment))
  const given = (name: string): boolean => environment[name] !== undefined && environment[name] !== ''
  return Object.keys(schema.shape).map((name) => {
    const value = masked[name] ?? null
    const fromFile = SECRETS.some((secret) => secret === name) && given(`${name}_FILE`)
    return {
      name,
      value,
      from: fromFile ? 'file' : given(name) ? 'environment' : value === null ? 'not set' : 'default',
    }
  })
}

/** The URL without its password. */
export const maskedUrl = (url: string): string => url.replace(/^(rediss?:\/\/[^:@/]*):[^@]*@/, '$1:***@')
