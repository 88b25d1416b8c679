import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeHeaders, keyOf, NO_HEADERS, readHeaders, valueOf } from '../../engine/core/headers.ts'
import { position } from '../../engine/core/numbers.ts'
import { ByteCursor, varintBytes, varlongBytes, writeVarint, writeVarlong } from '../../engine/core/varint.ts'
import { FetchedRecords } from '../../engine/wire/fetched-records.ts'
import { COMPRESSIONS, type Compression } from '../../engine/wire/layout.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { readBatches } from '../../engine/wire/record-batch-reader.ts'

/** fast-check keeps strings short; lengths of two and three bytes need long ones. */
const repeated = <T extends Uint8Array | string>(part: fc.Arbitrary<T>) =>
  fc.tuple(part, fc.oneof(fc.constant(1), fc.nat(400)))
const bytes = () => repeated(fc.uint8Array()).map(([part, times]) => Buffer.concat(Array<Uint8Array>(times).fill(part)))
const text = () =>
  repeated(fc.oneof(fc.string({ unit: 'binary' }), fc.string())).map(([part, times]) => part.repeat(times))
const timestamps = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
  fc.maxSafeInteger(),
  fc.constantFrom(-1, 0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
)
const records = fc.array(
  fc.record({
    timestampMs: timestamps,
    key: fc.option(bytes()),
    value: fc.option(fc.oneof(text(), bytes())),
    headers: fc.array(
      fc.tuple(
        fc.string({ unit: 'grapheme' }).map((name) => name.toWellFormed()),
        fc.option(bytes()),
      ),
      { maxLength: 4 },
    ),
  }),
  { minLength: 1, maxLength: 80 },
)

const stamp = (compression: Compression) => ({
  producerId: 7n,
  epoch: 3,
  baseSequence: 11,
  transactional: true,
  compression,
})

test('what is added comes out again, in every compression', () => {
  fc.assert(
    fc.property(records, fc.constantFrom(...COMPRESSIONS), (list, compression) => {
      const builder = new RecordBatchBuilder(64)
      for (const { timestampMs, key, value, headers } of list)
        builder.add(timestampMs, key, value, encodeHeaders(headers))
      const batch = builder.finish(stamp(compression))
      expect(batch.length).toBeLessThanOrEqual(builder.sizeBytes)
      const fetched = new FetchedRecords(batch, [], position(0))
      for (const [index, { timestampMs, key, value, headers }] of list.entries()) {
        expect(fetched.peekTimestampMs()).toBe(timestampMs)
        const view = fetched.next()!
        expect(view.offset).toBe(index)
        expect(fetched.position).toBe(index + 1)
        expect(keyOf(view)).toEqual(key)
        expect(valueOf(view)).toEqual(typeof value === 'string' ? Buffer.from(value) : value)
        expect(readHeaders(view)).toEqual(headers.map(([name, headerValue]) => ({ name, value: headerValue })))
      }
      expect(fetched.next()).toBeUndefined()
      expect([...readBatches(batch)]).toMatchObject([
        {
          recordCount: list.length,
          maxTimestampMs: Math.max(...list.map((record) => record.timestampMs)),
          producerId: 7n,
          epoch: 3,
          baseSequence: 11,
          isTransactional: true,
        },
      ])
    }),
    { numRuns: 200 },
  )
})

test('a header section is copied from its place in the input', () => {
  const input = Buffer.concat([Buffer.from('before'), encodeHeaders([['a', Buffer.from('1')]]), Buffer.from('behind')])
  const builder = new RecordBatchBuilder()
  builder.add(1, null, null, input, 6, input.length - 6)
  const view = new FetchedRecords(builder.finish(stamp('none')), [], position(0)).next()!
  expect(readHeaders(view)).toEqual([{ name: 'a', value: Buffer.from('1') }])
})

test('a timestamp that is no safe integer, an empty header section and an empty batch are refused', () => {
  const builder = new RecordBatchBuilder()
  expect(() => builder.add(2 ** 53, null, null, NO_HEADERS)).toThrow(RangeError)
  expect(() => builder.add(0.5, null, null, NO_HEADERS)).toThrow(RangeError)
  expect(() => builder.add(1, null, null, Buffer.alloc(0))).toThrow(RangeError)
  expect(builder.count).toBe(0)
  expect(() => builder.finish(stamp('none'))).toThrow(RangeError)
})

describe('numbers of variable length', () => {
  const cursor = new ByteCursor((reason) => new Error(reason))
  const room = Buffer.alloc(16)

  test('32 bits', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 63, 64, -64, -65)), (value) => {
        const end = writeVarint(room, 0, value)
        expect(varintBytes(value)).toBe(end)
        cursor.reset(room, 0, end)
        expect(cursor.varint()).toBe(value)
        expect(cursor.at).toBe(end)
      }),
    )
  })

  test('64 bits; beyond the safe integers the nearest', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer()),
        (value) => {
          const end = writeVarlong(room, 0, value)
          expect(varlongBytes(value)).toBe(end)
          cursor.reset(room, 0, end)
          const safe = Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, Number(value)))
          expect(cursor.varlong(0)).toBe(safe === 0 ? 0 : safe)
          expect(cursor.at).toBe(end)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('too long or cut is malformed', () => {
    const malformed = (list: number[], read: () => number) => {
      const given = Buffer.from([...list, 0])
      cursor.reset(given, 0, list.length)
      expect(read).toThrow(Error)
      expect(cursor.at).toBeLessThanOrEqual(list.length)
    }
    for (const list of [[], [0x80], [0xff, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff, 0x10], Array(6).fill(0x80)])
      malformed(list, () => cursor.varint())
    for (const list of [[], [0x80], Array(9).fill(0xff), [...Array(9).fill(0xff), 2], Array(11).fill(0x80)])
      malformed(list, () => cursor.varlong(0))
  })
})
