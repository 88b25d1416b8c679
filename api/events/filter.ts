/** What a client wants to see: one tenant's events or, an operator, everybody's; of some characters or all, of some types or all. Pure. */
import type { NoteEvent } from './note-event.ts'

export interface EventFilter {
  /** In lower case; null: any. */
  readonly tenant: string | null
  /** null: any. */
  readonly characters: ReadonlySet<number> | null
  readonly types: ReadonlySet<string> | null
}

export const admits = ({ tenant, characters, types }: EventFilter, event: NoteEvent): boolean =>
  (tenant === null || event.tenant === tenant) &&
  (characters === null || characters.has(event.characterId)) &&
  (types === null || types.has(event.type))

/** Those of any tenant are kept under a name that no tenant has. */
const ANY = ''

interface OfTenant<S> {
  readonly all: Set<S>
  readonly byCharacter: Map<number, Set<S>>
}

/** Who gets an event, without asking those who do not. Owns the sets. */
export class SubscriberIndex<S extends { readonly filter: EventFilter }> {
  readonly #tenants = new Map<string, OfTenant<S>>()

  add(subscriber: S): void {
    const { characters } = subscriber.filter
    const tenant = subscriber.filter.tenant ?? ANY
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
    const { characters } = subscriber.filter
    const tenant = subscriber.filter.tenant ?? ANY
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
    for (const group of [this.#tenants.get(event.tenant), this.#tenants.get(ANY)])
      for (const set of group ? [group.all, group.byCharacter.get(event.characterId)] : [])
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
