/** Where a task goes on whose input was lost. On real servers: test/integration/remedies.test.ts. */
import { describe, expect, test } from 'vitest'
import type { LogRange } from '../../engine/core/log-windows.ts'
import type { Plan } from '../../engine/core/plan.ts'
import type { TaskOffsets } from '../../operations/core/offsets.ts'
import { planSkip, type SkipFacts } from '../../operations/core/skip.ts'
import type { CheckpointRecord } from '../../stores/core/changelog.ts'
import { noteTopology } from '../../topology/notes/topology.ts'

const topic = (name: string) => ({ topic: name, topicId: `id-${name}`, partitions: 1, messageBytesMax: 1_000_000 })
const [commands] = noteTopology.sources
const plan: Plan = {
  topology: noteTopology,
  application: 'app',
  groupId: 'group',
  clusterId: 'cluster',
  tasks: 1,
  stride: 1,
  requireSpanContext: false,
  sources: [{ source: commands!, topic: 'in', topicId: 'id-in', partitions: 2 }],
  sinks: new Map(),
  changelog: topic('app-changelog'),
  repartition: topic('app-repartition'),
  deadLetters: topic('app-dead-letters'),
}

const state = (positions: CheckpointRecord['positions'], more: Partial<CheckpointRecord> = {}): CheckpointRecord => ({
  stateFormat: 1,
  batch: 7,
  clusterId: 'cluster',
  tasks: 1,
  stride: 1,
  positions,
  topicIds: { in: 'id-in', 'app-repartition': 'id-app-repartition' },
  counters: { note: 5 },
  stores: { notes: 'map' },
  topology: 'notes',
  transactionalId: 'x',
  ...more,
})

const whole = { in: { 0: 50, 1: 50 }, 'app-repartition': { 0: 50 } }

function facts(
  after: CheckpointRecord | null,
  committed: Record<string, number> = {},
  logs: Record<string, LogRange | null> = {},
  missing: readonly string[] = [],
): SkipFacts {
  const log = { start: 10, end: 100 }
  const given = { 'in-0': log, 'in-1': log, 'app-repartition-0': log, ...logs }
  const task: TaskOffsets = { task: 0, committed: new Map(Object.entries(committed)), before: after, after }
  return {
    plan,
    tasks: [task],
    logs: new Map(Object.entries(given).flatMap(([name, range]) => (range ? [[name, range] as const] : []))),
    transactionalId: 'cli',
    missing: new Set(missing),
  }
}

const positionsAfter = (given: SkipFacts, targets: Parameters<typeof planSkip>[1] = []) => {
  const { records, problems } = planSkip(given, targets)
  expect(problems).toEqual([])
  return records[0]?.record.positions
}

describe('nothing to do', () => {
  test.each([
    ['no state', null],
    ['every position is in its log', state(whole)],
    ['at the very ends of a log', state({ ...whole, in: { 0: 10, 1: 100 } })],
  ])('%s', (_, after) => {
    expect(planSkip(facts(after, { 'in-0': 3 }), [])).toEqual({ changes: [], records: [], problems: [] })
  })
})

describe('goes on', () => {
  test('at the first that is left, and at the end of a log that was cut', () => {
    const after = state({ ...whole, in: { 0: 4, 1: 120 } })
    const { changes, records } = planSkip(facts(after, { 'in-0': 4, 'in-1': 120, 'app-repartition-0': 50 }), [])
    expect(changes).toEqual([
      { task: 0, topic: 'in', partition: 0, from: 4, to: 10 },
      { task: 0, topic: 'in', partition: 1, from: 120, to: 100 },
    ])
    const positions = { ...whole, in: { 0: 10, 1: 100 } }
    expect(records).toEqual([{ task: 0, record: { ...after, batch: 8, positions, transactionalId: 'cli' } }])
  })

  test('at the start of a topic that was created again, though the old place is one of the new log', () => {
    const old = { topicIds: { in: 'id-before', 'app-repartition': 'id-app-repartition' } }
    const { records } = planSkip(facts(state(whole, old), { 'in-0': 50 }), [])
    expect(records[0]?.record).toMatchObject({
      positions: { ...whole, in: { 0: 10, 1: 10 } },
      topicIds: { in: 'id-in' },
    })
  })

  test('without the partitions that the new topic does not have', () => {
    const old = state(whole, { topicIds: { in: 'id-before', 'app-repartition': 'id-app-repartition' } })
    expect(positionsAfter(facts(old, {}, { 'in-1': null }))).toEqual({ ...whole, in: { 0: 10 } })
  })

  test('at 0 of a topic that will be created', () => {
    const given = facts(state(whole), {}, { 'app-repartition-0': null }, ['app-repartition'])
    expect(positionsAfter(given)).toEqual({ ...whole, 'app-repartition': { 0: 0 } })
  })

  test('what the group has committed and the state does not know is taken along', () => {
    const after = state({ in: { 0: 4 }, 'app-repartition': { 0: 50 } })
    expect(positionsAfter(facts(after, { 'in-1': 3 }))).toEqual({ ...whole, in: { 0: 10, 1: 10 } })
  })

  test('without a source that the topology has no more', () => {
    const after = state({ ...whole, gone: { 0: 1 } })
    expect(positionsAfter(facts(after, { 'gone-0': 1 }))).toEqual(whole)
  })

  test('behind an offset that was named', () => {
    expect(positionsAfter(facts(state(whole)), [{ topic: 'in', partition: 1, offset: 60 }])).toEqual({
      ...whole,
      in: { 0: 50, 1: 60 },
    })
  })

  test('a command that died between its two writes is ended by the same one', () => {
    const after = state({ ...whole, in: { 0: 4, 1: 50 } })
    const first = planSkip(facts(after, { 'in-0': 4 }), [])
    const again = planSkip(facts(after, { 'in-0': 10, 'in-1': 50, 'app-repartition-0': 50 }), [])
    expect(again).toEqual({ ...first, changes: [] })
    expect(planSkip(facts(again.records[0]!.record), []).records).toEqual([])
  })
})

describe('refused', () => {
  const target = { topic: 'in', partition: 0, offset: 60 }
  test.each([
    [
      'before the state',
      facts(state(whole)),
      { ...target, offset: 49 },
      'in-0: 49 lies before 50, where the state goes on',
    ],
    ['behind the end', facts(state(whole)), { ...target, offset: 101 }, 'in-0: 101 is behind the end of the log, 100'],
    ['read by no task', facts(state(whole)), { ...target, partition: 2 }, 'in-2: no task with state reads it'],
    ['another cluster', facts(state(whole, { clusterId: 'other' })), null, /cluster other, this is cluster$/],
    ['another number of tasks', facts(state(whole, { tasks: 4 })), null, /4 tasks, now there are 1$/],
    ['a partition that is gone', facts(state(whole), {}, { 'in-1': null }), null, 'in-1 does not exist'],
  ])('%s', (_, given, named, problem) => {
    expect(planSkip(given, named ? [named] : []).problems).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ])
  })
})
