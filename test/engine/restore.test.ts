/** Walking the changelog of a task: what is written to the store, what is built upon, what is refused. */
import { describe, expect, test } from 'vitest'
import { offset, position } from '../../engine/core/numbers.ts'
import { RESTORE_CHANGES_MAX, RestoreCore } from '../../engine/core/restore.ts'
import type { RestorePlan } from '../../engine/core/takeover.ts'
import {
  CHECKPOINT_KEY,
  type CheckpointRecord,
  encodeCheckpointRecord,
  STATE_FORMAT,
} from '../../stores/core/changelog.ts'
import { checkpointOf, recordOf } from './support.ts'

const group = { ours: 'group', stored: null }
const anew = { from: position(0), end: position(100), rebuild: true, base: null, baseIsFresh: true }
const rebuilding: RestorePlan = { ...anew, group }
const base = checkpointOf({ batch: 3, offset: offset(30), firstOffset: offset(28) })
const upon = { from: position(28), end: position(100), rebuild: false, base, baseIsFresh: true }
const building: RestorePlan = { ...upon, group }

const change = (at: number, key: string, value: string | null) => recordOf(at, { key, value })
const checkpoint = (at: number, batch: number, changes: Partial<CheckpointRecord> = {}) =>
  recordOf(at, {
    key: CHECKPOINT_KEY,
    value: encodeCheckpointRecord({
      stateFormat: STATE_FORMAT,
      batch,
      clusterId: 'cluster-1',
      tasks: 1,
      stride: 1,
      positions: {},
      topicIds: {},
      counters: {},
      stores: {},
      topology: 'small',
      transactionalId: 'app-x',
      ...changes,
    }),
  })

describe('changes', () => {
  test('are drained in order, deletions too', () => {
    const core = new RestoreCore(rebuilding)
    for (const view of [change(0, 'entries/a/f', '1'), change(1, 'totals/a', '2'), change(2, 'entries/a/f', null)])
      expect(core.take(view).kind).toBe('go-on')
    expect(core.drain()).toEqual([
      { store: 'entries', key: 'a', field: 'f', json: '1' },
      { store: 'totals', key: 'a', field: null, json: '2' },
      { store: 'entries', key: 'a', field: 'f', json: null },
    ])
    expect(core.drain()).toEqual([])
  })

  test('are due in portions', () => {
    const core = new RestoreCore(rebuilding)
    for (let i = 0; i < RESTORE_CHANGES_MAX; i++) {
      expect(core.due).toBe(false)
      core.take(change(i, `entries/a/${i}`, '1'))
    }
    expect(core.due).toBe(true)
    core.drain()
    expect(core.due).toBe(false)
  })
})

describe('changes of a store that the topology has not', () => {
  const stores = [
    { name: 'entries', kind: 'map' },
    { name: 'totals', kind: 'value' },
  ] as const
  test.each([
    ['unknown', change(0, 'gone/a/f', '1')],
    ['deleted in an unknown one', change(0, 'gone/a', null)],
    ['of another kind', change(0, 'totals/a/f', '1')],
  ])('%s: stop, before anything of it is written', (_, view) => {
    const core = new RestoreCore(rebuilding, stores)
    expect(core.take(change(0, 'totals/a', '1')).kind).toBe('go-on')
    expect(core.take(change(1, 'entries/a/f', '1')).kind).toBe('go-on')
    expect(core.take(view)).toMatchObject({ kind: 'stop', code: 'topology.incompatible' })
    expect(core.drain()).toHaveLength(2)
  })
})

describe('checkpoint records', () => {
  test('the last one counts, with the first change of its batch', () => {
    const core = new RestoreCore(rebuilding)
    for (const view of [
      change(0, 'totals/a', '1'),
      checkpoint(1, 1),
      change(3, 'totals/a', '2'),
      change(4, 'totals/b', '2'),
      checkpoint(5, 2),
    ])
      core.take(view)
    expect(core.last).toMatchObject({ record: { batch: 2 }, offset: 5, firstOffset: 3 })
    expect(core.finish().kind).toBe('go-on')
  })

  test('a batch without changes begins at its checkpoint record', () => {
    const core = new RestoreCore(rebuilding)
    core.take(checkpoint(7, 4))
    expect(core.last).toMatchObject({ offset: 7, firstOffset: 7 })
  })
})

describe('building on what the store holds', () => {
  test('its own batch again, then what follows', () => {
    const core = new RestoreCore(building)
    for (const view of [change(28, 'totals/a', '1'), checkpoint(30, 3), change(32, 'totals/b', '1'), checkpoint(33, 4)])
      expect(core.take(view).kind).toBe('go-on')
    expect(core.finish().kind).toBe('go-on')
    expect(core.drain()).toHaveLength(2)
  })

  test('another batch where its own should be: rebuild', () => {
    const core = new RestoreCore(building)
    expect(core.take(checkpoint(30, 4))).toMatchObject({ kind: 'rebuild' })
  })

  test('a change where its checkpoint record should be: rebuild', () => {
    const core = new RestoreCore(building)
    expect(core.take(change(30, 'totals/a', '1'))).toMatchObject({ kind: 'rebuild' })
  })

  test('its own record was compacted away, a later one is there: goes on', () => {
    const core = new RestoreCore(building)
    expect(core.take(checkpoint(33, 5)).kind).toBe('go-on')
    expect(core.finish().kind).toBe('go-on')
  })

  test('neither it nor a later one: the store is ahead of the changelog', () => {
    const nothing = new RestoreCore(building)
    expect(nothing.finish()).toMatchObject({ kind: 'rebuild' })
    const earlier = new RestoreCore(building)
    earlier.take(checkpoint(29, 2))
    expect(earlier.finish()).toMatchObject({ kind: 'rebuild' })
  })

  test('too old to know of every deletion: rebuild at the first record behind it, not for it alone', () => {
    const core = new RestoreCore({ ...building, baseIsFresh: false })
    expect(core.take(change(28, 'totals/a', '1')).kind).toBe('go-on')
    expect(core.take(checkpoint(30, 3)).kind).toBe('go-on')
    expect(core.finish().kind).toBe('go-on')
    expect(core.take(change(31, 'totals/a', '1'))).toMatchObject({ kind: 'rebuild' })
  })

  test('state as of before the first batch takes any log', () => {
    const core = new RestoreCore({
      ...building,
      base: checkpointOf({ batch: 0, offset: offset(-1), firstOffset: offset(-1) }),
    })
    expect(core.take(checkpoint(0, 1)).kind).toBe('go-on')
    expect(core.finish().kind).toBe('go-on')
    expect(new RestoreCore({ ...building, base: checkpointOf({ batch: 0 }) }).finish().kind).toBe('go-on')
  })
})

describe('the group', () => {
  const finished = (stored: string | null, recorded: string | null | undefined) => {
    const core = new RestoreCore({ ...rebuilding, group: { ours: 'group', stored } })
    if (recorded !== undefined) core.take(checkpoint(3, 1, recorded === null ? {} : { groupId: recorded }))
    return core.finish()
  }

  test.each([
    ['the store has another one, and the changelog nothing', 'other', undefined],
    ['the changelog has another one', 'group', 'other'],
  ])('%s: stops', (_, stored, recorded) => {
    expect(finished(stored, recorded)).toMatchObject({ kind: 'stop', code: 'group.changed' })
  })

  test.each([
    ['nothing is known', null, undefined],
    ['a record of before it was kept', null, null],
    ['that of the changelog counts, whatever the store has', 'other', 'group'],
    ['a record without, and a store that has another one', 'other', null],
  ])('%s: goes on', (_, stored, recorded) => {
    expect(finished(stored, recorded)).toEqual({ kind: 'go-on' })
  })
})

describe('what this version cannot read', () => {
  test('a newer format stops', () => {
    const view = recordOf(0, { key: CHECKPOINT_KEY, value: { stateFormat: STATE_FORMAT + 1 } })
    expect(new RestoreCore(rebuilding).take(view)).toMatchObject({ kind: 'stop', code: 'state.format_newer' })
  })

  test.each([
    ['no key', recordOf(0, { value: '1' })],
    ['a key of nobody', recordOf(0, { key: 'x', value: '1' })],
    ['a checkpoint that was deleted', recordOf(0, { key: CHECKPOINT_KEY, value: null })],
    ['a checkpoint that is not JSON', recordOf(0, { key: CHECKPOINT_KEY, value: '{' })],
    ['a checkpoint of another shape', recordOf(0, { key: CHECKPOINT_KEY, value: { stateFormat: 1 } })],
  ])('%s stops', (_, view) => {
    expect(new RestoreCore(rebuilding).take(view)).toMatchObject({ kind: 'stop', code: 'changelog.foreign' })
  })
})
