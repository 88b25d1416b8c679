/** What is remembered of headers never shows: a memo that has seen everything answers as one that has seen nothing. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HeaderMemo } from '../../engine/core/header-memo.ts'
import { encodeHeaders, viewOf } from '../../engine/core/headers.ts'
import { ORIGIN_HEADER } from '../../engine/core/origin.ts'
import { DecodedHeaders } from '../../engine/core/record-headers.ts'
import type { HeaderContext } from '../../topology/define.ts'
import { DeadLetter } from '../../topology/errors.ts'
import type { RecordHeaders } from '../../topology/headers.ts'
import { tenantContext } from '../../topology/notes/tenant.ts'
import { TENANT_A, TENANT_B, tenantHeaders } from '../notes/records.ts'

type Pair = readonly [name: string, value: Buffer | null]

const VALID = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const origin = { topic: 'IN', partition: 1, offset: 7 }

const read = (memo: HeaderMemo, pairs: readonly Pair[]) => {
  const view = viewOf({ offset: 7, timestampMs: 1, key: null, value: null, headers: encodeHeaders(pairs) })
  try {
    const { context, span, output } = memo.read(view, DecodedHeaders.of(view), origin)
    return { context, span, section: Buffer.from(output.section), traceparentAt: output.traceparentAt }
  } catch (error) {
    if (!(error instanceof DeadLetter)) throw error
    return error.code
  }
}

/** Everything that a context may see, but the trace. */
const seeing: HeaderContext<unknown> = {
  read: (headers) =>
    ['a', 'b', '', 'tracestate'].map((name) => headers.values(name).map((value) => value?.toString('hex') ?? null)),
  write: (context) => [['seen', Buffer.from(JSON.stringify(context))]],
}

const names = fc.constantFrom(
  'a',
  'b',
  '',
  'traceparent',
  'traceparen',
  'tracestate',
  'baggage',
  ORIGIN_HEADER,
  'Traceparent',
)
const values = fc.oneof(
  fc
    .constantFrom(VALID, VALID.replace('4bf9', '4bf8'), `01${VALID.slice(2)}-more`, 'x', '')
    .map((text) => Buffer.from(text)),
  fc.constant(null),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
)
const pairsOf = fc.array(fc.tuple(names, values), { maxLength: 6 })

describe('a memo', () => {
  test('that has seen others answers as a new one', () => {
    fc.assert(
      fc.property(
        fc.array(pairsOf, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(11), { maxLength: 20 }),
        (lists, order) => {
          const memo = new HeaderMemo(seeing)
          for (const at of order) {
            const pairs = lists[at % lists.length]!
            expect(read(memo, pairs)).toEqual(read(new HeaderMemo(seeing), pairs))
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('holds tenants apart', () => {
    const memo = new HeaderMemo(tenantContext as HeaderContext<unknown>)
    for (const tenant of [TENANT_A, TENANT_B, TENANT_A, TENANT_B])
      expect(read(memo, tenantHeaders(tenant))).toMatchObject({ context: { id: tenant } })
  })

  describe('of headers that vary', () => {
    const varying: HeaderContext<unknown> = { ...seeing, varying: ['b'] }
    const withB = (value: string | null, a = '1'): Pair[] => [
      ['a', Buffer.from(a)],
      ['b', value === null ? null : Buffer.from(value)],
      ['traceparent', Buffer.from(VALID)],
    ]

    test('has one shape, and the context is the same whatever they hold', () => {
      let calls = 0
      const counted = { ...varying, read: (headers: RecordHeaders) => calls++ < 0 || varying.read(headers) }
      const memo = new HeaderMemo(counted)
      for (const value of ['x', 'y', 'longer', '', null])
        expect(read(memo, withB(value))).toEqual(read(new HeaderMemo(varying), withB('x')))
      expect(calls).toBe(1)
      expect(read(memo, withB('x', '2'))).toEqual(read(new HeaderMemo(varying), withB('x', '2')))
    })

    test.each([1, 3])('still answers them to whoever asks, at the %d. time', (times) => {
      const memo = new HeaderMemo(varying)
      for (let i = 1; i <= times; i++) {
        const pairs: Pair[] = [...withB(`b${i}`), ['b', Buffer.from('again')]]
        const view = viewOf({ offset: 7, timestampMs: 1, key: null, value: null, headers: encodeHeaders(pairs) })
        const headers = DecodedHeaders.of(view)
        memo.read(view, headers, origin)
        expect(headers.values('b').map(String)).toEqual([`b${i}`, 'again'])
        expect(headers.values('c')).toEqual([])
        expect(headers.values('a').map(String)).toEqual(['1'])
      }
    })
  })

  test('remembers no refusal and refuses each time', () => {
    const memo = new HeaderMemo(tenantContext as HeaderContext<unknown>)
    for (let i = 0; i < 3; i++) {
      expect(read(memo, tenantHeaders().slice(1))).toBe('headers.tenant_invalid')
      expect(read(memo, tenantHeaders())).toMatchObject({ context: { id: TENANT_A } })
    }
  })

  test('forgets the oldest of many, and knows them again', () => {
    const memo = new HeaderMemo(seeing)
    const of = (i: number): Pair[] => [['a', Buffer.from(String(i))]]
    for (let round = 0; round < 2; round++)
      for (let i = 0; i < 30; i++) expect(read(memo, of(i))).toEqual(read(new HeaderMemo(seeing), of(i)))
  })

  test('keeps nothing of the bytes it was given', () => {
    const memo = new HeaderMemo(seeing)
    const pairs: Pair[] = [
      ['traceparent', Buffer.from(VALID)],
      ['tracestate', Buffer.from('a=1')],
      ['baggage', Buffer.from('b=2')],
    ]
    const section = encodeHeaders(pairs)
    const view = viewOf({ offset: 1, timestampMs: 1, key: null, value: null, headers: section })
    memo.read(view, DecodedHeaders.of(view), origin)
    view.bytes.fill(0)
    expect(read(memo, pairs)).toEqual(read(new HeaderMemo(seeing), pairs))
  })
})
