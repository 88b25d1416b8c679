/**
 * A record's headers as name/value pairs, decoded when first asked for: most records are recognised by their bytes
 * (header-memo.ts) and nobody asks. Few per record, so a linear search beats a map.
 */
import type { RecordHeaders } from '../../topology/headers.ts'
import { readHeaders, type RecordView } from './headers.ts'
import { ORIGIN_HEADER } from './origin.ts'

export interface HeaderPair {
  readonly name: string
  readonly value: Buffer | null
}

/** Internal: where a forwarded record was first read. Its format is origin.ts's. */
export const ORIGIN_HEADER = 'tributary.origin'

export class DecodedHeaders implements RecordHeaders {
  #entries: readonly HeaderPair[] | null
  readonly #view: RecordView | null
  readonly #hidesInternal: boolean

  private constructor(view: RecordView | null, entries: readonly HeaderPair[] | null, hidesInternal: boolean) {
    this.#view = view
    this.#entries = entries
    this.#hidesInternal = hidesInternal
  }

  /** As they came, internal ones too. */
  static of(view: RecordView): DecodedHeaders {
    return new DecodedHeaders(view, null, false)
  }

  /** As the outside may see them: without internal ones. */
  static outside(view: RecordView): DecodedHeaders {
    return new DecodedHeaders(view, null, true)
  }

  static from(entries: readonly HeaderPair[]): DecodedHeaders {
    return new DecodedHeaders(null, entries, false)
  }

  /** Throws HeadersCorrupt. */
  get entries(): readonly HeaderPair[] {
    this.#entries ??= this.#decode()
    return this.#entries
  }

  #decode(): readonly HeaderPair[] {
    if (!this.#view) return NO_PAIRS
    const all = readHeaders(this.#view)
    return this.#hidesInternal ? all.filter((header) => header.name !== ORIGIN_HEADER) : all
  }

  /** What topologies ask: internal headers are not for them. */
  values(name: string): readonly (Buffer | null)[] {
    if (name === ORIGIN_HEADER) return NONE
    let found: (Buffer | null)[] | undefined
    for (const entry of this.entries) {
      if (entry.name !== name) continue
      if (found) found.push(entry.value)
      else found = [entry.value]
    }
    return found ?? NONE
  }
}

const NONE: readonly (Buffer | null)[] = Object.freeze([])
const NO_PAIRS: readonly HeaderPair[] = Object.freeze([])
