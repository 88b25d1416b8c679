/** Two sendings of one request have one fingerprint, and two requests two. */
import { describe, expect, test } from 'vitest'
import { noteCommand } from '../../topology/notes/messages.ts'
import { requestFingerprint } from '../../topology/notes/request-fingerprint.ts'
import { create, ofType } from './records.ts'

const of = (value: object): string => requestFingerprint(noteCommand(Buffer.from(JSON.stringify(value))))

describe('a fingerprint', () => {
  test('is the same on every machine and in every version', () => {
    expect(of(create(1001, 7))).toMatchInlineSnapshot(`"a9c44cdb31c74945e2dfb6e0e1f13344"`)
    expect(of(ofType('UPDATE', 1001, { noteId: 1, flag: 0 }))).toMatchInlineSnapshot(
      `"de73b0fe369dfa600cc94f42b1ace70d"`,
    )
    expect(of(ofType('DELETE', 1001, { noteIds: [1] }))).toMatchInlineSnapshot(`"5afb4d56aa3bb599d6e169bb30b1c321"`)
  })

  test('does not tell two sendings of one command from another', () => {
    const sent = create(1001, 7)
    const again = { transactionId: '7d0c6f0e-4b1c-4a57-9f60-0a1b2c3d4e5f', ...sent, worldId: 3, channelId: 4, more: 1 }
    expect(of(again)).toBe(of(sent))
    expect(of({ type: 'UPDATE', body: { noteId: 1, flag: null } })).toBe(of(ofType('UPDATE', 0, { noteId: 1 })))
  })

  test('does not ask whose the note is that is named: the sender may not know (any more)', () => {
    for (const [type, body] of [
      ['UPDATE', { noteId: 1, message: 'x' }],
      ['DELETE', { noteIds: [1] }],
    ] as const)
      expect(of(ofType(type, 0, body))).toBe(of(ofType(type, 1001, body)))
  })

  test('tells whatever else is different', () => {
    const commands = [
      create(1001, 7),
      create(1002, 7),
      create(1001, 8),
      create(1001, 7, 'other'),
      create(1001, 7, 'hello', 1),
      ofType('UPDATE', 1001, { noteId: 1 }),
      ofType('UPDATE', 1001, { noteId: 2 }),
      ofType('UPDATE', 1001, { noteId: 1, flag: 0 }),
      ofType('UPDATE', 1001, { noteId: 1, senderId: 0 }),
      ofType('UPDATE', 1001, { noteId: 1, message: '' }),
      ofType('DELETE', 1001, { noteIds: [1] }),
      ofType('DELETE', 1001, { noteIds: [1, 2] }),
      ofType('DELETE', 1001, { noteIds: [12] }),
      ofType('DELETE', 1001, { noteIds: [] }),
      ofType('DELETE', 1001, { all: true }),
      ofType('DELETE', 1002, { all: true }),
      ofType('DISCARD', 1001, { noteIds: [1] }),
    ]
    expect(new Set(commands.map(of)).size).toBe(commands.length)
  })
})
