import { expect, test } from 'vitest'
import { table, tableWithin } from '../../cli/core/table.ts'
import { loadScreen } from '../../cli/core/top.ts'
import { ageText, bytesAsJson, bytesAsText, printable } from '../../operations/core/text.ts'

test('a table: numbers to the right, text to the left, null as a dash', () => {
  const text = table(
    ['TASK', 'NAME', 'LAG', 'MAYBE'],
    [
      [0, 'a', 5, null],
      [10, 'longer', 12345, 1],
    ],
  )
  expect(text).toBe('TASK  NAME      LAG  MAYBE\n   0  a           5      -\n  10  longer  12345      1\n')
  expect(table(['A', 'B'], [])).toBe('A  B\n')
})

test('the last column is shortened to what fits, in its middle', () => {
  const rows = [[1, 'notes-7c9f8b6d5-x2x4q-17']]
  expect(tableWithin(['TASK', 'OWNER'], rows, 18)).toBe('TASK  OWNER\n   1  not…x2x4q-17\n')
  expect(tableWithin(['TASK', 'OWNER'], rows, 80)).toBe('TASK  OWNER\n   1  notes-7c9f8b6d5-x2x4q-17\n')
  expect(tableWithin(['TASK', 'OWNER'], rows, 3)).toBe('TASK  OWNER\n   1  no…4q-17\n')
  expect(tableWithin(['TASK', 'OWNER'], [], 80)).toBe('TASK  OWNER\n')
})

test('top: rates and lag are seen on 80 columns, whoever owns the task', () => {
  const task = {
    ...{
      task: 12,
      state: 'taking-over',
      paused: false,
      instance: 'notes-service-7c9f8b6d5-x2x4q-17',
      batch: 1_234_567,
    },
    ...{ ageMs: 59_900, lag: 1_234_567, recordsPerSecond: 12_345, batchesPerSecond: 123.4 },
  }
  const load = {
    atMs: 0,
    tasks: [task],
    lag: 1,
    recordsPerSecond: 1,
    transactionMs: 1,
    transactionsPerSecond: 1,
    instances: 1,
  }
  const lines = loadScreen('notes', load, 80).split('\n')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(lines.at(-2)).toMatch(/12345 +123 +1234567 {2}\S*…\S*q-17$/)
})

test('a column with text in it is a text column', () => {
  expect(table(['LAG'], [[5], ['≤ 1000']])).toBe('LAG\n5\n≤ 1000\n')
})

test.each([
  ['\u001b[31mred\u0007', '\\u{1b}[31mred\\u{7}'],
  ['line\nbreak\ttab\r', 'line\\u{a}break\\u{9}tab\\u{d}'],
  ['\u202eturned', '\\u{202e}turned'],
  ['c1 \u009b, zero \u200b', 'c1 \\u{9b}, zero \\u{200b}'],
  ['\ud800', '\\u{d800}'],
  ['plain ü 🎂', 'plain ü 🎂'],
])('nothing that a terminal would obey: %j', (given, expected) => {
  expect(printable(given)).toBe(expected)
  expect(table(['X'], [[given]])).toBe(`X\n${expected}\n`)
})

test('cut to a length, with an ellipsis', () => {
  expect(printable('abcdef', 6)).toBe('abcdef')
  expect(printable('abcdefg', 6)).toBe('abcde…')
})

test('bytes: text where they are text, else hex', () => {
  expect(bytesAsJson(null)).toBeNull()
  expect(bytesAsJson(Buffer.from('ü\n'))).toEqual({ text: 'ü\n' })
  expect(bytesAsJson(Buffer.from([0, 83]))).toEqual({ hex: '0053' })
  expect(bytesAsJson(Buffer.from([0xff, 0xfe]))).toEqual({ hex: 'fffe' })
  expect(bytesAsJson(Buffer.from('abcdef'), 3)).toEqual({ text: 'abc…' })
  expect(bytesAsJson(Buffer.from([1, 2, 3, 4]), 2)).toEqual({ hex: '0102…' })
  expect(bytesAsText(null, 10)).toBe('(null)')
  expect(bytesAsText(Buffer.from([1]), 10)).toBe('0x01')
})

test.each([
  [5, '5 ms'],
  [-3, '0 ms'],
  [3_210, '3.2 s'],
  [300_000, '5 min'],
  [7_200_000, '2 h'],
  [400_000_000, '5 d'],
])('an age of %i ms is %s', (ms, text) => {
  expect(ageText(ms)).toBe(text)
})
