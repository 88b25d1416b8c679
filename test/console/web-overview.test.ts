/** The overview as the page shows it: what is wrong, how the topology is drawn, the columns of the charts. */
import { describe, expect, test } from 'vitest'
import type { InstanceRow, Overview, Series, TopologyView } from '../../console/contract.ts'
import { draw } from '../../console/drawing.ts'
import { withOwnReadiness } from '../../console/web/live.ts'
import { titleOf } from '../../console/web/titles.ts'
import { neighbour, pathsOf, routesOf, widthOf } from '../../console/web/ui/overview/drawing-geometry.ts'
import {
  columnsOf,
  extentOf,
  joined,
  type Point,
  pointOf,
  pointsOf,
  SPAN_MS,
  ticksOf,
} from '../../console/web/ui/overview/history.ts'
import { factsOf, lagOfNode, rateOfNode } from '../../console/web/ui/overview/node-facts.ts'
import { splitReason, troublesOf } from '../../console/web/ui/overview/troubles.ts'
import { remedyParts } from '../../console/web/ui/remedy-parts.ts'
import { describe as describeTopology } from '../../topology/describe.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { row } from './task-row.ts'

const instance = (name: string, of: Partial<InstanceRow> = {}): InstanceRow => ({
  name,
  self: false,
  url: null,
  startedAt: '2026-03-01T12:00:00.000Z',
  heardAgoMs: 100,
  tasks: [],
  ready: true,
  reasons: [],
  recordsPerSecond: null,
  heapBytes: 1,
  version: '1',
  ...of,
})

describe('what is wrong', () => {
  test('the instance that answers is as it knows itself, not as it told Redis', () => {
    const session = {
      canAct: false,
      version: '1',
      instance: 'a',
      ready: false,
      reasons: ['cut off from Redis for 3 s'],
    }
    const told = { tasks: [row(0)], instances: [instance('a', { self: true, heardAgoMs: 30_000 }), instance('b')] }
    const known = withOwnReadiness(told, session)
    expect(known.instances[1]).toEqual(told.instances[1])
    expect(troublesOf(known)).toEqual([
      { kind: 'not-ready', instance: expect.objectContaining({ name: 'a', reasons: session.reasons }) },
    ])
    expect(withOwnReadiness(told, null)).toBe(told)
    // What it is cut off from is no state of a task, though its tasks are not running either.
    const tasks = [row(0, { state: 'taking-over' })]
    const own = { ...known.instances[0]!, tasks: [0] }
    expect(troublesOf({ tasks, instances: [own] })).toMatchObject([{ kind: 'not-ready' }])
    expect(troublesOf({ tasks, instances: [{ ...own, reasons: ['task 0: taking-over'] }] })).toEqual([])
  })

  test('nothing, when all is well', () => {
    expect(troublesOf({ tasks: [row(0), row(1)], instances: [instance('a')] })).toEqual([])
  })

  test('worst first, like things together', () => {
    const since = '2026-03-01T12:00:00.000Z'
    const tasks = [
      row(0, { state: 'restoring', restore: { done: 10, total: 100 } }),
      row(1, { state: 'stopped', reason: 'redis.wrongtype: at a', remedy: 'Find it.' }),
      row(2, { paused: { since, by: 'amelie' } }),
      row(3, { state: 'stopped', reason: 'offset.out_of_range: at b', remedy: 'Skip.' }),
      row(4, { state: 'stopped', reason: 'redis.wrongtype: at c', remedy: 'Find it.' }),
      row(5, { state: 'unknown' }),
      row(6, { state: 'waiting', reason: 'Redis does not answer' }),
      row(7, { paused: { since: '2026-02-01T12:00:00.000Z', by: 'amelie' } }),
      row(8, { state: 'restoring', restore: { done: 30, total: 200 } }),
      row(9, { state: 'taking-over' }),
    ]
    const unheard = instance('gone', { heardAgoMs: 10_001, ready: false })
    expect(troublesOf({ tasks, instances: [instance('a'), unheard] })).toEqual([
      { kind: 'stopped', code: 'redis.wrongtype', reason: 'at a', remedy: 'Find it.', tasks: [1, 4] },
      { kind: 'stopped', code: 'offset.out_of_range', reason: 'at b', remedy: 'Skip.', tasks: [3] },
      { kind: 'unheard', instance: unheard },
      { kind: 'untold', tasks: [5] },
      { kind: 'waiting', reason: 'Redis does not answer', tasks: [6] },
      { kind: 'paused', by: 'amelie', since: '2026-02-01T12:00:00.000Z', tasks: [2, 7] },
      { kind: 'restoring', done: 40, total: 300, tasks: [0, 8] },
    ])
  })

  test('an instance that is not ready is told of unless its tasks say why', () => {
    const unready = instance('a', { ready: false, reasons: ['draining'], tasks: [0] })
    expect(troublesOf({ tasks: [row(0)], instances: [unready] })).toEqual([{ kind: 'not-ready', instance: unready }])
    expect(troublesOf({ tasks: [row(0, { state: 'taking-over' })], instances: [unready] })).toEqual([])
  })

  test.each([
    ['offset.out_of_range: the log begins at 7: so it is', 'offset.out_of_range', 'the log begins at 7: so it is'],
    ['engine.defect', 'engine.defect', ''],
    ['something else: with a colon', 'stopped', 'something else: with a colon'],
    ['redis.reply: two\nlines', 'redis.reply', 'two\nlines'],
  ])('%j has its code', (reason, code, text) => {
    expect(splitReason(reason)).toEqual({ code, text })
  })

  test('commands of a remedy are what stands between backticks, and no word is lost', () => {
    const remedy = 'Stop it; `tributary reset --execute` begins anew, `x`.'
    expect(remedyParts(remedy)).toEqual([
      { kind: 'text', text: 'Stop it; ' },
      { kind: 'command', text: 'npm run --silent tributary -- reset --execute' },
      { kind: 'text', text: ' begins anew, ' },
      { kind: 'command', text: 'x' },
      { kind: 'text', text: '.' },
    ])
    expect(remedyParts('a lone ` stays')).toEqual([{ kind: 'text', text: 'a lone ` stays' }])
  })
})

test('labels of an axis are not told twice: the exact one stays', () => {
  const whole = (value: number) => `${Math.round(value)}/s`
  expect(ticksOf([0, 0.5, 1], whole)).toEqual(['0/s', '', '1/s'])
  expect(ticksOf([0, 0.2, 0.4], whole)).toEqual(['0/s', '', ''])
  expect(ticksOf([0, 10, 20], whole)).toEqual(['0/s', '10/s', '20/s'])
  expect(ticksOf([0, 10_000, 10_001], () => 'x')).toHaveLength(3)
})

test('the window is called what is looked at', () => {
  const title = (...path: string[]) => titleOf('Page', { path }, 'notes')
  expect(title()).toBe('Page · notes')
  expect(title('tasks', '3')).toBe('Task 3 · Page · notes')
  expect(title('tasks', 'x')).toBe('Page · notes')
  expect(title('state', 'characters', '7')).toBe('Character 7 · Page · notes')
  expect(title('state', 'notes', '12')).toBe('Note 12 · Page · notes')
  expect(title('state', 'tasks', '1')).toBe('Task 1 · Page · notes')
  expect(title('state', 'others', '1')).toBe('Page · notes')
  expect(title('dead-letters', '2', '17')).toBe('2@17 · Page · notes')
})

describe('the drawing', () => {
  const description = describeTopology(noteTopology).json
  const drawing = draw(description, { COMMAND_TOPIC_NOTE: 'real-commands' }, 'notes-dead-letters')
  const topology: TopologyView = { application: 'notes', group: 'g', tasks: 4, description, topics: {}, drawing }
  const { nodes, edges } = drawing
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const create = 'handler:COMMAND_TOPIC_NOTE:CREATE'

  test('every line leaves a part within its height and enters one within its height', () => {
    const routes = routesOf(nodes, edges)
    expect(routes).toHaveLength(edges.length)
    for (const { edge, path, end } of routes) {
      const [from, to] = [byId.get(edge.from)!, byId.get(edge.to)!]
      const [x, y] = /^M(\S+) ([^C]+)C/.exec(path)!.slice(1).map(Number)
      expect(Math.abs(y! - from.y)).toBeLessThan(from.height / 2)
      expect(x).toBeLessThan(from.x + from.width / 2)
      expect(Math.abs(end.y - to.y)).toBeLessThan(to.height / 2)
      expect(end.x).toBeCloseTo(to.x - to.width / 2)
    }
  })

  test('lines that leave the same side do not begin at the same height', () => {
    const starts = routesOf(nodes, edges).map(({ edge, path }) => `${edge.from} ${/^M\S+ ([^C]+)C/.exec(path)![1]}`)
    expect(new Set(starts).size).toBe(starts.length)
  })

  test('a line to nowhere is left out; one past a column goes through its points', () => {
    const far = { ...edges[0]!, points: [0, 100, 200, 300, 400].map((x) => ({ x, y: x })) }
    expect(routesOf(nodes, [{ ...edges[0]!, to: 'nothing' }])).toEqual([])
    expect(routesOf(nodes, [far])[0]!.path.match(/C/g)).toHaveLength(4)
  })

  test('more is wider, within bounds; nothing is thin', () => {
    const widths = [null, 0, 0.2, 1, 10, 1_000, 1e9].map(widthOf)
    expect(widths[0]).toBe(widths[1])
    expect(widths.slice(1)).toEqual(widths.slice(1).toSorted((a, b) => a - b))
    expect(widths.at(-1)).toBeLessThanOrEqual(7)
    expect(widths[2]).toBeGreaterThan(widths[1]!)
  })

  test('paths of a part lead up and down, not sideways', () => {
    const found = pathsOf(create, edges)
    expect(found).toContain('source:COMMAND_TOPIC_NOTE')
    expect(found).toContain('sink:EVENT_TOPIC_NOTE_STATUS')
    expect(found).toContain('index:notes-by-tenant')
    expect(found).not.toContain('handler:COMMAND_TOPIC_NOTE:DELETE')
    expect(found).not.toContain('source:EVENT_TOPIC_CHARACTER_STATUS')
  })

  test('a loop of lines ends', () => {
    const [a, b] = [nodes[0]!.id, nodes[1]!.id]
    const loop = [
      { ...edges[0]!, from: a, to: b },
      { ...edges[0]!, from: b, to: a },
    ]
    expect([...pathsOf(a, loop)].sort()).toEqual([a, b].sort())
  })

  test('arrow keys reach every part from the first', () => {
    const reached = new Set([nodes[0]!.id])
    for (const id of reached)
      for (const key of ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'] as const) {
        const to = neighbour(nodes, id, key)
        if (to !== null) reached.add(to)
      }
    expect([...reached].sort()).toEqual(nodes.map(({ id }) => id).sort())
    expect(neighbour(nodes, 'source:COMMAND_TOPIC_NOTE', 'ArrowLeft')).toBeNull()
    expect(neighbour(nodes, 'nothing', 'ArrowLeft')).toBeNull()
  })

  test('each part tells its own rate and lag', () => {
    const flowing = {
      rates: {
        'in:COMMAND_TOPIC_NOTE:CREATE': 10,
        'in:COMMAND_TOPIC_NOTE:DELETE': 2,
        'in:EVENT_TOPIC_CHARACTER_STATUS:DELETED': 1,
        'out:EVENT_TOPIC_NOTE_STATUS': 12,
        'dead:COMMAND_TOPIC_NOTE': 0.5,
        'dead:EVENT_TOPIC_CHARACTER_STATUS': 0.25,
      },
      lagByTopic: { COMMAND_TOPIC_NOTE: 7 },
    }
    const rate = (id: string) => rateOfNode(byId.get(id)!, flowing)
    expect([rate('source:COMMAND_TOPIC_NOTE'), rate(create), rate('sink:EVENT_TOPIC_NOTE_STATUS')]).toEqual([
      12, 10, 12,
    ])
    expect([rate('dead-letters'), rate('store:notes'), rate('sink:COMMAND_TOPIC_SAGA')]).toEqual([0.75, null, 0])
    expect(lagOfNode(byId.get('source:COMMAND_TOPIC_NOTE')!, flowing)).toBe(7)
    expect(lagOfNode(byId.get(create)!, flowing)).toBeNull()
    expect(factsOf(byId.get('source:COMMAND_TOPIC_NOTE')!, topology, flowing)).toEqual([
      { name: 'processed', value: '12/s' },
      { name: 'lag', value: '7' },
      { name: 'dead letters', value: '0.5/s' },
      { name: 'declared as', value: 'COMMAND_TOPIC_NOTE' },
      { name: 'handlers', value: 'CREATE, DISCARD, UPDATE, DELETE' },
    ])
  })

  test('every part has something to tell', () => {
    for (const node of nodes) expect(factsOf(node, topology, null), node.id).not.toEqual([])
  })
})

describe('columns of the charts', () => {
  const point = (atMs: number, value: number | null = 1): Point => ({
    atMs,
    recordsPerSecond: value,
    lag: value,
    endToEndP50Ms: value,
    endToEndP99Ms: value,
    transactionP50Ms: value,
    transactionP99Ms: value,
  })

  test('what the service kept, and the overviews since then', () => {
    const series: Series = {
      stepMs: 2_000,
      atMs: [1_000, 3_000],
      recordsPerSecond: [1, null],
      lag: [5, 6],
      endToEndP50Ms: [1, 2],
      endToEndP99Ms: [3, 4],
      transactionP50Ms: [5, 6],
      transactionP99Ms: [7, 8],
    }
    const overview = (atMs: number): Pick<Overview, 'atMs' | 'lag' | 'flow'> => ({
      atMs,
      lag: 9,
      flow: { recordsPerSecond: 4, transactionsPerSecond: 1, endToEnd: { p50Ms: 10, p99Ms: 20 }, transaction: null },
    })
    const { at, values } = columnsOf(joined(pointsOf(series), [overview(2_500), overview(5_000)].map(pointOf)))
    expect(at).toEqual([1, 3, 5])
    expect(values).toEqual({
      recordsPerSecond: [1, null, 4],
      lag: [5, 6, 9],
      endToEndP50Ms: [1, 2, 10],
      endToEndP99Ms: [3, 4, 20],
      transactionP50Ms: [5, 6, null],
      transactionP99Ms: [7, 8, null],
    })
  })

  test('only a quarter of an hour before the newest', () => {
    const kept = [0, 1_000, 5_000].map((atMs) => point(atMs))
    expect(joined(kept, [point(SPAN_MS + 1_000)]).map(({ atMs }) => atMs)).toEqual([1_000, 5_000, SPAN_MS + 1_000])
    expect(joined([], [])).toEqual([])
  })

  test('a line is not drawn through a time of which nothing is known', () => {
    const { at, values } = columnsOf([point(0), point(8_000), point(16_001)])
    expect(at).toEqual([0, 8, 10, 16.001])
    expect(values.lag).toEqual([1, 1, null, 1])
  })

  test('from least to most, and the last; nothing known is nothing', () => {
    expect(extentOf([3, null, 1, 2])).toEqual({ min: 1, max: 3, last: 2 })
    expect(extentOf([3, null])).toEqual({ min: 3, max: 3, last: null })
    expect(extentOf([null])).toBeNull()
    expect(extentOf([])).toBeNull()
  })
})
