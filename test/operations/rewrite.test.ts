/** Whether a changelog can be written anew from Redis. On real servers: test/integration/cli-changelog.test.ts. */
import { describe, expect, test } from 'vitest'
import { checkpointRecord } from '../../engine/core/checkpoint-record.ts'
import { offset } from '../../engine/core/numbers.ts'
import type { Plan } from '../../engine/core/plan.ts'
import { planRewrite, type TaskSnapshot } from '../../operations/core/rewrite.ts'
import { decodeChangelogRecord, encodeCheckpointRecord } from '../../stores/core/changelog.ts'
import type { Checkpoint } from '../../stores/ports.ts'
import { noteTopology } from '../../topology/notes/topology.ts'

const topic = (name: string) => ({ topic: name, topicId: `id-${name}`, partitions: 2, messageBytesMax: 1_000_000 })
const [commands] = noteTopology.sources
const plan: Plan = {
  topology: noteTopology,
  application: 'app',
  groupId: 'group',
  clusterId: 'cluster',
  tasks: 2,
  stride: 2,
  requireSpanContext: false,
  sources: [{ source: commands!, topic: 'in', topicId: 'id-in', partitions: 2 }],
  sinks: new Map(),
  changelog: topic('app-changelog'),
  repartition: topic('app-repartition'),
  deadLetters: topic('app-dead-letters'),
}

const checkpoint = (task: number, at: number, more: Partial<Checkpoint> = {}): Checkpoint => ({
  batch: 7,
  offset: offset(40),
  firstOffset: offset(38),
  committedAtMs: 1_000,
  clusterId: 'cluster',
  changelogTopicId: 'former',
  groupId: 'group',
  stateVersion: 'v1',
  counters: { note: 5 },
  published: { out: { 0: 9 } },
  positions: { in: { [task]: at }, 'app-repartition': { [task]: 0 } },
  ...more,
})

const snapshot = (task: number, at: number, more: Partial<TaskSnapshot> = {}): TaskSnapshot => ({
  task,
  checkpoint: checkpoint(task, at),
  isPartial: false,
  committed: new Map([
    [`in-${task}`, at],
    [`app-repartition-${task}`, 0],
  ]),
  ...more,
})
const none = { checkpoint: null, committed: new Map<string, number>() }

describe('planRewrite', () => {
  test('state as of the committed offsets is written, and nothing else is set', () => {
    const { tasks, changes, problems } = planRewrite(plan, [snapshot(0, 5), snapshot(1, 3)], false)
    expect([tasks.map(({ task }) => task), changes, problems]).toEqual([[0, 1], [], []])
  })

  test('a task that has never done anything is left alone', () => {
    const { tasks, problems } = planRewrite(plan, [snapshot(0, 5), snapshot(1, 3, none)], false)
    expect([tasks.map(({ task }) => task), problems]).toEqual([[0], []])
  })

  test('a task that Redis knows and that has no batch yet is told of the topic, unless the group says otherwise', () => {
    const idle = { checkpoint: checkpoint(1, 0, { batch: 0, offset: offset(-1), positions: {} }) }
    const found = planRewrite(plan, [snapshot(0, 5), snapshot(1, 0, { ...idle, committed: new Map() })], false)
    expect([found.tasks.map(({ task }) => task), found.changes, found.problems]).toEqual([[0, 1], [], []])
    expect(planRewrite(plan, [snapshot(0, 5), snapshot(1, 3, idle)], true).problems).toEqual([
      'task 1: Redis has no state of it, and group group has committed offsets',
    ])
  })

  test('a Redis that has nothing is refused', () => {
    expect(planRewrite(plan, [snapshot(0, 5, none), snapshot(1, 3, none)], true).problems).toEqual([
      'Redis has no state of app',
    ])
    const committed = new Map([['in-1', 3]])
    expect(planRewrite(plan, [snapshot(0, 5), snapshot(1, 3, { ...none, committed })], true).problems).toEqual([
      'task 1: Redis has no state of it, and group group has committed offsets',
    ])
  })

  test('half a write is refused, whatever else is asked for', () => {
    expect(planRewrite(plan, [snapshot(0, 5, { isPartial: true })], true).problems).toEqual([
      'task 0: only a part of its last write has reached Redis',
    ])
  })

  test('state behind the committed offsets is refused, unless what lies between may be done again', () => {
    const behind = [
      snapshot(0, 5, {
        committed: new Map([
          ['in-0', 8],
          ['app-repartition-0', 0],
        ]),
      }),
    ]
    expect(planRewrite(plan, behind, false).problems).toEqual([
      'task 0: in-0 is committed up to 8, its state in Redis is as of 5 (--redo processes what lies between again)',
    ])
    const { changes, problems } = planRewrite(plan, behind, true)
    expect(problems).toEqual([])
    expect(changes).toEqual([{ task: 0, topic: 'in', partition: 0, from: 8, to: 5 }])
  })

  test('offsets that are gone, or lie before the state, are set to it', () => {
    const found = planRewrite(plan, [snapshot(0, 5, { committed: new Map([['in-0', 2]]) })], false)
    expect(found.problems).toEqual([])
    expect(found.changes.map(({ topic, from, to }) => [topic, from, to])).toEqual([
      ['in', 2, 5],
      ['app-repartition', null, 0],
    ])
  })

  test.each([
    [{ clusterId: 'other' }, 'its state in Redis was written on cluster other, this is cluster'],
    [{ groupId: 'other' }, 'its state in Redis was written by group other, this is group'],
    [{ positions: { gone: { 0: 1 } } }, 'its state in Redis is as of gone, which is no source or does not exist'],
  ])('state of somewhere else is refused: %j', (more, why) => {
    expect(planRewrite(plan, [snapshot(0, 5, { checkpoint: checkpoint(0, 5, more) })], true)).toEqual({
      tasks: [],
      changes: [],
      problems: [`task 0: ${why}`],
    })
  })
})

test('the checkpoint record is one that a takeover reads, with everything the state is as of', () => {
  const record = checkpointRecord(plan, checkpoint(0, 5), 'by-hand')
  expect(decodeChangelogRecord('checkpoint', encodeCheckpointRecord(record))).toEqual({
    kind: 'checkpoint',
    checkpoint: {
      stateFormat: 1,
      batch: 7,
      clusterId: 'cluster',
      groupId: 'group',
      tasks: 2,
      stride: 2,
      positions: { in: { 0: 5 }, 'app-repartition': { 0: 0 } },
      topicIds: { in: 'id-in', 'app-repartition': 'id-app-repartition' },
      counters: { note: 5 },
      stores: Object.fromEntries(noteTopology.stores.map(({ name, kind }) => [name, kind])),
      topology: 'notes',
      transactionalId: 'by-hand',
    },
  })
})
