/** Who gets which task: complete, balanced to within one, sticky, and the same whoever computes it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assign, type MemberClaim } from '../../engine/core/assignor.ts'

const claim = (memberId: string, generation = -1, tasks: readonly number[] = []): MemberClaim => ({
  memberId,
  transactionalId: `t-${memberId}`,
  generation,
  tasks,
})

const membersOf = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 12 }).chain((ids) =>
  fc.tuple(
    ...ids.map((id) =>
      fc.record({
        memberId: fc.constant(id),
        transactionalId: fc.constant(`t-${id}`),
        generation: fc.integer({ min: -1, max: 9 }),
        // Claims may be stale, doubled, or nonsense.
        tasks: fc.array(fc.integer({ min: -2, max: 40 }), { maxLength: 20 }),
      }),
    ),
  ),
)
const tasksOf = fc.integer({ min: 0, max: 32 })

const held = (assigned: ReadonlyMap<string, readonly number[]>): number[] =>
  [...assigned.values()].flat().sort((a, b) => a - b)

describe('an assignment', () => {
  test('gives every task to exactly one member', () => {
    fc.assert(
      fc.property(membersOf, tasksOf, (members, tasks) => {
        const assigned = assign(members, tasks)
        expect(held(assigned)).toEqual(Array.from({ length: tasks }, (_, task) => task))
        expect([...assigned.keys()].sort()).toEqual(members.map((m) => m.memberId).sort())
      }),
    )
  })

  test('is balanced to within one', () => {
    fc.assert(
      fc.property(membersOf, tasksOf, (members, tasks) => {
        const sizes = [...assign(members, tasks).values()].map((t) => t.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('depends neither on the order of the members nor on who computes it', () => {
    fc.assert(
      fc.property(membersOf, tasksOf, fc.infiniteStream(fc.nat()), (members, tasks, order) => {
        const shuffled = members.map((member) => ({ member, at: order.next().value })).sort((a, b) => a.at - b.at)
        expect(
          [
            ...assign(
              shuffled.map((s) => s.member),
              tasks,
            ),
          ].sort(),
        ).toEqual([...assign(members, tasks)].sort())
      }),
    )
  })

  test('done again changes nothing', () => {
    fc.assert(
      fc.property(membersOf, tasksOf, (members, tasks) => {
        const first = assign(members, tasks)
        const again = assign(
          members.map((m) => ({ ...m, generation: 10, tasks: first.get(m.memberId)! })),
          tasks,
        )
        expect([...again].sort()).toEqual([...first].sort())
      }),
    )
  })

  test('moves as few tasks as balance allows, when a member comes or goes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), tasksOf, fc.boolean(), (count, tasks, comes) => {
        const ids = Array.from({ length: count + 1 }, (_, i) => `m${i}`)
        const before = ids.slice(0, comes ? count : count + 1)
        const after = ids.slice(0, comes ? count + 1 : count)
        const first = assign(
          before.map((id) => claim(id)),
          tasks,
        )
        const next = assign(
          after.map((id) => claim(id, 1, first.get(id) ?? [])),
          tasks,
        )
        const moved = [...next].flatMap(([id, now]) => now.filter((task) => !first.get(id)?.includes(task)))
        // Who goes gives up all of its own; who comes gets its share; nobody else moves anything.
        const due = comes ? next.get(`m${count}`)!.length : first.get(`m${count}`)!.length
        expect(moved).toHaveLength(due)
      }),
    )
  })
})

describe('claims', () => {
  test('the later generation wins', () => {
    const assigned = assign([claim('a', 3, [0, 1]), claim('b', 4, [0, 1])], 4)
    expect(assigned.get('b')).toEqual([0, 1])
    expect(assigned.get('a')).toEqual([2, 3])
  })

  test('beyond the share are given up', () => {
    const assigned = assign([claim('a', 3, [0, 1, 2, 3]), claim('b')], 4)
    expect(assigned.get('a')).toHaveLength(2)
    expect(assigned.get('b')).toHaveLength(2)
  })

  test('of tasks that do not exist are nothing', () => {
    expect(held(assign([claim('a', 3, [-1, 7, 1.5, Number.NaN])], 2))).toEqual([0, 1])
  })

  test('without members nobody gets anything', () => {
    expect(assign([], 3).size).toBe(0)
  })
})
