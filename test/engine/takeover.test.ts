/** Taking over a task, stepped: the order (a) to (h), what each answer means, and every code with which it stops. */
import { describe, expect, test } from 'vitest'
import { codes } from '../../engine/core/kafka-errors.ts'
import { offset, position } from '../../engine/core/numbers.ts'
import { stopCodes } from '../../engine/core/stop-codes.ts'
import { type TakeoverCommand, TakeoverCore, type TakeoverOptions } from '../../engine/core/takeover.ts'
import type { CheckpointRecord } from '../../stores/core/changelog.ts'
import type { Checkpoint } from '../../stores/ports.ts'
import { checkpointOf, idle, planOf, topologyOf } from './support.ts'

const plan = planOf(topologyOf(idle), { tasks: 2, stride: 2, partitions: 3 })
const TASK = 0
const membership = { memberId: 'm', generation: 4, instanceId: null }
const RETENTION_MS = 10_000
const NOW_MS = 1_003_000

/** Partitions of task 0 of 2: IN-0, IN-2, repartition-0. */
const committed = [
  { topic: 'IN', partition: 0, position: position(10) },
  { topic: 'IN', partition: 2, position: position(20) },
  { topic: 'app-repartition', partition: 0, position: position(5) },
]

const record = (changes: Partial<CheckpointRecord> = {}): CheckpointRecord => ({
  stateFormat: 1,
  batch: 7,
  clusterId: 'cluster-1',
  tasks: 2,
  stride: 2,
  positions: { IN: { 0: 10, 2: 20 }, 'app-repartition': { 0: 5 } },
  topicIds: { IN: 'id-IN', 'app-repartition': 'id-repartition' },
  counters: { moves: 12 },
  stores: { entries: 'map', totals: 'value' },
  topology: 'small',
  transactionalId: 'app-x',
  ...changes,
})

let nowMs = NOW_MS

function takeover(options: Partial<TakeoverOptions> = {}): TakeoverCore {
  nowMs = NOW_MS
  const core = new TakeoverCore({
    plan,
    task: TASK,
    membership,
    deleteRetentionMs: RETENTION_MS,
    forceRebuild: false,
    nowMs: () => nowMs,
    elapsedMs: () => nowMs,
    ...options,
  })
  core.start()
  return core
}

/** Up to (c), with what the store holds. */
function claimed(stored: Checkpoint | null = null, options: Partial<TakeoverOptions> = {}): TakeoverCore {
  const core = takeover(options)
  core.heartbeatAnswered(0)
  core.claimed(stored)
  return core
}

/** Up to (d). */
function atEnds(
  stored: Checkpoint | null = null,
  offsets = committed,
  options: Partial<TakeoverOptions> = {},
): TakeoverCore {
  const core = claimed(stored, options)
  core.offsetsAnswered(0, offsets)
  return core
}

/** Up to (g). */
function restoring(offsets = committed, options: Partial<TakeoverOptions> = {}): TakeoverCore {
  const core = atEnds(null, offsets, options)
  core.endsAnswered(position(0), position(40))
  return core
}

const planned = (command: TakeoverCommand) => {
  if (command.kind !== 'restore') throw new Error(`not a restore: ${command.kind}`)
  return command.plan
}

describe('the order', () => {
  test('heartbeat, claim, stable offsets, ends, restore, run', () => {
    const core = new TakeoverCore({
      plan,
      task: TASK,
      membership,
      deleteRetentionMs: RETENTION_MS,
      forceRebuild: false,
      nowMs: () => NOW_MS,
      elapsedMs: () => NOW_MS,
    })
    expect(core.start()).toEqual({ kind: 'heartbeat', membership, delayMs: 0 })
    expect(core.heartbeatAnswered(0)).toEqual({ kind: 'claim' })
    expect(core.claimed(checkpointOf())).toEqual({
      kind: 'offsets',
      partitions: committed.map(({ topic, partition }) => ({ topic, partition })),
      delayMs: 0,
    })
    expect(core.offsetsAnswered(0, committed)).toEqual({ kind: 'ends', delayMs: 0 })
    expect(core.endsAnswered(position(0), position(40)).kind).toBe('restore')
    const run = core.restored(record())
    expect(run.kind).toBe('run')
    expect(core.step).toBe('done')
  })

  test('the time of day may be set back while it waits for the dead', () => {
    let [nowMs, elapsedMs] = [NOW_MS, 0]
    const core = new TakeoverCore({
      plan,
      task: TASK,
      membership,
      deleteRetentionMs: RETENTION_MS,
      forceRebuild: false,
      nowMs: () => nowMs,
      elapsedMs: () => elapsedMs,
    })
    core.start()
    core.heartbeatAnswered(0)
    core.claimed(checkpointOf())
    expect(core.offsetsAnswered(codes.UNSTABLE_OFFSET_COMMIT, []).kind).toBe('offsets')
    nowMs -= 3_600_000
    elapsedMs += 1_000
    expect(core.offsetsAnswered(codes.UNSTABLE_OFFSET_COMMIT, []).kind).toBe('find-dead')
  })

  test('nothing can be skipped', () => {
    const core = takeover()
    expect(() => core.claimed(null)).toThrow('the takeover is at heartbeat, not at claim')
    expect(() => core.offsetsAnswered(0, [])).toThrow('not at offsets')
    expect(() => core.endsAnswered(position(0), position(0))).toThrow('not at ends')
    expect(() => core.restored(null)).toThrow('not at restore')
    expect(() => core.deadFound(null)).toThrow('not at find-dead')
    expect(() => core.fenced()).toThrow('not at fence')
    expect(() => core.earliestAnswered([])).toThrow('not at earliest')
  })

  test('runs with the positions of the group and the counters of the changelog', () => {
    const run = restoring().restored(record())
    if (run.kind !== 'run') throw new Error(run.kind)
    expect(run.progress.batch).toBe(7)
    expect(run.progress.positionsByName()).toEqual({ IN: { 0: 10, 2: 20 }, 'app-repartition': { 0: 5 } })
    expect([...run.progress.counters]).toEqual([['moves', 12]])
  })
})

describe('(a) the heartbeat', () => {
  test.each([codes.REBALANCE_IN_PROGRESS, codes.ILLEGAL_GENERATION])(
    '%i: waits for the assignment, then asks again',
    (code) => {
      const core = takeover()
      expect(core.heartbeatAnswered(code)).toEqual({ kind: 'await-assignment' })
      expect(core.step).toBe('heartbeat')
    },
  )

  test.each([codes.UNKNOWN_MEMBER_ID, codes.FENCED_INSTANCE_ID])('%i: lost', (code) => {
    expect(takeover().heartbeatAnswered(code)).toEqual({ kind: 'lost', code })
  })

  test('a refused group stops', () => {
    expect(takeover().heartbeatAnswered(codes.GROUP_AUTHORIZATION_FAILED)).toMatchObject({
      kind: 'stop',
      code: 'group.refused',
    })
  })

  test.each([codes.COORDINATOR_NOT_AVAILABLE, codes.NOT_COORDINATOR, codes.REQUEST_TIMED_OUT, 4_711])(
    '%i: asks again',
    (code) => {
      expect(takeover().heartbeatAnswered(code)).toMatchObject({ kind: 'heartbeat', membership })
    },
  )

  test('no answer: asks again', () => {
    expect(takeover().heartbeatLost()).toMatchObject({ kind: 'heartbeat', membership })
  })

  test('a later generation that kept the task is asked about from then on', () => {
    const core = takeover()
    const later = { ...membership, generation: 5 }
    core.kept(later)
    expect(core.heartbeatLost()).toMatchObject({ kind: 'heartbeat', membership: later })
  })

  test('a refusal of the generation before, when a later one has kept the task meanwhile: asks with that', () => {
    for (const code of [codes.ILLEGAL_GENERATION, codes.REBALANCE_IN_PROGRESS]) {
      const core = takeover()
      const later = { ...membership, generation: 5 }
      core.kept(later)
      expect(core.heartbeatAnswered(code)).toMatchObject({ kind: 'heartbeat', membership: later })
      // The answer to that one counts.
      expect(core.heartbeatAnswered(code)).toEqual({ kind: 'await-assignment' })
    }
  })
})

describe('(c) committed offsets', () => {
  test('unstable: asks again for 200 ms, then looks for a dead owner', () => {
    const core = claimed()
    expect(core.offsetsAnswered(codes.UNSTABLE_OFFSET_COMMIT, [])).toMatchObject({ kind: 'offsets' })
    nowMs += 199
    expect(core.offsetsAnswered(codes.UNSTABLE_OFFSET_COMMIT, [])).toMatchObject({ kind: 'offsets' })
    nowMs += 1
    expect(core.offsetsAnswered(codes.UNSTABLE_OFFSET_COMMIT, [])).toEqual({ kind: 'find-dead' })
  })

  function looking(): TakeoverCore {
    const core = claimed()
    core.offsetsAnswered(codes.UNSTABLE_OFFSET_COMMIT, [])
    nowMs += 200
    core.offsetsAnswered(codes.UNSTABLE_OFFSET_COMMIT, [])
    return core
  }

  test('nobody is dead: the living will end it; patience begins anew', () => {
    const core = looking()
    expect(core.deadFound(null)).toMatchObject({ kind: 'offsets' })
    expect(core.offsetsAnswered(codes.UNSTABLE_OFFSET_COMMIT, [])).toMatchObject({ kind: 'offsets' })
  })

  test('a dead one is fenced once, with its identity, and the offsets tell', () => {
    const core = looking()
    const dead = { transactionalId: 'app-dead', identity: { producerId: 5n, epoch: 2 } }
    expect(core.deadFound(dead)).toEqual({ kind: 'fence', ...dead })
    expect(core.fenced()).toMatchObject({ kind: 'offsets' })
    expect(core.offsetsAnswered(0, committed)).toMatchObject({ kind: 'ends' })
  })

  test.each([codes.COORDINATOR_LOAD_IN_PROGRESS, codes.NOT_COORDINATOR, 4_711])('%i: asks again', (code) => {
    expect(claimed().offsetsAnswered(code, [])).toMatchObject({ kind: 'offsets' })
  })

  test('no answer: asks again', () => {
    const command = claimed().offsetsLost()
    expect(command).toMatchObject({ kind: 'offsets' })
    expect((command as { delayMs: number }).delayMs).toBeGreaterThan(0)
  })

  test('a refused group stops', () => {
    expect(claimed().offsetsAnswered(codes.GROUP_AUTHORIZATION_FAILED, [])).toMatchObject({
      kind: 'stop',
      code: 'group.refused',
    })
  })
})

describe('(e) what the store holds', () => {
  const at = (stored: Checkpoint | null, start: number, end: number, options: Partial<TakeoverOptions> = {}) =>
    planned(atEnds(stored, committed, options).endsAnswered(position(start), position(end)))

  const group = { ours: 'group', stored: null }

  test('the group that the store was written by is told, whether it is built upon or not', () => {
    for (const base of [checkpointOf({ groupId: 'other' }), checkpointOf({ groupId: 'other', offset: offset(41) })])
      expect(at(base, 0, 40).group).toEqual({ ours: 'group', stored: 'other' })
  })

  test('a checkpoint within the log is built upon, from the first change of its batch', () => {
    const base = checkpointOf()
    expect(at(base, 0, 40)).toEqual({ from: 28, end: 40, rebuild: false, base, baseIsFresh: true, group })
  })

  test('the log begins in the middle of that batch: from the log’s start', () => {
    expect(at(checkpointOf(), 29, 40)).toMatchObject({ from: 29, rebuild: false })
    expect(at(checkpointOf(), 30, 40)).toMatchObject({ from: 30, rebuild: false })
  })

  test.each([
    ['nothing', null, 0, 40],
    ['a checkpoint that is the end of the log', checkpointOf({ offset: offset(40) }), 0, 40],
    ['one beyond the end', checkpointOf({ offset: offset(41) }), 0, 40],
    ['one of another cluster', checkpointOf({ clusterId: 'cluster-2' }), 0, 40],
    ['one of another changelog', checkpointOf({ changelogTopicId: 'id-other' }), 0, 40],
  ])('%s: rebuild from the start', (_, stored, start, end) => {
    expect(at(stored, start, end)).toEqual({ from: start, end, rebuild: true, base: null, baseIsFresh: true, group })
  })

  test.each([
    ['nothing', null, {}],
    ['a checkpoint before the start', checkpointOf(), {}],
    ['state as of before the first batch', checkpointOf({ batch: 0, offset: offset(-1), firstOffset: offset(-1) }), {}],
    ['what must not be built upon', checkpointOf({ offset: offset(35) }), { forceRebuild: true }],
  ])('%s, and a log that does not begin at 0: records are gone for good', (_, stored, options) => {
    expect(atEnds(stored, committed, options).endsAnswered(position(31), position(40))).toMatchObject({
      kind: 'stop',
      code: 'changelog.cut',
      message: expect.stringContaining('app-changelog-0 begins at offset 31'),
    })
  })

  test('the same error again: rebuild, whatever it holds', () => {
    expect(at(checkpointOf(), 0, 40, { forceRebuild: true })).toMatchObject({ rebuild: true, base: null })
  })

  test('fresh is younger than half of delete.retention.ms', () => {
    expect(at(checkpointOf({ committedAtMs: NOW_MS - RETENTION_MS / 2 + 1 }), 0, 40)).toMatchObject({
      baseIsFresh: true,
    })
    expect(at(checkpointOf({ committedAtMs: NOW_MS - RETENTION_MS / 2 }), 0, 40)).toMatchObject({ baseIsFresh: false })
  })

  test('of a clock that was far ahead the age is not known: not fresh', () => {
    const aged = (ageMs: number) => at(checkpointOf({ committedAtMs: NOW_MS - ageMs }), 0, 40)
    expect(aged(-60_000)).toMatchObject({ baseIsFresh: true })
    expect(aged(-60_001)).toMatchObject({ baseIsFresh: false })
    expect(aged(-86_400_000)).toMatchObject({ baseIsFresh: false })
  })

  test('state as of before the first batch: everything is replayed into it', () => {
    const base = checkpointOf({ batch: 0, offset: offset(-1), firstOffset: offset(-1) })
    expect(at(base, 0, 40)).toMatchObject({ from: 0, rebuild: false, base })
  })

  test('no answer: asks again', () => {
    expect(atEnds().endsLost()).toMatchObject({ kind: 'ends' })
  })
})

describe('(g) the comparison', () => {
  const stopOf = (command: TakeoverCommand): string => {
    if (command.kind !== 'stop') throw new Error(`goes on: ${command.kind}`)
    expect(command.code in stopCodes).toBe(true)
    expect(command.message.length).toBeGreaterThan(10)
    return command.code
  }

  test.each<[string, string, Partial<CheckpointRecord>]>([
    ['another number of tasks', 'tasks.changed', { tasks: 4 }],
    ['another stride of ids', 'stride.changed', { stride: 4 }],
    ['another cluster', 'state.foreign', { clusterId: 'cluster-9' }],
    [
      'a source that was recreated',
      'topic.recreated',
      { topicIds: { IN: 'id-before', 'app-repartition': 'id-repartition' } },
    ],
    [
      'a repartition topic that was recreated',
      'topic.recreated',
      { topicIds: { IN: 'id-IN', 'app-repartition': 'id-before' } },
    ],
    ['a store that is gone', 'topology.incompatible', { stores: { entries: 'map', totals: 'value', more: 'map' } }],
    ['a store of another kind', 'topology.incompatible', { stores: { entries: 'value', totals: 'value' } }],
    ['another offset', 'offsets.mismatch', { positions: { IN: { 0: 11, 2: 20 }, 'app-repartition': { 0: 5 } } }],
    ['a source that is none any more', 'source.removed', { positions: { IN: { 0: 10, 2: 20 }, BEFORE: { 0: 1 } } }],
  ])('%s: %s', (_, code, changes) => {
    expect(stopOf(restoring().restored(record(changes)))).toBe(code)
  })

  describe('a partition that only the state knows', () => {
    const later = record({ positions: { IN: { 0: 10, 2: 20, 4: 1 }, 'app-repartition': { 0: 5 } } })
    const partitions = [{ topic: 'IN', partition: 4 }]
    const asked = () => {
      const core = restoring()
      expect(core.restored(later)).toEqual({ kind: 'offsets', partitions, delayMs: 0 })
      return core
    }

    test('its offset is asked for, compared, and kept with the others', () => {
      const run = asked().offsetsAnswered(0, [{ topic: 'IN', partition: 4, position: position(1) }])
      if (run.kind !== 'run') throw new Error(run.kind)
      expect(run.progress.positionsByName()).toEqual(later.positions)
    })

    test('the group has another one, or none: offsets.mismatch', () => {
      expect(stopOf(asked().offsetsAnswered(0, []))).toBe('offsets.mismatch')
      const moved = [{ topic: 'IN', partition: 4, position: position(2) }]
      expect(stopOf(asked().offsetsAnswered(0, moved))).toBe('offsets.mismatch')
    })

    test('no answer: asks again; pending again: from the beginning; refused: stops', () => {
      expect(asked().offsetsLost()).toMatchObject({ kind: 'offsets', partitions })
      expect(asked().offsetsAnswered(codes.NOT_COORDINATOR, [])).toMatchObject({ kind: 'offsets', partitions })
      expect(asked().offsetsAnswered(codes.UNSTABLE_OFFSET_COMMIT, [])).toMatchObject({ kind: 'again' })
      expect(stopOf(asked().offsetsAnswered(codes.GROUP_AUTHORIZATION_FAILED, []))).toBe('group.refused')
    })
  })

  test('state and no offsets: offsets.missing', () => {
    expect(stopOf(restoring([]).restored(record()))).toBe('offsets.missing')
  })

  test('offsets and no state: offsets.foreign', () => {
    expect(stopOf(restoring().restored(null))).toBe('offsets.foreign')
  })

  test('a store that is new, and a topology of another name, are no obstacle', () => {
    expect(restoring().restored(record({ stores: { entries: 'map' }, topology: 'before' })).kind).toBe('run')
  })

  test('a topic that the state does not know yet is no obstacle', () => {
    expect(
      restoring().restored(record({ topicIds: {}, positions: { IN: { 0: 10, 2: 20 }, 'app-repartition': { 0: 5 } } }))
        .kind,
    ).toBe('run')
  })
})

describe('partitions that were never read', () => {
  test('a first start begins where each partition begins', () => {
    const core = restoring([])
    const command = core.restored(null)
    expect(command).toMatchObject({
      kind: 'earliest',
      partitions: committed.map(({ topic, partition }) => ({ topic, partition })),
    })
    const run = core.earliestAnswered(committed.map((c) => ({ ...c, position: position(c.position + 1) })))
    if (run.kind !== 'run') throw new Error(run.kind)
    expect(run.progress.batch).toBe(0)
    expect(run.progress.positionsByName()).toEqual({ IN: { 0: 11, 2: 21 }, 'app-repartition': { 0: 6 } })
    expect(run.progress.counters.size).toBe(0)
  })

  test('one that was added begins at its start, the others go on', () => {
    const known = committed.filter((c) => c.partition !== 2)
    const core = restoring(known)
    const command = core.restored(record({ positions: { IN: { 0: 10 }, 'app-repartition': { 0: 5 } } }))
    expect(command).toMatchObject({ kind: 'earliest', partitions: [{ topic: 'IN', partition: 2 }] })
    const run = core.earliestAnswered([{ topic: 'IN', partition: 2, position: position(3) }])
    if (run.kind !== 'run') throw new Error(run.kind)
    expect(run.progress.positionsByName()).toEqual({ IN: { 0: 10, 2: 3 }, 'app-repartition': { 0: 5 } })
  })

  test('no answer: asks again for the same', () => {
    const core = restoring([])
    const command = core.restored(null)
    const again = core.earliestLost()
    expect(again).toMatchObject({ kind: 'earliest', partitions: (command as { partitions: unknown }).partitions })
    expect((again as { delayMs: number }).delayMs).toBeGreaterThan(0)
  })
})
