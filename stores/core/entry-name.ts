/**
 * The name of one store entry, used as the changelog's record key and as the key of the memory cache. Pure.
 * `store/key` for a `value` store, `store/key/field` for a `map` store; every part escaped, so '/' only separates.
 */
import { escapeText, unescapeText } from './text.ts'

export interface EntryName {
  readonly store: string
  readonly key: string
  /** null for a `value` store. */
  readonly field: string | null
}

/** Most names follow one of the same key: what was made last is kept. It changes no answer. */
let lastStore = ''
let lastKey = ''
let lastPrefix = '/'

/** `store` is a name of the topology and needs no escaping (keys.ts checks it). */
export function entryName(store: string, key: string, field: string | null): string {
  if (store !== lastStore || key !== lastKey) {
    lastPrefix = `${store}/${escapeText(key)}`
    lastStore = store
    lastKey = key
  }
  return field === null ? lastPrefix : `${lastPrefix}/${escapeText(field)}`
}

/** The inverse of entryName; null for a name that it cannot have written. */
export function parseEntryName(name: string): EntryName | null {
  const parts = name.split('/')
  const [store, key, field] = parts
  if (store === undefined || store === '' || key === undefined || parts.length > 3) return null
  try {
    return { store, key: unescapeText(key), field: field === undefined ? null : unescapeText(field) }
  } catch {
    return null
  }
}
