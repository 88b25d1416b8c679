/** The recorded conversations with their REST steps, with the real service over HTTP on a real broker and Redis. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { Kafka, Publisher } from '../../engine/ports.ts'
import { topicNames } from '../../service-options.ts'
import { loadRestVectors, type Peer, runRestVector } from '../api/rest-vectors.ts'
import { SAGAS, STATUS } from '../contract/notes.ts'
import { CommittedReader, produce } from '../support/kafka-records.ts'
import { testBootstrap } from '../support/stack.ts'
import { http, noteOf, RestService, tenantHeaders } from './rest-support.ts'

const vectors = loadRestVectors()
const START_MS = 60_000

let rest: RestService
let named: Readonly<Record<string, string>>
let kafka: Kafka
let publisher: Publisher
let outputs: CommittedReader

beforeAll(async () => {
  rest = await RestService.configured()
  named = topicNames(rest.config)
  kafka = connectKafka({ bootstrapServers: testBootstrap(), clientId: rest.config.APPLICATION_ID })
  publisher = kafka.publisher()
  await rest.start()
  outputs = await CommittedReader.open(kafka, [named[STATUS]!, named[SAGAS]!])
}, START_MS)

afterAll(async () => {
  await rest?.stop()
  await outputs?.close()
  await publisher?.close()
  await kafka?.close()
})

const declared = (topic: string): string => Object.keys(named).find((name) => named[name] === topic) ?? topic

const peer: Peer = {
  async send(records, expected) {
    await produce(
      publisher,
      records.map((record) => ({ ...record, topic: named[record.topic]!, partition: record.partition % 3 })),
    )
    return this.outputs(expected)
  },
  async outputs(expected) {
    const found = await outputs.read(expected)
    return found.map(({ topic, key, value, headers }) => ({ topic: declared(topic), key, value, headers }))
  },
  async call({ method, path, headers, body }) {
    return http(rest.port, method, `/api${path.replaceAll('[', '%5B').replaceAll(']', '%5D')}`, { headers, body })
  },
}

/** Events are committed before the store has them: a read that follows the event may be a moment too soon. */
describe('the recorded conversations with the real service over HTTP', () => {
  test.each(vectors)('$name: $about', async (vector) => {
    const tenants = Object.fromEntries(vector.tenants.map((letter) => [letter, randomUUID()]))
    const settled: Peer = {
      ...peer,
      async send(records, expected) {
        const found = await peer.send(records, expected)
        // A write that goes the same way is answered when everything before it is in the store.
        for (const partition of [0, 1, 2]) await passed(partition)
        return found
      },
    }
    expect(await runRestVector(vector, settled, tenants)).toEqual([])
  })
})

/** A removal of nothing, through the partition. */
async function passed(partition: number): Promise<void> {
  const { partitionFor } = await import('../../engine/core/murmur2.ts')
  const { characterKey } = await import('../../topology/notes/key.ts')
  let character = 1
  while (partitionFor(characterKey(character), 3) !== partition) character++
  const reply = await http(rest.port, 'DELETE', `/api/characters/${character}/notes`, {
    headers: tenantHeaders(randomUUID()),
  })
  if (reply.status !== 204) throw new Error(`${reply.status} ${reply.text}`)
}

describe('over HTTP', () => {
  test('a write that was answered is read at once, and its key is known behind a restart', async () => {
    const headers = { ...tenantHeaders(randomUUID()), 'idempotency-key': 'before-and-after' }
    const created = await http(rest.port, 'POST', '/api/notes', { headers, body: noteOf(7, 'hello') })
    expect(created.status).toBe(201)
    const path = String(created.headers['location'])
    expect((await http(rest.port, 'GET', path, { headers })).json).toEqual(created.json)
    await rest.stop()
    await rest.start()
    const again = await http(rest.port, 'POST', '/api/notes', { headers, body: noteOf(7, 'hello') })
    expect([again.status, again.headers['location'], again.json]).toEqual([201, path, created.json])
    const other = await http(rest.port, 'POST', '/api/notes', { headers, body: noteOf(7, 'other') })
    expect(other.status).toBe(422)
    expect((await http(rest.port, 'GET', '/api/notes', { headers })).json.meta.total).toBe(1)
  })

  test('health answers from the first moment, and REST says that it is not ready', async () => {
    await rest.stop()
    const starting = rest.start()
    const seen = new Set<number>()
    let isReady = false
    void starting.then(() => {
      isReady = true
    })
    while (!isReady) {
      const reply = await http(rest.port, 'GET', '/api/notes', { headers: tenantHeaders(randomUUID()) }).catch(
        () => null,
      )
      if (reply) {
        seen.add(reply.status)
        expect((await http(rest.port, 'GET', '/livez')).status).toBe(200)
      }
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await starting
    expect(seen).toContain(503)
    expect((await http(rest.port, 'GET', '/readyz')).status).toBe(200)
  })
})
