/** Server-sent events as the page takes them apart, and the list it makes of them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { retryAfterMs } from '../../console/web/ui/events/retry.ts'
import {
  added,
  continued,
  held,
  NO_ROWS,
  placeOf,
  RateMeter,
  ROWS_MAX,
  type Row,
  rowOf,
} from '../../console/web/ui/events/rows.ts'
import { StreamParser } from '../../console/web/ui/events/sse.ts'

const parse = (...chunks: readonly string[]) => {
  const parser = new StreamParser()
  return { events: chunks.flatMap((chunk) => parser.push(chunk)), parser }
}

describe('server-sent events', () => {
  test('an event has its name, all of its data lines, and the last id', () => {
    const { events, parser } = parse('retry: 1500\n\n: hello\nid: t:0:4\nevent: gap\ndata: {"a":1,\ndata: "b":2}\n\n')
    expect(events).toEqual([{ event: 'gap', data: '{"a":1,\n"b":2}', id: 't:0:4' }])
    expect(parser).toMatchObject({ lastId: 't:0:4', retryMs: 1500, comments: 1 })
  })

  test('a block without data is not dispatched, but its id counts', () => {
    const { events, parser } = parse('data: x\n\n', ': heartbeat\nid: t:0:9\n\n', 'event: lost\n\n', 'data: y\n\n')
    expect(events.map(({ event, data, id }) => [event, data, id])).toEqual([
      ['message', 'x', ''],
      ['message', 'y', 't:0:9'],
    ])
    expect(parser.lastId).toBe('t:0:9')
  })

  test('an id counts from the empty line on: what was cut before it was not taken', () => {
    const { events, parser } = parse('id: 1\ndata: a\n\nid: 2\ndata: b\n')
    expect(events).toHaveLength(1)
    expect(parser.lastId).toBe('1')
  })

  test('one space behind the colon is left out, a field without colon is empty, unknown ones are passed over', () => {
    const { events } = parse('data:  two\ndata\ndata:none\nwhat: ever\nid: a\0b\n\n')
    expect(events).toEqual([{ event: 'message', data: ' two\n\nnone', id: '' }])
  })

  test('a byte order mark at the very beginning is no part of a field', () => {
    expect(parse('\ufeffdata: x\n\n').events).toHaveLength(1)
  })

  test('however it is cut and whatever ends its lines, the events are the same', () => {
    const line = fc.constantFrom('\n', '\r', '\r\n')
    fc.assert(
      fc.property(line, fc.array(fc.nat({ max: 12 }), { maxLength: 40 }), (end, cuts) => {
        const text = ['id: 1', 'event: A', 'data: x', 'data: yé', '', ': c', '', 'data: z', '', ''].join(end)
        const chunks: string[] = []
        let at = 0
        for (const cut of cuts) {
          chunks.push(text.slice(at, at + cut))
          at += cut
        }
        expect(parse(...chunks, text.slice(at)).events).toEqual([
          { event: 'A', data: 'x\nyé', id: '1' },
          { event: 'message', data: 'z', id: '1' },
        ])
      }),
    )
  })

  test('an event without an end is bounded', () => {
    const parser = new StreamParser()
    expect(() => {
      for (let n = 0; n < 10; n++) parser.push(`data: ${'x'.repeat(1024 * 1024)}\n`)
    }).toThrow(RangeError)
  })
})

test('it is asked again later and later, from what the service wishes, and at least every 30 s', () => {
  expect([1, 2, 3, 4, 9].map((attempt) => retryAfterMs(attempt, null))).toEqual([1_000, 2_000, 4_000, 8_000, 30_000])
  expect(retryAfterMs(1, 250)).toBe(250)
  expect(retryAfterMs(1, 0)).toBe(100)
})

describe('rows', () => {
  const rows = (count: number, from = 0): Row[] =>
    Array.from({ length: count }, (_, n) => rowOf({ event: 'CREATED', data: '{}', id: '' }, from + n, 0))
  const numbers = (list: readonly Row[]) => list.map(({ n }) => n)

  test('an event tells whose it is, and what', () => {
    const data =
      '{"transactionId":"t","characterId":7,"type":"CREATED","body":{"noteId":3,"senderId":9,"message":"m","flag":0}}'
    expect(rowOf({ event: 'CREATED', data, id: 'E:2:17,0:-1@ab' }, 1, 5)).toMatchObject({
      kind: 'event',
      type: 'CREATED',
      characterId: 7,
      noteId: 3,
      transactionId: 't',
      tenant: null,
      body: '{"noteId":3,"senderId":9,"message":"m","flag":0}',
    })
    expect(placeOf('E:2:17,0:-1@ab')).toEqual({ topic: 'E', partition: 2, offset: 17 })
    expect(placeOf('E:0:-1,1:4@ab')).toBeNull()
  })

  test('a gap is said with how much is gone; what is no JSON is shown as it came', () => {
    const gap = rowOf(
      { event: 'gap', data: '{"reason":"retention","topic":"E","partition":2,"from":100,"to":180}', id: '' },
      1,
      0,
    )
    expect(gap).toMatchObject({ kind: 'gap', lost: 80 })
    expect(rowOf({ event: 'X', data: '<b>', id: '' }, 1, 0)).toMatchObject({ kind: 'event', body: '<b>', noteId: null })
  })

  test('the newest come first, and at most so many are kept', () => {
    const list = added(added(NO_ROWS, rows(3)), rows(ROWS_MAX, 3))
    expect(list.shown).toHaveLength(ROWS_MAX)
    expect(numbers(list.shown.slice(0, 2))).toEqual([ROWS_MAX + 2, ROWS_MAX + 1])
    expect(list.total).toBe(ROWS_MAX + 3)
  })

  test('while it is held nothing moves; what waits is bounded, counted, and shown afterwards', () => {
    const before = held(added(NO_ROWS, rows(2)))
    const list = added(added(before, rows(ROWS_MAX, 2)), rows(5, ROWS_MAX + 2))
    expect(numbers(list.shown)).toEqual([1, 0])
    expect([list.waiting.length, list.dropped]).toEqual([ROWS_MAX, 5])
    const after = continued(list)
    expect(after).toMatchObject({ held: false, dropped: 0, waiting: [] })
    expect([after.shown.length, after.shown[0]!.n]).toEqual([ROWS_MAX, ROWS_MAX + 6])
  })

  test('a burst that is larger than the list counts what it lost', () => {
    const list = added(held(NO_ROWS), rows(ROWS_MAX + 7))
    expect([list.waiting.length, list.dropped]).toEqual([ROWS_MAX, 7])
  })

  test('the rate is that of the last ten seconds, or of as long as it listens', () => {
    const meter = new RateMeter()
    meter.add(0, 100)
    expect(meter.perSecond(2_000, 0)).toBe(50)
    meter.add(9_000, 20)
    expect(meter.perSecond(12_000, 0)).toBe(2)
  })
})
