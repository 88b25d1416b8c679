/** What counts as a difference between changelog and store, also while the task goes on. */
import { describe, expect, test } from 'vitest'
import { TaskComparison } from '../../operations/core/comparison.ts'
import { DifferenceList } from '../../operations/core/differences.ts'
import type { ChangelogEntry, CheckpointRecord } from '../../stores/core/changelog.ts'
import type { Change, Checkpoint } from '../../stores/ports.ts'
import { checkpointOf, layoutOf, move, note, total } from '../stores/layout-fixture.ts'

const layout = layoutOf('app')

const record = (batch: number): CheckpointRecord => {
  const { clusterId, counters, positions } = checkpointOf(batch, 'v')
  const rest = { stateFormat: 1, tasks: 1, stride: 1, topicIds: {}, stores: {}, topology: 't', transactionalId: 'x' }
  return { ...rest, batch, clusterId, counters: { ...counters }, positions: positions as CheckpointRecord['positions'] }
}

const changed = (change: Change): ChangelogEntry => ({ kind: 'change', change })
const checkpoint = (batch: number): ChangelogEntry => ({ kind: 'checkpoint', checkpoint: record(batch) })

interface Case {
  /** Batch n's changes, a thousandth of an offset apart; its checkpoint record is at offset n × 10. */
  readonly before: readonly (readonly Change[])[]
  /** What is appended while the store is read. */
  readonly meanwhile?: readonly (readonly Change[])[]
  /** The store's checkpoint is that of this batch. */
  readonly since: number
  readonly dump: readonly Change[]
  readonly indexed?: readonly {
    readonly index: string
    readonly group: string
    readonly member: string
    readonly score: number
  }[]
  readonly stored?: Checkpoint | null
  readonly limit?: number
}

/** Index entries that belong to a dump. */
const indexOf = (dump: readonly Change[]) =>
  layout.indexes.flatMap((index) =>
    dump
      .filter(({ store, field }) => store === index.store && field !== null)
      .map(({ key, field }) => ({
        index: index.name,
        group: index.group(key, field!),
        member: index.member(key, field!),
        score: index.score(key, field!),
      })),
  )

function compare({ before, meanwhile = [], since, dump, indexed = indexOf(dump), stored, limit = 100 }: Case) {
  const comparison = new TaskComparison(layout, since === 0 ? -1 : since * 10, new DifferenceList(limit))
  let batch = 0
  const append = (batches: readonly (readonly Change[])[]): void => {
    for (const changes of batches) {
      batch++
      changes.forEach((change, at) => {
        comparison.take(batch * 10 - 9 + at / 1_000, changed(change))
      })
      comparison.take(batch * 10, checkpoint(batch))
    }
  }
  append(before)
  for (const change of dump) comparison.see(change)
  for (const index of layout.indexes) {
    comparison.beginIndex(index)
    for (const entry of indexed.filter((e) => e.index === index.name)) comparison.seeMember(index, entry)
    comparison.endIndex(index)
  }
  append(meanwhile)
  comparison.conclude(stored === undefined ? (since === 0 ? null : checkpointOf(since, 'v')) : stored)
  return comparison
}

const found = (given: Case) =>
  compare(given).differences.listed.map(({ kind, what, expected, found }) => [kind, what, expected, found])

describe('at rest', () => {
  const state = [note('c', '1', '"one"'), note('c', '2', '"two"'), total('t', '3')]

  test('the same', () => {
    const comparison = compare({ before: [state], since: 1, dump: state })
    expect(comparison.differences.count).toBe(0)
    expect(comparison).toMatchObject({ entries: 3, members: 4, changed: 0, undecided: 0, behind: 0 })
  })

  test('later changes win, deletions delete, entries may come twice', () => {
    const before = [
      state,
      [note('c', '1', '"new"'), note('c', '2', null)],
      [note('c', '2', '"again"'), total('t', null)],
    ]
    const dump = [note('c', '1', '"new"'), note('c', '2', '"again"')]
    expect(
      found({ before, since: 3, dump: [...dump, ...dump], indexed: [...indexOf(dump), ...indexOf(dump)] }),
    ).toEqual([])
  })

  test('another value, a missing one, one too many', () => {
    const dump = [note('c', '1', '"edited"'), total('t', '3'), note('d', '9', '{}')]
    const indexed = indexOf(state)
    expect(found({ before: [state], since: 1, dump, indexed })).toEqual([
      ['value', 'notes/c/1', '"one"', '"edited"'],
      ['extra', 'notes/d/9', null, '{}'],
      ['missing', 'notes/c/2', '"two"', null],
    ])
  })

  test('indexes: missing, too many, another score', () => {
    const right = indexOf(state)
    const indexed = [
      { ...right[0]!, score: 7 },
      ...right.slice(2),
      { index: 'by-character', group: 'nobody', member: '1', score: 1 },
    ]
    expect(found({ before: [state], since: 1, dump: state, indexed })).toEqual([
      ['index.score', 'by-tenant/tenant/c:1', '1', '7'],
      ['index.extra', 'by-character/nobody/1', null, '1'],
      ['index.missing', 'by-tenant/tenant/c:2', '2', null],
    ])
  })

  describe('an order of fields', () => {
    const moves = (last: number) => Array.from({ length: last }, (_, at) => move('k', at + 1))
    const without = (dump: readonly Change[], ...members: string[]) =>
      indexOf(dump).filter(({ member }) => !members.includes(member))

    test('of few fields need not be there', () => {
      const few = moves(128)
      expect(found({ before: [few], since: 1, dump: few, indexed: [] })).toEqual([])
    })

    test('of many must be', () => {
      const many = moves(129)
      const { differences } = compare({ before: [many], since: 1, dump: many, indexed: [] })
      expect(differences.count).toBe(129)
      expect(differences.listed[0]).toMatchObject({ kind: 'index.missing', what: 'move-order/k/1' })
    })

    test('is whole where it is there, and has nothing else', () => {
      const few = moves(100)
      const indexed = [...without(few, '7', '100'), { index: 'move-order', group: 'k', member: '999', score: 999 }]
      expect(found({ before: [few], since: 1, dump: few, indexed })).toEqual([
        ['index.extra', 'move-order/k/999', null, '999'],
        ['index.missing', 'move-order/k/7', '7', null],
        ['index.missing', 'move-order/k/100', '100', null],
      ])
    })

    test('may be dropped while it is looked at', () => {
      const many = moves(300)
      const meanwhile = [moves(200).map(({ field }) => move('k', Number(field), null))]
      const given = { before: [many], since: 1, dump: many.slice(200), meanwhile }
      expect(found({ ...given, indexed: [] })).toEqual([])
      expect(found({ ...given, indexed: without(many, '7', '299') })).toEqual([])
    })
  })

  test('a lone surrogate in a field is what Redis makes of it', () => {
    const wild = note('c', '\ud800', '1')
    const kept = note('c', '\ufffd', '1')
    expect(found({ before: [[wild]], since: 1, dump: [kept] })).toEqual([])
  })

  test('counted beyond the limit', () => {
    const { differences } = compare({ before: [state], since: 1, dump: [], limit: 1, indexed: [] })
    expect(differences.count).toBe(7)
    expect(differences.listed).toHaveLength(1)
  })

  test('nothing anywhere', () => {
    expect(found({ before: [], since: 0, dump: [], stored: null })).toEqual([])
    expect(found({ before: [], since: 0, dump: [], stored: { ...checkpointOf(0, 'v'), offset: -1 as never } })).toEqual(
      [],
    )
  })
})

describe('checkpoints', () => {
  const state = [note('c', '1', '1')]
  const stored = checkpointOf(2, 'v')
  const kinds = (given: Checkpoint | null) =>
    found({ before: [state, []], since: given ? given.offset / 10 : 0, dump: state, stored: given }).map(
      ([kind]) => kind,
    )

  test('the store has none', () => {
    expect(found({ before: [state], since: 0, dump: [], stored: null })).toEqual([
      ['checkpoint', 'checkpoint', 'batch 1', null],
    ])
  })

  test('another batch, a counter, a position', () => {
    expect(kinds(stored)).toEqual([])
    expect(kinds({ ...stored, batch: 3 })).toEqual(['checkpoint'])
    expect(kinds({ ...stored, counters: {} })).toEqual(['counter'])
    expect(kinds({ ...stored, counters: { ...stored.counters, other: 1 } })).toEqual(['counter'])
    expect(kinds({ ...stored, positions: { in: { '0': 5, '1': 2 } } })).toEqual(['position', 'position'])
  })

  test('ahead of the changelog, or at no checkpoint record', () => {
    expect(kinds(checkpointOf(9, 'v'))).toEqual(['checkpoint'])
    expect(kinds({ ...stored, offset: 1 as never })).toContain('checkpoint')
  })

  test('compacted away: there is a newer one, so nothing is said', () => {
    const comparison = new TaskComparison(layout, 10, new DifferenceList(10))
    comparison.take(1, changed(note('c', '1', '1')))
    comparison.take(20, checkpoint(2))
    comparison.see(note('c', '1', '1'))
    for (const index of layout.indexes) {
      comparison.beginIndex(index)
      for (const entry of indexOf([note('c', '1', '1')]).filter((e) => e.index === index.name))
        comparison.seeMember(index, entry)
      comparison.endIndex(index)
    }
    comparison.conclude(checkpointOf(1, 'v'))
    expect(comparison.differences.listed).toEqual([])
    expect(comparison.behind).toBe(1)
  })

  test('records that this program does not write', () => {
    const comparison = new TaskComparison(layout, -1, new DifferenceList(10))
    comparison.take(3, { kind: 'foreign', reason: 'no key' })
    comparison.take(4, { kind: 'newer-format', stateFormat: 2 })
    expect(comparison.differences.listed.map(({ kind, what }) => [kind, what])).toEqual([
      ['changelog', 'offset 3'],
      ['changelog', 'offset 4'],
    ])
  })
})

describe('while the task goes on', () => {
  const before = [[note('c', '1', '"old"'), note('c', '2', '"old"'), note('c', '3', '"old"')]]
  const meanwhile = [
    [note('c', '1', '"mid"'), note('c', '2', null), note('c', '4', '"new"')],
    [note('c', '1', '"new"')],
  ]

  test.each(['old', 'mid', 'new'])('an entry that changes may be seen at any of its values: %s', (value) => {
    const dump = [note('c', '1', `"${value}"`), note('c', '2', '"old"'), note('c', '3', '"old"')]
    const comparison = compare({ before, meanwhile, since: 1, dump })
    expect(comparison.differences.listed).toEqual([])
    expect(comparison).toMatchObject({ changed: 3, behind: 2 })
  })

  test('what is deleted meanwhile may be there or not, what comes meanwhile as well', () => {
    for (const more of [
      [],
      [note('c', '2', '"old"')],
      [note('c', '4', '"new"')],
      [note('c', '2', '"old"'), note('c', '4', '"new"')],
    ]) {
      const dump = [note('c', '1', '"mid"'), note('c', '3', '"old"'), ...more]
      expect(found({ before, meanwhile, since: 1, dump })).toEqual([])
      // The indexes are read later than the entries and may be further.
      for (const indexed of [
        [note('c', '1', '1'), note('c', '3', '1')],
        [...dump, note('c', '4', '1')],
        [...dump, note('c', '2', '1')],
      ])
        expect(found({ before, meanwhile, since: 1, dump, indexed: indexOf(indexed) })).toEqual([])
    }
  })

  test('the changelog had moved on before the dump: the store is behind, and that is no difference', () => {
    const dump = before[0]!
    const comparison = compare({ before: [...before, ...meanwhile], since: 1, dump })
    expect(comparison.differences.listed).toEqual([])
    expect(comparison.behind).toBe(2)
  })

  test('what did not change has to be right, and what changed must be one of its values', () => {
    const dump = [note('c', '1', '"never"'), note('c', '2', '"old"'), note('c', '3', '"edited"')]
    expect(found({ before, meanwhile, since: 1, dump })).toEqual([
      ['value', 'notes/c/1', '"new"', '"never"'],
      ['value', 'notes/c/3', '"old"', '"edited"'],
    ])
  })

  test('an entry that changed and was never away must be there', () => {
    const dump = [note('c', '3', '"old"')]
    expect(found({ before, meanwhile, since: 1, dump })).toEqual([
      ['missing', 'notes/c/1', '"old"', null],
      ['index.missing', 'by-tenant/tenant/c:1', '1', null],
      ['index.missing', 'by-character/c/1', '1', null],
    ])
  })

  test('an entry whose past was compacted away cannot be decided, and is counted', () => {
    const dump = [
      note('c', '1', '"old"'),
      note('c', '2', '"old"'),
      note('c', '3', '"old"'),
      note('c', '4', '"of the past"'),
    ]
    const comparison = compare({ before, meanwhile, since: 1, dump })
    expect(comparison.differences.listed).toEqual([])
    expect(comparison.undecided).toBe(1)
  })

  test('from the beginning of the log nothing was compacted away unseen', () => {
    const dump = [note('c', '4', '"of the past"')]
    expect(
      found({ before: meanwhile, since: 0, dump, stored: { ...checkpointOf(0, 'v'), offset: -1 as never } }),
    ).toEqual([['value', 'notes/c/4', '"new"', '"of the past"']])
  })
})
