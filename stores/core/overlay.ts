/**
 * State that a batch has computed and Redis does not have yet. Three answers: a value, deleted (null), unknown
 * (undefined: ask what lies below). Owns nothing below it; an abort drops it and nothing has happened.
 */
export interface OverlayEntry {
  readonly name: string
  readonly store: string
  readonly key: string
  readonly field: string | null
  /** The value as JSON text; null = deleted. */
  readonly json: string | null
  /** Timestamp of the record that made the change, ms. */
  readonly timestampMs: number
}

export class Overlay {
  readonly #entries = new Map<string, OverlayEntry>()
  /** Entries by `store/key`, built at the first whole-key read: most batches never need it. */
  #byKey: Map<string, Map<string, OverlayEntry>> | undefined

  get size(): number {
    return this.#entries.size
  }

  get(name: string): OverlayEntry | undefined {
    return this.#entries.get(name)
  }

  set(entry: OverlayEntry): void {
    this.#entries.set(entry.name, entry)
    if (this.#byKey) addTo(this.#byKey, entry)
  }

  entries(): IterableIterator<OverlayEntry> {
    return this.#entries.values()
  }

  /** Changed fields of one key of a map store, deletions included; by field. */
  fieldsOf(store: string, key: string): ReadonlyMap<string, OverlayEntry> | undefined {
    if (!this.#byKey) {
      this.#byKey = new Map()
      for (const entry of this.#entries.values()) addTo(this.#byKey, entry)
    }
    return this.#byKey.get(keyName(store, key))
  }
}

/** Separator that cannot occur in a store's name. */
const keyName = (store: string, key: string): string => `${store}/${key}`

function addTo(byKey: Map<string, Map<string, OverlayEntry>>, entry: OverlayEntry): void {
  if (entry.field === null) return
  const name = keyName(entry.store, entry.key)
  const fields = byKey.get(name)
  if (fields) fields.set(entry.field, entry)
  else byKey.set(name, new Map([[entry.field, entry]]))
}
