import { describe, expect, test } from 'vitest'
import { NoteService } from './note-service.ts'
import { AT, AT_MS, command, create, given, NIL, ofType, status, TENANT_A, TENANT_B, typesOf } from './records.ts'

const LATER = { timestampMs: AT_MS + 1000 }
const LATER_TEXT = '2024-01-01T12:30:16.007Z'
const TRANSACTION = '7d0c6f0e-4b1c-4a57-9f60-0a1b2c3d4e5f'

describe('UPDATE', () => {
  const update = (body: unknown, characterId = 1001) => ofType('UPDATE', characterId, body)
  const serviceWithNote = () => {
    const service = new NoteService()
    command(service, create(1001, 2001, 'before', 9))
    return service
  }

  test.each([
    [{ message: 'after' }, { senderId: 2001, message: 'after', flag: 9 }],
    [{ flag: 0 }, { senderId: 2001, message: 'before', flag: 0 }],
    [{ senderId: 5 }, { senderId: 5, message: 'before', flag: 9 }],
    [
      { senderId: null, message: null, flag: null },
      { senderId: 2001, message: 'before', flag: 9 },
    ],
    [{}, { senderId: 2001, message: 'before', flag: 9 }],
    [
      { senderId: 5, message: 'x', flag: 1 },
      { senderId: 5, message: 'x', flag: 1 },
    ],
  ])('changes what is given and the time: %j', (given, after) => {
    const service = serviceWithNote()
    const { emitted } = command(service, update({ noteId: 1, ...given }), LATER)
    expect(emitted[0]?.text).toBe(
      JSON.stringify({
        transactionId: NIL,
        characterId: 1001,
        type: 'UPDATED',
        body: { noteId: 1, ...after, time: LATER_TEXT },
      }),
    )
    expect(service.notesOf(TENANT_A, 1001).get('1')).toEqual({ ...after, time: LATER_TEXT })
  })

  test('does not echo the transactionId', () => {
    const { emitted } = command(serviceWithNote(), { ...update({ noteId: 1, flag: 1 }), transactionId: TRANSACTION })
    expect(emitted[0]?.value.transactionId).toBe(NIL)
  })

  test.each([{ senderId: 0 }, { message: '' }])('is a dead letter with %j, known note or not', (body) => {
    const service = serviceWithNote()
    expect(command(service, update({ noteId: 1, ...body })).deadLetter).toBe('update.invalid')
    expect(command(service, update({ noteId: 9, ...body })).deadLetter).toBe('update.invalid')
    expect(service.notesOf(TENANT_A, 1001).get('1')).toMatchObject({ senderId: 2001, message: 'before', time: AT })
  })

  test.each([
    [{ noteId: 9, flag: 1 }, 1001, TENANT_A],
    [{ noteId: 1, flag: 1 }, 1002, TENANT_A],
    [{ noteId: 1, flag: 1 }, 1001, TENANT_B],
    [{ noteId: 1, flag: 1 }, 0, TENANT_A],
    [{ flag: 1 }, 1001, TENANT_A],
  ])('skips and counts a note that is unknown or of another: %j of %d', (body, characterId, tenantId) => {
    const outcome = command(serviceWithNote(), update(body, characterId), { tenantId })
    expect(outcome).toMatchObject({ emitted: [], dropped: { 'note.unknown': 1 }, deadLetter: undefined })
  })

  test('reads the one note', () => {
    const { reads } = command(serviceWithNote(), update({ noteId: 7 }))
    expect(reads).toMatchObject([{ kind: 'entry', key: `${TENANT_A}:1001`, field: '7' }])
  })
})

describe('DELETE', () => {
  const remove = (body: unknown, characterId = 1001) => ofType('DELETE', characterId, body)

  test('is as DISCARD without sagas', () => {
    const service = new NoteService()
    given(service, 1001, [2001, 2002])
    given(service, 1002, [2001])
    const outcome = command(service, remove({ noteIds: [2, 3, 1, 2, 9] }))
    expect(typesOf(outcome)).toEqual(['DELETED 2', 'DELETED 1'])
    expect(outcome.dropped).toEqual({ 'note.unknown': 2, 'note.repeated': 1 })
    expect(service.notesOf(TENANT_A, 1001).size).toBe(0)
    expect(service.notesOf(TENANT_A, 1002).size).toBe(1)
  })

  test('with all: true removes all of the character, in order of id', () => {
    const service = new NoteService()
    given(service, 1001, Array(12).fill(2001))
    given(service, 1002, [2001])
    given(service, 1001, [2001], { tenantId: TENANT_B })
    const outcome = command(service, remove({ all: true }))
    expect(outcome.reads).toMatchObject([{ kind: 'all', key: `${TENANT_A}:1001` }])
    expect(outcome.emitted.map((r) => r.value.body.noteId)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(outcome.emitted[0]?.text).toBe(
      `{"transactionId":"${NIL}","characterId":1001,"type":"DELETED","body":{"noteId":1}}`,
    )
    expect(service.notesOf(TENANT_A, 1001).size).toBe(0)
    expect(service.notesOf(TENANT_A, 1002).size).toBe(1)
    expect(service.notesOf(TENANT_B, 1001).size).toBe(1)
  })

  test.each([{}, { noteIds: [] }, { noteIds: null }, { all: false }, { all: null }])(
    'with an empty or absent list does nothing: %j',
    (body) => {
      const service = new NoteService()
      given(service, 1001, [2001])
      expect(command(service, remove(body))).toMatchObject({ effects: [], reads: [], deadLetter: undefined })
    },
  )

  test('with all: true and an empty list means all; with both it is a dead letter, for one of them is a mistake', () => {
    const service = new NoteService()
    given(service, 1001, [2001, 2001])
    expect(command(service, remove({ all: true, noteIds: [1] })).deadLetter).toBe('delete.ambiguous')
    expect(service.notesOf(TENANT_A, 1001).size).toBe(2)
    expect(typesOf(command(service, remove({ all: true, noteIds: [] })))).toEqual(['DELETED 1', 'DELETED 2'])
  })
})

describe('character status', () => {
  const deleted = (characterId: number) => ({
    transactionId: NIL,
    worldId: 0,
    characterId,
    type: 'DELETED',
    body: {},
  })

  test('DELETED removes all notes of the character, one DELETED each, in order of id, no saga', () => {
    const service = new NoteService()
    given(service, 1001, Array(11).fill(2001))
    given(service, 1002, [1001])
    const outcome = status(service, deleted(1001))
    expect(outcome.reads).toMatchObject([{ kind: 'all', key: `${TENANT_A}:1001` }])
    expect(typesOf(outcome)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((id) => `DELETED ${id}`))
    expect(outcome.emitted.every((r) => r.key?.toString('hex') === 'e903000000000000')).toBe(true)
    expect(service.notesOf(TENANT_A, 1001).size).toBe(0)
    expect(service.notesOf(TENANT_A, 1002).size).toBe(1)
  })

  test('DELETED of a character without notes does nothing', () => {
    expect(status(new NoteService(), deleted(1001))).toMatchObject({ effects: [], deadLetter: undefined })
  })

  test('removes nothing of another tenant', () => {
    const service = new NoteService()
    given(service, 1001, [2001])
    status(service, deleted(1001), { tenantId: TENANT_B })
    expect(service.notesOf(TENANT_A, 1001).size).toBe(1)
  })

  test.each(['CREATED', 'LOGIN', 'LOGOUT', 'OTHER', ''])('other types are ignored, whatever they hold: %s', (type) => {
    const service = new NoteService()
    given(service, 1001, [2001])
    const outcome = status(service, { type, characterId: 'none', worldId: -1, body: [] })
    expect(outcome).toMatchObject({ effects: [], reads: [], deadLetter: undefined })
    expect(service.notesOf(TENANT_A, 1001).size).toBe(1)
  })

  test.each([
    [{ characterId: 1 }, 'value.wrong_type'],
    [{ ...deleted(1), type: null }, 'value.wrong_type'],
    [{ ...deleted(1), type: 4 }, 'value.wrong_type'],
    [{ ...deleted(1), characterId: '1' }, 'value.wrong_type'],
    [deleted(-1), 'value.out_of_range'],
    [{ ...deleted(1), worldId: 256 }, 'value.out_of_range'],
    [{ ...deleted(1), transactionId: 'x' }, 'value.wrong_type'],
    [{ ...deleted(1), body: [] }, 'value.wrong_type'],
  ])('a malformed one is a dead letter: %j', (value, code) => {
    expect(status(new NoteService(), value).deadLetter).toBe(code)
  })
})
