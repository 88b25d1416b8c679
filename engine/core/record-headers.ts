/** A record's headers, decoded once into name/value pairs; few per record, so a linear search beats a map. */
import type { RecordHeaders } from '../../topology/headers.ts'
import { readHeaders, type RecordView } from './headers.ts'

export class DecodedHeaders implements RecordHeaders {
  readonly entries: readonly { readonly name: string; readonly value: Buffer | null }[]

  constructor(entries: readonly { name: string; value: Buffer | null }[]) {
    this.entries = entries
  }

  static of(view: RecordView): DecodedHeaders {
    return new DecodedHeaders(readHeaders(view))
  }

  values(name: string): readonly (Buffer | null)[] {
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
