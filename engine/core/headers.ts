/**
 * Responsible for: a record as places in bytes (RecordView), and its raw header section.
 * Owns: nothing; a view points into the buffer of its fetch (or of its decompressed batch) and keeps that alive.
 * Does not: read batches (engine/wire) and does not give headers a meaning.
 *
 * A header section is: varint count, then per header varint length + UTF-8 name, varint length (negative = null) + value.
 * Source: org.apache.kafka.common.record.internal.DefaultRecord.
 */
import { type Offset, offset as toOffset } from './numbers.ts'
import { ByteCursor, varintBytes, writeVarint } from './varint.ts'

/** Places are byte positions in `bytes`, end exclusive. A key or value that is null has a negative start. */
export interface RecordView {
  readonly offset: Offset
  readonly timestampMs: number
  readonly bytes: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly valueEnd: number
  /** The raw header section. It is not checked until it is read. */
  readonly headersStart: number
  readonly headersEnd: number
}

/** It concerns one record. A current broker refuses such a section (4.3.1: measured, INVALID_RECORD); one may lie in an old log. */
export class HeadersCorrupt extends Error {
  readonly code = 'record.headers_corrupt'
  readonly remedy = 'Treat the record as bad input (dead letter); the producer that wrote it encodes headers wrongly.'
  constructor(reason: string) {
    super(`record headers cannot be read: ${reason}`)
    this.name = 'HeadersCorrupt'
  }
}

/** A header section without headers. */
export const NO_HEADERS: Buffer = Buffer.of(0)

const headersCorrupt = (reason: string): Error => new HeadersCorrupt(reason)

/** The key's bytes (not copied), or null. */
export function keyOf(view: RecordView): Buffer | null {
  return view.keyStart < 0 ? null : view.bytes.subarray(view.keyStart, view.keyEnd)
}

/** The value's bytes (not copied), or null. */
function valueOfView(view: RecordView): Buffer | null {
  return view.valueStart < 0 ? null : view.bytes.subarray(view.valueStart, view.valueEnd)
}

export { valueOfView as valueOf }

/**
 * Walks a header section without allocating. Reusable: `reset`, then `next` until it answers false.
 * Throws HeadersCorrupt for a length that leaves the section, a count that cannot fit, or bytes left over.
 */
export class HeaderCursor {
  nameStart = 0
  nameEnd = 0
  /** -1 when the value is null. */
  valueStart = -1
  valueEnd = -1
  readonly #cursor = new ByteCursor(headersCorrupt)
  #left = 0

  reset(bytes: Buffer, start: number, end: number): void {
    if (start < 0 || end < start || end > bytes.length)
      throw new HeadersCorrupt('the section lies outside of its bytes')
    this.#cursor.reset(bytes, start, end)
    const count = this.#cursor.varint()
    // A header takes two bytes at least, so a count beyond that is refused before anything is read.
    if (count < 0 || count * 2 > end - this.#cursor.at) throw new HeadersCorrupt(`a count of ${count} cannot fit`)
    this.#left = count
    if (count === 0) this.#expectEnd()
  }

  next(): boolean {
    if (this.#left === 0) return false
    const cursor = this.#cursor
    const nameBytes = cursor.varint()
    if (nameBytes < 0 || nameBytes > cursor.end - cursor.at) throw new HeadersCorrupt(`a name of ${nameBytes} bytes`)
    this.nameStart = cursor.at
    this.nameEnd = cursor.at += nameBytes
    const valueBytes = cursor.varint()
    if (valueBytes > cursor.end - cursor.at) throw new HeadersCorrupt(`a value of ${valueBytes} bytes`)
    if (valueBytes < 0) {
      this.valueStart = this.valueEnd = -1
    } else {
      this.valueStart = cursor.at
      this.valueEnd = cursor.at += valueBytes
    }
    if (--this.#left === 0) this.#expectEnd()
    return true
  }

  #expectEnd(): void {
    const rest = this.#cursor.end - this.#cursor.at
    if (rest !== 0) throw new HeadersCorrupt(`${rest} bytes are left over`)
  }
}

/** Calls `visit` for each header of the section in [start, end); a null value has the places -1, -1. Errors: HeadersCorrupt. */
export function forEachHeader(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (nameStart: number, nameEnd: number, valueStart: number, valueEnd: number) => void,
): void {
  const cursor = new HeaderCursor()
  cursor.reset(bytes, start, end)
  while (cursor.next()) visit(cursor.nameStart, cursor.nameEnd, cursor.valueStart, cursor.valueEnd)
}

/** The headers in order; names may repeat. Values are not copied. Errors: HeadersCorrupt. */
export function readHeaders(view: RecordView): { name: string; value: Buffer | null }[] {
  const { bytes } = view
  const headers: { name: string; value: Buffer | null }[] = []
  forEachHeader(bytes, view.headersStart, view.headersEnd, (nameStart, nameEnd, valueStart, valueEnd) => {
    const value = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd)
    headers.push({ name: bytes.toString('utf8', nameStart, nameEnd), value })
  })
  return headers
}

/** The raw header section of a list. */
export function encodeHeaders(headers: readonly (readonly [name: string, value: Buffer | null])[]): Buffer {
  if (headers.length === 0) return NO_HEADERS
  let size = varintBytes(headers.length)
  for (const [name, value] of headers) {
    const nameBytes = Buffer.byteLength(name)
    size += varintBytes(nameBytes) + nameBytes + varintBytes(value === null ? -1 : value.length) + (value?.length ?? 0)
  }
  const section = Buffer.allocUnsafe(size)
  let at = writeVarint(section, 0, headers.length)
  for (const [name, value] of headers) {
    at = writeVarint(section, at, Buffer.byteLength(name))
    at += section.write(name, at, 'utf8')
    at = writeVarint(section, at, value === null ? -1 : value.length)
    if (value !== null) at += value.copy(section, at)
  }
  return section
}

/** A view of a record given in parts (copied into one buffer), for tests and drivers. `headers` is a raw section. */
export function viewOf(parts: {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | string | null
  readonly headers?: Buffer
}): RecordView {
  const { key, headers = NO_HEADERS } = parts
  const value = typeof parts.value === 'string' ? Buffer.from(parts.value) : parts.value
  const keyEnd = key?.length ?? 0
  const valueEnd = keyEnd + (value?.length ?? 0)
  return {
    offset: toOffset(parts.offset),
    timestampMs: parts.timestampMs,
    bytes: Buffer.concat([key ?? Buffer.alloc(0), value ?? Buffer.alloc(0), headers]),
    keyStart: key === null ? -1 : 0,
    keyEnd,
    valueStart: value === null ? -1 : keyEnd,
    valueEnd,
    headersStart: valueEnd,
    headersEnd: valueEnd + headers.length,
  }
}
