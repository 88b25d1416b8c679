/** Requests through the whole engine: over batches, partitions, forwarding, restarts, and a lost store. */
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { partitionFor } from '../../engine/core/murmur2.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { type TestDriverOptions, type TestRecord, TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { requestKey, requests } from '../../topology/notes/request.ts'
import { requestQueue } from '../../topology/notes/request-expiry.ts'
import { notes } from '../../topology/notes/state.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { create, ofType, requestHeader, requestId, TENANT_A, tenantHeaders } from '../notes/records.ts'
import { CHARACTERS, COMMANDS, commandRecord, discardRecord, STATUS } from './notes.ts'

const HOUR_MS = 3_600_000
const CHARACTER = 12
const TASKS = 3

async function started(options: TestDriverOptions = {}) {
  const events: EngineEvent[] = []
  const driver = await TopologyTestDriver.start(noteTopology, {
    topicPartitions: { [COMMANDS]: TASKS, [CHARACTERS]: TASKS, [STATUS]: 16 },
    onEvent: (event) => events.push(event),
    ...options,
  })
  onTestFinished(() => driver.close())
  const drops = (reason: string): number =>
    events.reduce((sum, e) => sum + (e.kind === 'batch.committed' ? (e.tally.drops.get(reason) ?? 0) : 0), 0)
  return { driver, drops }
}

const request = (id: number, value: object, characterId = CHARACTER, changes: Partial<TestRecord> = {}): TestRecord =>
  commandRecord(value, characterId, { headers: [...tenantHeaders(), requestHeader(requestId(id))], ...changes })

const hello = (characterId = CHARACTER) => create(characterId, 7)
const entry = (driver: TopologyTestDriver, id: number) =>
  driver.state.value(requests, requestKey(TENANT_A, requestId(id)))
const home = (characterId: number): number => partitionFor(characterKey(characterId), TASKS)
const typesOf = (driver: TopologyTestDriver): string[] =>
  driver.read(STATUS).map(({ json }) => `${json.type} ${json.body.noteId} of ${json.characterId}`)

describe('a request sent again', () => {
  test('in the same batch, in the next one, and through another partition makes one note', async () => {
    const { driver, drops } = await started()
    await driver.send(request(1, hello()), request(1, hello()))
    await driver.drain()
    await driver.send(request(1, hello()))
    await driver.drain()
    await driver.send(request(1, hello(), CHARACTER, { partition: (home(CHARACTER) + 1) % TASKS }))
    await driver.drain()
    expect(driver.read(driver.plan.repartition.topic)).toHaveLength(1)
    expect(driver.read(STATUS)).toHaveLength(1)
    expect(await driver.state.entries(notes)).toHaveLength(1)
    expect(drops('request.repeated')).toBe(3)
    expect((await entry(driver, 1))?.status).toBe(201)
  })

  test.each([false, true])('after a restart, the store lost: %s, makes one note', async (storeLost) => {
    const { driver } = await started()
    await driver.send(request(1, hello()))
    await driver.drain()
    const before = await entry(driver, 1)
    await driver.restart({ storeLost })
    await driver.send(request(1, hello()))
    await driver.drain()
    expect(await driver.state.entries(notes)).toHaveLength(1)
    expect(await entry(driver, 1)).toEqual(before)
  })

  test('is decided by the timestamp of the record itself, forwarded or not', async () => {
    const { driver } = await started()
    const atMs = Date.UTC(2026, 0, 1)
    const away = { partition: (home(CHARACTER) + 1) % TASKS }
    await driver.send(request(1, hello(), CHARACTER, { timestampMs: atMs }))
    await driver.drain()
    await driver.send(request(1, hello(), CHARACTER, { timestampMs: atMs + 24 * HOUR_MS - 1, ...away }))
    await driver.drain()
    expect(await driver.state.entries(notes)).toHaveLength(1)
    await driver.send(request(1, hello(), CHARACTER, { timestampMs: atMs + 24 * HOUR_MS, ...away }))
    await driver.drain()
    expect(await driver.state.entries(notes)).toHaveLength(2)
    expect((await entry(driver, 1))?.expiresAt).toBe(atMs + 48 * HOUR_MS)
  })
})

describe('the header request-id', () => {
  test('goes on to where a record is forwarded and to its dead letter, and to no output', async () => {
    const { driver } = await started()
    const away = { partition: (home(CHARACTER) + 1) % TASKS }
    await driver.send(request(1, hello(), CHARACTER, away))
    await driver.send(request(2, ofType('UPDATE', CHARACTER, { noteId: 1, senderId: 0 }), CHARACTER, away))
    await driver.drain()
    const ids = driver.read(driver.plan.repartition.topic).map((record) => record.header('request-id'))
    expect(ids).toEqual([requestId(1), requestId(2)])
    expect(driver.deadLetters().map((letter) => letter.header('request-id'))).toEqual([requestId(2)])
    expect(driver.read(STATUS).map((record) => record.header('request-id'))).toEqual([undefined])
    expect(await entry(driver, 2)).toBeUndefined()
  })
})

describe('a request for a note by its id alone', () => {
  const byId = (id: number, type: 'UPDATE' | 'DELETE', noteId: number, partition: number): TestRecord =>
    request(id, ofType(type, 0, type === 'UPDATE' ? { noteId, flag: 3 } : { noteIds: [noteId] }), 0, { partition })

  test('finds the task that the id tells, and its events stay with those of the character', async () => {
    const { driver } = await started()
    const characters = [11, 12, 13, 14, 15, 16]
    for (const characterId of characters) await driver.send(commandRecord(hello(characterId), characterId))
    await driver.drain()
    const created = driver.read(STATUS)
    for (const [i, { json }] of created.entries()) {
      const { noteId } = json.body
      // Stride 4: an id tells its task though there are only three.
      expect((noteId - 1) % 4).toBe(home(json.characterId))
      await driver.send(byId(100 + i, 'UPDATE', noteId, i % TASKS))
      await driver.send(byId(200 + i, 'DELETE', noteId, i % TASKS))
    }
    await driver.drain()
    const later = driver.read(STATUS)
    const placeOf = (records: typeof created, type: string) =>
      records
        .filter(({ json }) => json.type === type)
        .map(({ json, key, partition }) => [json.characterId, json.body.noteId, key?.toString('hex'), partition])
        .sort()
    expect(new Set(created.map(({ partition }) => partition)).size).toBeGreaterThan(3)
    expect(placeOf(later, 'UPDATED')).toEqual(placeOf(created, 'CREATED'))
    expect(placeOf(later, 'DELETED')).toEqual(placeOf(created, 'CREATED'))
    expect((await entry(driver, 100))?.status).toBe(200)
    expect((await entry(driver, 200))?.status).toBe(204)
    expect(await driver.state.entries(notes)).toEqual([])
    expect(driver.deadLetters()).toEqual([])
  })

  test('sees what records before it did: in its batch, and in the batch that is not applied yet', async () => {
    const { driver } = await started({ topicPartitions: { [COMMANDS]: 1, [CHARACTERS]: 1, [STATUS]: 1 } })
    await driver.send(
      commandRecord(hello(), CHARACTER),
      byId(1, 'UPDATE', 1, 0),
      discardRecord(CHARACTER, [1]),
      byId(2, 'UPDATE', 1, 0),
      commandRecord(hello(), CHARACTER),
      byId(3, 'DELETE', 2, 0),
      byId(4, 'DELETE', 2, 0),
    )
    await driver.drain()
    expect(typesOf(driver)).toEqual(
      ['CREATED 1', 'UPDATED 1', 'DELETED 1', 'CREATED 2', 'DELETED 2'].map((text) => `${text} of ${CHARACTER}`),
    )
    const statuses = await Promise.all([1, 2, 3, 4].map(async (id) => (await entry(driver, id))?.status))
    expect(statuses).toEqual([200, 404, 204, 404])
  })

  test('that tells no task is answered at home of character 0', async () => {
    const { driver } = await started()
    // Task 3 of stride 4: there are three tasks.
    await driver.send(byId(1, 'UPDATE', 4, 0), byId(2, 'DELETE', 0, 1))
    await driver.drain()
    expect([(await entry(driver, 1))?.status, (await entry(driver, 2))?.status]).toEqual([404, 404])
    expect(driver.deadLetters()).toEqual([])
  })
})

describe('the same input', () => {
  const step = fc.record({
    kind: fc.constantFrom(
      'create',
      'create',
      'create',
      'update',
      'delete',
      'by-id update',
      'by-id delete',
      'all',
      'discard',
    ),
    character: fc.integer({ min: 1, max: 4 }),
    note: fc.integer({ min: 1, max: 12 }),
    request: fc.option(fc.integer({ min: 1, max: 15 }), { nil: null }),
    leapMs: fc.constantFrom(0, 0, 1_000, HOUR_MS, 13 * HOUR_MS, 27 * HOUR_MS, -HOUR_MS / 2),
  })

  const recordOf = ({
    kind,
    character,
    note,
    request: id,
  }: {
    kind: string
    character: number
    note: number
    request: number | null
  }) => {
    const characterId = kind.startsWith('by-id') ? 0 : character
    const value = {
      create: () => hello(characterId),
      update: () => ofType('UPDATE', characterId, { noteId: note, message: `m${note}` }),
      delete: () => ofType('DELETE', characterId, { noteIds: [note] }),
      all: () => ofType('DELETE', characterId, { all: true }),
      discard: () => ofType('DISCARD', characterId, { noteIds: [note] }),
    }[kind.replace('by-id ', '') as 'create']()
    return id === null ? commandRecord(value, characterId) : request(id, value, characterId)
  }

  /** Outputs and state. `pause`: after how many records everything comes to rest; `restart`: what happens then. */
  async function outcome(records: readonly TestRecord[], pause: number, restart: 'none' | 'kept' | 'lost') {
    const { driver } = await started({
      topicPartitions: { [COMMANDS]: 1, [CHARACTERS]: 1, [STATUS]: 1 },
      // One entry of memory: whatever is not in an overlay is read.
      memoryBytesMax: restart === 'lost' ? 1 : 1_000_000,
    })
    for (let i = 0; i < records.length; i += pause) {
      await driver.send(...records.slice(i, i + pause))
      await driver.drain()
      if (restart !== 'none') await driver.restart({ storeLost: restart === 'lost' })
    }
    const stores = [notes, requests, requestQueue]
    return {
      outputs: driver.read(STATUS).map(({ text, headerTexts }) => [text, headerTexts.traceparent]),
      state: await Promise.all(stores.map((store) => driver.state.entries(store))),
      counters: await driver.counters(0),
      dead: driver.deadLetters().map((letter) => letter.reason),
    }
  }

  test('has the same outcome in one batch, record by record, and over restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        let timestampMs = Date.UTC(2026, 0, 1)
        const records = steps.map((s) => ({ ...recordOf(s), timestampMs: (timestampMs += s.leapMs) }))
        const together = await outcome(records, records.length, 'none')
        expect(await outcome(records, 1, 'none')).toEqual(together)
        expect(await outcome(records, 7, 'lost')).toEqual(together)
        expect(together.dead).toEqual([])
      }),
      { numRuns: 25 },
    )
  })
})
