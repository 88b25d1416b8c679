import { describe, expect, test } from 'vitest'
import { NOTE_ID_MAX } from '../../topology/notes/ids.ts'
import { NoteService } from './note-service.ts'
import { AT, AT_MS, command, create, NIL, TENANT_A, TENANT_B } from './records.ts'

const TRANSACTION = '7d0c6f0e-4b1c-4a57-9f60-0a1b2c3d4e5f'

describe('CREATE', () => {
  test('emits CREATED with the fields in the order of the wire, keyed by the character', () => {
    const { emitted, deadLetter } = command(new NoteService(), create(1001, 2001, 'hello', 255))
    expect(deadLetter).toBeUndefined()
    expect(emitted.map((r) => r.topic)).toEqual(['EVENT_TOPIC_NOTE_STATUS'])
    expect(emitted[0]?.key?.toString('hex')).toBe('e903000000000000')
    expect(emitted[0]?.text).toBe(
      `{"transactionId":"${NIL}","characterId":1001,"type":"CREATED","body":{"noteId":1,"senderId":2001,"message":"hello","flag":255,"time":"${AT}"}}`,
    )
  })

  test('keeps the note under tenant, character and id', () => {
    const service = new NoteService()
    command(service, create(1001, 2001, 'hello', 4))
    expect([...service.notesOf(TENANT_A, 1001)]).toEqual([
      ['1', { senderId: 2001, message: 'hello', flag: 4, time: AT }],
    ])
    expect(service.notesOf(TENANT_B, 1001).size).toBe(0)
  })

  test('reads nothing', () => {
    expect(command(new NoteService(), create(1001, 2001)).reads).toEqual([])
  })

  test('echoes the transactionId, and does not de-duplicate by it', () => {
    const service = new NoteService()
    const ids = [1, 2].map(() => {
      const { emitted } = command(service, { transactionId: TRANSACTION, ...create(1001, 2001) })
      expect(emitted[0]?.value.transactionId).toBe(TRANSACTION)
      return emitted[0]?.value.body.noteId
    })
    expect(ids).toEqual([1, 2])
  })

  test.each([
    ['characterId', 0, 0, create(0, 0, '')],
    ['senderId', 1, 0, create(1, 0, '')],
    ['message', 1, 2, create(1, 2, '')],
    ['message', 1, 2, { type: 'CREATE', characterId: 1, body: { senderId: 2, message: null } }],
    ['characterId', 0, 0, { type: 'CREATE' }],
    ['senderId', 1, 0, { type: 'CREATE', characterId: 1, body: null }],
  ])('the first broken rule is the reason: %s, characterId %d, senderId %d', (field, characterId, senderId, value) => {
    const service = new NoteService()
    const { emitted, effects } = command(service, { transactionId: TRANSACTION, ...value })
    expect(effects).toHaveLength(1)
    expect(emitted[0]?.text).toBe(
      `{"transactionId":"${TRANSACTION}","characterId":${characterId},"type":"CREATE_FAILED","body":{"senderId":${senderId},"reason":"${field} is required"}}`,
    )
    expect(service.counters.size).toBe(0)
  })

  test('a CREATE_FAILED without transactionId carries the nil UUID', () => {
    expect(command(new NoteService(), create(1, 0)).emitted[0]?.value.transactionId).toBe(NIL)
  })

  test('ids are sequence × stride + task + 1, and tell their task', () => {
    const service = new NoteService({ task: 2, tasks: 6 })
    const ids = [1, 2, 3].map(() => command(service, create(1, 2)).emitted[0]?.value.body.noteId)
    expect(ids).toEqual([3, 11, 19])
  })

  test('the last id is given, then CREATE_FAILED, and other commands go on', () => {
    const service = new NoteService({ task: 2, tasks: 4 })
    service.counters.set('note-sequence', 2 ** 30 - 1)
    expect(command(service, create(1, 2)).emitted[0]?.value.body.noteId).toBe(NOTE_ID_MAX)
    const failed = command(service, create(1, 2))
    expect(failed.emitted[0]?.value).toEqual({
      transactionId: NIL,
      characterId: 1,
      type: 'CREATE_FAILED',
      body: { senderId: 2, reason: 'note ids exhausted' },
    })
    expect(failed.effects).toHaveLength(1)
    const discarded = command(service, { type: 'DISCARD', characterId: 1, body: { noteIds: [NOTE_ID_MAX] } })
    expect(discarded.emitted[0]?.value.type).toBe('DELETED')
  })

  test('any text comes out as it went in', () => {
    const message = 'héllo 世界 🍁 שלום \u0000 "\\ \u2028 \ufeff'
    const { emitted } = command(new NoteService(), create(1, 2, message))
    expect(emitted[0]?.value.body.message).toBe(message)
  })

  test('half a surrogate pair, which JSON can escape but UTF-8 cannot hold, stays escaped', () => {
    const { emitted } = command(
      new NoteService(),
      '{"type":"CREATE","characterId":1,"body":{"senderId":2,"message":"\\ud83c"}}',
    )
    expect(emitted[0]?.text).toContain('"message":"\\ud83c"')
  })

  test.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [AT_MS, AT],
    [253_402_300_799_999, '9999-12-31T23:59:59.999Z'],
    [-62_167_219_200_000, '0000-01-01T00:00:00.000Z'],
  ])('time is the timestamp of the record: %d', (timestampMs, time) => {
    expect(command(new NoteService(), create(1, 2), { timestampMs }).emitted[0]?.value.body.time).toBe(time)
  })

  test.each([253_402_300_800_000, -62_167_219_200_001, 8.64e15 + 1, Number.MAX_SAFE_INTEGER, Number.NaN])(
    'a timestamp that RFC 3339 cannot write is a dead letter: %d',
    (timestampMs) => {
      const service = new NoteService()
      expect(command(service, create(1, 2), { timestampMs }).deadLetter).toBe('timestamp.invalid')
      expect(service.notesOf(TENANT_A, 1).size).toBe(0)
    },
  )
})
