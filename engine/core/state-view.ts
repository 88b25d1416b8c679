/**
 * State as a transform sees it: the batch's own overlay, the overlay of the batch below (computed, perhaps not yet in
 * Redis), then what was read for this batch. Nothing else: an entry that was not declared is an error, not a miss.
 */

import { entryName } from '../../stores/core/layout.ts'
import type { EntryCache } from '../../stores/core/memory-cache.ts'
import type { Overlay } from '../../stores/core/overlay.ts'
import type { ReadAnswer, ReadRequest } from '../../stores/ports.ts'
import type { State } from '../../topology/sources.ts'
import type { Counter, Found, MapStore, Read, SearchableIndex, ValueStore } from '../../topology/stores.ts'
import { placeOf, type Search, searchName } from './search.ts'

/** Thrown inside a transform that asks for what has not been read; the batch then reads it if it was declared. */
export class NotRead extends Error {
  constructor(name: string) {
    super(`entry ${name} was read without being declared in reads`)
    this.name = 'NotRead'
  }
}

/** Everything read for one batch. Owned by the batch until it is applied or dropped: a cache may evict, this does not. */
export class ReadSet {
  readonly entries = new Map<string, string | null>()
  readonly wholes = new Map<string, ReadonlyMap<string, string>>()
  /** Members that an index has at a score, by searchName. */
  readonly members = new Map<string, readonly string[]>()

  /** It grows with every answer, and with what memory knew. */
  get size(): number {
    return this.entries.size + this.wholes.size + this.members.size
  }
}

export class StateView implements State {
  readonly task: number
  readonly tasks: number
  readonly stride: number
  readonly #own: Overlay
  readonly #below: Overlay | null
  readonly #reads: ReadSet
  readonly #counters: ReadonlyMap<string, number>

  constructor(
    where: { task: number; tasks: number; stride: number },
    own: Overlay,
    below: Overlay | null,
    reads: ReadSet,
    counters: ReadonlyMap<string, number>,
  ) {
    this.task = where.task
    this.tasks = where.tasks
    this.stride = where.stride
    this.#own = own
    this.#below = below
    this.#reads = reads
    this.#counters = counters
  }

  get<K, F, V>(store: MapStore<K, F, V>, key: K, field: F): V | undefined {
    return this.#entry(entryName(store.name, store.keyText(key), store.fieldText(field))) as V | undefined
  }

  value<K, V>(store: ValueStore<K, V>, key: K): V | undefined {
    return this.#entry(entryName(store.name, store.keyText(key), null)) as V | undefined
  }

  all<K, F, V>(store: MapStore<K, F, V>, key: K): readonly (readonly [F, V])[] {
    const keyText = store.keyText(key)
    const whole = this.#reads.wholes.get(wholeName(store.name, keyText))
    if (!whole) throw new NotRead(wholeName(store.name, keyText))
    const fields = new Map<string, unknown>(whole)
    for (const [field, json] of whole) fields.set(field, JSON.parse(json))
    for (const overlay of [this.#below, this.#own])
      for (const [field, entry] of overlay?.fieldsOf(store.name, keyText) ?? []) {
        if (entry.json === null) fields.delete(field)
        else fields.set(field, JSON.parse(entry.json))
      }
    // In order of the fields' text, as the store answers: the same wherever one batch ends and the next begins.
    return [...fields].sort(byField).map(([field, value]) => [store.parseField(field), value as V] as const)
  }

  find<K, F, V>(index: SearchableIndex<K, F, V>, group: string, score: number): Found<K, F, V> | undefined {
    const search: Search = { index: index as Search['index'], group, score }
    const members = this.#reads.members.get(searchName(search))
    if (!members) throw new NotRead(searchName(search))
    const place = placeOf(search, members, [this.#below, this.#own])
    if (!place) return undefined
    const { key, field } = place
    const value = this.get(index.of, key, field)
    return value === undefined ? undefined : { key, field, value }
  }

  counter(counter: Counter): number {
    return this.#counters.get(counter.name) ?? 0
  }

  #entry(name: string): unknown {
    const changed = this.#own.get(name) ?? this.#below?.get(name)
    // Parsed even where the value itself is still there: a Date or an undefined field must not tell where a batch ended,
    // and what a transform does to what it read must not reach the next one.
    const json = changed ? changed.json : this.#reads.entries.get(name)
    if (json === undefined) throw new NotRead(name)
    return json === null ? undefined : JSON.parse(json)
  }
}

const byField = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0

export const wholeName = (store: string, key: string): string => entryName(store, key, null)

/**
 * What of the declared reads is neither known nor in memory. What memory knows is pinned into the read set here, so
 * that an eviction between now and the transform changes nothing.
 */
export class ReadPlanner {
  readonly requests: ReadRequest[] = []
  readonly #names: string[] = []
  readonly #asked = new Set<string>()
  readonly #own: Overlay
  readonly #below: Overlay | null
  readonly #reads: ReadSet
  readonly #memory: EntryCache

  constructor(own: Overlay, below: Overlay | null, reads: ReadSet, memory: EntryCache) {
    this.#own = own
    this.#below = below
    this.#reads = reads
    this.#memory = memory
  }

  add(read: Read): void {
    if (read.kind === 'find') this.#addSearch(read)
    else if (read.kind === 'all') this.#addAll(read.store.name, read.key)
    else this.#addEntry(read.store.name, read.key, read.field)
  }

  /** First where the entry is, then, when that is known and somebody asks again, the entry. */
  #addSearch(search: Search): void {
    const { index, group, score } = search
    const name = searchName(search)
    const members = this.#reads.members.get(name)
    if (members) {
      const place = placeOf(search, members, [this.#below, this.#own])
      if (place) this.#addEntry(index.store, index.of.keyText(place.key), index.of.fieldText(place.field))
      return
    }
    if (this.#asked.has(name)) return
    this.#asked.add(name)
    this.#names.push(name)
    this.requests.push({ kind: 'members', index: index.name, group, score })
  }

  #addAll(store: string, key: string): void {
    const name = wholeName(store, key)
    if (this.#reads.wholes.has(name) || this.#asked.has(`${name}/*`)) return
    this.#asked.add(`${name}/*`)
    this.#names.push(name)
    this.requests.push({ kind: 'all', store, key })
  }

  #addEntry(store: string, key: string, field: string | null): void {
    const name = entryName(store, key, field)
    if (this.#reads.entries.has(name) || this.#asked.has(name)) return
    if (this.#own.get(name) ?? this.#below?.get(name)) return
    const known = this.#memory.get(name)
    if (known !== undefined) {
      this.#reads.entries.set(name, known)
      return
    }
    this.#asked.add(name)
    this.#names.push(name)
    this.requests.push({ kind: 'entry', store, key, field })
  }

  /** Puts the answers, in the order of the requests, into the read set. */
  supply(answers: readonly ReadAnswer[]): void {
    answers.forEach((answer, i) => {
      const name = this.#names[i]!
      if (answer.kind === 'all') this.#reads.wholes.set(name, new Map(answer.entries))
      else if (answer.kind === 'members') this.#reads.members.set(name, answer.members)
      else this.#reads.entries.set(name, answer.json)
    })
  }
}
