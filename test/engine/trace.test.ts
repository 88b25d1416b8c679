/** Trace context of outputs: W3C-valid, a child of what came in, and the same whenever a batch is done again. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { childTraceparent, originSeed, spanContextOf } from '../../engine/core/trace.ts'
import type { RecordHeaders } from '../../topology/headers.ts'
import type { Origin } from '../../topology/sources.ts'

const origin: Origin = { topic: 'COMMANDS', partition: 3, offset: 41 }
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const VALID = `00-${TRACE}-${SPAN}-01`
/** W3C Trace Context: no field is all zero. */
const W3C = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

const headersOf = (...entries: readonly (readonly [string, string | null])[]): RecordHeaders => ({
  values: (name) =>
    entries.filter(([given]) => given === name).map(([, value]) => (value === null ? null : Buffer.from(value))),
})

const spanOf = (...entries: readonly (readonly [string, string | null])[]) =>
  spanContextOf(headersOf(...entries), origin)

const origins = fc.record({
  topic: fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/),
  partition: fc.integer({ min: 0, max: 10_000 }),
  offset: fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.maxSafeNat()),
})

describe('a traceparent', () => {
  test.each([
    ['version 00', VALID],
    ['not sampled', `00-${TRACE}-${SPAN}-00`],
    ['other flags', `00-${TRACE}-${SPAN}-ff`],
    ['a later version', `01-${TRACE}-${SPAN}-01`],
    ['a later version with more', `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`],
  ])('%s goes on', (_, value) => {
    expect(spanOf(['traceparent', value])).toMatchObject({
      traceId: TRACE,
      flags: value.slice(53, 55),
      continued: true,
    })
  })

  test.each([
    ['nothing', ''],
    ['text', 'yes'],
    ['too short', VALID.slice(0, 54)],
    ['version 00 with more', `${VALID}-more`],
    ['version 00 with a byte more', `${VALID}0`],
    ['a later version with more and no dash', `01-${TRACE}-${SPAN}-01x`],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['upper case', VALID.toUpperCase()],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['other separators', VALID.replaceAll('-', '_')],
    ['a letter that is no digit', `00-${TRACE.slice(0, 31)}g-${SPAN}-01`],
    ['longer than anybody needs', `01-${TRACE}-${SPAN}-01-${'x'.repeat(600)}`],
  ])('%s begins a new trace, which is sampled', (_, value) => {
    const span = spanOf(['traceparent', value])
    expect(span.continued).toBe(false)
    expect(span.flags).toBe('01')
    expect(span.traceId).not.toBe(TRACE)
    expect(childTraceparent(span, originSeed(origin), 0)).toMatch(W3C)
  })

  test('given twice: the last well-formed one', () => {
    expect(spanOf(['traceparent', `00-${TRACE}-${SPAN}-00`], ['traceparent', VALID], ['traceparent', 'x']).flags).toBe(
      '01',
    )
  })
})

describe('tracestate and baggage', () => {
  test('tracestate goes on only beside a valid traceparent', () => {
    expect(spanOf(['traceparent', VALID], ['tracestate', 'a=1']).tracestate?.toString()).toBe('a=1')
    expect(spanOf(['traceparent', 'x'], ['tracestate', 'a=1']).tracestate).toBeNull()
    expect(spanOf(['tracestate', 'a=1']).tracestate).toBeNull()
  })

  test('larger than a service must pass on, neither goes on: every output would carry it', () => {
    const [fits, large] = ['x'.repeat(8_192), 'x'.repeat(8_193)]
    const span = spanOf(['traceparent', VALID], ['tracestate', large], ['baggage', large])
    expect([span.tracestate, span.baggage, span.continued]).toEqual([null, null, true])
    expect(spanOf(['traceparent', VALID], ['baggage', fits], ['baggage', large]).baggage?.toString()).toBe(fits)
  })

  test('baggage goes on by itself', () => {
    expect(spanOf(['baggage', 'k=v']).baggage?.toString()).toBe('k=v')
    expect(spanOf(['traceparent', VALID], ['baggage', 'k=v'], ['baggage', null]).baggage?.toString()).toBe('k=v')
  })
})

describe('ids', () => {
  test('of a child: the trace of its parent, a span of its own, the same each time', () => {
    fc.assert(
      fc.property(origins, fc.nat(1_000), (from, index) => {
        const span = spanContextOf(headersOf(['traceparent', VALID]), from)
        const child = childTraceparent(span, originSeed(from), index)
        expect(child).toMatch(W3C)
        expect(child.slice(3, 35)).toBe(TRACE)
        expect(child.slice(36, 52)).not.toBe(SPAN)
        expect(
          childTraceparent(
            spanContextOf(headersOf(['traceparent', VALID]), { ...from }),
            originSeed({ ...from }),
            index,
          ),
        ).toBe(child)
      }),
    )
  })

  test('of a new trace: valid, and the same each time', () => {
    fc.assert(
      fc.property(origins, (from) => {
        const span = spanContextOf(headersOf(), from)
        expect(childTraceparent(span, originSeed(from), 0)).toMatch(W3C)
        expect(spanContextOf(headersOf(), { ...from })).toEqual(span)
      }),
    )
  })

  test('differ between records, partitions, topics and outputs', () => {
    const seen = new Set<string>()
    let count = 0
    for (const topic of ['A', 'B', 'AB'])
      for (let partition = 0; partition < 16; partition++)
        for (let at = 0; at < 200; at++) {
          const from = { topic, partition, offset: at < 100 ? at : at * 2 ** 32 }
          const span = spanContextOf(headersOf(), from)
          seen.add(span.traceId)
          for (let index = 0; index < 3; index++)
            seen.add(childTraceparent(span, originSeed(from), index).slice(36, 52))
          count += 4
        }
    expect(seen.size).toBe(count)
  })
})
