import { crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NO_HEADERS } from '../../engine/core/headers.ts'
import { position } from '../../engine/core/numbers.ts'
import { FetchedRecords } from '../../engine/wire/fetched-records.ts'
import { COMPRESSIONS } from '../../engine/wire/layout.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { readBatches } from '../../engine/wire/record-batch-reader.ts'
import { WireError } from '../../engine/wire/wire-error.ts'
import { javaFixture } from './java-fixtures.ts'

const code = (name: string) => expect.objectContaining({ code: name, remedy: expect.any(String) })

function batch(body?: Buffer): Buffer {
  const builder = new RecordBatchBuilder()
  for (let i = 0; i < 4; i++) builder.add(1_000 + i, Buffer.from('key'), 'some value', NO_HEADERS)
  const bytes = builder.finish({ producerId: 1n, epoch: 0, baseSequence: 0, transactional: true, compression: 'none' })
  return body === undefined ? bytes : seal(Buffer.concat([bytes.subarray(0, 61), body]))
}

/** Makes length and checksum right, so that what is wrong is found behind them. */
function seal(bytes: Buffer): Buffer {
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

function readAll(bytes: Buffer, asked = 0): FetchedRecords {
  const records = new FetchedRecords(bytes, [], position(asked))
  while (records.next() !== undefined);
  return records
}

test.each([...COMPRESSIONS.map((name) => `records-${name}`), 'transactions', 'compacted'])(
  'cut at any byte there is no batch and no movement: %s',
  (name) => {
    const { bytes, batches } = javaFixture(name)
    const first = [...readBatches(bytes)][0]!
    // Every byte of the first kilobyte, then in steps.
    for (let cut = 0; cut < first.end; cut += cut < 1024 ? 1 : 997) {
      const records = readAll(bytes.subarray(0, cut), batches[0]!.baseOffset)
      expect(records.position).toBe(batches[0]!.baseOffset)
    }
  },
)

describe('a batch header', () => {
  const change = (write: (bytes: Buffer) => void, sealed = true): Buffer => {
    const bytes = batch()
    write(bytes)
    if (sealed) bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
    return bytes
  }
  test.each<[string, Buffer, string]>([
    ['a checksum that does not match', change((b) => b.writeUInt8(b[70]! ^ 1, 70), false), 'wire.corrupt'],
    ['a negative length', change((b) => b.writeInt32BE(-1, 8)), 'wire.corrupt'],
    ['no length', change((b) => b.writeInt32BE(0, 8)), 'wire.corrupt'],
    ['a length below a header', change((b) => b.writeInt32BE(48, 8)), 'wire.corrupt'],
    ['an over-long length', change((b) => b.writeInt32BE(2 ** 31 - 1, 8)), 'wire.too_large'],
    ['a negative offset', change((b) => b.writeBigInt64BE(-1n, 0)), 'wire.corrupt'],
    ['an offset beyond 2^53', change((b) => b.writeBigInt64BE(2n ** 60n, 0)), 'wire.corrupt'],
    ['magic 1', change((b) => b.writeUInt8(1, 16)), 'wire.unsupported_magic'],
    ['magic 3', change((b) => b.writeUInt8(3, 16)), 'wire.unsupported_magic'],
    ['compression 5', change((b) => b.writeInt16BE(0x15, 21)), 'wire.unsupported_compression'],
    ['a negative last offset', change((b) => b.writeInt32BE(-1, 23)), 'wire.corrupt'],
    ['a negative count', change((b) => b.writeInt32BE(-1, 57)), 'wire.corrupt'],
    ['more records than offsets', change((b) => b.writeInt32BE(5, 57)), 'wire.corrupt'],
    ['fewer offsets than records', change((b) => b.writeInt32BE(2, 23)), 'wire.corrupt'],
    ['fewer records than bytes', change((b) => b.writeInt32BE(3, 57)), 'wire.corrupt'],
    ['no records but bytes', change((b) => b.writeInt32BE(0, 57)), 'wire.corrupt'],
    [
      'a vast count',
      change((b) => {
        b.writeInt32BE(2 ** 31 - 1, 23)
        b.writeInt32BE(2 ** 31 - 1, 57)
      }),
      'wire.corrupt',
    ],
    ['records that are no lz4', change((b) => b.writeInt16BE(0x13, 21)), 'wire.corrupt'],
    ['records that are no snappy', change((b) => b.writeInt16BE(0x12, 21)), 'wire.corrupt'],
    ['records that are no gzip', change((b) => b.writeInt16BE(0x11, 21)), 'wire.corrupt'],
    ['records that are no zstd', change((b) => b.writeInt16BE(0x14, 21)), 'wire.corrupt'],
  ])('with %s is refused', (_why, bytes, expected) => {
    expect(() => readAll(bytes)).toThrow(code(expected))
  })

  test('that goes back behind the batch before it is refused', () => {
    const records = new FetchedRecords(Buffer.concat([batch(), batch()]), [], position(0))
    for (let i = 0; i < 4; i++) expect(records.next()?.offset).toBe(i)
    expect(() => records.next()).toThrow(code('wire.corrupt'))
    expect(records.position).toBe(4)
  })

  test('with timestamps beyond the safe integers gives the nearest', () => {
    const bytes = change((b) => b.writeBigInt64BE(2n ** 63n - 1n, 27))
    expect(new FetchedRecords(bytes, [], position(0)).peekTimestampMs()).toBe(Number.MAX_SAFE_INTEGER)
  })
})

describe('a record', () => {
  const one = (hex: string): Buffer => {
    const bytes = batch(Buffer.from(hex, 'hex'))
    bytes.writeInt32BE(0, 23)
    bytes.writeInt32BE(1, 57)
    return seal(bytes)
  }
  test('of the smallest size is read', () => {
    expect(readAll(one('0c000000010100')).position).toBe(1)
  })
  test.each([
    ['a length past the batch', '7e000000010100'],
    ['a negative length', '01000000010100'],
    ['no length', ''],
    ['a length of more than 32 bits', 'ffffffffff'],
    ['a key past its end', '0c0000000c0100'],
    ['a value past its end', '0c000000010c00'],
    ['a key length that is cut', '0c000000ffffff'],
    ['no header section', '0c000080000101'],
    ['bytes behind it', '0c00000001010000'],
  ])('with %s is refused', (_why, hex) => {
    expect(() => readAll(one(hex))).toThrow(code('wire.corrupt'))
  })

  test('whose last number goes on into the next record is refused', () => {
    const bytes = batch(Buffer.from('0c00000001ffff' + '0c000002010100', 'hex'))
    bytes.writeInt32BE(1, 23)
    bytes.writeInt32BE(2, 57)
    expect(() => new FetchedRecords(seal(bytes), [], position(0)).next()).toThrow(code('wire.corrupt'))
  })

  test('with offsets that do not rise is given one in its turn', () => {
    const record = (delta: number) => Buffer.from([0x0c, 0, 0, delta, 1, 1, 0])
    const offsets = (deltas: number[], lastOffsetDelta = deltas.length - 1): number[] => {
      const bytes = batch(Buffer.concat(deltas.map((delta) => record(delta))))
      bytes.writeInt32BE(lastOffsetDelta, 23)
      bytes.writeInt32BE(deltas.length, 57)
      const records = new FetchedRecords(seal(bytes), [], position(0))
      const list: number[] = []
      for (let view = records.next(); view !== undefined; view = records.next()) {
        list.push(view.offset)
        expect(records.position).toBe(list.length < deltas.length ? view.offset + 1 : lastOffsetDelta + 1)
      }
      return list
    }
    // Zigzag: 2 is +1, 1 is -1, 18 is +9.
    expect(offsets([0, 2, 4])).toEqual([0, 1, 2])
    expect(offsets([0, 4, 18], 9)).toEqual([0, 2, 9])
    expect(offsets([0, 0, 0])).toEqual([0, 1, 2])
    expect(offsets([4, 2, 0])).toEqual([0, 1, 2])
    expect(offsets([18, 1, 18])).toEqual([0, 1, 2])
  })

  describe('that is unsound', () => {
    // The second record's key is past its end; in its rest lie bytes that look like a record.
    const body = Buffer.from('0c000000010100' + '1a0000027e' + '0c000004010100000000' + '0c000004010100', 'hex')
    const unsound = batch(body)
    unsound.writeInt32BE(2, 23)
    unsound.writeInt32BE(3, 57)
    seal(unsound)
    const following = batch()
    following.writeBigInt64BE(3n, 0)

    test('ends the answer: what came before it stands, and nothing comes after it', () => {
      const records = new FetchedRecords(Buffer.concat([unsound, following]), [], position(0))
      expect(records.failedBatch).toBeUndefined()
      expect(records.next()?.offset).toBe(0)
      for (const read of [() => records.next(), () => records.next(), () => records.peekTimestampMs()])
        expect(read).toThrow(code('wire.corrupt'))
      expect(records.position).toBe(1)
    })

    test('can be passed with the rest of its batch', () => {
      const records = new FetchedRecords(Buffer.concat([unsound, following]), [], position(0))
      expect(() => records.passFailedBatch()).toThrow('no batch has failed')
      records.next()
      expect(() => records.next()).toThrow(code('wire.corrupt'))
      expect(records.failedBatch).toMatchObject({ baseOffset: 0, lastOffset: 2 })
      records.passFailedBatch()
      expect(records.position).toBe(3)
      expect(records.next()?.offset).toBe(3)
    })

    test('in its header cannot be passed: where it ends is not known', () => {
      const broken = batch()
      broken[70]! ^= 1
      const sound = batch()
      broken.writeBigInt64BE(4n, 0)
      const records = new FetchedRecords(Buffer.concat([sound, broken]), [], position(0))
      for (let i = 0; i < 4; i++) records.next()
      expect(() => records.next()).toThrow(code('wire.corrupt'))
      expect(records.failedBatch).toBeUndefined()
      expect(() => records.passFailedBatch()).toThrow(code('wire.corrupt'))
    })
  })
})

test('any changed batch is read inside of its bytes or refused, its checksum made right', () => {
  const names = ['records-none', 'records-lz4', 'records-snappy', 'transactions', 'compacted']
  const fixtures = names.map((name) => javaFixture(name).bytes)
  fc.assert(
    fc.property(
      fc.constantFrom(...fixtures),
      fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.boolean()), { minLength: 1, maxLength: 6 }),
      (given, changes) => {
        const bytes = Buffer.from(given)
        for (const [at, value, early] of changes) bytes[at % (early ? 200 : bytes.length)] = value
        for (let at = 0; at + 61 <= bytes.length; ) {
          const length = bytes.readInt32BE(at + 8)
          if (length < 49 || at + 12 + length > bytes.length) break
          bytes.writeUInt32BE(crc32c(bytes.subarray(at + 21, at + 12 + length)), at + 17)
          at += 12 + length
        }
        const records = new FetchedRecords(bytes, [{ producerId: 1n, firstOffset: 106 }], position(0))
        let last = -1
        try {
          for (let view = records.next(); view !== undefined; view = records.next()) {
            expect(view.offset).toBeGreaterThan(last)
            last = view.offset
            expect(Number.isSafeInteger(view.timestampMs)).toBe(true)
            for (const end of [view.keyEnd, view.valueEnd, view.headersEnd])
              expect(end).toBeLessThanOrEqual(view.bytes.length)
            expect(view.headersStart).toBeLessThan(view.headersEnd)
          }
        } catch (error) {
          if (!(error instanceof WireError)) throw error
        }
        expect(records.position).toBeGreaterThan(last)
      },
    ),
    { numRuns: 1000 },
  )
}, 30_000)
