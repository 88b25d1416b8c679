/** What must become of a transaction without markers, for everything that a coordinator may say of its producer. */
import { describe, expect, test } from 'vitest'
import {
  coordinatorPartition,
  decidedIn,
  hangingMessage,
  isOpenState,
  isSameOpen,
  judge,
  type Looking,
  type Owner,
  writtenPartitions,
} from '../../engine/core/hanging.ts'
import { offset } from '../../engine/core/numbers.ts'
import type { OpenTransaction } from '../../engine/ports.ts'
import { idle, planOf, topologyOf } from './support.ts'

const open: OpenTransaction = {
  topic: 'app-changelog',
  partition: 1,
  producerId: 7n,
  epoch: 4,
  startOffset: offset(30),
  coordinatorEpoch: 0,
}
const owner = (state: string, changes: Partial<Owner> = {}): Owner => ({
  transactionalId: 'app-dead',
  state,
  producerId: 7n,
  epoch: 5,
  ...changes,
})
const looking = (changes: Partial<Looking> = {}): Looking => ({
  application: 'app',
  transactionalId: 'app-me',
  living: new Set(['app-me', 'app-other']),
  decided: () => undefined,
  ...changes,
})
const ends = (commit: boolean, markerEpoch = 5) => ({ kind: 'end', commit, markerEpoch })

describe('one epoch above the records', () => {
  test.each([
    ['CompleteCommit', ends(true)],
    ['CompleteAbort', ends(false)],
    ['Ongoing', { kind: 'open' }],
    ['PrepareCommit', { kind: 'open' }],
    ['PrepareAbort', { kind: 'open' }],
    ['PrepareEpochFence', { kind: 'open' }],
    ['Empty', { kind: 'passed' }],
    ['Dead', { kind: 'passed' }],
  ])('%s', (state, expected) => {
    expect(judge(open, owner(state), looking())).toMatchObject(expected)
    expect(judge(open, owner(state, { transactionalId: 'app-me' }), looking())).toMatchObject(expected)
  })
})

describe('any other epoch proves nothing', () => {
  test.each([
    ['the same: a transaction that its coordinator has not opened', 4, 'unknown'],
    ['an older one', 3, 'unknown'],
    ['two further: another one has ended since', 6, 'passed'],
    ['many further', 900, 'passed'],
  ])('%s', (_, epoch, kind) => {
    for (const state of ['CompleteCommit', 'CompleteAbort', 'Empty'])
      expect(judge(open, owner(state, { epoch }), looking()).kind).toBe(kind)
  })

  test('its log is looked up, and a marker that is found there is above what is open', () => {
    expect(judge(open, owner('Empty', { epoch: 6 }), looking())).toMatchObject({ kind: 'passed', markerEpoch: 6 })
    const renewed = owner('CompleteCommit', { producerId: 8n, epoch: 0 })
    expect(judge(open, renewed, looking())).toMatchObject({ kind: 'passed', markerEpoch: 5 })
  })

  test('but an open one is open', () => {
    expect(judge(open, owner('Ongoing', { epoch: 4 }), looking()).kind).toBe('open')
  })
})

describe('whose it is', () => {
  test('a living member ends its own', () => {
    expect(judge(open, owner('CompleteCommit', { transactionalId: 'app-other' }), looking()).kind).toBe('living')
  })

  test('without a generation everybody may be alive', () => {
    expect(judge(open, owner('CompleteCommit'), looking({ living: null })).kind).toBe('living')
    const mine = owner('CompleteCommit', { transactionalId: 'app-me' })
    expect(judge(open, mine, looking({ living: null }))).toMatchObject(ends(true))
  })

  test("another application's is left alone", () => {
    for (const transactionalId of ['bob', 'application-x', 'app'])
      expect(judge(open, owner('CompleteCommit', { transactionalId }), looking()).kind).toBe('unknown')
  })

  test('a producer id that nobody knows', () => {
    expect(judge(open, null, looking()).kind).toBe('unknown')
    expect(judge(open, owner('CompleteCommit', { producerId: 8n }), looking()).kind).toBe('passed')
  })
})

describe('what this process has decided itself', () => {
  const mine = (state: string, changes: Partial<Owner> = {}): Owner =>
    owner(state, { transactionalId: 'app-me', ...changes })
  const decided = (commit: boolean): Looking => looking({ decided: ({ epoch }) => (epoch === 4 ? commit : undefined) })

  test('counts though its coordinator is further', () => {
    expect(judge(open, mine('CompleteAbort', { epoch: 6 }), decided(true))).toMatchObject(ends(true, 6))
    expect(judge(open, mine('Empty', { epoch: 9 }), decided(false))).toMatchObject(ends(false, 9))
  })

  test('counts when the epochs have run out since: the marker is one above the records', () => {
    const renewed = mine('CompleteCommit', { producerId: 8n, epoch: 0 })
    expect(judge(open, renewed, decided(true))).toMatchObject(ends(true, 5))
  })

  test('counts for nobody else, for no other epoch and for nothing that is open', () => {
    expect(judge(open, owner('CompleteAbort', { epoch: 6 }), decided(true)).kind).toBe('passed')
    expect(judge({ ...open, epoch: 3 }, mine('CompleteAbort', { epoch: 6 }), decided(true)).kind).toBe('passed')
    expect(judge(open, mine('Ongoing', { epoch: 6 }), decided(true)).kind).toBe('open')
    expect(judge(open, mine('CompleteAbort', { epoch: 4 }), decided(true)).kind).toBe('unknown')
  })
})

describe('what a coordinator has written', () => {
  const line = (epoch: number, state: string, producerId = 7n) => ({ producerId, epoch, state })
  const committed = [line(4, 'Empty'), line(4, 'Ongoing'), line(5, 'PrepareCommit'), line(5, 'CompleteCommit')]

  test('one epoch above the records is their end', () => {
    expect(decidedIn(committed, open)).toBe(true)
    expect(decidedIn([...committed, line(5, 'Ongoing'), line(6, 'PrepareAbort'), line(7, 'Empty')], open)).toBe(true)
    expect(decidedIn([line(4, 'Ongoing'), line(5, 'PrepareAbort')], open)).toBe(false)
  })

  test('compaction may have left the last of it, or nothing', () => {
    expect(decidedIn([line(5, 'CompleteAbort'), line(6, 'Empty')], open)).toBe(false)
    expect(decidedIn([line(6, 'Empty')], open)).toBeNull()
    expect(decidedIn([], open)).toBeNull()
  })

  test('of another producer id or epoch, not decided, or contradictory: nothing is told', () => {
    for (const past of [
      [line(5, 'CompleteCommit', 8n)],
      [line(4, 'CompleteCommit'), line(6, 'CompleteAbort')],
      [line(5, 'Ongoing'), line(5, 'Empty'), line(5, 'Dead'), line(5, '')],
      [line(5, 'PrepareCommit'), line(5, 'CompleteAbort')],
    ])
      expect(decidedIn(past, open)).toBeNull()
  })
})

test('a transaction is the same by place, producer, epoch and beginning', () => {
  expect(isSameOpen(open, { ...open })).toBe(true)
  const others = [
    { topic: 'x' },
    { partition: 2 },
    { producerId: 8n },
    { epoch: 5 },
    { startOffset: offset(31) },
  ] as const
  for (const other of others) expect(isSameOpen(open, { ...open, ...other })).toBe(false)
})

test('states in which a coordinator has something to write', () => {
  const states = [
    'Ongoing',
    'PrepareCommit',
    'PrepareAbort',
    'PrepareEpochFence',
    'Empty',
    'CompleteCommit',
    'Dead',
    '',
  ]
  expect(states.filter(isOpenState)).toEqual(['Ongoing', 'PrepareCommit', 'PrepareAbort', 'PrepareEpochFence'])
})

test('every partition that is written to, once', () => {
  const plan = planOf(topologyOf(idle), { tasks: 2 })
  const names = writtenPartitions(plan).map(({ topic, partition }) => `${topic}-${partition}`)
  expect(names).toEqual(
    expect.arrayContaining([
      'OUT-0',
      'OTHER-0',
      'app-changelog-0',
      'app-changelog-1',
      'app-repartition-1',
      'app-dead-letters-0',
    ]),
  )
  expect(new Set(names).size).toBe(names.length)
})

/** `Math.abs("…".hashCode()) % 50` as Java says it; the last one hashes to the least integer. */
test('the partition of a group is that of the broker', () => {
  const groups = ['notes', 'Notes Service', 'polygenelubricants']
  expect(groups.map((id) => coordinatorPartition(id, 50))).toEqual([33, 28, 0])
})

describe('what an operator is told', () => {
  test('the command, where nothing is known', () => {
    const message = hangingMessage(open, { unknown: 'because' })
    expect(message).toContain('because')
    expect(message).toContain('abort --topic app-changelog --partition 1 --start-offset 30')
  })

  test('never to abort what was committed', () => {
    const message = hangingMessage(open, 'commit')
    expect(message).toContain('--operation ClusterAction')
    expect(message).not.toContain('kafka-transactions.sh')
  })

  test('to abort what was aborted', () => {
    expect(hangingMessage(open, 'abort')).toContain('kafka-transactions.sh')
  })
})
