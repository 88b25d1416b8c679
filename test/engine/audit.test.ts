/** What one pass of the background audit may conclude, and what it may not. */
import { describe, expect, test } from 'vitest'
import { AUDIT_ENTRIES_MAX, AuditCore, auditDistance } from '../../engine/core/audit.ts'
import { encodeHeaders, type RecordView } from '../../engine/core/headers.ts'
import { offset } from '../../engine/core/numbers.ts'
import { CHECKPOINT_KEY } from '../../stores/core/changelog.ts'
import { entryName } from '../../stores/core/layout.ts'
import type { ReadAnswer, StoreLayout } from '../../stores/ports.ts'

const layout: StoreLayout = {
  application: 'app',
  stores: [
    { name: 'notes', kind: 'map' },
    { name: 'totals', kind: 'value' },
    { name: 'moves', kind: 'map' },
  ],
  indexes: [
    {
      name: 'by-id',
      store: 'notes',
      group: (key) => key,
      member: (_, field) => field,
      isFieldOrder: false,
      score: (_, field) => Number(field),
    },
    {
      name: 'move-order',
      store: 'moves',
      group: (key) => key,
      member: (_, field) => field,
      isFieldOrder: true,
      score: (_, field) => Number(field),
    },
  ],
}

function record(at: number, key: string | null, value: string | null): RecordView {
  const name = Buffer.from(key ?? '')
  const json = Buffer.from(value ?? '')
  const bytes = Buffer.concat([name, json, encodeHeaders([])])
  return {
    offset: offset(at),
    timestampMs: 0,
    bytes,
    keyStart: key === null ? -1 : 0,
    keyEnd: key === null ? -1 : name.length,
    valueStart: value === null ? -1 : name.length,
    valueEnd: value === null ? -1 : name.length + json.length,
    headersStart: name.length + json.length,
    headersEnd: bytes.length,
  }
}

const note = (at: number, id: number, value: string | null) => record(at, entryName('notes', 'ann', String(id)), value)
const entry = (json: string | null): ReadAnswer => ({ kind: 'entry', json })
const members = (...ids: string[]): ReadAnswer => ({ kind: 'members', members: ids })

/** The sample is the first records; the answers are as of `since`; then come the others. */
function verdictOf(
  sample: readonly RecordView[],
  answers: readonly ReadAnswer[],
  since: number,
  later: readonly RecordView[] = [],
) {
  const core = new AuditCore(layout)
  for (const view of sample) core.take(view)
  expect(core.requests()).toHaveLength(answers.length)
  core.read(answers, since)
  for (const view of later) core.take(view)
  return core.verdict()
}

test('an entry that is there as it was written', () => {
  expect(verdictOf([note(1, 7, '1')], [entry('1'), members('7')], 1)).toEqual({
    compared: 1,
    changed: 0,
    differences: [],
  })
})

describe('a difference', () => {
  const what = 'notes/ann/7'
  test.each([
    ['another value', '1', entry('2'), members('7'), [{ kind: 'value', what }]],
    ['not there', '1', entry(null), members('7'), [{ kind: 'missing', what }]],
    ['deleted, and there', null, entry('1'), members(), [{ kind: 'extra', what }]],
    ['not in its index', '1', entry('1'), members('8'), [{ kind: 'index.missing', what: 'by-id/ann/7' }]],
    ['deleted, and in its index', null, entry(null), members('7'), [{ kind: 'index.extra', what: 'by-id/ann/7' }]],
  ] as const)('%s', (_, written, found, index, expected) => {
    expect(verdictOf([note(1, 7, written)], [found, index], 1).differences).toEqual(expected)
  })

  test('an order may lack what there is, and must not have what there is not', () => {
    const put = record(1, entryName('moves', 'ann', '7'), '1')
    expect(verdictOf([put], [entry('1'), members()], 1).differences).toEqual([])
    const deleted = record(1, entryName('moves', 'ann', '7'), null)
    expect(verdictOf([deleted], [entry(null), members('7')], 1).differences).toEqual([
      { kind: 'index.extra', what: 'move-order/ann/7' },
    ])
  })

  test('of a store with one value per key', () => {
    const sample = [record(1, entryName('totals', 'ann', null), '3')]
    expect(verdictOf(sample, [entry('4')], 1).differences).toEqual([{ kind: 'value', what: 'totals/ann' }])
  })
})

describe('what is not judged', () => {
  test('an entry that changed behind what the store was read at', () => {
    expect(verdictOf([note(1, 7, '1')], [entry('2'), members('7')], 1, [note(2, 7, '2')])).toEqual({
      compared: 0,
      changed: 1,
      differences: [],
    })
  })

  test('an entry is compared with its last change, not with the one that was met first', () => {
    const later = [note(2, 7, '2'), note(3, 8, '9')]
    expect(verdictOf([note(1, 7, '1')], [entry('2'), members('7')], 3, later).differences).toEqual([])
    expect(verdictOf([note(1, 7, '1')], [entry('1'), members('7')], 3, later).differences).toMatchObject([
      { kind: 'value' },
    ])
  })

  test('a member among more of one score than are told', () => {
    const many = members(...Array.from({ length: 16 }, (_, i) => `other ${i}`))
    expect(verdictOf([note(1, 7, '1')], [entry('1'), many], 1).differences).toEqual([])
  })

  test('checkpoint records, records without a key or of a store that is gone, stores of another kind', () => {
    const sample = [
      record(1, CHECKPOINT_KEY, '{}'),
      record(2, null, '1'),
      record(3, entryName('gone', 'ann', null), '1'),
      record(4, entryName('totals', 'ann', 'field'), '1'),
    ]
    expect(verdictOf(sample, [], 4)).toEqual({ compared: 0, changed: 0, differences: [] })
  })
})

test('the sample is bounded, and closed once it has been asked for', () => {
  const core = new AuditCore(layout)
  for (let i = 0; i < AUDIT_ENTRIES_MAX + 10; i++) core.take(note(i, i, '1'))
  expect(core.size).toBe(AUDIT_ENTRIES_MAX)
  const small = new AuditCore(layout)
  small.take(note(1, 1, '1'))
  small.requests()
  small.take(note(2, 2, '1'))
  expect(small.size).toBe(1)
})

test('the second look is at what differed alone', () => {
  const core = new AuditCore(layout)
  core.take(note(1, 7, '1'))
  core.take(note(2, 8, '1'))
  core.requests()
  core.read([entry('1'), members('7'), entry('2'), members('8')], 2)
  core.narrow()
  expect(core.requests()).toMatchObject([{ field: '8' }, { index: 'by-id' }])
  core.read([entry('1'), members('8')], 2)
  expect(core.verdict()).toEqual({ compared: 1, changed: 0, differences: [] })
})

describe('where a pass begins', () => {
  test('a small log is taken whole', () => {
    expect(auditDistance(0, 1_000, 0.5)).toBe(0)
    expect(auditDistance(999, 1_000, 0)).toBe(999)
  })

  test('each doubling of a large one is as likely as the next, and its beginning is among them', () => {
    const log = 1_000 * 2 ** 10
    expect(auditDistance(log, 1_000, 0)).toBe(1_000)
    expect(auditDistance(log, 1_000, 1 / 1.1)).toBe(log)
    expect(auditDistance(log, 1_000, 0.99)).toBe(log)
    const doublings = new Map<number, number>()
    for (let i = 0; i < 1_000; i++) {
      const doubling = Math.floor(Math.log2(auditDistance(log, 1_000, i / 1_100) / 1_000))
      doublings.set(doubling, (doublings.get(doubling) ?? 0) + 1)
    }
    for (let doubling = 0; doubling < 10; doubling++) expect(doublings.get(doubling)).toBeGreaterThan(90)
  })
})
