import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeHeaders, NO_HEADERS, valueOf } from '../../engine/core/headers.ts'
import { position } from '../../engine/core/numbers.ts'
import { FetchedRecords } from '../../engine/wire/fetched-records.ts'
import { COMPRESSIONS, type Compression } from '../../engine/wire/layout.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { readBatches } from '../../engine/wire/record-batch-reader.ts'
import { RollingBatch, sequenceAfter } from '../../engine/wire/rolling-batch.ts'
import { RecordTooLarge } from '../../engine/wire/wire-error.ts'

const stamp = (compression: Compression = 'none', producerId = 7n, epoch = 3, baseSequence = 0) => ({
  producerId,
  epoch,
  baseSequence,
  transactional: true,
  compression,
})

const values = (bytes: Buffer): string[] => {
  const records = new FetchedRecords(bytes, [], position(0))
  const list: string[] = []
  for (let view = records.next(); view !== undefined; view = records.next()) list.push(String(valueOf(view)))
  return list
}

const filled = (count = 50): RecordBatchBuilder => {
  const builder = new RecordBatchBuilder()
  for (let i = 0; i < count; i++) builder.add(1_000 + i, null, `{"note":"number ${i}"}`, NO_HEADERS)
  return builder
}

describe('a batch', () => {
  test.each(COMPRESSIONS)('finished for another producer differs in its stamp and checksum only: %s', (compression) => {
    const builder = filled()
    const first = builder.finish(stamp(compression))
    const kept = Buffer.from(first)
    const second = builder.finish(stamp(compression, 8n, 4, 5))
    expect(first).toEqual(kept)
    expect([...readBatches(second)]).toMatchObject([{ producerId: 8n, epoch: 4, baseSequence: 5 }])
    expect(values(second)).toEqual(values(first))
    const differing = [...first.keys()].filter((at) => first[at] !== second[at])
    expect(differing.every((at) => (at >= 17 && at < 21) || (at >= 43 && at < 57))).toBe(true)
  })

  test('a reset or a further record leaves what was finished alone', () => {
    const builder = filled()
    const bytes = builder.finish(stamp('zstd'))
    const kept = Buffer.from(bytes)
    builder.add(1, null, 'more', NO_HEADERS)
    expect(values(builder.finish(stamp('zstd')))).toHaveLength(51)
    builder.reset()
    expect([builder.count, builder.sizeBytes]).toEqual([0, 61])
    builder.add(-5, null, 'other', NO_HEADERS)
    expect(bytes).toEqual(kept)
    expect([...readBatches(builder.finish(stamp()))]).toMatchObject([{ baseTimestampMs: -5, maxTimestampMs: -5 }])
  })

  test('that does not shrink is sent as it is', () => {
    const builder = new RecordBatchBuilder()
    builder.add(1, null, Buffer.from([1, 2, 3]), NO_HEADERS)
    for (const compression of COMPRESSIONS) {
      const bytes = builder.finish(stamp(compression))
      expect(bytes).toHaveLength(builder.sizeBytes)
      expect([...readBatches(bytes)]).toMatchObject([{ compression: 'none' }])
    }
  })

  test('compressed ahead is the same batch, and one that changed meanwhile is compressed again', async () => {
    for (const compression of COMPRESSIONS) {
      const builder = filled()
      await builder.compressAhead(compression)
      expect(values(builder.finish(stamp(compression)))).toEqual(values(filled().finish(stamp())))
      const late = filled()
      const ahead = late.compressAhead(compression)
      late.add(1, null, 'late', NO_HEADERS)
      await ahead
      expect(values(late.finish(stamp(compression))).at(-1)).toBe('late')
    }
  })

  test('is exactly as large as it says, and tryAdd refuses exactly what would be larger', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc
            .tuple(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), fc.nat(300))
            .map(([text, times]) => text.repeat(times)),
          { minLength: 1, maxLength: 10 },
        ),
        fc.nat(3_000),
        (list, more) => {
          const limitBytes = 61 + more
          const free = new RecordBatchBuilder(61)
          const bounded = new RecordBatchBuilder(61)
          let refused = false
          for (const value of list) {
            const before = [bounded.count, bounded.sizeBytes]
            if (!refused) free.add(1, null, value, NO_HEADERS)
            const added = bounded.tryAdd(limitBytes, 1, null, value, NO_HEADERS)
            if (!refused) expect(added).toBe(free.sizeBytes <= limitBytes)
            if (!added) expect([bounded.count, bounded.sizeBytes]).toEqual(before)
            refused ||= !added
          }
          if (bounded.count > 0) expect(bounded.finish(stamp())).toHaveLength(bounded.sizeBytes)
        },
      ),
      { numRuns: 300 },
    )
  })
})

test('a limit is the largest size allowed', () => {
  for (const value of ['x'.repeat(500), 'é'.repeat(500), Buffer.alloc(500)]) {
    const free = new RecordBatchBuilder()
    free.add(1, null, value, NO_HEADERS)
    const bounded = new RecordBatchBuilder()
    expect(bounded.tryAdd(free.sizeBytes - 1, 1, null, value, NO_HEADERS)).toBe(false)
    expect(bounded.tryAdd(free.sizeBytes, 1, null, value, NO_HEADERS)).toBe(true)
  }
})

describe('a rolling batch', () => {
  test('splits below its limit and counts sequences on', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { minLength: 20, maxLength: 60 }), (list) => {
        const rolling = new RollingBatch(800)
        const headers = encodeHeaders([['h', Buffer.from('v')]])
        const padded = list.map((value) => value + 'x'.repeat(100))
        for (const value of padded) rolling.add(5, Buffer.from('key'), value, headers)
        const batches = rolling.finish(stamp('none', 1n, 1, 100))
        expect(batches.every((bytes) => bytes.length <= 800)).toBe(true)
        expect(batches.reduce((sum, bytes) => sum + bytes.length, 0)).toBe(rolling.sizeBytes)
        expect(rolling.count).toBe(list.length)
        expect(batches.length).toBeGreaterThan(2)
        expect(batches.flatMap(values)).toEqual(padded.map((value) => value.toWellFormed()))
        let sequence = 100
        for (const bytes of batches) {
          const [batch] = [...readBatches(bytes)]
          expect(batch!.baseSequence).toBe(sequence)
          sequence += batch!.recordCount
        }
      }),
    )
  })

  test('refuses a single record beyond the limit and stays as it was', () => {
    const rolling = new RollingBatch(200)
    rolling.add(1, null, 'first', NO_HEADERS)
    const before = rolling.finish(stamp())
    expect(() => rolling.add(1, null, 'x'.repeat(200), NO_HEADERS)).toThrow(RecordTooLarge)
    expect(() => rolling.add(1, null, Buffer.alloc(200), NO_HEADERS)).toThrow(
      expect.objectContaining({ code: 'output.too_large', limitBytes: 200, remedy: expect.any(String) }),
    )
    expect(rolling.finish(stamp())).toEqual(before)
    rolling.add(1, null, 'second', NO_HEADERS)
    expect(rolling.batches).toHaveLength(1)
  })

  test('compressed ahead finishes as it would without', async () => {
    const rolling = new RollingBatch(300)
    for (let i = 0; i < 20; i++) rolling.add(1, null, 'y'.repeat(100), NO_HEADERS)
    const plain = rolling.finish(stamp('gzip'))
    const ahead = new RollingBatch(300)
    for (let i = 0; i < 20; i++) ahead.add(1, null, 'y'.repeat(100), NO_HEADERS)
    await ahead.compressAhead('gzip')
    expect(ahead.finish(stamp('gzip')).flatMap(values)).toEqual(plain.flatMap(values))
  })

  test('sequence numbers wrap as in Java', () => {
    expect([sequenceAfter(0, 5), sequenceAfter(2 ** 31 - 1, 1), sequenceAfter(2 ** 31 - 3, 5)]).toEqual([5, 0, 2])
  })
})
