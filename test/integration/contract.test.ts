/** The recorded conversations with the real service on a real broker and Redis, in this process. */
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Config, readConfig } from '../../config.ts'
import { freePorts } from '../../embedded/free-port.ts'
import { internalTopics } from '../../engine/core/plan.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { Kafka, Publisher } from '../../engine/ports.ts'
import type { RunningService } from '../../service.ts'
import { topicNames } from '../../service-options.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { CHARACTERS, COMMANDS, SAGAS, STATUS } from '../contract/notes.ts'
import { loadVectors, runVector, type Send } from '../contract/vectors.ts'
import { create, tenantHeaders } from '../notes/records.ts'
import { CommittedReader, produce } from '../support/kafka-records.ts'
import { startReady } from '../support/running-service.ts'
import { testBootstrap, testRedis } from '../support/stack.ts'

const vectors = loadVectors().filter((vector) => vector.steps.length > 0)
const START_MS = 60_000

const run = randomBytes(4).toString('hex')
const application = `it-contract-${run}`

let config: Config & { BOOTSTRAP_SERVERS: string; REDIS_URL: string }
/** Real name of a declared topic, and back. */
let named: Readonly<Record<string, string>>
let kafka: Kafka
let publisher: Publisher
let outputs: CommittedReader
let deadLetters: CommittedReader
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
    TOPIC_PARTITIONS: '3',
    ...Object.fromEntries([COMMANDS, CHARACTERS, STATUS, SAGAS].map((topic) => [topic, `${topic}-${run}`])),
  }) as typeof config
  named = topicNames(config)
  kafka = connectKafka({ bootstrapServers: testBootstrap(), clientId: application })
  publisher = kafka.publisher()
  await start()
  outputs = await CommittedReader.open(kafka, [named[STATUS]!, named[SAGAS]!])
  deadLetters = await CommittedReader.open(kafka, [internalTopics(application).deadLetters])
}, START_MS)

afterAll(async () => {
  await service?.close()
  await outputs?.close()
  await deadLetters?.close()
  await publisher?.close()
  await kafka?.close()
})

const declared = (topic: string): string => Object.keys(named).find((name) => named[name] === topic) ?? topic

/** One step: in, and out what comes of it. */
const send: Send = async (records, expected) => {
  const at = records.map((record) => ({ ...record, topic: named[record.topic]!, partition: record.partition % 3 }))
  await produce(publisher, at)
  const found = await outputs.read(expected)
  return found.map(({ topic, key, value, headers }) => ({ topic: declared(topic), key, value, headers }))
}

/** Every vector in tenants of its own, so that all of them can share the topics. */
const tenantsOf = (letters: readonly string[]): Record<string, string> =>
  Object.fromEntries(letters.map((letter) => [letter, randomUUID()]))

describe('the recorded conversations with the real service', () => {
  test.each(vectors)('$name: $about', async (vector) => {
    expect(await runVector(vector, send, { tenants: tenantsOf(vector.tenants) })).toEqual([])
  })

  test('the one bad command among them is a dead letter', async () => {
    const letters = await deadLetters.read(1)
    expect(letters.map((letter) => letter.header('dead-letter.reason'))).toEqual(['value.out_of_range'])
    expect(letters[0]?.header('dead-letter.topic')).toBe(named[COMMANDS])
  })

  test('go on where they were after a restart', async () => {
    const vector = vectors.find(({ name }) => name === 'discard_several')!
    const restarting: Send = async (records, expected) => {
      const answered = await send(records, expected)
      await service.close()
      await start()
      return answered
    }
    expect(await runVector(vector, restarting, { tenants: tenantsOf(vector.tenants) })).toEqual([])
  })
})

describe('bad input to the real service', () => {
  const character = 77
  const bad: readonly (readonly [code: string, value: Buffer | string | null])[] = [
    ['value.empty', null],
    ['value.not_json', '{'],
    ['value.not_utf8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
    ['value.wrong_type', '[]'],
    ['command.unknown_type', '{"type":"EXPLODE"}'],
  ]

  test('is a dead letter each, and what follows goes on', async () => {
    const headers = tenantHeaders(randomUUID())
    const at = { topic: named[COMMANDS]!, key: characterKey(character), headers, partition: 1 }
    await produce(publisher, [
      ...bad.map(([, value]) => ({ ...at, value })),
      { ...at, headers: headers.slice(1), value: JSON.stringify(create(character, 7)) },
      { ...at, value: JSON.stringify(create(character, 7, 'next')) },
    ])
    const [event, ...more] = await outputs.read(1)
    expect(more).toEqual([])
    expect(event?.json.body.message).toBe('next')
    const letters = await deadLetters.read(bad.length + 1)
    expect(letters.map((letter) => letter.header('dead-letter.reason'))).toEqual([
      ...bad.map(([code]) => code),
      'headers.tenant_invalid',
    ])
    expect(letters.slice(0, bad.length).map((letter) => letter.value)).toEqual(
      bad.map(([, value]) => (value === null ? null : Buffer.from(value))),
    )
  })
})
