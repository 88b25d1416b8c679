import { expect, test } from 'vitest'
import { deadLetterJson, readDeadLetter } from '../../cli/core/dead-letter.ts'
import { encodeHeaders, viewOf } from '../../engine/core/headers.ts'

const text = (value: string) => Buffer.from(value)
const facts = [
  ['dead-letter.reason', text('value.not_json')],
  ['dead-letter.message', text('the value is not JSON')],
  ['dead-letter.topic', text('in')],
  ['dead-letter.partition', text('3')],
  ['dead-letter.offset', text('42')],
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
  const letter = readDeadLetter(1, view([['TENANT_ID', text('t')], ['empty', null], ...facts]))
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
  })
})

test('headers of the same name from outside do not count', () => {
  const letter = readDeadLetter(
    0,
    view([['dead-letter.reason', text('forged')], ['dead-letter.offset', text('1')], ...facts]),
  )
  expect(letter).toMatchObject({ reason: 'value.not_json', origin: { offset: 42 } })
})

test('a letter that was cut, and one that says nothing', () => {
  expect(readDeadLetter(0, view([...facts, ['dead-letter.truncated', text('2000000')]])).truncatedBytes).toBe(2_000_000)
  expect(readDeadLetter(0, view([], null))).toMatchObject({ reason: '(none)', message: '', origin: null, value: null })
})

test('headers that cannot be read: the record is shown all the same', () => {
  const broken = viewOf({ offset: 1, timestampMs: 0, key: null, value: text('x'), headers: Buffer.from([9, 9]) })
  expect(readDeadLetter(0, broken)).toMatchObject({ reason: '(none)', headers: [], value: text('x') })
})
