import { describe, expect, test } from 'vitest'
import { encodeHeaders, readHeaders, viewOf } from '../../engine/core/headers.ts'
import type { Plan } from '../../engine/core/plan.ts'
import { type DeadLetterRecord, deadLetterJson, parsePlace, readDeadLetter } from '../../operations/core/dead-letter.ts'
import { chunksOf, replayHeaders, targetOf } from '../../operations/core/replay.ts'
import { encodeNote, readNote } from '../../operations/core/replay-note.ts'

const text = (value: string) => Buffer.from(value)
const facts = [
  ['dead-letter.reason', text('value.not_json')],
  ['dead-letter.message', text('the value is not JSON')],
  ['dead-letter.topic', text('in')],
  ['dead-letter.partition', text('3')],
  ['dead-letter.offset', text('42')],
  ['dead-letter.timestamp', text('1704067200000')],
] as const
const view = (headers: readonly (readonly [string, Buffer | null])[], value: Buffer | null = text('{')) =>
  viewOf({
    offset: 7,
    timestampMs: Date.UTC(2024, 0, 1),
    key: Buffer.from([1, 0]),
    value,
    headers: encodeHeaders(headers),
  })

test('what the engine wrote, with the original headers beside it', () => {
  const letter = readDeadLetter(1, view([['TENANT_ID', text('t')], ['empty', null], ...facts]))!
  expect(deadLetterJson('app-dead-letters', letter)).toEqual({
    at: 'app-dead-letters-1@7',
    time: '2024-01-01T00:00:00.000Z',
    reason: 'value.not_json',
    message: 'the value is not JSON',
    origin: 'in-3@42',
    key: { hex: '0100' },
    value: { text: '{' },
    valueBytes: 1,
    truncatedBytes: null,
    headers: [
      { name: 'TENANT_ID', value: { text: 't' } },
      { name: 'empty', value: null },
    ],
    replayedFrom: null,
    replayed: null,
  })
})

test('has the time of its burial and that of the record', () => {
  const buried = (timestamp: string) =>
    readDeadLetter(0, view([...facts.slice(0, -1), ['dead-letter.timestamp', text(timestamp)]]))!
  expect(buried('5')).toMatchObject({ timestampMs: Date.UTC(2024, 0, 1), recordTimestampMs: 5 })
  expect(buried('-1').recordTimestampMs).toBe(-1)
  // Of none that can be read, the letter's own is the best that is known.
  expect(buried('then').recordTimestampMs).toBe(Date.UTC(2024, 0, 1))
})

test('headers of the same name from outside do not count', () => {
  const letter = readDeadLetter(
    0,
    view([['dead-letter.reason', text('forged')], ['dead-letter.offset', text('1')], ...facts]),
  )
  expect(letter).toMatchObject({ reason: 'value.not_json', origin: { offset: 42 } })
})

test('a letter that was cut, and one that says nothing', () => {
  expect(readDeadLetter(0, view([...facts, ['dead-letter.truncated', text('2000000')]]))).toMatchObject({
    truncatedBytes: 2_000_000,
  })
  expect(readDeadLetter(0, view([], null))).toMatchObject({ reason: '(none)', message: '', origin: null, value: null })
})

test('headers that cannot be read: the record is shown all the same', () => {
  const broken = viewOf({ offset: 1, timestampMs: 0, key: null, value: text('x'), headers: Buffer.from([9, 9]) })
  expect(readDeadLetter(0, broken)).toMatchObject({ reason: '(none)', headers: [], value: text('x') })
})

test('original headers are exact, whatever their names; one from a replay tells that and is none of them', () => {
  const original = [
    ['dead-letter.reason', text('forged')],
    ['dead-letter.replay-of', text('0@1')],
    ['dead-letter.other', null],
  ] as const
  const letter = readDeadLetter(2, view([...original, ['dead-letter.replayed-from', text('2@5')], ...facts]))
  expect(letter?.headers.map(({ name }) => name)).toEqual(original.map(([name]) => name))
  expect(letter).toMatchObject({ replayedFrom: '2@5', reason: 'value.not_json', headersKnown: true })
})

test('places as people write them', () => {
  expect(parsePlace('3@17', 'app-dead-letters')).toEqual({ partition: 3, offset: 17 })
  expect(parsePlace('app-dead-letters-3@17', 'app-dead-letters')).toEqual({ partition: 3, offset: 17 })
  for (const text of ['other-3@17', '@1', '3@', '3', '-1@2', '3@1.5']) expect(parsePlace(text, 'app'), text).toBeNull()
})

describe('notes', () => {
  const note = { of: { partition: 2, offset: 7 }, at: '2024-01-01T00:00:00.000Z', to: 'in-3', by: 'ann', run: 'r' }
  const { headers, value } = encodeNote(note)
  const record = (section: Buffer, json: string | null = value) =>
    viewOf({ offset: 9, timestampMs: 0, key: null, value: json, headers: section })

  test('are read back, and are no letters', () => {
    expect(readNote(record(headers))).toEqual(note)
    expect(readDeadLetter(2, record(headers))).toBeNull()
  })

  test('are not what a letter brings along, or what is broken', () => {
    const letter = view([['dead-letter.replay-of', text('2@7')], ...facts])
    expect(readNote(letter)).toBeNull()
    expect(readDeadLetter(2, letter)).not.toBeNull()
    for (const json of [null, '', '{', 'null']) expect(readNote(record(headers, json)), String(json)).toBeNull()
    expect(readNote(record(Buffer.from([9, 9])))).toBeNull()
  })
})

describe('replaying', () => {
  const plan = { sources: [{ topic: 'in', partitions: 4 }] } as unknown as Plan
  const letter = (changes: Partial<DeadLetterRecord> = {}): DeadLetterRecord => ({
    ...readDeadLetter(1, view([['a', text('b')], ['dead-letter.replayed-from', text('1@0')], ...facts]))!,
    ...changes,
  })

  test('goes to where it was first read', () => {
    expect(targetOf(plan, letter())).toEqual({ to: { topic: 'in', partition: 3 } })
  })

  test.each([
    [{ origin: null }, /where it is from/],
    [{ truncatedBytes: 5 }, /cut/],
    [{ reason: 'batch.too_large' }, /packed/],
    [{ headersKnown: false }, /headers/],
    [{ origin: { topic: 'app-repartition', partition: 0, offset: 1 } }, /no source/],
    [{ origin: { topic: 'in', partition: 4, offset: 1 } }, /no partition 4/],
  ])('refuses %j', (changes, why) => {
    expect(targetOf(plan, letter(changes))).toEqual({ refused: expect.stringMatching(why) })
  })

  test('keeps the headers and names the letter, once', () => {
    const sent = viewOf({ offset: 0, timestampMs: 0, key: null, value: null, headers: replayHeaders(letter()) })
    expect(readHeaders(sent).map(({ name, value }) => [name, String(value)])).toEqual([
      ['a', 'b'],
      ['dead-letter.replayed-from', '1@7'],
    ])
  })

  test('is cut into transactions by number and bytes, in order', () => {
    const of = (bytes: number, offset: number) => letter({ key: null, value: Buffer.alloc(bytes), offset })
    const letters = [of(1, 0), of(1, 1), of(1, 2), of(50, 3), of(5, 4), of(5, 5), of(1, 6)]
    const chunks = chunksOf(letters, { records: 2, bytes: 10 })
    expect(chunks.map((chunk) => chunk.map(({ offset }) => offset))).toEqual([[0, 1], [2], [3], [4, 5], [6]])
  })
})
