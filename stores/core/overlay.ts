/**
 * State that a batch has computed and Redis does not have yet. Three answers: a value, deleted (null), unknown
 * (undefined: ask what lies below). Owns nothing below it; an abort drops it and nothing has happened.
 */
/** The source partition of a change's cause: one object for all of its records, where there is one. */
export interface CausePlace {
  readonly topic: string
  readonly partition: number
}

export interface OverlayEntry {
  readonly name: string
  readonly store: string
  readonly key: string
  readonly field: string | null
  /** The value as JSON text; null = deleted. */
  readonly json: string | null
  /** Timestamp of the record that made the change, ms. */
  readonly timestampMs: number
  /** Where that record was first read. In two parts, so that no object of the record's own outlives it. */
  readonly causeAt: CausePlace
  readonly causeOffset: number
}

/** What an overlay has to know of an index to find entries by it. */
export interface OverlayIndex {
  readonly store: string
  readonly group: (key: string, field: string) => string
  readonly score: (key: string, field: string) => number
}

export class Overlay {
  readonly #entries = new Map<string, OverlayEntry>()
  /** Entries by `store/key`, built at the first whole-key read: most batches never need it. */
  #byKey: Map<string, Map<string, OverlayEntry>> | undefined
  /** Entries by index and there by `score/group`, built at the first search of it. */
  #byScore: Map<OverlayIndex, Map<string, Map<string, OverlayEntry>>> | undefined

  get size(): number {
    return this.#entries.size
  }

  get(name: string): OverlayEntry | undefined {
    return this.#entries.get(name)
  }

  set(entry: OverlayEntry): void {
    this.#entries.set(entry.name, entry)
    if (this.#byKey) addTo(this.#byKey, entry)
    if (this.#byScore) for (const [index, entries] of this.#byScore) addByScore(index, entries, entry)
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

  /** Changed entries that stand, or stood, in this group of an index at this score, deletions included. */
  atScore(index: OverlayIndex, group: string, score: number): Iterable<OverlayEntry> {
    this.#byScore ??= new Map()
    let entries = this.#byScore.get(index)
    if (!entries) {
      this.#byScore.set(index, (entries = new Map()))
      for (const entry of this.#entries.values()) addByScore(index, entries, entry)
    }
    return entries.get(scoreName(group, score))?.values() ?? []
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

const scoreName = (group: string, score: number): string => `${score}/${group}`

function addByScore(index: OverlayIndex, entries: Map<string, Map<string, OverlayEntry>>, entry: OverlayEntry): void {
  const { name, store, key, field } = entry
  if (store !== index.store || field === null) return
  const place = scoreName(index.group(key, field), index.score(key, field))
  const there = entries.get(place)
  if (there) there.set(name, entry)
  else entries.set(place, new Map([[name, entry]]))
}
