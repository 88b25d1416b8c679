import { describe, expect, test } from 'vitest'
import { sagaIdOf } from '../../topology/notes/saga.ts'
import { NoteService } from './note-service.ts'
import { AT, command, given, NIL, ofType, TENANT_A, TENANT_B, typesOf } from './records.ts'

const discard = (characterId: number, noteIds: unknown) => ofType('DISCARD', characterId, { noteIds })

describe('DISCARD', () => {
  test('removes the note, emits DELETED and a saga for the sender', () => {
    const service = new NoteService()
    const [id] = given(service, 1001, [2001])
    const { emitted, dropped } = command(service, discard(1001, [id]))
    expect(dropped).toEqual({})
    expect(service.notesOf(TENANT_A, 1001).size).toBe(0)
    expect(emitted.map((r) => r.topic)).toEqual(['EVENT_TOPIC_NOTE_STATUS', 'COMMAND_TOPIC_SAGA'])
    expect(emitted[0]?.text).toBe(
      `{"transactionId":"${NIL}","characterId":1001,"type":"DELETED","body":{"noteId":${id}}}`,
    )
    expect(emitted[0]?.key?.toString('hex')).toBe('e903000000000000')
    const saga = sagaIdOf(TENANT_A, id ?? 0)
    expect(emitted[1]?.key?.toString()).toBe(saga)
    expect(emitted[1]?.text).toBe(
      `{"transactionId":"${saga}","sagaType":"inventory_transaction","initiatedBy":"note-discard-fame","steps":[{"stepId":"award-fame-2001-${id}","status":"pending","action":"award_fame","payload":{"characterId":2001,"worldId":3,"channelId":7,"amount":1},"createdAt":"${AT}","updatedAt":"${AT}"}]}`,
    )
  })

  test('no saga when the sender is the character itself', () => {
    const service = new NoteService()
    const [id] = given(service, 1001, [1001])
    expect(typesOf(command(service, discard(1001, [id])))).toEqual([`DELETED ${id}`])
  })

  test('events stand in the order of the ids, each before its saga', () => {
    const service = new NoteService()
    given(service, 1001, [2001, 2002, 1001])
    expect(typesOf(command(service, discard(1001, [3, 1, 2])))).toEqual([
      'DELETED 3',
      'DELETED 1',
      'SAGA award-fame-2001-1',
      'DELETED 2',
      'SAGA award-fame-2002-2',
    ])
  })

  test('ids that are unknown, of others, of another tenant, and repeats are skipped and counted, the rest is done', () => {
    const service = new NoteService()
    const own = given(service, 1001, [2001, 2001])
    const others = given(service, 1002, [2001])
    const foreign = given(service, 1001, [2001], { tenantId: TENANT_B })
    const named = [own[1], ...others, 999, own[0], own[1], ...foreign, 999, 0]
    const outcome = command(service, discard(1001, named))
    expect(outcome.emitted.filter((r) => r.value.type === 'DELETED').map((r) => r.value.body.noteId)).toEqual([
      own[1],
      own[0],
    ])
    // unknown: the other character's, 999, the other tenant's, 0; repeated: own[1] and 999 again
    expect(outcome.dropped).toEqual({ 'note.unknown': 4, 'note.repeated': 2 })
    expect(service.notesOf(TENANT_A, 1002).size).toBe(1)
    expect(service.notesOf(TENANT_B, 1001).size).toBe(1)
  })

  test('reads each named id once, and nothing else', () => {
    const { reads } = command(new NoteService(), discard(1001, [5, 6, 5]))
    expect(reads).toHaveLength(2)
    expect(reads).toMatchObject([
      { kind: 'entry', store: { name: 'notes' }, key: `${TENANT_A}:1001`, field: '5' },
      { kind: 'entry', store: { name: 'notes' }, key: `${TENANT_A}:1001`, field: '6' },
    ])
  })

  test.each([[[]], [null], [undefined]])('an empty or absent list does nothing: %j', (noteIds) => {
    const service = new NoteService()
    given(service, 1001, [2001])
    expect(command(service, discard(1001, noteIds))).toMatchObject({ effects: [], deadLetter: undefined, dropped: {} })
  })

  test('a second DISCARD of the same note finds nothing', () => {
    const service = new NoteService()
    const [id] = given(service, 1001, [2001])
    command(service, discard(1001, [id]))
    expect(command(service, discard(1001, [id]))).toMatchObject({ emitted: [], dropped: { 'note.unknown': 1 } })
  })

  test('a hundred thousand ids in one command', () => {
    const service = new NoteService()
    const [id] = given(service, 1001, [2001])
    const noteIds = Array.from({ length: 100_000 }, (_, i) => i + 1)
    const outcome = command(service, discard(1001, noteIds))
    expect(outcome.dropped).toEqual({ 'note.unknown': 99_999 })
    expect(typesOf(outcome)[0]).toBe(`DELETED ${id}`)
  })

  test('the transactionId of the command is not echoed', () => {
    const service = new NoteService()
    const [id] = given(service, 1001, [1001])
    const { emitted } = command(service, {
      ...discard(1001, [id]),
      transactionId: '7d0c6f0e-4b1c-4a57-9f60-0a1b2c3d4e5f',
    })
    expect(emitted[0]?.value.transactionId).toBe(NIL)
  })

  test('character 0 has no notes', () => {
    const service = new NoteService()
    given(service, 1001, [2001])
    expect(command(service, discard(0, [1]))).toMatchObject({ emitted: [], dropped: { 'note.unknown': 1 } })
  })
})

describe('the saga id', () => {
  test('is a UUID v5 of tenant and note, the same every time', () => {
    // RFC 9562 v5 with Python: uuid.uuid5(uuid.UUID('f934c922-71ab-4137-9d45-6e0069bfdd06'), 'note:246')
    expect(sagaIdOf(TENANT_A, 246)).toBe('48bc2c50-d593-5f39-8639-36852881a659')
    expect(sagaIdOf(TENANT_A, 246)).not.toBe(sagaIdOf(TENANT_B, 246))
    expect(sagaIdOf(TENANT_A, 246)).not.toBe(sagaIdOf(TENANT_A, 247))
  })
})
