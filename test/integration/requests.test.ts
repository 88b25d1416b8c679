/** Commands that name a request, with the real service on a real broker and Redis: done once, and readable once answered. */
import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Config, readConfig } from '../../config.ts'
import { freePorts } from '../../embedded/free-port.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { Kafka, Publisher } from '../../engine/ports.ts'
import type { RunningService } from '../../service.ts'
import { topicNames } from '../../service-options.ts'
import type { StateReader } from '../../stores/ports.ts'
import { openStateReader } from '../../stores/redis/stores.ts'
import { storeLayoutOf } from '../../stores/store-layout.ts'
import { TestState } from '../../testing/test-state.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { type RequestEntry, requestKey, requests } from '../../topology/notes/request.ts'
import { notes } from '../../topology/notes/state.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { CHARACTERS, COMMANDS, SAGAS, STATUS } from '../contract/notes.ts'
import { create, ofType, requestHeader, tenantHeaders } from '../notes/records.ts'
import { CommittedReader, produce } from '../support/kafka-records.ts'
import { startReady } from '../support/running-service.ts'
import { testBootstrap, testRedis } from '../support/stack.ts'

const TASKS = 3
const START_MS = 60_000
const DEADLINE_MS = 30_000

const run = randomBytes(4).toString('hex')
const application = `it-requests-${run}`
const tenantId = randomUUID()
const owner = { tenantId, characterId: 77 }

let config: Config & { BOOTSTRAP_SERVERS: string; REDIS_URL: string }
let kafka: Kafka
let publisher: Publisher
let events: CommittedReader
let reader: StateReader
let state: TestState
let service: RunningService

const start = async (): Promise<void> => {
  service = await startReady(config)
}

beforeAll(async () => {
  const [port] = await freePorts(1)
  config = readConfig({
    BOOTSTRAP_SERVERS: testBootstrap(),
    REDIS_URL: testRedis(),
    REST_PORT: String(port),
    APPLICATION_ID: application,
    KAFKA_CONSUMER_GROUP: application,
    TOPIC_PARTITIONS: String(TASKS),
    ...Object.fromEntries([COMMANDS, CHARACTERS, STATUS, SAGAS].map((topic) => [topic, `${topic}-${run}`])),
  }) as typeof config
  kafka = connectKafka({ bootstrapServers: testBootstrap(), clientId: application })
  publisher = kafka.publisher()
  await start()
  events = await CommittedReader.open(kafka, [topicNames(config)[STATUS]!])
  reader = openStateReader({
    url: testRedis(),
    instance: application,
    layout: storeLayoutOf(noteTopology, application),
  })
  state = new TestState(reader, TASKS)
}, START_MS)

afterAll(async () => {
  await service?.close()
  await events?.close()
  await reader?.close()
  await publisher?.close()
  await kafka?.close()
})

const send = (
  value: object,
  characterId: number,
  partition: number,
  request: string | null = null,
  timestampMs?: number,
) =>
  produce(publisher, [
    {
      topic: topicNames(config)[COMMANDS]!,
      partition,
      key: characterKey(characterId),
      value: JSON.stringify(value),
      headers: [...tenantHeaders(tenantId), ...(request === null ? [] : [requestHeader(request)])],
      ...(timestampMs === undefined ? {} : { timestampMs }),
    },
  ])

/** As who waits for the answer: looks until the entry is there. */
async function answered(request: string): Promise<RequestEntry> {
  for (const endMs = performance.now() + DEADLINE_MS; performance.now() < endMs; await sleep(5)) {
    const entry = await state.value(requests, requestKey(tenantId, request))
    if (entry) return entry
  }
  throw new Error(`no answer to ${request} within ${DEADLINE_MS} ms`)
}

// First of all: records of two days ago, behind those of today, would wait behind them.
test('entries that are long expired are removed by those that come after', async () => {
  const DAY_MS = 24 * 3_600_000
  const now = Date.now()
  const old = Array.from({ length: 6 }, () => randomUUID())
  // Two days ago, as the records say.
  for (const request of old) await send(create(78, 7), 78, 0, request, now - 2 * DAY_MS)
  await answered(old.at(-1)!)
  const fresh = Array.from({ length: 4 }, () => randomUUID())
  for (const request of fresh) await send(create(78, 7), 78, 0, request, now)
  await answered(fresh.at(-1)!)
  const left = await Promise.all(old.map((request) => state.value(requests, requestKey(tenantId, request))))
  expect(left).toEqual(old.map(() => undefined))
  // And so is one of them when it comes again: it is done again.
  await events.read(10)
  await send(create(78, 7), 78, 0, old[0]!, now)
  expect((await answered(old[0]!)).expiresAt).toBe(now + DAY_MS)
  expect(await events.read(1)).toHaveLength(1)
})

test('a request sent to every partition, and again after a restart, makes one note, which is readable once answered', async () => {
  const request = randomUUID()
  for (let partition = 0; partition < TASKS; partition++) await send(create(77, 7), 77, partition, request)
  const { status, noteId } = await answered(request)
  expect(status).toBe(201)
  expect(await state.get(notes, owner, noteId!)).toMatchObject({ senderId: 7, message: 'hello' })
  await service.close()
  await start()
  await send(create(77, 7), 77, 1, request)
  // What is behind it in that task is done: so was it.
  const behind = randomUUID()
  await send(ofType('UPDATE', 77, { noteId, flag: 3 }), 77, 1, behind)
  expect((await answered(behind)).status).toBe(200)
  expect((await state.all(notes, owner)).map(([id]) => id)).toEqual([noteId])
  expect((await events.read(2)).map(({ json }) => json.type)).toEqual(['CREATED', 'UPDATED'])
})

test("a note is changed and removed by its id alone, whoever's it is, from any partition", async () => {
  const request = randomUUID()
  await send(create(77, 7), 77, 0, request)
  const { noteId } = await answered(request)
  const [created] = await events.read(1)
  const steps = [
    ['UPDATE', { noteId, message: 'changed' }, 200],
    ['DELETE', { noteIds: [noteId] }, 204],
    ['DELETE', { noteIds: [noteId] }, 404],
  ] as const
  for (const [i, [type, body, status]] of steps.entries()) {
    const byId = randomUUID()
    await send(ofType(type, 0, body), 0, i % TASKS, byId)
    expect((await answered(byId)).status).toBe(status)
  }
  const later = await events.read(2)
  expect(later.map(({ json, key, partition }) => [json.type, json.characterId, key, partition])).toEqual(
    ['UPDATED', 'DELETED'].map((type) => [type, 77, created!.key, created!.partition]),
  )
  expect(await state.get(notes, owner, noteId!)).toBeUndefined()
})
