/**
 * The one header of a changelog record: which record caused the change, as `topic:partition:offset` of where it was first
 * read. For people who ask why a value is as it is; nothing is decided by it, and records without it are as good.
 */
import type { CausePlace } from '../../stores/core/overlay.ts'
import type { Origin } from '../../topology/sources.ts'
import { forEachHeader, HeadersCorrupt, type RecordView } from './headers.ts'
import { parseOrigin } from './origin.ts'
import { writeVarint } from './varint.ts'

export const CAUSE_HEADER = 'cause'
/** Of the whole section: a topic's name of 249, two numbers of 10 and 16 digits, and lengths. */
export const CAUSE_BYTES_MAX = 300

/** Header sections in one buffer that is used again: what is given is good until the next call. */
export class CauseSection {
  readonly #bytes = Buffer.alloc(CAUSE_BYTES_MAX)
  readonly #valueAt: number
  #place: CausePlace | null = null
  #prefix = ''

  constructor() {
    let at = writeVarint(this.#bytes, 0, 1)
    at = writeVarint(this.#bytes, at, CAUSE_HEADER.length)
    this.#valueAt = at + this.#bytes.latin1Write(CAUSE_HEADER, at)
  }

  of(place: CausePlace, offset: number): Buffer {
    if (place !== this.#place) {
      this.#place = place
      this.#prefix = `${place.topic}:${place.partition}:`
    }
    const value = this.#prefix + offset
    const at = writeVarint(this.#bytes, this.#valueAt, value.length)
    return this.#bytes.subarray(0, at + this.#bytes.latin1Write(value, at))
  }
}

/** Null: the record does not say. */
export function readCause(view: RecordView): Origin | null {
  let text: string | null = null
  try {
    forEachHeader(view.bytes, view.headersStart, view.headersEnd, (nameStart, nameEnd, valueStart, valueEnd) => {
      if (valueStart >= 0 && view.bytes.latin1Slice(nameStart, nameEnd) === CAUSE_HEADER)
        text = view.bytes.latin1Slice(valueStart, valueEnd)
    })
  } catch (error) {
    if (!(error instanceof HeadersCorrupt)) throw error
  }
  return text === null ? null : (parseOrigin(text) ?? null)
}
