import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { DeadLetter } from '../../topology/errors.ts'
import { json } from '../../topology/json.ts'
import { noteCommand } from '../../topology/notes/messages.ts'
import { NoteService } from './note-service.ts'
import { command, create, NIL, ofType, TENANT_A } from './records.ts'

const codeOf = (value: unknown): string | undefined => command(new NoteService(), value).deadLetter

describe('a command', () => {
  test.each([
    ['value.empty', null],
    ['value.empty', Buffer.alloc(0)],
    ['value.not_utf8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['value.not_json', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(JSON.stringify(create(1, 2)))])],
    ['value.not_json', 'CREATE'],
    ['value.wrong_type', '[]'],
    ['value.wrong_type', 'null'],
    ['value.wrong_type', '"CREATE"'],
  ])('that is no JSON object is a dead letter %s', (code, value) => {
    expect(codeOf(value)).toBe(code)
  })

  test.each([
    ['value.wrong_type', undefined],
    ['value.wrong_type', null],
    ['value.wrong_type', 1],
    ['command.unknown_type', ''],
    ['command.unknown_type', 'create'],
    ['command.unknown_type', '__proto__'],
    ['command.unknown_type', 'constructor'],
  ])('%s for the type %j', (code, type) => {
    expect(codeOf({ ...create(1, 2), type })).toBe(code)
  })

  test('an unknown type is named, but not at any length', () => {
    const { deadLetterMessage } = command(new NoteService(), { type: 'x'.repeat(10_000) })
    expect(deadLetterMessage).toContain('xxx')
    expect(deadLetterMessage?.length).toBeLessThan(150)
  })

  const fieldsOfNumbers: [name: string, max: number, at: (value: unknown) => unknown][] = [
    ['characterId', 4294967295, (v) => ({ ...create(1, 2), characterId: v })],
    ['worldId', 255, (v) => ({ ...create(1, 2), worldId: v })],
    ['channelId', 255, (v) => ({ ...create(1, 2), channelId: v })],
    ['body.senderId', 4294967295, (v) => ofType('CREATE', 1, { senderId: v, message: 'm' })],
    ['body.flag', 255, (v) => ofType('CREATE', 1, { senderId: 2, message: 'm', flag: v })],
    ['body.noteIds[1]', 4294967295, (v) => ofType('DISCARD', 1, { noteIds: [1, v] })],
    ['body.noteIds[0]', 4294967295, (v) => ofType('DELETE', 1, { noteIds: [v] })],
    ['body.noteId', 4294967295, (v) => ofType('UPDATE', 1, { noteId: v })],
    ['body.senderId', 4294967295, (v) => ofType('UPDATE', 1, { noteId: 1, senderId: v })],
    ['body.flag', 255, (v) => ofType('UPDATE', 1, { noteId: 1, flag: v })],
  ]
  test.each(fieldsOfNumbers)('%s is a whole number up to %d', (name, max, at) => {
    expect(codeOf(at(max))).toBeUndefined()
    for (const value of [max + 1, -1, 1.5, 2 ** 53]) {
      const outcome = command(new NoteService(), at(value))
      expect([value, outcome.deadLetter]).toEqual([value, 'value.out_of_range'])
      expect(outcome.deadLetterMessage).toBe(`${name} must be a whole number from 0 to ${max}`)
    }
    for (const value of ['1', true, [], {}, [1]]) {
      const outcome = command(new NoteService(), at(value))
      expect([value, outcome.deadLetter]).toEqual([value, 'value.wrong_type'])
      expect(outcome.deadLetterMessage).toContain(`${name} must be a whole number`)
    }
  })

  test.each([
    ['value.wrong_type', ofType('CREATE', 1, [])],
    ['value.wrong_type', ofType('CREATE', 1, 'x')],
    ['value.wrong_type', ofType('CREATE', 1, { senderId: 2, message: 3 })],
    ['value.wrong_type', ofType('UPDATE', 1, { noteId: 1, message: {} })],
    ['value.wrong_type', ofType('DISCARD', 1, { noteIds: 1 })],
    ['value.wrong_type', ofType('DISCARD', 1, { noteIds: {} })],
    ['value.wrong_type', ofType('DISCARD', 1, { noteIds: [1, null] })],
    ['value.wrong_type', ofType('DELETE', 1, { all: 1 })],
    ['value.wrong_type', ofType('DELETE', 1, { all: 'true' })],
  ])('%s for %j', (code, value) => {
    expect(codeOf(value)).toBe(code)
  })

  test.each(['', 'x', '7d0c6f0e4b1c4a579f600a1b2c3d4e5f', '{7d0c6f0e-4b1c-4a57-9f60-0a1b2c3d4e5f}', 7, {}])(
    'a transactionId that is no UUID is a dead letter: %j',
    (transactionId) => {
      expect(codeOf({ ...create(1, 2), transactionId })).toBe('value.wrong_type')
      expect(codeOf({ ...ofType('DISCARD', 1, {}), transactionId })).toBe('value.wrong_type')
    },
  )

  test('a transactionId comes back as it was given; null is none', () => {
    const echoed = (transactionId: unknown) =>
      command(new NoteService(), { ...create(1, 2), transactionId }).emitted[0]?.value.transactionId
    expect(echoed('7D0C6F0E-4B1C-4A57-9F60-0A1B2C3D4E5F')).toBe('7D0C6F0E-4B1C-4A57-9F60-0A1B2C3D4E5F')
    expect(echoed(NIL)).toBe(NIL)
    expect(echoed(null)).toBe(NIL)
  })

  test('unknown fields are ignored, __proto__ among them', () => {
    const service = new NoteService()
    const { emitted } = command(
      service,
      '{"__proto__":{"type":"DISCARD"},"more":{"deep":[{}]},"type":"CREATE","characterId":1,"body":{"__proto__":{"flag":9},"constructor":1,"senderId":2,"message":"m","noteId":77}}',
    )
    expect(emitted[0]?.value.body).toMatchObject({ noteId: 1, senderId: 2, message: 'm', flag: 0 })
    expect(({} as Record<string, unknown>).flag).toBeUndefined()
    expect(codeOf('{"__proto__":{"type":"CREATE","characterId":1}}')).toBe('value.wrong_type')
  })

  test('a field given twice: the last one counts', () => {
    const { emitted } = command(
      new NoteService(),
      '{"type":"DISCARD","characterId":1,"characterId":2,"body":7,"body":{"senderId":2,"message":"a","message":"b"},"type":"CREATE"}',
    )
    expect(emitted[0]?.value).toMatchObject({ characterId: 2, type: 'CREATED', body: { message: 'b' } })
  })

  test('minus zero is zero', () => {
    const { emitted } = command(
      new NoteService(),
      '{"type":"CREATE","characterId":1,"body":{"senderId":2,"message":"a","flag":-0}}',
    )
    expect(emitted[0]?.text).toContain('"flag":0,')
  })

  test('a value that is refused changes nothing', () => {
    const service = new NoteService()
    command(service, create(1, 2, 'm', 256))
    expect(service.notesOf(TENANT_A, 1).size).toBe(0)
    expect(service.counters.size).toBe(0)
  })
})

/** The same rules as a schema, too slow for the hot path and good to check the decoder by. */
const zeroed = <S extends z.ZodType>(schema: S, zero: unknown) => z.preprocess((given) => given ?? zero, schema)
const uint32 = z.uint32()
const byte = z.int().min(0).max(255)
const common = {
  transactionId: zeroed(z.guid(), NIL),
  worldId: zeroed(byte, 0),
  channelId: zeroed(byte, 0),
  characterId: zeroed(uint32, 0),
}
const given = <S extends z.ZodType>(schema: S) => z.preprocess((value) => value ?? undefined, schema.optional())
const schema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('CREATE'),
    ...common,
    body: zeroed(z.object({ senderId: zeroed(uint32, 0), message: zeroed(z.string(), ''), flag: zeroed(byte, 0) }), {}),
  }),
  z.object({
    type: z.literal('DISCARD'),
    ...common,
    body: zeroed(z.object({ noteIds: zeroed(z.array(uint32), []) }), {}),
  }),
  z.object({
    type: z.literal('UPDATE'),
    ...common,
    body: zeroed(
      z.object({
        noteId: zeroed(uint32, 0),
        senderId: given(uint32),
        message: given(z.string()),
        flag: given(byte),
      }),
      {},
    ),
  }),
  z.object({
    type: z.literal('DELETE'),
    ...common,
    body: zeroed(z.object({ noteIds: zeroed(z.array(uint32), []), all: zeroed(z.boolean(), false) }), {}),
  }),
])
const bySchema = json(schema)

const answer = (decode: (value: Buffer) => unknown, value: Buffer): unknown => {
  try {
    return { message: decode(value) }
  } catch (error) {
    if (error instanceof DeadLetter) return 'dead letter'
    throw error
  }
}

test('the decoder and a schema of the same rules accept the same and read the same', () => {
  const number = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(-1, 255, 256, 4294967295, 4294967296, 0.5))
  const odd = fc.constantFrom(null, '', 'x', true, [], {}, NIL, 'not a uuid')
  const maybe = <T>(value: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 8, arbitrary: value as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: odd })
  const body = fc.record(
    {
      senderId: maybe(number),
      message: maybe(fc.string()),
      flag: maybe(number),
      noteId: maybe(number),
      noteIds: maybe(fc.array(maybe(number), { maxLength: 3 })),
      all: maybe(fc.boolean()),
    },
    { requiredKeys: [] },
  )
  const value = fc.record(
    {
      type: maybe(fc.constantFrom('CREATE', 'DISCARD', 'UPDATE', 'DELETE', 'OTHER')),
      transactionId: maybe(fc.uuid()),
      worldId: maybe(number),
      channelId: maybe(number),
      characterId: maybe(number),
      body: maybe(body),
    },
    { requiredKeys: [] },
  )
  const counts = { read: 0, refused: 0 }
  fc.assert(
    fc.property(value, (given) => {
      const bytes = Buffer.from(JSON.stringify(given))
      const read = answer(noteCommand, bytes)
      counts[read === 'dead letter' ? 'refused' : 'read']++
      expect(read).toEqual(answer(bySchema, bytes))
    }),
    { numRuns: 3000 },
  )
  // Guards against a generator that only makes what is refused.
  expect(counts.read).toBeGreaterThan(100)
  expect(counts.refused).toBeGreaterThan(100)
})
