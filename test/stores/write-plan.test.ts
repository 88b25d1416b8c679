import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { taskKeys } from '../../stores/core/keys.ts'
import { CHUNK_CHANGES_MAX, CHUNK_CHARACTERS_MAX, cutChanges, planWrites } from '../../stores/core/write-plan.ts'
import { Keyspace } from '../../stores/memory/keyspace.ts'
import { carryOut } from '../../stores/memory/write.ts'
import type { Change } from '../../stores/ports.ts'
import { layoutOf, manyNotes, move, note, total } from './layout-fixture.ts'

const layout = layoutOf('app')
const keys = taskKeys('app', 0)
const P = '{app:0}:v1:'
const plan = (changes: readonly Change[]) => planWrites(layout, keys, 'v1', changes)

describe('cutting a batch', () => {
  it('leaves a small one whole, and an empty one in one', () => {
    expect(cutChanges([])).toEqual([0])
    expect(cutChanges(manyNotes(CHUNK_CHANGES_MAX))).toEqual([CHUNK_CHANGES_MAX])
  })

  it('cuts by number', () => {
    const max = CHUNK_CHANGES_MAX
    expect(cutChanges(manyNotes(max * 2 + 1))).toEqual([max, max * 2, max * 2 + 1])
  })

  it('keeps a section, two values a change, below what Lua can unpack', () => {
    expect(CHUNK_CHANGES_MAX * 2).toBeLessThan(7_990)
  })

  it('cuts by size, and sends a change larger than a chunk alone', () => {
    const large = note('1', '1', 'x'.repeat(CHUNK_CHARACTERS_MAX + 1))
    const half = note('1', '2', 'x'.repeat(CHUNK_CHARACTERS_MAX / 2))
    expect(cutChanges([half, large, half, half, half])).toEqual([1, 2, 3, 4, 5])
    expect(cutChanges([large])).toEqual([1])
  })
})

describe('planning writes', () => {
  it('groups by key and lets index entries follow', () => {
    const planned = plan([
      note('a', '1', 'A'),
      note('b', '2', 'B'),
      note('b', '3', null),
      note('c', '4', 'C'),
      note('c', '5', 'D'),
    ])
    expect(planned).toEqual({
      keys: [
        `${P}notes:a`,
        `${P}notes:b`,
        `${P}notes:c`,
        `${P}notes:b`,
        `${P}by-tenant:tenant`,
        `${P}by-tenant:tenant`,
        `${P}by-character:a`,
        `${P}by-character:b`,
        `${P}by-character:b`,
        `${P}by-character:c`,
      ],
      values: expect.arrayContaining(['1', 'A', '2', 'B', '4', 'C', '5', 'D']),
      single: 1,
      multiple: [2, 4],
      sets: 0,
      calls: [
        ['HDEL', '3'],
        ['ZREM', 'b:3'],
        ['ZADD', '1', 'a:1', '2', 'b:2', '4', 'c:4', '5', 'c:5'],
        ['ZADD', '1', '1'],
        ['ZREM', '3'],
        ['ZADD', '2', '2'],
        ['ZADD', '4', '4', '5', '5'],
      ],
      orders: [],
    })
  })

  it('tells where the keys of a store with an order of its fields stand', () => {
    const changes = [note('a', '1', 'A'), note('a', '2', 'A'), note('b', '1', null), move('k', 1), move('l', 2)]
    const more = [move('m', 3), move('m', 4), move('m', 5, null), move('n', 6, null)]
    const { keys, single, multiple, calls, orders } = plan([...changes, ...more])
    const [hash, set] = [`${P}moves:`, `${P}move-order:`]
    expect(orders).toEqual([{ hash, set, single: [1, 2], multiple: [2, 2], removals: [2, 3] }])
    expect(keys.slice(0, 2)).toEqual([`${hash}k`, `${hash}l`])
    expect(keys[single + 1]).toBe(`${hash}m`)
    expect(calls.slice(1, 3)).toEqual([
      ['HDEL', '5'],
      ['HDEL', '6'],
    ])
    expect(keys.slice(single + multiple.length).slice(1, 3)).toEqual([`${hash}m`, `${hash}n`])
  })

  it.each(['', '-1', '1.5', '01', 'x', '1e3', '9'.repeat(17)])('orders no field called %j', (field) => {
    expect(() => plan([{ store: 'moves', key: 'k', field, json: '{}' }])).toThrow(
      expect.objectContaining({ code: 'layout.field_order' }),
    )
  })

  it('sets and deletes values', () => {
    expect(plan([total('a', '1'), total('b', null), total('a', '2')])).toEqual({
      keys: [`${P}totals:a`, `${P}totals:b`],
      values: ['2'],
      single: 0,
      multiple: [],
      sets: 1,
      calls: [['DEL']],
      orders: [],
    })
  })

  it('refuses what the layout does not know', () => {
    expect(() => plan([{ store: 'other', key: '1', field: null, json: '1' }])).toThrow('no store is named other')
    expect(() => plan([{ store: 'notes', key: '1', field: null, json: '1' }])).toThrow('wrong field')
    expect(() => plan([{ store: 'totals', key: '1', field: 'x', json: '1' }])).toThrow('wrong field')
    const index = { ...layout.indexes[0]!, score: () => Number.NaN }
    const broken = { ...layout, indexes: [index] }
    expect(() => planWrites(broken, keys, 'v1', [note('1', '1', '1')])).toThrow('return a finite number')
  })

  it('comes out as if the changes were made one by one', () => {
    const change = fc.oneof(
      fc.record({
        store: fc.constant('notes'),
        key: fc.constantFrom('a', 'b'),
        field: fc.constantFrom('1', '2', '3'),
        json: fc.option(fc.constantFrom('"x"', '"y"')),
      }),
      fc.record({
        store: fc.constant('totals'),
        key: fc.constantFrom('a', 'b'),
        field: fc.constant(null),
        json: fc.option(fc.constantFrom('1', '2')),
      }),
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.array(change, { maxLength: 10 }), (changes, before) => {
        const together = new Keyspace()
        const apart = new Keyspace()
        for (const space of [together, apart]) carryOut(space, plan(before))
        carryOut(together, plan(changes))
        for (const one of changes) carryOut(apart, plan([one]))
        expect(contents(together)).toEqual(contents(apart))
      }),
    )
  })
})

function contents(space: Keyspace): unknown[] {
  return space
    .keys('')
    .sort()
    .map((key) => {
      const kind = space.kindOf(key)
      if (kind === 'string') return [key, space.getText(key)]
      return [key, kind === 'hash' ? [...space.fields(key)].sort() : space.members(key)]
    })
}
