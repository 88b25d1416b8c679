/** Tasks as the page shows them: which, in which order, where on the map, how long they still restore, what an order says. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Overview, TaskRow } from '../../console/contract.ts'
import { currentPlace, linkTo } from '../../console/web/router.ts'
import { listText, parseTasks, rangesOf, rangeText, tasksText } from '../../console/web/ui/task-list.ts'
import { PAGE_STATES, pageState, stateCounts } from '../../console/web/ui/task-states.ts'
import { linkToEntry } from '../../console/web/ui/tasks/entry-link.ts'
import {
  cellAt,
  heatFills,
  heatLayout,
  heatMarks,
  indexAt,
  LAG_STEPS,
  lagStep,
  stepped,
} from '../../console/web/ui/tasks/heat-layout.ts'
import { changing, outcomeText, questionText } from '../../console/web/ui/tasks/order-text.ts'
import { RestoreEta } from '../../console/web/ui/tasks/restore-eta.ts'
import {
  filtered,
  filterOf,
  isFiltered,
  queryOf,
  SORTS,
  sorted,
  sortedBy,
  type TaskFilter,
} from '../../console/web/ui/tasks/task-filter.ts'
import { rowWindow } from '../../console/web/ui/tasks/window.ts'
import { row } from './task-row.ts'

const PAUSE = { since: '2026-03-01T12:00:00.000Z', by: 'amelie' }

const numbers = (rows: readonly TaskRow[]): number[] => rows.map(({ task }) => task)
const filter = (query: string): TaskFilter => filterOf(new URLSearchParams(query))

describe('lists of numbers', () => {
  test.each([
    [[3], 'task 3'],
    [[3, 4], 'tasks 3, 4'],
    [[0, 1, 2, 7], 'tasks 0–2, 7'],
    [[1, 3, 5, 7, 9, 10, 11], 'tasks 1, 3, 5, 7 and 3 more'],
  ])('%j is %j', (list, text) => {
    expect(tasksText(list)).toBe(text)
  })

  test('what is written as a list is read back as the same', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(300), { minLength: 1 }), (some) => {
        const list = some.sort((a, b) => a - b)
        const among = parseTasks(listText(list))!
        expect(Array.from({ length: 301 }, (_, task) => task).filter(among)).toEqual(list)
        expect(rangesOf(list).reduce((sum, { from, to }) => sum + to - from + 1, 0)).toBe(list.length)
      }),
    )
  })

  test('drawn backwards is the same', () => {
    expect([rangeText(9, 3), rangeText(3, 9), rangeText(3, 3)]).toEqual(['3-9', '3-9', '3'])
    expect([2, 3, 9, 10].filter(parseTasks('9-3')!)).toEqual([3, 9])
  })

  test.each(['', 'x', '1,', '-1', '1-', '1..2', '999999', '1 2'])('%j is no list', (text) => {
    expect(parseTasks(text)).toBeNull()
  })
})

describe('filters', () => {
  const rows = [
    row(0, { lag: 5, recordsPerSecond: null }),
    row(1, { state: 'stopped', reason: 'redis.wrongtype: WRONGTYPE at a key', instance: 'b', lag: 5 }),
    row(2, { paused: PAUSE, instance: 'b', lag: 900 }),
    row(3, { state: 'restoring', paused: PAUSE, instance: null, batch: null }),
    row(10),
  ]

  test.each([
    ['', [0, 1, 2, 3, 10]],
    ['state=running', [0, 10]],
    ['state=paused', [2]],
    ['state=restoring', [3]],
    ['instance=b', [1, 2]],
    ['tasks=1-3', [1, 2, 3]],
    ['tasks=nonsense', [0, 1, 2, 3, 10]],
    ['state=nonsense', [0, 1, 2, 3, 10]],
    ['q=1', [1]],
    ['q=1,10', [1, 10]],
    ['q=WrongType', [1]],
    ['q=amelie', [2, 3]],
    ['q=COMMANDS', [0, 1, 2, 3, 10]],
    ['q=nothing', []],
    ['instance=b&state=stopped', [1]],
  ])('%j shows %j', (query, shown) => {
    expect(numbers(filtered(rows, filter(query)))).toEqual(shown)
  })

  test.each([
    ['sort=lag&order=down', [2, 0, 1, 3, 10]],
    ['sort=lag', [3, 10, 0, 1, 2]],
    ['sort=state', [1, 2, 3, 0, 10]],
    ['sort=nonsense', [0, 1, 2, 3, 10]],
    ['order=down', [10, 3, 2, 1, 0]],
    // Not known: last, whichever the order.
    ['sort=batch', [0, 1, 2, 10, 3]],
    ['sort=batch&order=down', [10, 2, 1, 0, 3]],
    ['sort=instance', [0, 10, 1, 2, 3]],
    ['sort=rate&order=down', [1, 2, 3, 10, 0]],
  ])('%j orders them %j', (query, order) => {
    expect(numbers(sorted(rows, filter(query)))).toEqual(order)
  })

  test('every order has every row once', () => {
    for (const sort of SORTS)
      for (const down of [false, true])
        expect(numbers(sorted(rows, { ...filter(''), sort, down })).sort((a, b) => a - b)).toEqual(numbers(rows))
  })

  test('the address tells a filter whole', () => {
    fc.assert(
      fc.property(
        fc.record({
          state: fc.constantFrom(null, ...PAGE_STATES),
          instance: fc.option(fc.string({ minLength: 1 })),
          tasks: fc.constantFrom(null, '3', '3-9', '1,5-6'),
          text: fc.string(),
          sort: fc.constantFrom(...SORTS),
          down: fc.boolean(),
        }),
        (wanted) => {
          const { path, query } = currentPlace(linkTo(['tasks', 3], queryOf(wanted)))
          expect(path).toEqual(['tasks', '3'])
          expect(filterOf(query)).toEqual(wanted)
        },
      ),
    )
  })

  test('sorting is no filter; a click on a column turns it, numbers begin with the largest', () => {
    expect(isFiltered(filter('sort=lag&order=down'))).toBe(false)
    expect(isFiltered(filter('q=%20'))).toBe(false)
    expect(['q=x', 'state=running', 'tasks=1', 'instance=a'].map((query) => isFiltered(filter(query)))).not.toContain(
      false,
    )
    expect(sortedBy(filter(''), 'lag')).toMatchObject({ sort: 'lag', down: true })
    expect(sortedBy(filter('sort=lag&order=down'), 'lag')).toMatchObject({ sort: 'lag', down: false })
    expect(sortedBy(filter('sort=lag&order=down'), 'state')).toMatchObject({ sort: 'state', down: false })
  })

  test('paused is what runs and is paused', () => {
    expect(rows.map(pageState)).toEqual(['running', 'stopped', 'paused', 'restoring', 'running'])
    expect([...stateCounts(rows)]).toEqual([
      ['stopped', 1],
      ['paused', 1],
      ['restoring', 1],
      ['running', 2],
    ])
  })
})

describe('the map', () => {
  test('cells lie apart, within the width, and are found again where they are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 120, max: 1_700 }), (count, width) => {
        const layout = heatLayout(count, width)
        const places = new Set<string>()
        for (let index = 0; index < count; index++) {
          const { x, y } = cellAt(index, layout)
          places.add(`${x} ${y}`)
          expect(x + layout.pitch).toBeLessThanOrEqual(width)
          expect(y + layout.pitch).toBeLessThanOrEqual(layout.height)
          expect(indexAt(x + 1, y + 1, count, layout)).toBe(index)
        }
        expect(places.size).toBe(count)
      }),
      { numRuns: 30 },
    )
  })

  test('beside the cells there is none', () => {
    const layout = heatLayout(5, 100)
    expect(layout).toMatchObject({ columns: 2, rows: 3 })
    expect(indexAt(-1, 1, 5, layout)).toBeNull()
    expect(indexAt(1, layout.height + 1, 5, layout)).toBeNull()
    expect(indexAt(2 * layout.pitch + 1, 1, 5, layout)).toBeNull()
    expect(indexAt(layout.pitch + 1, 2 * layout.pitch + 1, 5, layout)).toBeNull()
  })

  test('a thousand tasks are a few paths, with every cell in one of them', () => {
    const rows = Array.from({ length: 1_000 }, (_, task) =>
      row(task, { lag: task * 100, state: task % 97 === 5 ? 'stopped' : 'running' }),
    )
    const fills = heatFills(rows, heatLayout(1_000, 1_300))
    expect(fills.length).toBeLessThanOrEqual(LAG_STEPS + 1)
    expect(fills.map(({ path }) => path.split('M').length - 1).reduce((a, b) => a + b)).toBe(1_000)
    expect(fills.filter(({ state }) => state === 'stopped')).toHaveLength(1)
  })

  test('what does not run has a mark, each state another', () => {
    const layout = heatLayout(1, 100)
    const marks = (['stopped', 'waiting', 'restoring', 'unknown'] as const).map((state) =>
      heatMarks([row(0, { state })], layout),
    )
    marks.push(heatMarks([row(0, { paused: PAUSE })], layout))
    expect(new Set(marks).size).toBe(5)
    expect(marks).not.toContain('')
    expect(heatMarks([row(0)], layout)).toBe('')
  })

  test('more lag is never paler', () => {
    const steps = [0, 1, 31, 32, 999, 1_000, 31_000, 1e6, 1e12].map(lagStep)
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    expect([steps[0], steps[1], steps.at(-1)]).toEqual([0, 1, LAG_STEPS - 1])
    expect([1, 32, 1_000, 32_000].map(lagStep)).toEqual([1, 2, 3, 4])
  })

  test('keys move within it, and no further', () => {
    const layout = heatLayout(5, 100)
    const from = (index: number, key: string) => stepped(index, key, 5, layout)
    expect([from(0, 'ArrowRight'), from(0, 'ArrowDown'), from(0, 'End'), from(4, 'Home')]).toEqual([1, 2, 4, 0])
    expect([from(0, 'ArrowLeft'), from(0, 'ArrowUp'), from(4, 'ArrowDown'), from(4, 'ArrowRight')]).toEqual([
      0, 0, 4, 4,
    ])
    expect(from(0, 'x')).toBeNull()
  })
})

test('rows in sight are there, and the table is as high as all of them', () => {
  fc.assert(
    fc.property(fc.nat(2_000), fc.nat(80_000), fc.integer({ min: 37, max: 2_000 }), (count, scrolled, height) => {
      const { from, to, before, after } = rowWindow(count, 37, scrolled, height)
      expect(before + (to - from) * 37 + after).toBe(count * 37)
      expect(to - from).toBeLessThanOrEqual(Math.ceil(height / 37) + 24)
      const top = Math.min(scrolled, Math.max(0, count * 37 - height))
      const [first, last] = [Math.floor(top / 37), Math.min(count, Math.floor((top + height) / 37))]
      expect(from).toBeLessThanOrEqual(first)
      expect(to).toBeGreaterThanOrEqual(last)
    }),
  )
})

describe('how long a restore still takes', () => {
  const overview = (atMs: number, ...done: number[]): Pick<Overview, 'atMs' | 'tasks'> => ({
    atMs,
    tasks: done.map((at, task) => row(task, { state: 'restoring', restore: { done: at, total: 1_000 } })),
  })

  test('by how fast it went, of the last half minute; of all: the longest', () => {
    const eta = new RestoreEta()
    eta.take(overview(1_000, 0, 0))
    expect(eta.of(0, 1_000)).toBeNull()
    eta.take(overview(3_000, 200, 100))
    expect([eta.of(0, 1_000), eta.of(1, 1_000)]).toEqual([8_000, 18_000])
    expect(eta.ofAll(overview(3_000, 200, 100).tasks)).toBe(18_000)
    // What was long ago does not count: 200 in 2 s, then 10 in 40 s.
    eta.take(overview(40_000, 205, 100))
    eta.take(overview(43_000, 210, 100))
    expect(eta.of(0, 1_000)).toBe((790 * 3_000) / 5)
  })

  test('standing still, or begun anew: not known', () => {
    const eta = new RestoreEta()
    eta.take(overview(1_000, 500))
    eta.take(overview(3_000, 500))
    expect(eta.of(0, 1_000)).toBeNull()
    expect(eta.ofAll(overview(3_000, 500).tasks)).toBeNull()
    eta.take(overview(5_000, 600))
    eta.take(overview(7_000, 10))
    expect(eta.of(0, 1_000)).toBeNull()
  })

  test('the same overview again changes nothing; done is forgotten', () => {
    const eta = new RestoreEta()
    eta.take(overview(1_000, 0))
    eta.take(overview(2_000, 100))
    eta.take(overview(2_000, 100))
    expect(eta.of(0, 1_000)).toBe(9_000)
    eta.take({ atMs: 3_000, tasks: [row(0)] })
    expect(eta.of(0, 1_000)).toBeNull()
    expect(eta.ofAll([row(0)])).toBeNull()
  })
})

describe('orders', () => {
  const rows = [row(0), row(1, { paused: PAUSE }), row(2)]

  test('only those that change are counted', () => {
    expect(changing({ action: 'pause', tasks: [0, 1, 2] }, rows)).toEqual([0, 2])
    expect(changing({ action: 'resume', tasks: [0, 1, 2] }, rows)).toEqual([1])
  })

  test('the question says how many stay as they are, and when nothing would change', () => {
    expect(questionText({ action: 'pause', tasks: [0, 1, 2] }, rows)).toMatch(
      /^They finish .* 1 of them is paused already and stays so\.$/,
    )
    expect(questionText({ action: 'pause', tasks: [0] }, rows)).toMatch(/^It finishes the batch .*as it is\.$/)
    expect(questionText({ action: 'resume', tasks: [0, 1, 2] }, rows)).toMatch(
      /^It goes on .* 2 of them are not paused and stay so\.$/,
    )
    expect(questionText({ action: 'pause', tasks: [1] }, rows)).toBe('It is paused already: nothing would change.')
    expect(questionText({ action: 'resume', tasks: [0, 2] }, rows)).toBe(
      'None of them is paused: nothing would change.',
    )
  })

  test('the outcome says what the service did, not what was hoped', () => {
    const of = (...changed: boolean[]) => ({ tasks: changed.map((one, task) => ({ task, pause: null, changed: one })) })
    expect(outcomeText({ action: 'pause', tasks: [0, 1, 2] }, of(true, false, true))).toBe(
      '2 tasks paused; 1 was paused already.',
    )
    expect(outcomeText({ action: 'resume', tasks: [0] }, of(true))).toBe('1 task resumed.')
    expect(outcomeText({ action: 'resume', tasks: [0, 1] }, of(false, false))).toBe(
      'Nothing changed; 2 were not paused.',
    )
  })
})

test('an entry leads to its note or its character', () => {
  const tenant = '5b1f7a0e-1f0c-4a0e-9d7c-1f2a3b4c5d6e'
  expect(linkToEntry({ store: 'notes', key: `${tenant}:7`, field: '12' })).toBe(`#/state/notes/12?tenant=${tenant}`)
  expect(linkToEntry({ store: 'requests', key: `${tenant}:7`, field: 'k' })).toBe(
    `#/state/characters/7?tenant=${tenant}`,
  )
  expect(linkToEntry({ store: 'note-sequence', key: '', field: null })).toBeNull()
  expect(linkToEntry({ store: 'notes', key: 'x:7', field: '1' })).toBeNull()
})
