/** Dead letters as the page shows them: bytes, which are chosen, what came of a replay. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePartition, parsePlace, traceIdOf } from '../../console/web/places.ts'
import { bytesOfHex, fileName, hexDump, indentJson, utf8Of } from '../../console/web/ui/dead-letters/bytes.ts'
import {
  failedAgain,
  type Letter,
  orderPlace,
  preview,
  shown,
  stillWaiting,
  sums,
  sumsText,
} from '../../console/web/ui/dead-letters/letters.ts'

const letter = (offset: number, of: Partial<Letter> = {}): Letter => ({
  at: `notes-dead-letters-3@${offset}`,
  time: null,
  reason: 'value.not_json',
  message: '',
  origin: `COMMAND_TOPIC_NOTE-3@${offset}`,
  key: { text: '7' },
  value: { text: '{}' },
  valueBytes: 2,
  truncatedBytes: null,
  headers: [],
  replayedFrom: null,
  replayed: null,
  ...of,
})
const replayed = { at: '2026-03-01T00:00:00.000Z', to: 'COMMAND_TOPIC_NOTE-3', by: 'mara' }

describe('bytes', () => {
  test('a dump has offsets, hex in two halves and what can be printed', () => {
    expect(hexDump(Uint8Array.from([...Buffer.from('{"a":1}\n'), 0, 0xff, ...Buffer.from('abcdefgh')]), 1024)).toBe(
      [
        '00000000  7b 22 61 22 3a 31 7d 0a  00 ff 61 62 63 64 65 66  |{"a":1}...abcdef|',
        `00000010  67 68${' '.repeat(18)}  ${' '.repeat(23)}  |gh              |`,
      ].join('\n'),
    )
    expect(hexDump(new Uint8Array(100), 20).split('\n')).toHaveLength(2)
  })

  test('what is no UTF-8 is no text; a byte order mark stays', () => {
    expect(utf8Of(Uint8Array.from([0xc3, 0x28]))).toBeNull()
    expect(utf8Of(Uint8Array.from([0xef, 0xbb, 0xbf, 0x41]))).toBe('\ufeffA')
    expect([...bytesOfHex('00ff10')]).toEqual([0, 255, 16])
  })

  test('JSON is indented and not one number is changed', () => {
    expect(
      indentJson('{"n":12345678901234567890,"one":1.0,"one":1e2,"s":"a\\"{[,:","e":{},"l":[],"x":[1,{"y":null}]}'),
    ).toBe(
      [
        '{',
        '  "n": 12345678901234567890,',
        '  "one": 1.0,',
        '  "one": 1e2,',
        '  "s": "a\\"{[,:",',
        '  "e": {},',
        '  "l": [],',
        '  "x": [',
        '    1,',
        '    {',
        '      "y": null',
        '    }',
        '  ]',
        '}',
      ].join('\n'),
    )
    expect(indentJson('{"a":')).toBeNull()
  })

  test('indented JSON is what JSON.stringify makes of it, whatever it is', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = JSON.parse(text)
        expect(indentJson(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2))
      }),
    )
  })

  test('a file is named after its place, whatever is in that', () => {
    expect(fileName('notes-dead-letters-3@17', true)).toBe('notes-dead-letters-3-17.json')
    expect(fileName('../a b-0@1', false)).toBe('..-a-b-0-1.bin')
  })
})

describe('letters', () => {
  test('places and partitions are read as they are named, topics with hyphens too', () => {
    expect(parsePlace('notes-dead-letters-3@17')).toEqual({ topic: 'notes-dead-letters', partition: 3, offset: 17 })
    expect(parsePlace('3@17')).toEqual({ topic: null, partition: 3, offset: 17 })
    expect(parsePlace('x@y')).toBeNull()
    expect(parsePartition('a-b-12')).toEqual({ topic: 'a-b', partition: 12 })
    expect(orderPlace(letter(17))).toBe('3@17')
  })

  test('a trace id is taken out of a valid traceparent alone', () => {
    expect(traceIdOf('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')).toBe(
      '4bf92f3577b34da6a3ce929d0e0e4736',
    )
    expect(traceIdOf(`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`)).toBeNull()
    expect(traceIdOf('javascript:alert(1)')).toBeNull()
    expect(traceIdOf(null)).toBeNull()
  })

  test('the filter looks at place, origin, key, value and message; what was replayed does not wait', () => {
    const letters = [
      letter(1),
      letter(2, { replayed }),
      letter(3, { key: { hex: 'ffee' }, value: null, message: 'No JSON' }),
    ]
    const offsets = (waiting: boolean, text: string) => shown(letters, { waiting, text }).map(orderPlace)
    expect(offsets(true, '')).toEqual(['3@1', '3@3'])
    expect(offsets(false, 'no json')).toEqual(['3@3'])
    expect(offsets(false, '0xffee')).toEqual(['3@3'])
    expect(offsets(false, 'note-3@2')).toEqual(['3@2'])
  })

  test('of those that are chosen only what is shown and waits is sent', () => {
    const chosen = new Set(['3@1', '3@2', '3@9'])
    expect(stillWaiting([letter(1), letter(2, { replayed }), letter(3)], chosen)).toEqual(['3@1'])
  })

  test('a letter that failed again is found by the one it came from', () => {
    const again = failedAgain([letter(9, { replayedFrom: '3@1' }), letter(1, { replayed })])
    expect(again.get('3@1')?.at).toBe('notes-dead-letters-3@9')
  })

  test('a preview tells null, nothing and bytes apart', () => {
    expect([null, { text: '' }, { hex: '00ff' }, { text: 'abcdef' }].map((bytes) => preview(bytes, 3))).toEqual([
      'null',
      '(empty)',
      '0x0…',
      'abc…',
    ])
  })

  test('what came of a replay in words: what waits after it was carried out was not sent', () => {
    const item = (outcome: 'waits' | 'replayed' | 'refused') => ({
      place: '',
      reason: null,
      outcome,
      to: null,
      at: null,
      why: null,
    })
    const of = sums([item('waits'), item('waits'), item('refused')])
    expect(sumsText(of, false)).toBe('2 would be sent, 1 refused')
    expect(sumsText(of, true)).toBe('2 still waiting, 1 refused')
    expect(sumsText(sums([]), false)).toBe('nothing to send')
  })
})
