import { describe, expect, test } from 'vitest'
import { NoteService } from '../notes/note-service.ts'
import { AT_MS } from '../notes/records.ts'
import { loadVectors, type OutputRecord, runVector, type Send, type Vector } from './vectors.ts'

const vectors = loadVectors()

/** The transforms alone: no engine, so no trace context. */
function inMemory(change: (records: OutputRecord[]) => OutputRecord[] = (records) => records): Send {
  const service = new NoteService({ task: 1, tasks: 3 })
  return async (records) =>
    change(
      records.flatMap((record) =>
        service
          .process({ ...record, timestampMs: AT_MS })
          .emitted.map(({ topic, key, headers, text }) => ({ topic, key, headers, value: Buffer.from(text) })),
      ),
    )
}

const named = (name: string): Vector => {
  const vector = vectors.find((v) => v.name === name)
  if (!vector) throw new Error(`no vector ${name}`)
  return vector
}

describe('recorded conversations', () => {
  test('are all there', () => {
    expect(vectors).toHaveLength(25)
    expect(vectors.flatMap((v) => v.steps).length).toBeGreaterThan(40)
    expect(vectors.reduce((sum, v) => sum + v.restSteps, 0)).toBe(64)
  })

  test.each(vectors.filter((v) => v.steps.length > 0))('$name: $about', async (vector) => {
    expect(await runVector(vector, inMemory(), { trace: false })).toEqual([])
  })

  test('with tenants of one’s own', async () => {
    const tenants = { A: '00000000-0000-4000-8000-00000000000a' }
    expect(await runVector(named('discard_one'), inMemory(), { trace: false, tenants })).toEqual([])
  })
})

describe('the comparison', () => {
  const rewritten = (from: string | RegExp, to: string) => (records: OutputRecord[]) =>
    records.map((record) => ({ ...record, value: Buffer.from(record.value?.toString().replace(from, to) ?? '') }))

  test.each<[string, string, (records: OutputRecord[]) => OutputRecord[]]>([
    ['a record too few', 'discard_one', (records) => records.slice(1)],
    ['a record twice', 'discard_one', (records) => [...records, ...records.slice(0, 1)]],
    ['another order', 'discard_several', (records) => records.toReversed()],
    ['another topic', 'create_plain', (records) => records.map((r) => ({ ...r, topic: 'other' }))],
    ['another key', 'create_plain', (records) => records.map((r) => ({ ...r, key: Buffer.alloc(8) }))],
    ['no key', 'create_plain', (records) => records.map((r) => ({ ...r, key: null }))],
    ['a header too few', 'create_plain', (records) => records.map((r) => ({ ...r, headers: r.headers.slice(1) }))],
    [
      'a header too many',
      'create_plain',
      (records) => records.map((r) => ({ ...r, headers: [...r.headers, ['more', Buffer.alloc(1)] as const] })),
    ],
    ['another type', 'create_plain', rewritten('CREATED', 'UPDATED')],
    ['another text', 'create_unicode', rewritten('héllo', 'hello')],
    ['another flag', 'create_flag_255', rewritten('"flag":255', '"flag":0')],
    ['a transactionId that is not echoed', 'create_transaction', rewritten('7d0c6f0e', '00000000')],
    ['another reason', 'create_sender_0', rewritten('senderId is', 'sender is')],
    ['a malformed time', 'create_plain', rewritten('Z"', '"')],
    ['a time of a saga that differs', 'discard_one', rewritten(/updatedAt":"\d{4}/, 'updatedAt":"1999')],
    [
      'the id of another note',
      'discard_one',
      rewritten(/DELETED","body":\{"noteId":\d+/, 'DELETED","body":{"noteId":9'),
    ],
    ['the step of another note', 'discard_one', rewritten(/award-fame-2001-\d+/, 'award-fame-2001-9')],
    ['fame for another', 'discard_one', rewritten('"payload":{"characterId":2001', '"payload":{"characterId":1')],
    ['a saga id of another kind', 'discard_one', rewritten(/-5(\w{3}-\w{4}-\w{12}","sagaType)/, '-4$1')],
    [
      'an answer where none is due',
      'create_flag_256',
      () => [{ topic: 'x', key: null, headers: [], value: Buffer.from('{}') }],
    ],
  ])('sees %s (%s)', async (_, name, change) => {
    expect(await runVector(named(name), inMemory(change), { trace: false })).not.toEqual([])
  })

  const traced = (traceparent: string, tracestate?: string) => (records: OutputRecord[]) =>
    records.map((record) => ({
      ...record,
      headers: [
        ...record.headers,
        ['traceparent', Buffer.from(traceparent)] as const,
        ...(tracestate ? [['tracestate', Buffer.from(tracestate)] as const] : []),
      ],
    }))
  const SENT = '00-4bf92f3577b34da6a3ce929d0e0e4736'

  test.each([
    ['a child span', true, `${SENT}-b7ad6b7169203331-01`, 'vendor=abc,other=1'],
    ['the same span', false, `${SENT}-00f067aa0ba902b7-01`, 'vendor=abc,other=1'],
    ['another trace', false, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'vendor=abc,other=1'],
    ['other flags', false, `${SENT}-b7ad6b7169203331-00`, 'vendor=abc,other=1'],
    ['no tracestate', false, `${SENT}-b7ad6b7169203331-01`, undefined],
    ['another tracestate', false, `${SENT}-b7ad6b7169203331-01`, 'vendor=abc'],
    ['something malformed', false, 'x', 'vendor=abc,other=1'],
  ])('of a trace: %s is accepted: %s', async (_, accepted, traceparent, tracestate) => {
    const differences = await runVector(named('headers_tracestate'), inMemory(traced(traceparent, tracestate)))
    expect(differences.length === 0).toBe(accepted)
  })

  test('of a new trace: any that is sampled', async () => {
    const of = (flags: string) => inMemory(traced(`00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`))
    expect(await runVector(named('create_plain'), of('01'))).toEqual([])
    expect(await runVector(named('create_plain'), of('00'))).not.toEqual([])
  })
})
