/** What a client wants to see: always one tenant's events, of some characters or all, of some types or all. Pure. */
import type { NoteEvent } from './note-event.ts'

export interface EventFilter {
  /** In lower case. */
  readonly tenant: string
  /** null: any. */
  readonly characters: ReadonlySet<number> | null
  readonly types: ReadonlySet<string> | null
}

export const admits = ({ tenant, characters, types }: EventFilter, event: NoteEvent): boolean =>
  event.tenant === tenant &&
  (characters === null || characters.has(event.characterId)) &&
  (types === null || types.has(event.type))

interface OfTenant<S> {
  readonly all: Set<S>
  readonly byCharacter: Map<number, Set<S>>
}

/** Who gets an event, without asking those who do not. Owns the sets. */
export class SubscriberIndex<S extends { readonly filter: EventFilter }> {
  readonly #tenants = new Map<string, OfTenant<S>>()

  add(subscriber: S): void {
    const { tenant, characters } = subscriber.filter
    const of = this.#tenants.get(tenant) ?? { all: new Set(), byCharacter: new Map() }
    this.#tenants.set(tenant, of)
    if (characters === null) of.all.add(subscriber)
    for (const character of characters ?? []) {
      const set = of.byCharacter.get(character) ?? new Set()
      of.byCharacter.set(character, set)
      set.add(subscriber)
    }
  }

  delete(subscriber: S): void {
    const { tenant, characters } = subscriber.filter
    const of = this.#tenants.get(tenant)
    if (of === undefined) return
    of.all.delete(subscriber)
    for (const character of characters ?? []) {
      const set = of.byCharacter.get(character)
      set?.delete(subscriber)
      if (set?.size === 0) of.byCharacter.delete(character)
    }
    if (of.all.size === 0 && of.byCharacter.size === 0) this.#tenants.delete(tenant)
  }

  /** Calls for each subscriber that wants the event, each once. */
  each(event: NoteEvent, visit: (subscriber: S) => void): void {
    const of = this.#tenants.get(event.tenant)
    if (of === undefined) return
    for (const set of [of.all, of.byCharacter.get(event.characterId)])
      for (const subscriber of set ?? []) {
        const { types } = subscriber.filter
        if (types === null || types.has(event.type)) visit(subscriber)
      }
  }

  /** True when nobody is left behind in it. */
  get isEmpty(): boolean {
    return this.#tenants.size === 0
  }
}
