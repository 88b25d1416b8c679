/**
 * Declarations of state: `map` (fields per key), `value` (one per key), `counter` (per task) and `index` (a sorted view
 * of a map for readers). A declaration is a plain value with pure functions; it holds no state.
 */
import type { Count, Delete, Put } from './effects.ts'

/** A read that a handler declares before its transform runs. */
export type Read =
  | { readonly kind: 'entry'; readonly store: Store; readonly key: string; readonly field: string | null }
  | { readonly kind: 'all'; readonly store: Store; readonly key: string }
  | {
      readonly kind: 'find'
      readonly index: SearchableIndex<never, never, unknown>
      readonly group: string
      readonly score: number
    }

export type Store = MapStore<never, never, unknown> | ValueStore<never, unknown>

/** Any map or value store, whatever the types of its keys and values. */
export interface StoreDeclaration {
  readonly kind: 'map' | 'value'
  readonly name: string
}

/**
 * Fields per key; one change writes one field, whatever the number of fields.
 * Text of keys and fields is for people: `:` separates parts by convention, and it must name the entry uniquely.
 */
export interface MapStore<K, F, V> {
  readonly kind: 'map'
  readonly name: string
  keyText(key: K): string
  fieldText(field: F): string
  parseField(text: string): F
  put(key: K, field: F, value: V): Put
  delete(key: K, field: F): Delete
  /** Declares the read of one field. */
  read(key: K, field: F): Read
  /** Declares the read of all fields of the key. */
  readAll(key: K): Read
  /** Phantom: the type of a value. */
  readonly __value?: V
}

/** One JSON value per key. */
export interface ValueStore<K, V> {
  readonly kind: 'value'
  readonly name: string
  keyText(key: K): string
  put(key: K, value: V): Put
  delete(key: K): Delete
  read(key: K): Read
  readonly __value?: V
}

/** A number per task, always in memory and part of every checkpoint; 0 at first. */
export interface Counter {
  readonly kind: 'counter'
  readonly name: string
  /** The store that it serves, if it is no state of its own but bookkeeping of that one's. */
  readonly of: string | null
  set(value: number): Count
}

/** A sorted view of a map store, derived from its entries: for readers, and, if it is searchable, to find an entry. */
export interface Index {
  readonly kind: 'index'
  readonly name: string
  readonly store: string
  readonly group: (key: string, field: string) => string
  readonly member: (key: string, field: string) => string
  /** Must be an integer below 2^53. */
  readonly score: (key: string, field: string) => number
  /** The order of the fields of each key (fieldOrder): kept for keys with many of them, a reader sorts the others. */
  readonly isFieldOrder: boolean
}

/** An index by whose score a transform may find an entry. Within a group a score must be one entry's alone. */
export interface SearchableIndex<K, F, V> extends Index {
  readonly of: MapStore<K, F, V>
  /** Which entry a member stands for: the inverse of group and member. */
  entry(group: string, member: string): { readonly key: K; readonly field: F }
  /** Declares the search of an entry. It costs two round trips of the batch. */
  find(group: string, score: number): Read
}

/** What a search found. */
export interface Found<K, F, V> {
  readonly key: K
  readonly field: F
  readonly value: V
}

export function map<K, F extends string | number, V>(spec: {
  name: string
  key: (key: K) => string
  field?: (field: F) => string
  parseField?: (text: string) => F
}): MapStore<K, F, V> {
  const fieldText = spec.field ?? String
  const keyText = remembering(spec.key)
  const store: MapStore<K, F, V> = {
    kind: 'map',
    name: spec.name,
    keyText,
    fieldText,
    parseField: spec.parseField ?? ((text) => text as F),
    put: (key, field, value) => ({ kind: 'put', store: erased, key: keyText(key), field: fieldText(field), value }),
    delete: (key, field) => ({ kind: 'delete', store: erased, key: keyText(key), field: fieldText(field) }),
    read: (key, field) => ({ kind: 'entry', store: erased, key: keyText(key), field: fieldText(field) }),
    readAll: (key) => ({ kind: 'all', store: erased, key: keyText(key) }),
  }
  const erased: Store = store as Store
  return store
}

/** One record names one key many times: the text of the same key object is made once. Keys must not be changed in place. */
function remembering<K>(text: (key: K) => string): (key: K) => string {
  let lastKey: K | undefined
  let lastText = ''
  return (key) => {
    if (typeof key !== 'object' || key === null) return text(key)
    if (key !== lastKey) {
      lastText = text(key)
      lastKey = key
    }
    return lastText
  }
}

export function value<K, V>(spec: { name: string; key: (key: K) => string }): ValueStore<K, V> {
  const store: ValueStore<K, V> = {
    kind: 'value',
    name: spec.name,
    keyText: spec.key,
    put: (key, value) => ({ kind: 'put', store: erased, key: spec.key(key), field: null, value }),
    delete: (key) => ({ kind: 'delete', store: erased, key: spec.key(key), field: null }),
    read: (key) => ({ kind: 'entry', store: erased, key: spec.key(key), field: null }),
  }
  const erased: Store = store as Store
  return store
}

export function counter(spec: { name: string; of?: { readonly name: string } }): Counter {
  const declared: Counter = {
    kind: 'counter',
    name: spec.name,
    of: spec.of?.name ?? null,
    set: (value) => ({ kind: 'count', counter: declared, value }),
  }
  return declared
}

interface IndexSpec {
  name: string
  group: (key: string, field: string) => string
  member: (key: string, field: string) => string
  score: (key: string, field: string) => number
}

export function index(spec: IndexSpec & { of: { readonly name: string } }): Index {
  const { name, of, group, member, score } = spec
  return { kind: 'index', name, store: of.name, group, member, score, isFieldOrder: false }
}

/**
 * The fields of each key in order, for readers; they are whole numbers from 0. A page of a key costs the same however many fields it has. Half
 * as dear as an index that says the same, for most keys have few fields, and those need none.
 */
export function fieldOrder<K, V>({ name, of }: { name: string; of: MapStore<K, number, V> }): Index {
  return {
    kind: 'index',
    name,
    store: of.name,
    group: (key) => key,
    member: (_, field) => field,
    score: (_, field) => Number(field),
    isFieldOrder: true,
  }
}

export function searchableIndex<K, F, V>(
  spec: IndexSpec & {
    of: MapStore<K, F, V>
    entry: (group: string, member: string) => { readonly key: K; readonly field: F }
  },
): SearchableIndex<K, F, V> {
  const declared: SearchableIndex<K, F, V> = {
    ...index(spec),
    of: spec.of,
    entry: spec.entry,
    find: (group, score) => ({ kind: 'find', index: erased, group, score }),
  }
  const erased = declared as SearchableIndex<never, never, unknown>
  return declared
}
