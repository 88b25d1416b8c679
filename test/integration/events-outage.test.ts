/** Streams and subscriptions through a broker that is killed and a Redis that is gone: open all the while, then on. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { subscribe } from '../../subscribe/subscribe.ts'
import { noteStatus } from '../../topology/notes/events.ts'
import { Cluster } from '../faults/harness/cluster.ts'
import { impossible } from '../faults/harness/proof.ts'
import { CliWorld, create, eventually, TASKS, TENANT_A } from './cli-support.ts'
import { SseConnection } from './events-support.ts'

const skipped = await impossible()
const CHARACTER = 7
const before = { ...process.env }

let cluster: Cluster
let world: CliWorld
let stream: SseConnection
const subscribed: string[] = []
const until = new AbortController()
let subscription: Promise<void> = Promise.resolve()

beforeAll(async () => {
  if (skipped) return
  cluster = await Cluster.start()
  process.env['TEST_BOOTSTRAP_SERVERS'] = cluster.bootstrapServers
  process.env['TEST_REDIS_URL'] = cluster.redis.redisUrl
  world = await CliWorld.open()
  await world.start()
  const { BOOTSTRAP_SERVERS, EVENT_TOPIC_NOTE_STATUS, APPLICATION_ID, REDIS_URL } = world.config
  stream = await SseConnection.connect(world.service!.restUrl, TENANT_A)
  await eventually('it follows', async () => stream.follows)
  const to = {
    kafka: { bootstrapServers: BOOTSTRAP_SERVERS, clientId: 'it-outage' },
    topicNames: { EVENT_TOPIC_NOTE_STATUS },
    state: { application: APPLICATION_ID, redisUrl: REDIS_URL },
  }
  const follow = async (): Promise<void> => {
    for await (const { value } of subscribe(to, noteStatus, { from: 'earliest', signal: until.signal }))
      if (value.type === 'CREATED') subscribed.push(value.body.message)
  }
  subscription = follow()
}, 180_000)

afterAll(async () => {
  until.abort()
  await subscription
  stream?.close()
  await world?.close()
  await cluster?.stop()
  for (const name of ['TEST_BOOTSTRAP_SERVERS', 'TEST_REDIS_URL']) {
    if (before[name] === undefined) delete process.env[name]
    else process.env[name] = before[name]
  }
}, 60_000)

let sent = 0
async function say(): Promise<void> {
  await world.send([create(CHARACTER, 9, `${++sent}`)])
}

async function allArrive(): Promise<void> {
  const numbers = Array.from({ length: sent }, (_, n) => `${n + 1}`)
  const streamed = (): string[] => stream.events.map(({ data }) => (data as any).body.message)
  await eventually('all are there', async () => streamed().length >= sent && subscribed.length >= sent)
  expect(streamed()).toEqual(numbers)
  expect(subscribed).toEqual(numbers)
  expect(stream.isOpen).toBe(true)
}

test.skipIf(skipped !== '')(`the broker is killed and comes back ${skipped}`, { timeout: 120_000 }, async () => {
  await say()
  await allArrive()
  await cluster.kafka.kill()
  await cluster.kafka.restart()
  // Asked and not tried: a command without an answer may have been written all the same, and would be there twice.
  const partitions = Array.from({ length: TASKS }, (_, partition) => ({
    topic: world.config.COMMAND_TOPIC_NOTE,
    partition,
  }))
  await eventually('it takes commands again', async () => {
    const ends = await world.kafka.admin.listOffsets(partitions, 'latest').catch(() => [])
    return ends.length > 0 && ends.every(({ code }) => code === 0)
  })
  await say()
  await say()
  await allArrive()
})

test.skipIf(skipped !== '')(`Redis is killed and comes back ${skipped}`, { timeout: 120_000 }, async () => {
  await say()
  await cluster.redis.kill()
  for (let n = 0; n < 5; n++) await say()
  await cluster.redis.restart()
  await allArrive()
})
