/** The doctor with a setup that is right, and with one that is broken, of each kind that can be broken here. */

import { Admin } from '@platformatic/kafka'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCli } from '../../cli/run.ts'
import { freePorts } from '../../embedded/free-port.ts'
import { startKafka } from '../../embedded/kafka.ts'
import { startRedis } from '../../embedded/redis.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import { connectKafkaOperator } from '../../engine/kafka/operator.ts'
import { findDeployment } from '../../operations/deployment.ts'
import { examine } from '../../operations/doctor.ts'
import { preparationOf } from '../../service-options.ts'
import { openStoreAdmin } from '../../stores/redis/admin.ts'
import { CliWorld, create, eventually } from './cli-support.ts'

let world: CliWorld

beforeEach(async () => {
  world = await CliWorld.open()
})

afterEach(() => world.close())

interface Examined {
  readonly exit: number
  readonly states: Readonly<Record<string, string>>
  readonly details: string
}

async function doctor(env: Readonly<Record<string, string>> = {}): Promise<Examined> {
  let out = ''
  let err = ''
  const exit = await runCli(['doctor', '--json'], {
    env: { ...world.env, ...env },
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    runningStack: () => null,
  })
  expect(err).toBe('')
  const { healthy, findings } = JSON.parse(out) as {
    healthy: boolean
    findings: { check: string; state: string; detail: string; remedy: string | null }[]
  }
  expect(healthy).toBe(exit === 0)
  for (const { check, state, remedy } of findings)
    if (state === 'fail' || state === 'warn') expect(remedy, check).toBeTruthy()
  const states: Record<string, string> = {}
  // The worst of several of one kind.
  for (const { check, state } of findings) if (states[check] !== 'fail') states[check] = state
  return { exit, states, details: JSON.stringify(findings) }
}

/** A broker learns of what a controller has answered a moment later. */
async function told(
  states: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
  details: readonly string[] = [],
): Promise<Examined> {
  let found = await doctor(env)
  await eventually(
    JSON.stringify(states),
    async () => {
      found = await doctor(env)
      const isTold = Object.entries(states).every(([check, state]) => found.states[check] === state)
      return isTold && details.every((text) => found.details.includes(text))
    },
    () => found.details,
  )
  return found
}

const admin = () => new Admin({ clientId: 'it', bootstrapBrokers: [world.config.BOOTSTRAP_SERVERS] })

test('before the first start, while it runs, and stopped', async () => {
  expect(await doctor()).toMatchObject({
    exit: 0,
    states: { 'topic.there': 'warn', 'group.state': 'warn', 'group.offsets': 'skipped' },
  })
  expect((await doctor({ CREATE_TOPICS: 'false' })).states).toMatchObject({ 'topic.there': 'fail' })
  await world.start()
  await world.send([create(1, 2, 'a'), create(2, 2, 'b')])
  await world.settled()
  const running = await doctor()
  expect(running.exit, running.details).toBe(0)
  expect(running.states).toMatchObject({
    'kafka.reachable': 'ok',
    'kafka.features': 'ok',
    'kafka.clock': 'ok',
    'topic.there': 'ok',
    'topic.internal': 'ok',
    'group.state': 'ok',
    'group.offsets': 'ok',
    'rights.transactional-id': 'ok',
    'rights.mending': 'ok',
    'redis.reachable': 'ok',
    'redis.policy': 'ok',
    'redis.clock': 'ok',
  })
  const text = await world.cli('doctor')
  expect(text).toMatchObject({ exit: 0, err: '' })
  expect(text.out).toMatch(/^ok +kafka\.clock +[+-]?\d+ ms, ± \d+ ms$/m)
})

describe('broken', () => {
  test('Kafka away; Redis away', async () => {
    const [port] = await freePorts(1)
    const away = await doctor({ BOOTSTRAP_SERVERS: `127.0.0.1:${port}` })
    expect(away).toMatchObject({ exit: 1, states: { 'kafka.reachable': 'fail', 'redis.reachable': 'ok' } })
    const redis = await doctor({ REDIS_URL: `redis://127.0.0.1:${port}` })
    expect(redis).toMatchObject({ exit: 1, states: { 'kafka.reachable': 'ok', 'redis.reachable': 'fail' } })
  })

  test('a changelog that loses state, a repartition topic that is gone, offsets that are gone', async () => {
    await world.start()
    await world.send([create(1, 2, 'a'), create(2, 2, 'b')])
    await world.settled()
    await world.stop()
    const kafka = admin()
    try {
      await kafka.incrementalAlterConfigs({
        resources: [
          {
            resourceType: 2,
            resourceName: `${world.application}-changelog`,
            configs: [{ name: 'cleanup.policy', configOperation: 0, value: 'delete' }],
          },
        ],
        validateOnly: false,
      })
      const changed = { 'topic.settings': 'fail', 'group.offsets': 'ok' }
      expect(await told(changed)).toMatchObject({ exit: 1, states: changed })
      await kafka.deleteGroups({ groups: [world.application] })
      expect(await doctor()).toMatchObject({ exit: 1, states: { 'group.offsets': 'fail' } })
      await kafka.deleteTopics({ topics: [`${world.application}-repartition`] })
      expect(await told({ 'topic.internal': 'fail' })).toMatchObject({ exit: 1 })
    } finally {
      await kafka.close()
    }
  })

  test('a Redis that evicts, a replica, one that is nearly full', async () => {
    const progress = (): void => {}
    const redis = await startRedis({ progress, overrides: { 'maxmemory-policy': 'allkeys-lru', maxmemory: '1500kb' } })
    const replica = await startRedis({ progress })
    // By command: as an argument of the server its two words are read differently from version to version.
    const client = new Redis(replica.redisUrl)
    try {
      await client.replicaof('127.0.0.1', redis.port)
      const evicting = await doctor({ REDIS_URL: redis.redisUrl })
      expect(evicting, evicting.details).toMatchObject({
        exit: 1,
        states: { 'redis.policy': 'fail', 'redis.persistence': 'warn' },
      })
      expect((await doctor({ REDIS_URL: replica.redisUrl })).states).toMatchObject({ 'redis.role': 'fail' })
    } finally {
      client.disconnect()
      await replica.stop()
      await redis.stop()
    }
  })

  test('a clock that is wrong', async () => {
    const kafka = connectKafka({ bootstrapServers: world.config.BOOTSTRAP_SERVERS, clientId: 'it' })
    const operator = connectKafkaOperator({ bootstrapServers: world.config.BOOTSTRAP_SERVERS, clientId: 'it' })
    const store = openStoreAdmin({ url: world.config.REDIS_URL, application: world.application, instance: 'it' })
    const states: Record<string, string> = {}
    const context = {
      kafka,
      operator: { ...operator, timeMs: async () => ({ code: 0, timeMs: Date.now() + 5_000 }) },
      admin: Object.assign(Object.create(store) as typeof store, {
        timeMs: async () => Date.now() - 5_000,
        server: () => store.server(),
      }),
      options: preparationOf(world.config),
      process: { nodeVersion: 'v20.1.0', freeBytes: 1 },
    }
    for await (const { check, state } of examine(context)) states[check] ??= state
    expect(states).toMatchObject({
      'kafka.clock': 'warn',
      'redis.clock': 'warn',
      'node.version': 'fail',
      'node.memory': 'warn',
    })
    await Promise.all([kafka.close(), operator.close(), store.close()])
    await expect(findDeployment(world.kafka, preparationOf(world.config))).rejects.toMatchObject({
      code: 'deployment.missing',
    })
  })

  test('rights that are missing, told by a broker with an authorizer', async () => {
    const broker = await startKafka({
      progress: () => {},
      overrides: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': 'true',
      },
    })
    const kafka = new Admin({ clientId: 'it', bootstrapBrokers: [broker.bootstrapServers] })
    try {
      const { COMMAND_TOPIC_NOTE: source, COMMAND_TOPIC_SAGA: saga } = world.config
      await kafka.createTopics({ topics: [source, saga], partitions: 2, replicas: 1 })
      const acl = (resourceType: number, resourceName: string, operation: number, principal = 'User:ANONYMOUS') =>
        ({
          ...{ resourceType, resourceName, resourcePatternType: 3 },
          ...{ principal, host: '*', operation, permissionType: 3 },
        }) as never
      // Somebody else's ACL denies everybody without one of his own.
      const other = 'User:somebody'
      await kafka.createAcls({
        creations: [
          acl(2, source, 8),
          acl(2, saga, 3),
          acl(3, world.config.KAFKA_CONSUMER_GROUP, 8),
          acl(5, `${world.application}-doctor`, 4, other),
        ],
      })
      const denied = { 'rights.topic': 'fail', 'rights.group': 'fail', 'rights.transactional-id': 'fail' }
      // One after the other: each of two topics has its own.
      const found = await told(denied, { BOOTSTRAP_SERVERS: broker.bootstrapServers }, [
        source,
        `Write --topic ${saga}`,
      ])
      expect(found, found.details).toMatchObject({ exit: 1, states: denied })
      expect(found.details).toContain(`--topic ${saga}`)
      expect(found.details).toContain(`--operation Write --topic ${saga}`)
    } finally {
      await kafka.close()
      await broker.stop()
    }
  })
})
