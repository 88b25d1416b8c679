/**
 * A record's headers as name/value pairs, decoded when first asked for: most records are recognised by their bytes
 * (header-memo.ts) and nobody asks. Few per record, so a linear search beats a map.
 */
import type { RecordHeaders } from '../../topology/headers.ts'
import { type RecordView, readHeaders } from './headers.ts'
import { ORIGIN_HEADER } from './origin.ts'

export interface HeaderPair {
  readonly name: string
  readonly value: Buffer | null
}

export class DecodedHeaders implements RecordHeaders {
  #entries: readonly HeaderPair[] | null
  #names: ReadonlySet<string> | null = null
  readonly #view: RecordView | null

  private constructor(view: RecordView | null, entries: readonly HeaderPair[] | null) {
    this.#view = view
    this.#entries = entries
  }

  static of(view: RecordView): DecodedHeaders {
    return new DecodedHeaders(view, null)
  }

  static from(entries: readonly HeaderPair[]): DecodedHeaders {
    return new DecodedHeaders(null, entries)
  }

  /** Whoever has recognised them knows which names there are: what is not among them is answered without decoding. */
  knownAs(names: ReadonlySet<string>): void {
    this.#names = names
  }

  /** All of them, internal ones too. Throws HeadersCorrupt. */
  get entries(): readonly HeaderPair[] {
    this.#entries ??= this.#view ? readHeaders(this.#view) : NO_PAIRS
    return this.#entries
  }

  /** What topologies ask: internal headers are not for them. */
  values(name: string): readonly (Buffer | null)[] {
    if (name === ORIGIN_HEADER || (this.#names !== null && !this.#names.has(name))) return NONE
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
