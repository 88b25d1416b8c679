/** The demo's own arithmetic: the planned day, and the count that must find what is doubled, lost or wrong. */
import { describe, expect, test } from 'vitest'
import { planDay } from '../../demo/day.ts'
import {
  countEvents,
  createdText,
  deadText,
  deletedText,
  differingNotes,
  failedText,
  foldCommands,
  type SentCommand,
  sagaText,
  updatedText,
} from '../../demo/ledger.ts'

describe('the day', () => {
  test('the same seed, the same day; another, another', () => {
    expect(planDay(7, 500)).toEqual(planDay(7, 500))
    expect(planDay(8, 500).notes).not.toEqual(planDay(7, 500).notes)
  })

  test('every fate occurs, and characters that leave have nothing to do but leave', () => {
    const { notes, bad, characters } = planDay(7, 500)
    expect(new Set(notes.map(({ fate }) => fate))).toEqual(new Set(['kept', 'discarded', 'updated', 'refused']))
    expect(notes.some(({ astray }) => astray)).toBe(true)
    expect([...bad.values()]).toEqual(['not-json', 'unknown-type', 'no-tenant'])
    expect(characters.filter(({ leaves }) => leaves).length).toBeGreaterThan(0)
    for (const { owner, fate } of notes) if (owner.leaves) expect(['kept', 'refused']).toContain(fate)
    expect(new Set(notes.map(({ transactionId }) => transactionId)).size).toBe(notes.length)
    expect(new Set(characters.map(({ tenantId }) => tenantId)).size).toBe(2)
  })

  test('the planned number of events is that of the fold', () => {
    const day = planDay(11, 800)
    const commands: SentCommand[] = []
    const ids = new Map<string, number>()
    day.notes.forEach(({ transactionId, owner, sender, message, flag, fate }, at) => {
      const { tenantId, id: characterId } = owner
      commands.push({ kind: 'create', transactionId, tenantId, characterId, senderId: sender.id, message, flag })
      if (fate !== 'refused') ids.set(transactionId, at + 1)
      if (fate === 'updated')
        commands.push({ kind: 'update', tenantId, characterId, noteId: at + 1, message: 'changed' })
      if (fate === 'discarded') commands.push({ kind: 'discard', tenantId, characterId, noteIds: [at + 1] })
    })
    for (const { leaves, tenantId, id } of day.characters)
      if (leaves) commands.push({ kind: 'leave', tenantId, characterId: id })
    for (const reason of day.bad.values()) commands.push({ kind: 'bad', reason, origin: reason })
    expect(foldCommands(commands, ids).events).toHaveLength(day.events)
  })
})

describe('the fold', () => {
  const note = { tenantId: 't', characterId: 1, senderId: 2, message: 'hi', flag: 0 }
  const create = (transactionId: string, more: Partial<typeof note> = {}): SentCommand => ({
    kind: 'create',
    transactionId,
    ...note,
    ...more,
  })
  const ids = new Map([
    ['a', 5],
    ['b', 6],
  ])

  test('create, update, discard, leave, bad', () => {
    const commands: SentCommand[] = [
      create('a'),
      create('b', { senderId: 1 }),
      create('c', { message: '' }),
      { kind: 'update', tenantId: 't', characterId: 1, noteId: 5, message: 'ho' },
      { kind: 'discard', tenantId: 't', characterId: 1, noteIds: [5, 6, 7] },
      { kind: 'bad', reason: 'r', origin: 'o' },
    ]
    expect(foldCommands(commands, ids)).toEqual({
      events: [
        createdText(5, note, 'a'),
        createdText(6, { ...note, senderId: 1 }, 'b'),
        failedText('t', 1, 'c'),
        updatedText(5, { ...note, message: 'ho' }),
        sagaText('t', 2, 5),
        deletedText('t', 1, 5),
        deletedText('t', 1, 6),
        deadText('r', 'o'),
      ],
      notes: new Map(),
    })
    const left = foldCommands(
      [create('a'), create('b', { tenantId: 'u' }), { kind: 'leave', tenantId: 't', characterId: 1 }],
      ids,
    )
    expect([...left.notes.keys()]).toEqual([6])
  })

  test('a note that never came is expected, and so lost', () => {
    const { events } = foldCommands([create('x')], ids)
    expect(countEvents(events, []).lost).toHaveLength(1)
  })
})

describe('the count', () => {
  test('right, doubled, lost, unexpected', () => {
    expect(countEvents(['a', 'b'], ['b', 'a'])).toEqual({ expected: 2, seen: 2, doubled: [], lost: [], unexpected: [] })
    expect(countEvents(['a', 'b'], ['a', 'a', 'c'])).toEqual({
      expected: 2,
      seen: 3,
      doubled: ['a'],
      lost: ['b'],
      unexpected: ['c'],
    })
  })

  test('notes that differ', () => {
    const note = { tenantId: 't', characterId: 1, senderId: 2, message: 'hi', flag: 0 }
    const expected = new Map([
      [1, note],
      [2, note],
      [3, note],
    ])
    const found = new Map([
      [1, { ...note }],
      [2, { ...note, message: 'ho' }],
      [4, note],
    ])
    expect(differingNotes(expected, found)).toEqual([2, 3, 4])
  })
})
