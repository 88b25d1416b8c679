import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodeHeaders,
  forEachHeader,
  HeaderCursor,
  HeadersCorrupt,
  keyOf,
  NO_HEADERS,
  readHeaders,
  valueOf,
  viewOf,
} from '../../engine/core/headers.ts'

test('a view made of parts gives the parts back', () => {
  const headers = encodeHeaders([
    ['a', null],
    ['a', Buffer.alloc(0)],
  ])
  const view = viewOf({ offset: 5, timestampMs: 9, key: Buffer.from('k'), value: 'wert €', headers })
  expect([view.offset, view.timestampMs, keyOf(view)?.toString(), valueOf(view)?.toString()]).toEqual([
    5,
    9,
    'k',
    'wert €',
  ])
  expect(readHeaders(view)).toEqual([
    { name: 'a', value: null },
    { name: 'a', value: Buffer.alloc(0) },
  ])
  const empty = viewOf({ offset: 0, timestampMs: 0, key: null, value: null })
  expect([keyOf(empty), valueOf(empty), readHeaders(empty)]).toEqual([null, null, []])
  const blank = viewOf({ offset: 0, timestampMs: 0, key: Buffer.alloc(0), value: '' })
  expect([keyOf(blank)?.length, valueOf(blank)?.length]).toEqual([0, 0])
})

test('the section is the one Kafka writes', () => {
  expect(encodeHeaders([])).toEqual(NO_HEADERS)
  expect(encodeHeaders([['ab', Buffer.from([7])]]).toString('hex')).toBe('020461620207')
  expect(encodeHeaders([['é', null]]).toString('hex')).toBe('0204c3a901')
})

test('null values have no place', () => {
  const section = encodeHeaders([['n', null]])
  const seen: number[][] = []
  forEachHeader(section, 0, section.length, (...places) => seen.push(places))
  expect(seen).toEqual([[2, 3, -1, -1]])
})

const sections: [why: string, hex: string][] = [
  ['no count', ''],
  ['negative count', '01'],
  ['count without headers', '02'],
  ['count beyond what fits', 'feffffff0f0000'],
  ['count of more than 32 bits', 'ffffffffff'],
  ['negative name length', '0201'],
  ['name runs past the end', '02106162'],
  ['name length is cut', '0280'],
  ['value missing', '020261'],
  ['value runs past the end', '0202611062'],
  ['bytes behind the last header', '0202610007'],
  ['bytes behind no headers', '0007'],
]
test.each(sections)('%s is refused', (_why, hex) => {
  const section = Buffer.from(hex, 'hex')
  // Bytes behind the section, so that reading on would succeed.
  const bytes = Buffer.concat([section, Buffer.alloc(64)])
  expect(() => forEachHeader(bytes, 0, section.length, () => {})).toThrow(
    expect.objectContaining({ code: 'record.headers_corrupt', remedy: expect.any(String) }),
  )
})

test('a section outside of its bytes is refused', () => {
  for (const [start, end] of [
    [-1, 1],
    [1, 0],
    [0, 5],
  ] as const)
    expect(() => new HeaderCursor().reset(NO_HEADERS, start, end)).toThrow(HeadersCorrupt)
})

test('any bytes are read inside of the section or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (given) => {
      const bytes = Buffer.concat([Buffer.from(given), Buffer.alloc(100, 2)])
      try {
        forEachHeader(bytes, 0, given.length, (nameStart, nameEnd, valueStart, valueEnd) => {
          expect(nameStart).toBeGreaterThan(0)
          expect(nameEnd).toBeLessThanOrEqual(given.length)
          if (valueStart >= 0) expect(valueStart).toBeGreaterThan(nameEnd)
          expect(valueEnd).toBeLessThanOrEqual(given.length)
        })
      } catch (error) {
        expect(error).toBeInstanceOf(HeadersCorrupt)
      }
    }),
    { numRuns: 5000 },
  )
})
