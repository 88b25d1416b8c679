/**
 * Turns read requests into slices, each one script call, and the replies back into answers in the order of the
 * requests. Owns the grouping per Redis key and the size of a slice; pure. The script: redis/scripts/read.ts.
 */
import type { ReadAnswer, ReadRequest, StoreLayout } from '../ports.ts'
import { LayoutError, stateKeyPrefix, type TaskKeys } from './keys.ts'
import { escapeText } from './text.ts'

/** Values asked for in one script call, and fields asked of one key: below Lua's unpack limit of 7,999. */
export const SLICE_VALUES_MAX = 4_000
/** Fields that the `all` requests of one script call may answer together; what does not fit is answered by its size. */
export const SLICE_ALL_FIELDS_MAX = 10_000
/** Members of one score that are answered; the lowest ones. Indexes that are searched have one. */
export const MEMBERS_MAX = 16

/** One key of a slice. `fields` of a hash, its one `value`, `all` of a hash, or the `members` of a sorted set with a score. */
export type SliceKey =
  | { readonly kind: 'fields'; readonly key: string; readonly fields: readonly string[] }
  | { readonly kind: 'value'; readonly key: string }
  | { readonly kind: 'all'; readonly key: string }
  | { readonly kind: 'members'; readonly key: string; readonly score: number }

/**
 * Per key: the values of `fields` (of a single field the value itself), the one `value`, the pairs of `all`, or the
 * number of fields of an `all` left out, or the `members`.
 */
export type SliceReply = string | null | number | readonly (string | null)[]

export interface ReadSlice {
  readonly keys: readonly SliceKey[]
  /** Positions of the requests answered, per key; for `fields` one per field. */
  readonly requests: readonly (readonly number[])[]
}

/** Throws LayoutError for a store or index that the layout does not know. */
export function planReads(
  layout: StoreLayout,
  keys: TaskKeys,
  version: string,
  requests: readonly ReadRequest[],
): ReadSlice[] {
  const stores = new Map(layout.stores.map((store) => [store.name, storeReads(keys, version, store)]))
  const slices = new SliceBuilder()
  for (let at = 0; at < requests.length; at++) {
    const request = requests[at]!
    if (request.kind === 'members') {
      const { group, score } = request
      const prefix = stateKeyPrefix(keys, version, indexOf(layout, request.index))
      slices.add({ kind: 'members', key: prefix + escapeText(group), score }, [at])
      continue
    }
    const store = stores.get(request.store)
    if (store === undefined) throw new LayoutError('layout.store', `no store is named ${request.store}: declare it`)
    const asked = request.kind === 'entry' && request.field === null ? 'value' : 'map'
    if (asked !== store.kind) {
      throw new LayoutError('layout.field', `${request.store} is a ${store.kind} store: ask for it as one`)
    }
    if (request.kind === 'all' || request.field === null) {
      const key = store.keyPrefix + escapeText(request.key)
      slices.add({ kind: request.kind === 'all' ? 'all' : 'value', key }, [at])
      continue
    }
    let entry = store.open.get(request.key)
    if (entry === undefined || !slices.holds(entry)) {
      entry = slices.addFields(store.keyPrefix + escapeText(request.key))
      store.open.set(request.key, entry)
    }
    slices.extend(entry, request.field, at)
  }
  return slices.finish()
}

function indexOf(layout: StoreLayout, name: string): string {
  if (layout.indexes.some((index) => index.name === name)) return name
  throw new LayoutError('layout.index', `no index is named ${name}: declare it`)
}

interface StoreReads {
  readonly kind: 'value' | 'map'
  readonly keyPrefix: string
  readonly open: Map<string, OpenFields>
}

function storeReads(keys: TaskKeys, version: string, store: StoreLayout['stores'][number]): StoreReads {
  return { kind: store.kind, keyPrefix: stateKeyPrefix(keys, version, store.name), open: new Map() }
}

/** Puts the replies of one slice where they belong; answers the `all` requests that were left out. */
export function placeReplies(slice: ReadSlice, replies: readonly SliceReply[], answers: ReadAnswer[]): LeftOut[] {
  const leftOut: LeftOut[] = []
  for (let at = 0; at < slice.keys.length; at++) {
    const key = slice.keys[at]!
    const requests = slice.requests[at]!
    const reply = replies[at] ?? null
    if (key.kind === 'value') {
      answers[requests[0]!] = { kind: 'entry', json: typeof reply === 'string' ? reply : null }
    } else if (key.kind === 'all') {
      if (typeof reply === 'number') leftOut.push({ key: key.key, request: requests[0]!, fields: reply })
      else answers[requests[0]!] = { kind: 'all', entries: sortedEntries(reply) }
    } else if (key.kind === 'members') {
      answers[requests[0]!] = { kind: 'members', members: Array.isArray(reply) ? reply : [] }
    } else {
      for (let n = 0; n < requests.length; n++) {
        answers[requests[n]!] = { kind: 'entry', json: nthValue(reply, n) }
      }
    }
  }
  return leftOut
}

function nthValue(reply: SliceReply, n: number): string | null {
  if (typeof reply === 'string') return n === 0 ? reply : null
  return reply === null || typeof reply === 'number' ? null : (reply[n] ?? null)
}

/** An `all` request that did not fit into its slice, with the number of fields it has now. */
export interface LeftOut {
  readonly key: string
  readonly request: number
  readonly fields: number
}

/**
 * Fields and values by turns to entries in the order of the fields: Redis gives no order, and a transform that walks
 * the entries must come out the same when its batch is done again.
 */
export function sortedEntries(pairs: string | null | readonly (string | null)[]): (readonly [string, string])[] {
  if (pairs === null || typeof pairs === 'string') return []
  const entries: (readonly [string, string])[] = []
  for (let at = 0; at + 1 < pairs.length; at += 2) entries.push([pairs[at] ?? '', pairs[at + 1] ?? ''])
  return entries.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
}

interface OpenFields {
  readonly slice: number
  readonly fields: string[]
  readonly requests: number[]
}

class SliceBuilder {
  readonly #slices: ReadSlice[] = []
  #keys: SliceKey[] = []
  #requests: number[][] = []
  #values = 0

  add(key: SliceKey, requests: number[]): void {
    this.#room()
    this.#keys.push(key)
    this.#requests.push(requests)
    this.#values++
  }

  addFields(key: string): OpenFields {
    this.#room()
    const entry: OpenFields = { slice: this.#slices.length, fields: [], requests: [] }
    this.#keys.push({ kind: 'fields', key, fields: entry.fields })
    this.#requests.push(entry.requests)
    return entry
  }

  /** False once the slice of this key is full. */
  holds(entry: OpenFields): boolean {
    return entry.slice === this.#slices.length && this.#values < SLICE_VALUES_MAX
  }

  extend(entry: OpenFields, field: string, request: number): void {
    entry.fields.push(field)
    entry.requests.push(request)
    this.#values++
  }

  finish(): ReadSlice[] {
    if (this.#keys.length > 0) this.#cut()
    return this.#slices
  }

  #room(): void {
    if (this.#values >= SLICE_VALUES_MAX) this.#cut()
  }

  #cut(): void {
    this.#slices.push({ keys: this.#keys, requests: this.#requests })
    this.#keys = []
    this.#requests = []
    this.#values = 0
  }
}
