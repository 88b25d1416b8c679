/** The index of subscribers against the filter's own rule: of one tenant, and of every tenant. */
import { expect, test } from 'vitest'
import { admits, type EventFilter, SubscriberIndex } from '../../api/events/filter.ts'
import type { NoteEvent } from '../../api/events/note-event.ts'

const TENANTS = ['083839c6-c47c-42a6-9585-76492795d123', '447d0baa-7661-4ee2-9e50-d0b02dc71999'] as const
const TYPES = ['CREATED', 'DELETED'] as const
const CHARACTERS = [1, 2, 3]

const filters = [null, ...TENANTS].flatMap((tenant) =>
  [null, new Set([1]), new Set([1, 2])].flatMap((characters) =>
    [null, new Set(['CREATED'])].map((types): EventFilter => ({ tenant, characters, types })),
  ),
)
const events = TENANTS.flatMap((tenant) =>
  CHARACTERS.flatMap((characterId) => TYPES.map((type) => ({ tenant, characterId, type }) as NoteEvent)),
)

test('finds exactly those whose filter admits the event, each once', () => {
  const index = new SubscriberIndex<{ readonly filter: EventFilter }>()
  const subscribers = filters.map((filter) => ({ filter }))
  for (const subscriber of subscribers) index.add(subscriber)
  for (const event of events) {
    const visited: EventFilter[] = []
    index.each(event, ({ filter }) => void visited.push(filter))
    const wanted = filters.filter((filter) => admits(filter, event))
    expect(wanted.length).toBeGreaterThan(0)
    expect(visited).toHaveLength(wanted.length)
    expect(new Set(visited)).toEqual(new Set(wanted))
  }
  for (const subscriber of subscribers) index.delete(subscriber)
  expect(index.isEmpty).toBe(true)
})

test('of every tenant admits any, of one tenant only its own', () => {
  const [a, b] = TENANTS
  const of = (tenant: string) => ({ tenant, characterId: 1, type: 'CREATED' }) as NoteEvent
  const filter = (tenant: string | null): EventFilter => ({ tenant, characters: null, types: null })
  expect([a, b].map((tenant) => admits(filter(null), of(tenant)))).toEqual([true, true])
  expect([a, b].map((tenant) => admits(filter(a), of(tenant)))).toEqual([true, false])
})
