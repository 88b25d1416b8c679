/** However time goes, forwards, to and fro, or in leaps: no entry is removed early, and they never pile up. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { requestCounters } from '../../topology/notes/request-expiry.ts'
import { requestId } from './records.ts'
import { RequestBook } from './request-book.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const START_MS = Date.UTC(2026, 0, 1)

/** One entry added in the place of an expired one (6), and two that are moved, with both queues' counters (8). */
const EFFECTS_MAX = 14

interface Burst {
  /** Of the clock before it. */
  readonly leapMs: number
  readonly records: number
  readonly everyMs: number
  /** Clocks of producers are this much apart at most. */
  readonly skewMs: number
  /** Now and then a request of before comes again. */
  readonly again: number
}

function run(bursts: readonly Burst[]) {
  const book = new RequestBook()
  let clockMs = START_MS
  let next = 0
  let owedMax = 0
  let most = 0
  for (const { leapMs, records, everyMs, skewMs, again } of bursts) {
    clockMs = Math.min(Math.max(clockMs + leapMs, 0), 1e14)
    for (let i = 0; i < records; i++) {
      clockMs += everyMs
      const timestampMs = clockMs + (((i * 7_919) % 100) / 100) * skewMs
      const repeated = again > 0 && i % again === 0 && next > 0
      const request = requestId(repeated ? (i * 31) % next : next++)
      const removed = book.add(request, timestampMs)
      for (const { expiresAt } of removed ?? []) expect(timestampMs - expiresAt).toBeGreaterThan(2 * HOUR_MS)
      expect(removed?.length ?? 0).toBeLessThanOrEqual(2)
      owedMax = Math.max(owedMax, book.stillOwedAt(timestampMs))
      most = Math.max(most, book.entries.size)
    }
    expect(book.faults()).toEqual([])
  }
  expect(book.effectsMax).toBeLessThanOrEqual(EFFECTS_MAX)
  return { book, clockMs, owedMax, most }
}

const burst = (leapMs: fc.Arbitrary<number>, skewMs: fc.Arbitrary<number>): fc.Arbitrary<Burst> =>
  fc.record({
    leapMs,
    records: fc.integer({ min: 1, max: 60 }),
    everyMs: fc.constantFrom(0, 1, 1_000, 10 * MINUTE_MS, HOUR_MS),
    skewMs,
    again: fc.constantFrom(0, 0, 2, 5),
  })

const ordinary = fc.array(
  burst(
    fc.constantFrom(0, MINUTE_MS, HOUR_MS, 25 * HOUR_MS, 27 * HOUR_MS, 4 * DAY_MS, 365 * DAY_MS),
    fc.constantFrom(0, MINUTE_MS, HOUR_MS),
  ),
  { minLength: 1, maxLength: 25 },
)

const mad = fc.array(
  burst(
    fc.oneof(
      fc.constantFrom(0, HOUR_MS, -HOUR_MS, 26 * HOUR_MS, -26 * HOUR_MS, 32 * HOUR_MS, 3_650 * DAY_MS, -3_650 * DAY_MS),
      fc.integer({ min: -1e13, max: 1e13 }),
    ),
    fc.constantFrom(0, HOUR_MS, DAY_MS, 1_000 * DAY_MS),
  ),
  { minLength: 1, maxLength: 25 },
)

const RUNS = { numRuns: 300 }

describe('entries of requests', () => {
  test('with clocks an hour apart at most, and time that only goes forwards', () => {
    fc.assert(
      fc.property(ordinary, (bursts) => {
        const { owedMax, most } = run(bursts)
        // What is owed, what may wait behind it, and a removal that each record puts off.
        expect(most).toBeLessThanOrEqual(2 * owedMax + 8)
      }),
      RUNS,
    )
  })

  test('when time leaps to and fro', () => {
    fc.assert(
      fc.property(mad, (bursts) => {
        const { owedMax, most } = run(bursts)
        // What one clock leaves behind the next one's entries is found when these are moved or removed.
        expect(most).toBeLessThanOrEqual(3 * owedMax + 8)
      }),
      RUNS,
    )
  })

  test('whatever was before, ordinary records clear it away', () => {
    fc.assert(
      fc.property(mad, (bursts) => {
        const { book, most } = run(bursts)
        const later = 2e14
        for (let i = 0; i < most + 8; i++) book.add(requestId(1_000_000 + i), later)
        // All that is left is theirs.
        for (const entry of book.entries.values()) expect(entry.expiresAt).toBe(later + DAY_MS)
      }),
      RUNS,
    )
  })

  test('a day after day load keeps those of 26 hours, and a little', () => {
    const book = new RequestBook()
    const perHour = 60
    for (let i = 0; i < perHour * 24 * 8; i++)
      book.add(requestId(i), START_MS + i * MINUTE_MS + ((i * 7_919) % 60) * MINUTE_MS)
    expect(book.entries.size).toBeGreaterThanOrEqual(25 * perHour)
    expect(book.entries.size).toBeLessThanOrEqual(30 * perHour)
  })

  test('one clock that is years ahead holds nothing up', () => {
    const book = new RequestBook()
    let most = 0
    for (let i = 0; i < 60 * 24 * 8; i++) {
      book.add(requestId(i), START_MS + i * MINUTE_MS + (i % 500 === 0 ? 3_650 * DAY_MS : 0))
      most = Math.max(most, book.entries.size)
    }
    // Those of the one clock have another day each, in which they are owed.
    expect(most).toBeLessThanOrEqual(30 * 60 + (60 * 24 * 8) / 500 + 8)
  })

  test('their bookkeeping is twelve counters', () => {
    expect(requestCounters).toHaveLength(12)
    expect(new Set(requestCounters.map(({ name }) => name)).size).toBe(12)
  })
})
