/** Which offsets are wrong, and what each command would write. */
import { describe, expect, test } from 'vitest'
import type { Plan } from '../../engine/core/plan.ts'
import {
  type OffsetFacts,
  offsetRows,
  planAdopt,
  planEarliest,
  planRestore,
  type TaskOffsets,
} from '../../operations/core/offsets.ts'
import type { CheckpointRecord } from '../../stores/core/changelog.ts'
import { noteTopology } from '../../topology/notes/topology.ts'

const topic = (name: string, partitions: number) => ({
  topic: name,
  topicId: `id-${name}`,
  partitions,
  messageBytesMax: 1_000_000,
})
const [commands, statuses] = noteTopology.sources
const plan: Plan = {
  topology: noteTopology,
  application: 'app',
  groupId: 'group',
  clusterId: 'cluster',
  tasks: 2,
  stride: 2,
  requireSpanContext: false,
  sources: [
    { source: commands!, topic: 'in', topicId: 'id-in', partitions: 3 },
    { source: statuses!, topic: 'status', topicId: 'id-status', partitions: 2 },
  ],
  sinks: new Map(),
  changelog: topic('app-changelog', 2),
  repartition: topic('app-repartition', 2),
  deadLetters: topic('app-dead-letters', 2),
}

const record = (positions: CheckpointRecord['positions'], more: Partial<CheckpointRecord> = {}): CheckpointRecord => ({
  stateFormat: 1,
  batch: 7,
  clusterId: 'cluster',
  tasks: 2,
  stride: 2,
  positions,
  topicIds: { in: 'id-in', status: 'id-status', 'app-repartition': 'id-app-repartition' },
  counters: {},
  stores: {},
  topology: 'notes',
  transactionalId: 'x',
  ...more,
})

const offsets = (
  committed: Record<string, number>,
  before: CheckpointRecord | null,
  after = before,
  task = 0,
): TaskOffsets => ({
  task,
  committed: new Map(Object.entries(committed)),
  before,
  after,
})

const facts = (...tasks: TaskOffsets[]): OffsetFacts => ({
  plan,
  tasks,
  logs: new Map(
    ['in-0', 'in-1', 'in-2', 'status-0', 'status-1', 'app-repartition-0', 'app-repartition-1'].map((name) => [
      name,
      { start: 3, end: 100 },
    ]),
  ),
  transactionalId: 'cli',
})

describe('states', () => {
  const states = (given: TaskOffsets) =>
    offsetRows(plan, given).map(({ topic, partition, state }) => `${topic}-${partition} ${state}`)

  test('nothing yet, and everything as it should be', () => {
    expect(states(offsets({}, null))).toEqual(['in-0 none', 'in-2 none', 'status-0 none', 'app-repartition-0 none'])
    const at = { in: { 0: 5, 2: 6 }, status: { 0: 0 }, 'app-repartition': { 0: 1 } }
    const committed = { 'in-0': 5, 'in-2': 6, 'status-0': 0, 'app-repartition-0': 1 }
    expect(states(offsets(committed, record(at)))).toEqual([
      'in-0 ok',
      'in-2 ok',
      'status-0 ok',
      'app-repartition-0 ok',
    ])
  })

  test('missing, mismatch, foreign, and a partition that the state does not know yet', () => {
    expect(states(offsets({ 'in-0': 4 }, record({ in: { 0: 5 }, status: { 0: 1 } })))).toEqual([
      'in-0 mismatch',
      'in-2 new',
      'status-0 missing',
      'app-repartition-0 new',
    ])
    expect(states(offsets({ 'in-0': 4 }, null))).toEqual([
      'in-0 foreign',
      'in-2 none',
      'status-0 none',
      'app-repartition-0 none',
    ])
  })

  test.each([2, 1, undefined])('of a topic that is no source, whatever the group has (%s): removed', (committed) => {
    const group = committed === undefined ? {} : { 'gone-4': committed }
    expect(states(offsets(group, record({ gone: { 4: 2 } })))).toContain('gone-4 removed')
  })

  test('of a topic that was created again, or is missing: recreated', () => {
    const topicIds = { in: 'id-in-before', status: 'id-status' }
    const state = record({ in: { 0: 5 }, status: { 0: 7 }, late: { 0: 1 } }, { topicIds })
    const group = offsets({ 'in-0': 5, 'status-0': 7, 'late-0': 1 }, state)
    const rows = offsetRows(plan, group, new Set(['late']))
    expect(rows.map(({ topic, partition, state }) => `${topic}-${partition} ${state}`)).toEqual([
      'in-0 recreated',
      'in-2 recreated',
      'status-0 ok',
      'app-repartition-0 new',
      'late-0 recreated',
    ])
  })

  test.each([
    [4, 'mismatch'],
    [5, 'ok'],
    [7, 'ok'],
    [9, 'ok'],
    [10, 'mismatch'],
  ])('while the task goes on from 5 to 9: %i is %s', (committed, state) => {
    const rows = offsetRows(plan, offsets({ 'in-0': committed }, record({ in: { 0: 5 } }), record({ in: { 0: 9 } })))
    expect(rows[0]).toMatchObject({ committed, changelog: 9, state })
  })
})

describe('restore', () => {
  const GO_ON = 'tributary offsets skip goes on with what is left'

  test('what differs or is missing, and nothing where there is no state', () => {
    const state = record({ in: { 0: 5, 2: 6 }, status: { 0: 7 } })
    const planned = planRestore(facts(offsets({ 'in-0': 5, 'in-2': 99 }, state), offsets({ 'in-1': 5 }, null, null, 1)))
    expect(planned).toEqual({
      changes: [
        { task: 0, topic: 'in', partition: 2, from: 99, to: 6 },
        { task: 0, topic: 'status', partition: 0, from: null, to: 7 },
      ],
      records: [],
      problems: [],
    })
  })

  test('state of another group: it becomes that of this one, with its offsets', () => {
    const state = record({ in: { 0: 5 } }, { groupId: 'before' })
    expect(planRestore(facts(offsets({}, state)))).toEqual({
      changes: [{ task: 0, topic: 'in', partition: 0, from: null, to: 5 }],
      records: [{ task: 0, record: { ...state, batch: 8, groupId: 'group', transactionalId: 'cli' } }],
      problems: [],
    })
    expect(planRestore(facts(offsets({ 'in-0': 5 }, record({ in: { 0: 5 } }, { groupId: 'group' })))).records).toEqual(
      [],
    )
  })

  test.each([
    [record({ in: { 0: 2 } }), `in-0: offset 2 is outside its log, which has 3 to 100: ${GO_ON}`],
    [record({ in: { 0: 101 } }), `in-0: offset 101 is outside its log, which has 3 to 100: ${GO_ON}`],
    [record({ gone: { 0: 1 } }), `gone-0 does not exist: ${GO_ON}`],
    [
      record({ in: { 0: 5 } }, { clusterId: 'other' }),
      'task 0: its state was written on cluster other, this is cluster',
    ],
    [record({ in: { 0: 5 } }, { tasks: 4 }), 'task 0: its state was written with 4 tasks, now there are 2'],
    [
      record({ in: { 0: 5 } }, { topicIds: { in: 'old' } }),
      'task 0: in was created again since (old, now id-in): tributary offsets skip goes on at its start',
    ],
  ])('refused: %#', (state, problem) => {
    expect(planRestore(facts(offsets({}, state))).problems).toEqual([problem])
  })
})

describe('adopt', () => {
  test("a first checkpoint at the group's offsets, for tasks without state that have some", () => {
    const planned = planAdopt(
      facts(offsets({ 'in-0': 50, 'status-0': 4, 'other-0': 1 }, null), offsets({}, null, null, 1)),
    )
    expect(planned.changes).toEqual([])
    expect(planned.problems).toEqual([])
    expect(planned.records).toEqual([
      {
        task: 0,
        record: {
          stateFormat: 1,
          batch: 1,
          clusterId: 'cluster',
          groupId: 'group',
          tasks: 2,
          stride: 2,
          positions: { in: { 0: 50 }, status: { 0: 4 } },
          topicIds: { in: 'id-in', status: 'id-status', 'app-repartition': 'id-app-repartition' },
          counters: {},
          stores: { notes: 'map', requests: 'value', 'request-queue': 'map' },
          topology: 'notes',
          transactionalId: 'cli',
        },
      },
    ])
    expect(planAdopt(facts(offsets({ 'in-0': 50 }, record({ in: { 0: 5 } }))))).toEqual({
      changes: [],
      records: [],
      problems: [],
    })
  })

  test('refused: an offset outside the log', () => {
    expect(planAdopt(facts(offsets({ 'in-0': 1 }, null))).problems).toHaveLength(1)
  })
})

describe('earliest', () => {
  test('every partition of a task without state at the start of its log, committed and in its first checkpoint', () => {
    const planned = planEarliest(facts(offsets({ 'in-0': 50, 'in-2': 3 }, null), offsets({}, null, null, 1)))
    expect(planned.changes.map(({ topic, partition, from, to }) => [topic, partition, from, to])).toEqual([
      ['in', 0, 50, 3],
      ['status', 0, null, 3],
      ['app-repartition', 0, null, 3],
    ])
    expect(planned.records.map(({ task, record }) => [task, record.positions])).toEqual([
      [0, { in: { 0: 3, 2: 3 }, status: { 0: 3 }, 'app-repartition': { 0: 3 } }],
    ])
  })

  test('nothing where there is state: its records would be processed twice', () => {
    expect(planEarliest(facts(offsets({ 'in-0': 5 }, record({ in: { 0: 5 } }))))).toEqual({
      changes: [],
      records: [],
      problems: [],
    })
  })
})
