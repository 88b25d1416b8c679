/** The typed client against the real service: starts, resumes, gaps, tenants, and that Redis has what an event tells of. */
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { position } from '../../engine/core/numbers.ts'
import { SubscribeError, type SubscribeOptions, type SubscribeTo, sink, subscribe } from '../../index.ts'
import { openStateReader } from '../../stores/redis/stores.ts'
import { storeLayoutOf } from '../../stores/store-layout.ts'
import { noteStatus, type StatusEvent } from '../../topology/notes/events.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { sagaCommands } from '../../topology/notes/saga.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { testRedis } from '../support/stack.ts'
import { CliWorld, create, discard, TASKS, TENANT_A, TENANT_B } from './cli-support.ts'
import { createTopic, Owner, unique } from './kafka-support.ts'

let world: CliWorld
let to: SubscribeTo & { readonly state: { application: string; redisUrl: string } }

/** What the service sends to Redis arrives this much later: so that who does not wait for it is seen to be too early. */
const REDIS_DELAY_MS = 30
const slow: Server = createServer((client) => {
  const { hostname, port } = new URL(testRedis())
  const redis = connect(Number(port), hostname)
  client.on('data', (data) => setTimeout(() => redis.write(data), REDIS_DELAY_MS))
  redis.on('data', (data) => client.write(data))
  for (const socket of [client, redis]) socket.on('error', () => {})
  client.on('close', () => redis.destroy())
  redis.on('close', () => client.destroy())
})

beforeAll(async () => {
  const REDIS_URL = testRedis()
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
  process.env['TEST_REDIS_URL'] = `redis://127.0.0.1:${(slow.address() as AddressInfo).port}`
  world = await CliWorld.open()
  process.env['TEST_REDIS_URL'] = REDIS_URL
  await world.start()
  const { BOOTSTRAP_SERVERS, EVENT_TOPIC_NOTE_STATUS, COMMAND_TOPIC_SAGA, APPLICATION_ID } = world.config
  to = {
    kafka: { bootstrapServers: BOOTSTRAP_SERVERS, clientId: 'it-subscribe' },
    topicNames: { EVENT_TOPIC_NOTE_STATUS, COMMAND_TOPIC_SAGA },
    state: { application: APPLICATION_ID, redisUrl: REDIS_URL },
  }
})

afterAll(async () => {
  await world?.close()
  slow.close()
})

let characters = 50_000
const nextCharacter = (): number => ++characters

/** The first events of a subscription. */
async function take(count: number, options: SubscribeOptions<StatusEvent>, where: SubscribeTo = to) {
  const found = []
  for await (const event of subscribe(where, noteStatus, options)) if (found.push(event) === count) break
  return found
}

test('events come typed, in order, with places to go on from', async () => {
  const character = nextCharacter()
  await world.send(Array.from({ length: 6 }, (_, n) => create(character, 9, `${n}`)))
  const first = await take(3, { from: 'earliest', tenant: TENANT_A })
  const text = ({ value }: { value: StatusEvent }): string => (value.type === 'CREATED' ? value.body.message : '')
  expect(first.map(text)).toEqual(['0', '1', '2'])
  const partition = partitionFor(characterKey(character), TASKS)
  const { EVENT_TOPIC_NOTE_STATUS: topic } = world.config
  expect(first[0]).toMatchObject({
    tenant: TENANT_A,
    key: characterKey(character),
    position: `${topic}:${partition}:0`,
  })
  expect(first[0]!.id.startsWith(`${first[0]!.position},`)).toBe(true)
  const rest = await take(3, { from: first[2]!.id })
  expect(rest.map(text)).toEqual(['3', '4', '5'])
  expect((await take(1, { from: { [partition]: 4 } })).map(text)).toEqual(['4'])
})

test('another tenant’s events are not seen', async () => {
  await world.send([create(nextCharacter(), 9, 'of a')], { tenant: TENANT_A })
  await world.send([create(nextCharacter(), 9, 'of b')], { tenant: TENANT_B })
  const [event] = await take(1, { from: 'earliest', tenant: TENANT_B.toUpperCase() })
  expect(event).toMatchObject({ tenant: TENANT_B, value: { body: { message: 'of b' } } })
})

test('Redis has what an event tells of when it comes, and nothing went out by the time limit', async () => {
  const layout = storeLayoutOf(noteTopology, world.application)
  const reader = openStateReader({ url: testRedis(), layout, instance: 'it-subscribe' })
  const until = new AbortController()
  let late = 0
  let ready = (): void => {}
  const began = new Promise<void>((resolve) => {
    ready = resolve
  })
  const character = nextCharacter()
  const missing: unknown[] = []
  const seen: number[] = []
  const follow = async (): Promise<void> => {
    const options = { signal: until.signal, onTimedOut: (count: number) => (late += count) }
    for await (const { value } of subscribe(to, noteStatus, options)) {
      if (value.type === 'CREATE_FAILED') ready()
      if (value.characterId !== character || value.type !== 'CREATED') continue
      const task = partitionFor(characterKey(character), TASKS)
      const { noteId } = value.body
      const found = await reader.get(task, 'notes', `${TENANT_A}:${character}`, String(noteId))
      if (found === null) missing.push(noteId)
      if (seen.push(noteId) === 30) until.abort()
    }
  }
  const following = follow()
  // It has begun when the first of these is seen.
  const knocking = setInterval(() => void world.send([create(nextCharacter(), 0, 'x')]), 100)
  await began
  clearInterval(knocking)
  for (let n = 0; n < 30; n++) await world.send([create(character, 9, `${n}`)])
  await following
  await reader.close()
  expect([seen.length, missing, late]).toEqual([30, [], 0])
})

test('a sink that is keyed otherwise is not held back', async () => {
  const character = nextCharacter()
  const until = new AbortController()
  await world.send([create(character, 9, 'thanks')])
  const [created] = await takeOf(character)
  await world.send([discard(character, [created!])])
  for await (const { value } of subscribe(to, sagaCommands, { from: 'earliest', signal: until.signal })) {
    expect(value.initiatedBy).toBe('note-discard-fame')
    until.abort()
  }
})

async function takeOf(character: number): Promise<number[]> {
  for await (const { value } of subscribe(to, noteStatus, { from: 'earliest' }))
    if (value.characterId === character && value.type === 'CREATED') return [value.body.noteId]
  return []
}

test('a loss is an error, unless somebody hears of it', async () => {
  const topic = unique('subscribe-gap')
  await createTopic(world.kafka, topic, 1)
  const numbers = sink<number>({ topic })
  const owner = await Owner.start(world.kafka, unique('subscribe-gap'), 'none')
  for (let n = 0; n < 4; n++) {
    await owner.produce(topic, 0, [String(n)])
    expect(await owner.end(n !== 2)).toBe(0)
  }
  const where = { kafka: to.kafka }
  const read = async (options: SubscribeOptions<number>): Promise<number[]> => {
    const found: number[] = []
    for await (const { value } of subscribe(where, numbers, options)) {
      found.push(value)
      if (value === 3) break
    }
    return found
  }
  // The third was aborted.
  expect(await read({ from: 'earliest' })).toEqual([0, 1, 3])
  const id = await (async () => {
    for await (const event of subscribe(where, numbers, { from: 'earliest' })) return event.id
    return ''
  })()
  await world.kafka.admin.deleteRecords([{ topic, partition: 0, position: position(5) }])
  await expect(read({ from: id })).rejects.toMatchObject({ code: 'events.gap' })
  const gaps: unknown[] = []
  expect(await read({ from: id, onGap: (gap) => gaps.push(gap) })).toEqual([3])
  expect(gaps).toMatchObject([{ reason: 'retention', topic, partition: 0, from: 1, to: 5 }])
  // Earliest is what is there.
  expect(await read({ from: 'earliest' })).toEqual([3])
  await owner.client.close()
})

test('mistakes have codes', async () => {
  const first = async (options: SubscribeOptions<StatusEvent>, where = to): Promise<unknown> =>
    subscribe(where, noteStatus, options).next()
  await expect(first({ from: 'x' })).rejects.toBeInstanceOf(SubscribeError)
  await expect(first({ from: 'other:0:1' })).rejects.toMatchObject({ code: 'events.from_invalid' })
  await expect(first({ from: { 0: -1 } })).rejects.toMatchObject({ code: 'events.from_invalid' })
  await expect(first({ from: { 99: 0 } })).rejects.toMatchObject({ code: 'events.from_invalid' })
  const missing = { ...to, topicNames: { EVENT_TOPIC_NOTE_STATUS: unique('never') } }
  await expect(first({}, missing)).rejects.toMatchObject({ code: 'events.topic_missing' })
  const decode = (): never => {
    throw new Error('no')
  }
  await expect(first({ from: 'earliest', decode })).rejects.toMatchObject({ code: 'events.undecodable' })
})

test('a signal ends it, before and while it waits', async () => {
  expect(await subscribe(to, noteStatus, { signal: AbortSignal.abort() }).next()).toEqual({
    done: true,
    value: undefined,
  })
  const until = new AbortController()
  const waiting = subscribe(to, noteStatus, { signal: until.signal }).next()
  setTimeout(() => until.abort(), 50)
  expect(await waiting).toEqual({ done: true, value: undefined })
})
