/**
 * Turns changes into the writes of one script call. Owns the grouping per Redis key, the index entries that follow from
 * the changes, and the cutting of a batch; pure. The script that carries a plan out: redis/scripts/write.ts, and its
 * model in memory.
 *
 * Measured for a map entry with two index entries (µs of client CPU a change): every argument on its own 1.1, index
 * entries and deletions in one JSON argument 0.75; the server needs the same 4.4 for both.
 */
import type { Change, StoreLayout } from '../ports.ts'
import { assertOrdered } from './field-order.ts'
import { LayoutError, stateKeyPrefix, type TaskKeys } from './keys.ts'
import { escapeText } from './text.ts'

/**
 * Changes in one script call: a batch of commands usually fits (each further call costs a turn of a busy event loop: measured
 * 260 ms against 60 ms a batch on two loaded cores), every section stays below Lua's unpack limit of 7,999 values, and Redis
 * is busy for about 25 ms.
 */
export const CHUNK_CHANGES_MAX = 3_900
/** Characters of keys, fields and values in one script call. One change larger than this goes alone. */
export const CHUNK_CHARACTERS_MAX = 1_048_576

/**
 * A command with its arguments but for the key. Scores are texts: Lua writes a number with 17 digits, and that alone made
 * a change with two index entries cost the server 8.0 instead of 7.0 µs (Redis 6.2).
 */
export type PlannedCall = readonly ['ZADD' | 'ZREM' | 'HDEL' | 'DEL', ...string[]]

/** First and last key of a section, counted from 1; none when the last is before the first. */
export type Span = readonly [first: number, last: number]

/** A store whose keys have their fields in order (field-order.ts), and where its keys stand. */
export interface PlannedOrder {
  /** What the store's keys begin with, and what the sets' keys begin with instead. */
  readonly hash: string
  readonly set: string
  readonly single: Span
  readonly multiple: Span
  /** Its HDEL among the calls. */
  readonly removals: Span
}

/** Keys stand in the order of the sections: `single`, `multiple`, `sets`, `calls`. */
export interface WritePlan {
  readonly keys: readonly string[]
  /** The values of the first three sections, one after the other. */
  readonly values: readonly string[]
  /** How many keys get one field (field, value). */
  readonly single: number
  /** Per key that gets several fields: the number of values (fields and values). */
  readonly multiple: readonly number[]
  /** How many keys are set to one value. */
  readonly sets: number
  readonly calls: readonly PlannedCall[]
  /** Carried out behind the calls. */
  readonly orders: readonly PlannedOrder[]
}

/** Ends of the chunks a batch is applied in; always at least one, so that an empty batch still sets its checkpoint. */
export function cutChanges(changes: readonly Change[]): number[] {
  const ends: number[] = []
  let start = 0
  let characters = 0
  for (let at = 0; at < changes.length; at++) {
    const change = changes[at]!
    const cost = change.key.length + (change.field?.length ?? 0) + (change.json?.length ?? 0)
    if (at > start && (at - start >= CHUNK_CHANGES_MAX || characters + cost > CHUNK_CHARACTERS_MAX)) {
      ends.push(at)
      start = at
      characters = 0
    }
    characters += cost
  }
  ends.push(changes.length)
  return ends
}

export function planWrites(
  layout: StoreLayout,
  keys: TaskKeys,
  version: string,
  changes: readonly Change[],
): WritePlan {
  return new WritePlanner(layout, keys, version).plan(changes, 0, changes.length)
}

interface IndexState {
  readonly layout: StoreLayout['indexes'][number]
  readonly keyPrefix: string
  groups: Map<string, IndexGroup>
  /** Batches mostly stay in one group: saves the look-up. */
  lastText: string | null
  last: IndexGroup | null
}

interface IndexGroup {
  readonly redisKey: string
  puts: ['ZADD', ...string[]] | null
  removals: ['ZREM', ...string[]] | null
}

/** The changes of one key. The first stands in the group itself: most keys have only one in a batch. */
interface EntryGroup {
  readonly key: string
  readonly field: string | null
  readonly json: string | null
  /** Field and JSON by turns, the first change included. */
  items: (string | null)[] | null
}

interface StoreState {
  readonly kind: 'value' | 'map'
  readonly name: string
  readonly keyPrefix: string
  readonly indexes: readonly IndexState[]
  readonly orders: readonly { readonly name: string; readonly keyPrefix: string }[]
  groups: Map<string, EntryGroup>
}

/** Plans for one task and one state version; keeps nothing between two calls. */
export class WritePlanner {
  readonly #stores: readonly StoreState[]
  readonly #byName: ReadonlyMap<string, StoreState>

  constructor(layout: StoreLayout, keys: TaskKeys, version: string) {
    this.#stores = layout.stores.map(({ name, kind }) => ({
      name,
      kind,
      keyPrefix: stateKeyPrefix(keys, version, name),
      indexes: layout.indexes
        .filter((index) => index.store === name && !index.isFieldOrder)
        .map((index) => ({
          layout: index,
          keyPrefix: stateKeyPrefix(keys, version, index.name),
          groups: new Map(),
          lastText: null,
          last: null,
        })),
      orders: layout.indexes
        .filter((index) => index.store === name && index.isFieldOrder)
        .map((index) => ({ name: index.name, keyPrefix: stateKeyPrefix(keys, version, index.name) })),
      groups: new Map(),
    }))
    this.#byName = new Map(this.#stores.map((store) => [store.name, store]))
  }

  /** Changes from..to-1. Of several changes to one entry the last counts. Throws LayoutError. */
  plan(changes: readonly Change[], from: number, to: number): WritePlan {
    for (const store of this.#stores) reset(store)
    let store: StoreState | undefined
    for (let at = from; at < to; at++) {
      const change = changes[at]!
      if (store?.name !== change.store) store = this.#storeOf(change)
      if ((change.field === null) !== (store.kind === 'value')) {
        throw new LayoutError('layout.field', `a change of ${store.kind} store ${store.name} has the wrong field`)
      }
      const group = store.groups.get(change.key)
      if (group === undefined) {
        const { key, field, json } = change
        store.groups.set(key, { key, field, json, items: null })
      } else {
        group.items ??= [group.field, group.json]
        group.items.push(change.field, change.json)
      }
    }
    return this.#emit()
  }

  #storeOf(change: Change): StoreState {
    const store = this.#byName.get(change.store)
    if (store === undefined) throw new LayoutError('layout.store', `no store is named ${change.store}: declare it`)
    return store
  }

  #emit(): WritePlan {
    const out = new Sections()
    for (const store of this.#stores) {
      const before = out.sizes()
      for (const group of store.groups.values()) {
        const escaped = escapeText(group.key)
        if (store.kind === 'map') emitMap(out, store, escaped, group)
        else out.value(store.keyPrefix + escaped, group.items === null ? group.json : (group.items.at(-1) ?? null))
      }
      for (const order of store.orders) out.order(store.keyPrefix, order.keyPrefix, before)
    }
    for (const store of this.#stores) {
      for (const index of store.indexes) {
        for (const { redisKey, puts, removals } of index.groups.values()) {
          if (removals !== null) out.call(redisKey, removals)
          if (puts !== null) out.call(redisKey, puts)
        }
      }
    }
    return out.finish()
  }
}

function emitMap(out: Sections, store: StoreState, escaped: string, group: EntryGroup): void {
  const key = store.keyPrefix + escaped
  if (group.items === null && group.field !== null) {
    if (group.json === null) out.call(key, ['HDEL', group.field.toWellFormed()])
    else out.field(key, group.field, group.json)
    for (const order of store.orders) assertOrdered(order.name, group.field)
    for (const index of store.indexes) follow(index, group.key, escaped, group.field, group.json !== null)
    return
  }
  const puts: string[] = []
  const removals: ['HDEL', ...string[]] = ['HDEL']
  for (const [field, json] of new Map(pairsOf(group.items ?? []))) {
    if (json === null) removals.push(field.toWellFormed())
    else puts.push(field, json)
    for (const order of store.orders) assertOrdered(order.name, field)
    for (const index of store.indexes) follow(index, group.key, escaped, field, json !== null)
  }
  if (puts.length > 0) out.fields(key, puts)
  if (removals.length > 1) out.call(key, removals)
}

function* pairsOf(items: readonly (string | null)[]): Generator<[field: string, json: string | null]> {
  for (let at = 0; at < items.length; at += 2) yield [items[at] ?? '', items[at + 1] ?? null]
}

/** An index entry follows its store's entry: put adds it, a deletion removes it. */
function follow(index: IndexState, key: string, escaped: string, field: string, put: boolean): void {
  const { layout } = index
  const text = layout.group(key, field)
  let group = index.lastText === text ? index.last : (index.groups.get(text) ?? null)
  if (group === null) {
    // Grouping by the key itself is common, and the key is escaped already.
    const redisKey = index.keyPrefix + (text === key ? escaped : escapeText(text))
    group = { redisKey, puts: null, removals: null }
    index.groups.set(text, group)
  }
  index.lastText = text
  index.last = group
  const member = layout.member(key, field).toWellFormed()
  if (!put) {
    if (group.removals === null) group.removals = ['ZREM', member]
    else group.removals.push(member)
    return
  }
  const score = layout.score(key, field)
  if (!Number.isFinite(score)) {
    throw new LayoutError('layout.score', `index ${layout.name} gave the score ${score}: return a finite number`)
  }
  if (group.puts === null) group.puts = ['ZADD', String(score), member]
  else group.puts.push(String(score), member)
}

function reset(store: StoreState): void {
  store.groups = new Map()
  for (const index of store.indexes) {
    index.groups = new Map()
    index.last = null
    index.lastText = null
  }
}

/** Collects the sections of a plan, each with its keys. */
class Sections {
  readonly #singleKeys: string[] = []
  readonly #singleValues: string[] = []
  readonly #multipleKeys: string[] = []
  readonly #multipleValues: string[] = []
  readonly #multiple: number[] = []
  readonly #setKeys: string[] = []
  readonly #setValues: string[] = []
  readonly #callKeys: string[] = []
  readonly #calls: PlannedCall[] = []
  readonly #orders: PlannedOrder[] = []

  sizes(): Sizes {
    return { single: this.#singleKeys.length, multiple: this.#multiple.length, calls: this.#calls.length }
  }

  /** Of everything that was added since `before`. */
  order(hash: string, set: string, before: Sizes): void {
    const now = this.sizes()
    if (now.single === before.single && now.multiple === before.multiple && now.calls === before.calls) return
    this.#orders.push({
      hash,
      set,
      single: [before.single + 1, now.single],
      multiple: [before.multiple + 1, now.multiple],
      removals: [before.calls + 1, now.calls],
    })
  }

  field(key: string, field: string, json: string): void {
    this.#singleKeys.push(key)
    this.#singleValues.push(field, json)
  }

  fields(key: string, pairs: readonly string[]): void {
    this.#multipleKeys.push(key)
    this.#multiple.push(pairs.length)
    for (const value of pairs) this.#multipleValues.push(value)
  }

  value(key: string, json: string | null): void {
    if (json === null) {
      this.call(key, ['DEL'])
      return
    }
    this.#setKeys.push(key)
    this.#setValues.push(json)
  }

  call(key: string, call: PlannedCall): void {
    this.#callKeys.push(key)
    this.#calls.push(call)
  }

  finish(): WritePlan {
    return {
      keys: this.#singleKeys.concat(this.#multipleKeys, this.#setKeys, this.#callKeys),
      values: this.#singleValues.concat(this.#multipleValues, this.#setValues),
      single: this.#singleKeys.length,
      multiple: this.#multiple,
      sets: this.#setKeys.length,
      calls: this.#calls,
      orders: this.#orders,
    }
  }
}

interface Sizes {
  readonly single: number
  readonly multiple: number
  readonly calls: number
}
