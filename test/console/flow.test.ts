/** Cards seen again and again: what flows per second, over restarts, missed beats and instances that are gone. */
import { describe, expect, test } from 'vitest'
import type { InstanceCard } from '../../engine/core/instance-card.ts'
import { CardWindow, LIVING_MS, quantile } from '../../operations/core/flow.ts'
import { BOUNDS_MS, cardOf } from './cards.ts'

const BEAT_MS = 2_000

const shown = (...cards: readonly (readonly [name: string, card: InstanceCard])[]) => new Map(cards)

const records = (atMs: number, count: number, start = 'first') => cardOf(atMs, { start, counted: { records: count } })

describe('rates', () => {
  test('are not known of one card', () => {
    const window = new CardWindow()
    expect(window.flow(0).recordsPerSecond).toBeNull()
    window.take(shown(['a', records(10_000, 500)]))
    window.take(shown(['a', records(10_000, 500)]))
    expect(window.flow(10_000)).toEqual({
      recordsPerSecond: null,
      transactionsPerSecond: null,
      endToEnd: null,
      transaction: null,
    })
    expect(window.recordsPerSecond('a')).toBeNull()
    expect(window.recordsPerSecond('nobody')).toBeNull()
  })

  test('are over about five seconds, however long it has run', () => {
    const window = new CardWindow()
    // 10 a second for a minute, then 100 a second.
    let count = 0
    let atMs = 0
    for (let beat = 0; beat < 30; beat++) window.take(shown(['a', records((atMs += BEAT_MS), (count += 20))]))
    expect(window.recordsPerSecond('a')).toBeCloseTo(10)
    for (let beat = 0; beat < 4; beat++) window.take(shown(['a', records((atMs += BEAT_MS), (count += 200))]))
    expect(window.recordsPerSecond('a')).toBeCloseTo(100)
    expect(window.flow(atMs).recordsPerSecond).toBeCloseTo(100)
  })

  test('add up over instances, each by its own time', () => {
    const window = new CardWindow()
    window.take(shown(['a', records(0, 0)], ['b', records(900, 1_000)]))
    window.take(shown(['a', records(2_000, 100)], ['b', records(4_900, 1_100)]))
    expect(window.recordsPerSecond('a')).toBeCloseTo(50)
    expect(window.recordsPerSecond('b')).toBeCloseTo(25)
    expect(window.flow(5_000).recordsPerSecond).toBeCloseTo(75)
  })

  test('are not of the difference to what another process counted', () => {
    const window = new CardWindow()
    window.take(shown(['a', records(0, 9_000)]))
    window.take(shown(['a', records(2_000, 9_100)]))
    window.take(shown(['a', records(4_000, 10, 'second')]))
    expect(window.recordsPerSecond('a')).toBeNull()
    window.take(shown(['a', records(6_000, 70, 'second')]))
    expect(window.recordsPerSecond('a')).toBeCloseTo(30)
  })

  test('over missed beats are those of the whole gap', () => {
    const window = new CardWindow()
    window.take(shown(['a', records(0, 0)]))
    window.take(shown(['a', records(8_000, 80)]))
    expect(window.recordsPerSecond('a')).toBeCloseTo(10)
  })

  test('end with the instance: when it has gone, and when nothing is heard of it', () => {
    const window = new CardWindow()
    const both = (atMs: number, count: number) => shown(['a', records(atMs, count)], ['b', records(atMs, count)])
    window.take(both(0, 0))
    window.take(both(2_000, 20))
    expect(window.flow(2_000).recordsPerSecond).toBeCloseTo(20)
    const silentAtMs = 2_000 + LIVING_MS + 1
    expect(window.flow(silentAtMs).recordsPerSecond).toBeNull()
    window.take(shown(['a', records(silentAtMs, 40)], ['b', records(2_000, 20)]))
    expect(window.flow(silentAtMs).recordsPerSecond).toBeCloseTo(20 / 10.001 + 0, 1)
    window.take(shown(['a', records(silentAtMs, 40)]))
    expect([...window.last.keys()]).toEqual(['a'])
    expect(window.recordsPerSecond('b')).toBeNull()
  })

  test('come by topic and type, also of a type that appears', () => {
    const window = new CardWindow()
    const counted = (read: Record<string, number>, written: Record<string, number>) => ({
      counted: { read, written, buried: { in: 4 }, forwarded: 6 },
    })
    window.take(shown(['a', cardOf(0, { counted: { buried: { in: 2 } } })]))
    window.take(shown(['a', cardOf(2_000, counted({ 'in\0CREATE': 10 }, { out: 30 }))]))
    const rates = window.rates(2_000)
    expect(Object.fromEntries(rates.read)).toEqual({ 'in\0CREATE': 5 })
    expect(Object.fromEntries(rates.written)).toEqual({ out: 15 })
    expect(Object.fromEntries(rates.buried)).toEqual({ in: 1 })
    expect(rates.forwarded).toBe(3)
  })
})

describe('quantiles', () => {
  test('are those of the window, not of the whole past', () => {
    const window = new CardWindow()
    const endToEnd = (counts: readonly number[]) => ({ counted: { endToEnd: { boundsMs: BOUNDS_MS, counts } } })
    window.take(shown(['a', cardOf(0, endToEnd([0, 0, 9_000, 0]))], ['b', cardOf(0)]))
    window.take(shown(['a', cardOf(2_000, endToEnd([50, 0, 9_000, 0]))], ['b', cardOf(2_000, endToEnd([50, 0, 0, 0]))]))
    const found = window.flow(2_000)
    expect(found.endToEnd?.p50Ms).toBeCloseTo(5)
    expect(found.endToEnd?.p99Ms).toBeCloseTo(9.9)
    expect(found.transaction).toBeNull()
  })

  test('leave out an instance that counts by other bounds', () => {
    const window = new CardWindow()
    const of = (boundsMs: readonly number[], counts: readonly number[]) => ({
      counted: { endToEnd: { boundsMs, counts } },
    })
    const at = (atMs: number, a: readonly number[], b: readonly number[]) =>
      window.take(shown(['a', cardOf(atMs, of(BOUNDS_MS, a))], ['b', cardOf(atMs, of([1], b))]))
    at(0, [0, 0, 0, 0], [0, 0])
    at(2_000, [0, 10, 0, 0], [999, 999])
    expect(window.flow(2_000).endToEnd?.p50Ms).toBeCloseTo(55)
  })

  test.each([
    [[4, 0, 0, 0], 0.5, 5],
    [[1, 1, 0, 0], 0.5, 10],
    [[0, 0, 1, 0], 1, 1_000],
    [[0, 0, 0, 3], 0.5, 1_000],
    [[0, 0, 0, 0], 0.5, null],
    [[-2, 2, 0, 0], 0.5, 55],
  ])('%j at %f: %f ms', (counts, q, expected) => {
    const found = quantile(BOUNDS_MS, counts, q)
    if (expected === null) expect(found).toBeNull()
    else expect(found).toBeCloseTo(expected)
  })
})
