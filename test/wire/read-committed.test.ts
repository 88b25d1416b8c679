import { crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyOf, NO_HEADERS, valueOf } from '../../engine/core/headers.ts'
import { type Position, position } from '../../engine/core/numbers.ts'
import { type BatchFacts, ReadCommittedFilter } from '../../engine/core/read-committed.ts'
import { FetchedRecords } from '../../engine/wire/fetched-records.ts'
import { COMPRESSIONS } from '../../engine/wire/layout.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { javaFixture } from './java-fixtures.ts'

interface Aborted {
  producerId: bigint
  firstOffset: number
  /** Offset of the abort marker. */
  lastOffset: number
}

/** What a broker adds to a fetch from `asked` of bytes that end before `end`. */
const abortedFor = (aborted: readonly Aborted[], asked: number, end: number): Aborted[] =>
  aborted.filter((range) => range.lastOffset >= asked && range.firstOffset < end)

function takeAll(records: FetchedRecords): { offset: number; value: string }[] {
  const taken: { offset: number; value: string }[] = []
  for (let view = records.next(); view !== undefined; view = records.next())
    taken.push({ offset: view.offset, value: String(valueOf(view)) })
  return taken
}

describe('the filter', () => {
  const batch = (facts: Partial<BatchFacts> & { lastOffset: number }): BatchFacts => ({
    producerId: 1n,
    isTransactional: true,
    isControl: facts.marker !== undefined,
    marker: null,
    ...facts,
  })

  test('hides a second aborted transaction of one producer and shows the third (trap P1)', () => {
    const filter = new ReadCommittedFilter([
      { producerId: 1n, firstOffset: 3 },
      { producerId: 1n, firstOffset: 0 },
    ])
    expect(
      [
        batch({ lastOffset: 1 }),
        batch({ lastOffset: 2, marker: 'abort' }),
        batch({ lastOffset: 4 }),
        batch({ lastOffset: 5, marker: 'abort' }),
        batch({ lastOffset: 6 }),
        batch({ lastOffset: 7, marker: 'commit' }),
      ].map((facts) => filter.admits(facts)),
    ).toEqual([false, false, false, false, true, false])
  })

  test('hides to the end of the answer when the marker lies behind it (trap P2)', () => {
    const filter = new ReadCommittedFilter([{ producerId: 1n, firstOffset: 0 }])
    expect([2, 5, 9].map((lastOffset) => filter.admits(batch({ lastOffset })))).toEqual([false, false, false])
    expect(filter.admits(batch({ lastOffset: 10, producerId: 2n }))).toBe(true)
    expect(filter.admits(batch({ lastOffset: 11, isTransactional: false }))).toBe(true)
  })

  test('a marker alone hides nothing, and other control batches neither open nor close', () => {
    const filter = new ReadCommittedFilter([{ producerId: 2n, firstOffset: 3 }])
    expect(filter.admits(batch({ lastOffset: 0 }))).toBe(true)
    expect(filter.admits(batch({ lastOffset: 1, marker: 'abort' }))).toBe(false)
    expect(filter.admits(batch({ lastOffset: 2 }))).toBe(true)
    expect(filter.admits(batch({ lastOffset: 3, producerId: 2n }))).toBe(false)
    expect(filter.admits(batch({ lastOffset: 4, producerId: 2n, isControl: true, marker: null }))).toBe(false)
    expect(filter.admits(batch({ lastOffset: 5, producerId: 2n, marker: 'commit' }))).toBe(false)
    expect(filter.admits(batch({ lastOffset: 6, producerId: 2n }))).toBe(false)
  })

  test('a transaction that began below the fetch is hidden', () => {
    const filter = new ReadCommittedFilter([{ producerId: 1n, firstOffset: 3 }])
    expect(filter.admits(batch({ lastOffset: 40 }))).toBe(false)
  })
})

describe('a fetch answer', () => {
  const log = javaFixture('transactions')
  const end = log.batches.at(-1)!.lastOffset + 1
  const expected = log.batches
    .filter((batch) => !batch.isControl)
    .flatMap((batch) => batch.records)
    .map(({ offset, value }) => ({ offset, value: Buffer.from(value!, 'hex').toString() }))
    .filter(({ value }) => !value.endsWith('-aborted'))

  test('gives the committed records of a log full of aborts', () => {
    expect(expected.length).toBeGreaterThan(5)
    const records = new FetchedRecords(log.bytes, log.aborted, position(0))
    expect(takeAll(records)).toEqual(expected)
    expect(records.position).toBe(end)
    expect(records.sizeBytes).toBe(log.bytes.length)
  })

  test('asked for any position gives what lies at and behind it', () => {
    for (let asked = 0; asked <= end + 1; asked++) {
      const records = new FetchedRecords(log.bytes, abortedFor(log.aborted, asked, end), position(asked))
      expect(records.position).toBe(asked)
      expect(takeAll(records)).toEqual(expected.filter(({ offset }) => offset >= asked))
      expect(records.position).toBe(Math.max(asked, end))
    }
  })

  test('cut at every byte, and fetched on from its position, gives the same records', () => {
    for (let cut = 0; cut <= log.bytes.length; cut++) {
      const whole = log.bytes.subarray(0, cut)
      const first = new FetchedRecords(whole, log.aborted, position(0))
      const taken = takeAll(first)
      const asked = first.position
      const rest = log.batches.findIndex((batch) => batch.baseOffset >= asked)
      // What was read ends between two batches, never inside of one.
      expect(asked === 0 || asked === end || log.batches.some((batch) => batch.lastOffset + 1 === asked)).toBe(true)
      if (rest < 0) continue
      const second = new FetchedRecords(log.bytes, abortedFor(log.aborted, asked, end), asked)
      expect([...taken, ...takeAll(second)]).toEqual(expected)
      expect(second.position).toBe(end)
    }
  })

  test('the position is behind what was taken and what was passed, not behind what was only looked at', () => {
    const records = new FetchedRecords(log.bytes, log.aborted, position(0))
    expect(records.position).toBe(0)
    const timestampMs = records.peekTimestampMs()
    expect(records.peekTimestampMs()).toBe(timestampMs)
    expect(records.position).toBe(0)
    const seen: Position[] = []
    for (let view = records.next(); view !== undefined; view = records.next()) {
      expect(records.position).toBeGreaterThan(view.offset)
      records.peekTimestampMs()
      seen.push(records.position)
    }
    const behind = expected.slice(1).map(({ offset }) => offset)
    for (const [index, next] of behind.entries()) expect(seen[index]).toBeLessThanOrEqual(next)
    expect(seen.at(-1)).toBe(end)
  })

  test('of markers, aborted and emptied batches alone moves the position', () => {
    const compacted = javaFixture('compacted')
    const eager = new FetchedRecords(compacted.bytes, compacted.aborted, position(100))
    eager.next()
    eager.next()
    // The batch reaches to 103, which the cleaner has removed.
    expect(eager.position).toBe(104)
    const records = new FetchedRecords(compacted.bytes, compacted.aborted, position(100))
    expect(takeAll(records).map(({ offset }) => offset)).toEqual([100, 102, 111])
    expect(records.position).toBe(115)
    const tail = new FetchedRecords(compacted.bytes, compacted.aborted, position(112))
    expect(tail.peekTimestampMs()).toBeUndefined()
    expect(tail.position).toBe(115)
  })

  test('keeps a range open at a commit marker of the same producer: only its abort marker closes it', () => {
    const data = (value: string) => {
      const builder = new RecordBatchBuilder()
      builder.add(1, null, value, NO_HEADERS)
      return builder.finish({
        producerId: 1n,
        epoch: 0,
        baseSequence: 0,
        transactional: true,
        compression: 'none',
      })
    }
    const bytes = logOf([data('a'), controlBatch(1n, 'commit'), data('b'), controlBatch(1n, 'abort'), data('c')])
    const records = new FetchedRecords(bytes, [{ producerId: 1n, firstOffset: 0 }], position(0))
    expect(takeAll(records)).toEqual([{ offset: 4, value: 'c' }])
  })

  test('that is empty leaves the position where it was', () => {
    const records = new FetchedRecords(Buffer.alloc(0), [], position(7))
    expect([records.next(), records.peekTimestampMs(), records.position]).toEqual([undefined, undefined, 7])
  })
})

/** One transaction or a part of one: `ends` says what the marker is, null when more of it follows. */
interface Step {
  producer: number
  records: number
  ends: 'abort' | 'commit' | null
  plain: boolean
}

const steps = fc.array(
  fc.record({
    producer: fc.integer({ min: 1, max: 3 }),
    records: fc.integer({ min: 1, max: 3 }),
    ends: fc.constantFrom<('abort' | 'commit' | null)[]>('abort', 'commit', null),
    plain: fc.boolean(),
  }) as fc.Arbitrary<Step>,
  { minLength: 1, maxLength: 25 },
)

function controlBatch(producerId: bigint, type: 'abort' | 'commit'): Buffer {
  const builder = new RecordBatchBuilder()
  builder.add(1, Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]), Buffer.alloc(6), NO_HEADERS)
  const bytes = builder.finish({ producerId, epoch: 0, baseSequence: -1, transactional: true, compression: 'none' })
  bytes.writeInt16BE(0x30, 21)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

/** Gives each batch its offset, as the broker does. */
function logOf(batches: readonly Buffer[], first = 0): Buffer {
  let next = first
  for (const batch of batches) {
    batch.writeBigInt64BE(BigInt(next), 0)
    next += batch.readInt32BE(23) + 1
  }
  return Buffer.concat(batches)
}

test('any interleaving of transactions, cut anywhere, gives the committed records once and in order', () => {
  fc.assert(
    fc.property(steps, fc.array(fc.nat(2000), { maxLength: 4 }), (list, cuts) => {
      const parts: Buffer[] = []
      const aborted: Aborted[] = []
      const outcomes = new Map<number, { firstOffset: number; offsets: number[] }>()
      const committed: number[] = []
      let next = 0
      const end = (producer: number, type: 'abort' | 'commit') => {
        const open = outcomes.get(producer)!
        if (type === 'commit') committed.push(...open.offsets)
        else aborted.push({ producerId: BigInt(producer), firstOffset: open.firstOffset, lastOffset: next })
        outcomes.delete(producer)
        parts.push(controlBatch(BigInt(producer), type))
        next++
      }
      for (const step of list) {
        const builder = new RecordBatchBuilder()
        const firstOffset = next
        const transactional = !step.plain
        for (let i = 0; i < step.records; i++, next++) builder.add(next, Buffer.from([next]), null, NO_HEADERS)
        const offsets = Array.from({ length: step.records }, (_, i) => firstOffset + i)
        const producerId = BigInt(step.producer)
        const compression = COMPRESSIONS[next % COMPRESSIONS.length]!
        parts.push(builder.finish({ producerId, epoch: 0, baseSequence: 0, transactional, compression }))
        if (!transactional) {
          committed.push(...offsets)
          continue
        }
        const open = outcomes.get(step.producer) ?? { firstOffset, offsets: [] }
        open.offsets.push(...offsets)
        outcomes.set(step.producer, open)
        if (step.ends !== null) end(step.producer, step.ends)
      }
      // A read_committed fetch ends before the first transaction that is undecided; here all are decided in the end.
      for (const producer of [...outcomes.keys()]) end(producer, producer % 2 === 0 ? 'commit' : 'abort')

      const all = logOf(parts)
      committed.sort((a, b) => a - b)
      const taken: number[] = []
      let asked = position(0)
      for (const length of [...cuts, all.length]) {
        // The broker sends from the batch that holds the position, a bounded number of bytes, the first batch whole.
        let from = 0
        while (from < all.length && Number(all.readBigInt64BE(from)) + all.readInt32BE(from + 23) < asked)
          from += 12 + all.readInt32BE(from + 8)
        const firstBatch = from < all.length ? 12 + all.readInt32BE(from + 8) : 0
        const bytes = all.subarray(from, from + Math.max(length, firstBatch))
        const records = new FetchedRecords(bytes, abortedFor(aborted, asked, next), asked)
        for (let view = records.next(); view !== undefined; view = records.next()) {
          expect(keyOf(view)![0]).toBe(view.offset)
          taken.push(view.offset)
        }
        asked = records.position
      }
      expect(taken).toEqual(committed)
      expect(asked).toBe(next)
    }),
    { numRuns: 300 },
  )
})
