/** A command that names a request is done once, and what came of it is remembered for a day of the records' own time. */
import { describe, expect, test } from 'vitest'
import type { RequestEntry } from '../../topology/notes/request.ts'
import { REMEMBERED_MS } from '../../topology/notes/request-expiry.ts'
import { NoteService } from './note-service.ts'
import {
  AT_MS,
  command,
  create,
  given,
  ofType,
  requestHeader,
  requestId,
  status,
  TENANT_A,
  TENANT_B,
  tenantHeaders,
  typesOf,
} from './records.ts'

const A = requestId(1)
const B = requestId(2)

const entryOf = (service: NoteService, request: string, tenantId = TENANT_A): RequestEntry | undefined =>
  service.valueOf('requests', `${tenantId}:${request}`) as RequestEntry | undefined

const answer = (service: NoteService, request: string) => {
  const entry = entryOf(service, request)
  return entry && [entry.status, entry.noteId]
}

describe('what is remembered', () => {
  test('of a CREATE: 201 and the id, until a day after the record', () => {
    const service = new NoteService()
    const { emitted } = command(service, create(1001, 7), { request: A })
    expect(emitted.map((record) => record.value.type)).toEqual(['CREATED'])
    expect(entryOf(service, A)).toEqual({
      status: 201,
      noteId: 1,
      fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/),
      expiresAt: AT_MS + 24 * 3_600_000,
      position: 0,
    })
  })

  test('of a CREATE that breaks a rule: 422', () => {
    const service = new NoteService()
    expect(command(service, create(1001, 0), { request: A }).emitted[0]?.value.type).toBe('CREATE_FAILED')
    expect(answer(service, A)).toEqual([422, null])
  })

  test('of a CREATE for which there is no id left: 507', () => {
    const service = new NoteService()
    service.counters.set('note-sequence', 2 ** 32)
    command(service, create(1001, 7), { request: A })
    expect(answer(service, A)).toEqual([507, null])
  })

  test.each([
    ['UPDATE of a note', 'UPDATE', { noteId: 1, flag: 3 }, [200, 1]],
    ['UPDATE of no note', 'UPDATE', { noteId: 9, flag: 3 }, [404, null]],
    ['DELETE of a note', 'DELETE', { noteIds: [1] }, [204, 1]],
    ['DELETE of no note', 'DELETE', { noteIds: [9] }, [404, null]],
    ['DELETE of several', 'DELETE', { noteIds: [1, 2, 9] }, [204, null]],
    ['DELETE of none of several', 'DELETE', { noteIds: [8, 9] }, [404, null]],
    ['DELETE of an empty list', 'DELETE', { noteIds: [] }, [204, null]],
    ['DELETE of all', 'DELETE', { all: true }, [204, null]],
    ['DISCARD of a note', 'DISCARD', { noteIds: [2] }, [204, 2]],
    ['DISCARD of no note', 'DISCARD', { noteIds: [9] }, [404, null]],
  ])('of %s', (_, type, body, expected) => {
    const service = new NoteService()
    given(service, 1001, [7, 7])
    command(service, ofType(type, 1001, body), { request: A })
    expect(answer(service, A)).toEqual(expected)
  })

  test('of DELETE of all where there is nothing: 204', () => {
    const service = new NoteService()
    command(service, ofType('DELETE', 1001, { all: true }), { request: A })
    expect(answer(service, A)).toEqual([204, null])
  })

  test.each([
    ['refused', ofType('UPDATE', 1001, { noteId: 1, senderId: 0 }), AT_MS],
    ['ambiguous', ofType('DELETE', 1001, { noteIds: [1], all: true }), AT_MS],
    ['at no time that can be written', create(1001, 7), 8.64e15],
    ['at no time that can be written, though it needs none', ofType('DELETE', 1001, { noteIds: [] }), -8.64e15],
    ['not JSON', '{', AT_MS],
  ])('nothing of a command that is %s: it is a dead letter each time', (_, value, timestampMs) => {
    const service = new NoteService()
    for (let i = 0; i < 2; i++) expect(command(service, value, { request: A, timestampMs }).deadLetter).toBeDefined()
    expect(service.entries.has('requests')).toBe(false)
  })

  test('nothing without a request, and nothing is read for it', () => {
    const service = new NoteService()
    const { reads, effects } = command(service, create(1001, 7))
    expect(reads).toEqual([])
    expect(effects).toHaveLength(3)
    expect([...service.counters.keys()]).toEqual(['note-sequence'])
  })

  test('nothing of the status of a character, which is no command', () => {
    const service = new NoteService()
    const deleted = { characterId: 1001, type: 'DELETED', body: {} }
    for (let i = 0; i < 2; i++) {
      given(service, 1001, [7])
      expect(typesOf(status(service, deleted, { request: A }))).toEqual([`DELETED ${i + 1}`])
    }
    expect(service.entries.has('requests')).toBe(false)
  })
})

describe('a request that comes again', () => {
  test('does nothing at all, whatever the command, and is counted', () => {
    const service = new NoteService()
    command(service, create(1001, 7), { request: A })
    const before = JSON.stringify([[...service.counters], entryOf(service, A)])
    for (const value of [
      create(1001, 7),
      create(1002, 8, 'another'),
      ofType('UPDATE', 1001, { noteId: 1, message: 'changed' }),
      ofType('UPDATE', 1001, { noteId: 1, senderId: 0 }),
      ofType('DELETE', 1001, { all: true }),
      ofType('DISCARD', 1001, { noteIds: [1] }),
    ]) {
      const { effects, dropped, deadLetter } = command(service, value, { request: A })
      expect([effects.length, dropped, deadLetter]).toEqual([1, { 'request.repeated': 1 }, undefined])
    }
    expect(JSON.stringify([[...service.counters], entryOf(service, A)])).toBe(before)
    expect([...service.notesOf(TENANT_A, 1001).keys()]).toEqual(['1'])
  })

  test('a failure is not tried again', () => {
    const service = new NoteService()
    command(service, ofType('UPDATE', 1001, { noteId: 1, flag: 3 }), { request: A })
    given(service, 1001, [7])
    expect(command(service, ofType('UPDATE', 1001, { noteId: 1, flag: 3 }), { request: A }).emitted).toEqual([])
    expect(answer(service, A)).toEqual([404, null])
  })

  test('another request is another', () => {
    const service = new NoteService()
    for (const request of [A, B]) command(service, create(1001, 7), { request })
    expect([answer(service, A), answer(service, B)]).toEqual([
      [201, 1],
      [201, 2],
    ])
  })

  test('a transactionId names no request', () => {
    const service = new NoteService()
    const twice = { transactionId: A, ...create(1001, 7) }
    command(service, twice, { request: A })
    expect(command(service, twice, { request: B }).emitted).toHaveLength(1)
  })

  test("a tenant never meets another's", () => {
    const service = new NoteService()
    for (const tenantId of [TENANT_A, TENANT_B])
      expect(command(service, create(1001, 7), { request: A, tenantId }).emitted).toHaveLength(1)
    expect(entryOf(service, A, TENANT_B)?.noteId).toBe(2)
  })
})

describe('expiry', () => {
  const again = (timestampMs: number): number => {
    const service = new NoteService()
    command(service, create(1001, 7), { request: A })
    return command(service, create(1001, 7), { request: A, timestampMs }).emitted.length
  }

  test("is decided by the record's own timestamp", () => {
    expect(again(AT_MS + REMEMBERED_MS - 1)).toBe(0)
    expect(again(AT_MS + REMEMBERED_MS)).toBe(1)
    expect(again(AT_MS - 10 * REMEMBERED_MS)).toBe(0)
  })

  test('is not hastened by records of others, however late they are, up to two hours behind it', () => {
    const service = new NoteService()
    command(service, create(1001, 7), { request: A })
    const others = AT_MS + REMEMBERED_MS + 2 * 3_600_000
    for (let i = 10; i < 20; i++) command(service, create(1001, 7), { request: requestId(i), timestampMs: others })
    expect(command(service, create(1001, 7), { request: A, timestampMs: AT_MS + 5 }).emitted).toEqual([])
    command(service, create(1001, 7), { request: requestId(20), timestampMs: others + 1 })
    expect(entryOf(service, A)).toBeUndefined()
  })

  test('an entry that is replaced stays as long as any other', () => {
    const service = new NoteService()
    command(service, create(1001, 7), { request: A })
    const later = AT_MS + REMEMBERED_MS
    command(service, create(1001, 7), { request: A, timestampMs: later })
    expect(answer(service, A)).toEqual([201, 2])
    // When its former self would have been removed.
    for (let i = 10; i < 20; i++)
      command(service, create(1001, 7), { request: requestId(i), timestampMs: later + 3 * 3_600_000 })
    expect(answer(service, A)).toEqual([201, 2])
    command(service, create(1001, 7), { request: B, timestampMs: later + REMEMBERED_MS + 3 * 3_600_000 })
    expect(answer(service, A)).toBeUndefined()
  })

  test('goes by the timestamp even before 1970, where Kafka has none', () => {
    const service = new NoteService()
    const timestampMs = -365 * REMEMBERED_MS
    command(service, create(1001, 7), { request: A, timestampMs })
    expect(command(service, create(1001, 7), { request: A, timestampMs }).dropped).toEqual({ 'request.repeated': 1 })
    const later = timestampMs + REMEMBERED_MS
    expect(command(service, create(1001, 7), { request: A, timestampMs: later }).emitted).toHaveLength(1)
    command(service, create(1001, 7), { request: B })
    expect(entryOf(service, A)).toBeUndefined()
  })
})

describe('the header request-id', () => {
  const sendTwice = (...requests: readonly string[]): number => {
    const service = new NoteService()
    const headers = [...tenantHeaders(), ...requests.map(requestHeader)]
    for (let i = 0; i < 2; i++) command(service, create(1001, 7), { headers })
    return service.notesOf(TENANT_A, 1001).size
  }

  test.each([
    ['', 'empty'],
    ['00000000-0000-4000-8000-00000000000A', 'in upper case'],
    ['00000000000040008000000000000001', 'without hyphens'],
    [`${A} `, 'too long'],
    ['00000000-0000-4000-8000-00000000000g', 'no hex'],
  ])('%j, %s, is as if it were not there', (request) => expect(sendTwice(request)).toBe(2))

  test('given twice, the last well-formed one counts', () => {
    const service = new NoteService()
    const headers = [...tenantHeaders(), ...[A, B, 'malformed'].map(requestHeader)]
    command(service, create(1001, 7), { headers })
    expect([answer(service, A), answer(service, B)]).toEqual([undefined, [201, 1]])
    expect(sendTwice(A, 'x')).toBe(1)
  })

  test('does not go on to the outputs', () => {
    const { emitted } = command(new NoteService(), create(1001, 7), { request: A })
    expect(emitted[0]?.headers.map(([name]) => name)).not.toContain('request-id')
  })
})

describe('a request for a note whose character the sender does not know', () => {
  const byId = (type: 'UPDATE' | 'DELETE', noteId: number) =>
    ofType(type, 0, type === 'UPDATE' ? { noteId, message: 'changed' } : { noteIds: [noteId] })

  test.each(['UPDATE', 'DELETE'] as const)("%s acts on it whoever's it is", (type) => {
    const service = new NoteService()
    given(service, 1001, [7])
    given(service, 1002, [7])
    const { emitted, effects } = command(service, byId(type, 2), { request: A })
    expect(emitted.map(({ key, value }) => [key?.readUInt32LE(0), value.characterId, value.body.noteId])).toEqual([
      [1002, 1002, 2],
    ])
    // And goes where the events of that character go.
    expect(effects.flatMap((e) => (e.kind === 'emit' ? [e.canonicalKey?.readUInt32LE(0)] : []))).toEqual([1002])
    expect(answer(service, A)).toEqual([type === 'UPDATE' ? 200 : 204, 2])
    expect(service.notesOf(TENANT_A, 1001).size).toBe(1)
  })

  test.each(['UPDATE', 'DELETE'] as const)('%s of an id that is nobody’s: 404', (type) => {
    const service = new NoteService()
    given(service, 1001, [7])
    const { emitted, dropped } = command(service, byId(type, 9), { request: A })
    expect([emitted, dropped, answer(service, A)]).toEqual([[], { 'note.unknown': 1 }, [404, null]])
  })

  test.each(['UPDATE', 'DELETE'] as const)("%s does not reach another tenant's", (type) => {
    const service = new NoteService()
    given(service, 1001, [7], { tenantId: TENANT_B })
    expect(command(service, byId(type, 1), { request: A }).emitted).toEqual([])
    expect(answer(service, A)).toEqual([404, null])
    expect(service.notesOf(TENANT_B, 1001).size).toBe(1)
  })

  test.each([
    ['UPDATE', { noteId: 1, message: 'changed' }, undefined, 1],
    ['DELETE', { noteIds: [1] }, undefined, 1],
    ['DELETE', { noteIds: [1] }, 'malformed', 1],
    ['DELETE', { noteIds: [1, 1] }, A, 1],
    ['DELETE', { noteIds: [1, 2] }, A, 2],
    ['DISCARD', { noteIds: [1] }, A, 1],
  ])('%s %j with request %s matches nothing', (type, body, request, unknown) => {
    const service = new NoteService()
    given(service, 1001, [7, 7])
    const sent = request === undefined ? {} : { request }
    const { emitted, dropped } = command(service, ofType(type, 0, body), sent)
    expect([emitted, dropped['note.unknown']]).toEqual([[], unknown])
    expect(service.notesOf(TENANT_A, 1001).size).toBe(2)
  })

  test('DELETE of all removes nothing', () => {
    const service = new NoteService()
    given(service, 1001, [7])
    expect(command(service, ofType('DELETE', 0, { all: true }), { request: A }).emitted).toEqual([])
  })

  test('a request for a note of a character is still for that character', () => {
    const service = new NoteService()
    given(service, 1001, [7])
    command(service, ofType('UPDATE', 1002, { noteId: 1, message: 'changed' }), { request: A })
    expect(answer(service, A)).toEqual([404, null])
  })
})
