/**
 * /readyz, /metrics and the log when Kafka or Redis is away, full, or says no: the reason is told within a bound, the service
 * comes back by itself, what was evicted is rebuilt, and no secret is in any line. Its own servers, for it stops them.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KAFKA_SILENCE_MAX_MS } from '../../api/health.ts'
import { runCli } from '../../cli/run.ts'
import { type Config, readConfig } from '../../config.ts'
import { freePorts } from '../../embedded/free-port.ts'
import { type EmbeddedKafka, startKafka } from '../../embedded/kafka.ts'
import { type EmbeddedRedis, startRedis } from '../../embedded/redis.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import { connectKafkaOperator } from '../../engine/kafka/operator.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { type RunningService, startService } from '../../service.ts'
import { COMMAND_DEADLINE_MS } from '../../stores/redis/connection.ts'
import { openRedisStores } from '../../stores/redis/stores.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { create, headersOf, TENANT_A } from './cli-support.ts'

const SECRET = `secret-${randomBytes(6).toString('hex')}`
const OTHER_SECRET = `other-${randomBytes(6).toString('hex')}`
/** How often an idle task asks whether its state is there (engine/housekeeping.ts). */
const PROBE_MS = 10_000
/** For a machine that is busy. */
const SLACK_MS = 10_000

let kafka: EmbeddedKafka
let redis: EmbeddedRedis
let service: RunningService
let env: Record<string, string>
const lines: string[] = []

beforeAll(async () => {
  const progress = (): void => {}
  ;[kafka, redis] = await Promise.all([
    startKafka({ progress }),
    startRedis({ progress, overrides: { 'maxmemory-policy': 'noeviction' } }),
  ])
  await admin((client) => client.config('SET', 'requirepass', SECRET), null)
  const [port] = await freePorts(1)
  env = {
    BOOTSTRAP_SERVERS: kafka.bootstrapServers,
    REDIS_URL: redis.redisUrl.replace('redis://', `redis://:${SECRET}@`),
    REST_PORT: String(port),
    TOPIC_PARTITIONS: '2',
    AUDIT_INTERVAL_MS: '0',
    API_TOKEN: SECRET,
  }
  const config = readConfig(env) as Config & { BOOTSTRAP_SERVERS: string; REDIS_URL: string }
  service = await startService(config, pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }))
  await service.ready
}, 180_000)

afterAll(async () => {
  kafka?.resume()
  redis?.resume()
  await service?.close()
  await Promise.all([kafka?.stop(), redis?.stop()])
}, 60_000)

async function admin<T>(use: (client: Redis) => Promise<T>, password: string | null = SECRET): Promise<T> {
  const client = new Redis(redis.redisUrl, password === null ? {} : { password })
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

const url = (path: string): string => new URL(path, service.restUrl).href

async function readyz(): Promise<{ status: number; reasons: readonly string[] }> {
  const answer = await fetch(url('/readyz'))
  const { reasons } = (await answer.json()) as { reasons: readonly string[] }
  return { status: answer.status, reasons }
}

/** Polls until it holds; fails at the bound. */
async function within(boundMs: number, what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + boundMs + SLACK_MS
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error(`not within ${boundMs} ms: ${what}; ${JSON.stringify(await readyz())}`)
    await sleep(100)
  }
}

const isReady = async (): Promise<boolean> => (await readyz()).status === 200
const reasonIs =
  (pattern: RegExp): (() => Promise<boolean>) =>
  async () => {
    const { status, reasons } = await readyz()
    return status === 503 && reasons.some((reason) => pattern.test(reason))
  }

async function sendNotes(count: number): Promise<void> {
  const client = connectKafka({ bootstrapServers: kafka.bootstrapServers, clientId: 'readiness' })
  const publisher = client.publisher()
  const nobody = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression: 'none' } as const
  const builder = new RecordBatchBuilder()
  for (let i = 0; i < count; i++)
    builder.add(Date.now(), characterKey(i), JSON.stringify(create(i + 1, 9, `note ${i}`)), headersOf(TENANT_A))
  await publisher.publish([{ topic: 'COMMAND_TOPIC_NOTE', partition: 0, bytes: builder.finish(nobody) }])
  await publisher.close()
  await client.close()
}

async function metric(start: string): Promise<number> {
  const text = await (await fetch(url('/metrics'))).text()
  const found = text.split('\n').filter((line) => line.startsWith(start))
  return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function verify(): Promise<number> {
  return runCli(['verify'], { env, out: () => {}, err: () => {}, runningStack: () => null })
}

describe('away, and back', () => {
  test('Kafka: told within its bound, alive all the while', { timeout: 90_000 }, async () => {
    kafka.pause()
    try {
      await within(KAFKA_SILENCE_MAX_MS, 'not ready', reasonIs(/^cut off from Kafka: no answer for \d+ s$/))
      expect((await fetch(url('/livez'))).status).toBe(200)
    } finally {
      kafka.resume()
    }
    await within(20_000, 'ready again', isReady)
  })

  test('Redis: told within its bound, though nothing is to be done', { timeout: 90_000 }, async () => {
    redis.pause()
    try {
      await within(PROBE_MS + COMMAND_DEADLINE_MS, 'not ready', reasonIs(/^cut off from Redis for \d+ s: no /))
      expect((await fetch(url('/livez'))).status).toBe(200)
    } finally {
      redis.resume()
    }
    await within(20_000, 'ready again', isReady)
  })
})

test('what Redis has evicted is rebuilt, and verify says 0', { timeout: 120_000 }, async () => {
  await sendNotes(500)
  await within(20_000, 'processed', async () => (await metric('topology_records_processed_total')) >= 500)
  await within(20_000, 'verified', async () => (await verify()) === 0)
  await admin(async (client) => {
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))![1])
    await client.config('SET', 'maxmemory-policy', 'allkeys-random')
    await client.config('SET', 'maxmemory', String(used - 20_000))
    await client.set('filler', 'x')
    expect(Number(/evicted_keys:(\d+)/.exec(await client.info('stats'))![1])).toBeGreaterThan(0)
    await client.config('SET', 'maxmemory', '0')
    await client.config('SET', 'maxmemory-policy', 'noeviction')
  })
  await within(PROBE_MS, 'rebuilt', async () => (await metric('topology_task_mends_total{reason="redis.evicted"')) >= 1)
  expect(await metric('topology_warnings_total{code="redis.evicted"')).toBe(1)
  await within(20_000, 'ready again', isReady)
  expect(await verify()).toBe(0)
})

test('Redis full: nothing is lost, the reason is told, and it goes on with more memory', {
  timeout: 90_000,
}, async () => {
  const before = await metric('topology_records_processed_total')
  await admin((client) => client.config('SET', 'maxmemory', '1'))
  await sendNotes(20)
  await within(PROBE_MS, 'not ready', reasonIs(/OOM|maxmemory/))
  await admin((client) => client.config('SET', 'maxmemory', '0'))
  await within(20_000, 'ready again', isReady)
  await within(20_000, 'verified', async () => (await verify()) === 0)
  expect(await metric('topology_records_processed_total')).toBeGreaterThanOrEqual(before + 20)
})

describe('secrets', () => {
  test('a Redis that refuses the password, from one moment to the next', { timeout: 90_000 }, async () => {
    await admin(async (client) => {
      await client.config('SET', 'requirepass', OTHER_SECRET)
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    })
    await within(PROBE_MS + COMMAND_DEADLINE_MS, 'not ready', reasonIs(/password/))
    const { reasons } = await readyz()
    expect(reasons.join()).not.toContain(SECRET)
    await admin((client) => client.config('SET', 'requirepass', SECRET), OTHER_SECRET)
    await within(20_000, 'ready again', isReady)
  })

  test('none of them is in any log line, at any level, nor in /metrics', async () => {
    expect(lines.length).toBeGreaterThan(50)
    expect(lines.some((line) => line.includes('redis.auth') || line.includes('WRONGPASS'))).toBe(true)
    expect(lines.filter((line) => line.includes(SECRET) || line.includes(OTHER_SECRET))).toEqual([])
    const text = await (await fetch(url('/metrics'))).text()
    expect(text).not.toContain(SECRET)
  })

  test.each([
    ['wrong', () => redis.redisUrl.replace('redis://', `redis://user:${SECRET}x@`)],
    ['nobody listens', () => `redis://user:${SECRET}@127.0.0.1:1`],
    ['no such host', () => `redis://user:${SECRET}@host.invalid:6379`],
    ['not a port', () => `redis://user:${SECRET}@127.0.0.1:port`],
  ])('none is in the error of a connection: %s', async (_, address) => {
    const layout = { application: 'app', stores: [], indexes: [] }
    const stores = openRedisStores({ url: address(), layout, instance: 'test' })
    const error = await stores.policy().then(
      () => null,
      (reason: unknown) => reason,
    )
    await stores.close()
    expect(error).toMatchObject({ name: 'StoreLost' })
    const text = [JSON.stringify(error), String(error), (error as Error).stack, String((error as Error).cause)].join()
    expect(text).not.toContain(SECRET)
  })
})

test('an output topic that is deleted is named, and created again in time nothing ends', {
  timeout: 90_000,
}, async () => {
  const operator = connectKafkaOperator({ bootstrapServers: kafka.bootstrapServers, clientId: 'readiness' })
  const client = connectKafka({ bootstrapServers: kafka.bootstrapServers, clientId: 'readiness' })
  try {
    // Nothing is written to it here; all the same nothing could be written to the others after a disturbance.
    await operator.deleteTopics(['COMMAND_TOPIC_SAGA'])
    await within(10_000, 'the topic is named', reasonIs(/^waiting for a topic: COMMAND_TOPIC_SAGA does not exist$/))
    const topic = { topic: 'COMMAND_TOPIC_SAGA', partitions: 2, replicationFactor: 1, configs: {} }
    await client.admin.createTopics([topic])
    await within(10_000, 'ready again', isReady)
  } finally {
    await operator.close()
    await client.close()
  }
})

test('draining: 503 with that reason, before anything else ends', async () => {
  const closing = service.close()
  expect(service.health.readiness()).toMatchObject({ ready: false, reasons: expect.arrayContaining(['draining']) })
  await closing
})
