/**
 * Reads a Kafka answer in the flexible (compact) encoding from one plain Buffer. Owns the bounds checks: whatever a
 * length field says, nothing outside the answer is read and nothing larger than the answer is allocated.
 *
 * The client's own Reader is not used past its buffer: it searches a chunk list for every field, takes negative and
 * endless varints, and its parsers throw on error codes (a code it does not know even as a TypeError, answer lost).
 */
import type { Reader } from '@platformatic/kafka'

/** The broker's answer does not have the layout of its version. The connection is thrown away. */
export class MalformedAnswer extends Error {
  readonly code = 'kafka.answer_malformed'
  constructor(what: string) {
    super(`${what}; remedy: check the broker's version, and that nothing but Kafka listens at that address`)
    this.name = 'MalformedAnswer'
  }
}

/** A compact length is a varint of at most five bytes. */
const varintBytesMax = 5
const uuidBytes = 16

export class AnswerReader {
  readonly #buffer: Buffer
  #position = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  /** The rest of a client Reader as one Buffer: a view if it lies in one chunk, else copied once. */
  static of(reader: Reader): AnswerReader {
    return new AnswerReader(reader.buffer.slice(reader.position, reader.length))
  }

  get remaining(): number {
    return this.#buffer.length - this.#position
  }

  #take(bytes: number): number {
    const start = this.#position
    if (bytes > this.#buffer.length - start) {
      throw new MalformedAnswer(`${bytes} bytes announced at ${start}, ${this.remaining} left`)
    }
    this.#position = start + bytes
    return start
  }

  boolean(): boolean {
    return this.#buffer[this.#take(1)] !== 0
  }

  int8(): number {
    return this.#buffer.readInt8(this.#take(1))
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#take(4))
  }

  int64(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8))
  }

  /** An int64 that is a number here: offsets and times. Beyond 2^53 it is malformed. */
  number64(): number {
    const start = this.#take(8)
    const value = this.#buffer.readInt32BE(start) * 0x1_0000_0000 + this.#buffer.readUInt32BE(start + 4)
    if (!Number.isSafeInteger(value)) throw new MalformedAnswer(`an int64 at ${start} is beyond 2^53`)
    return value
  }

  unsignedVarint(): number {
    let value = 0
    let factor = 1
    for (let i = 0; i < varintBytesMax; i++) {
      const byte = this.#buffer[this.#take(1)]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 0x80
    }
    throw new MalformedAnswer(`a varint at ${this.#position} does not end`)
  }

  uuid(): string {
    const start = this.#take(uuidBytes)
    const hex = this.#buffer.toString('hex', start, start + uuidBytes)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  nullableString(): string | null {
    const length = this.unsignedVarint()
    if (length === 0) return null
    const start = this.#take(length - 1)
    return this.#buffer.toString('utf8', start, start + length - 1)
  }

  string(): string {
    return this.nullableString() ?? ''
  }

  /** A view into the answer, not a copy; null reads as empty. */
  bytes(): Buffer {
    const length = this.unsignedVarint()
    if (length <= 1) return emptyBuffer
    const start = this.#take(length - 1)
    return this.#buffer.subarray(start, start + length - 1)
  }

  /** An array of plain values; null reads as empty. Every element takes at least one byte, which bounds its length. */
  array<T>(element: (reader: AnswerReader) => T): T[] {
    const length = this.unsignedVarint() - 1
    if (length > this.remaining) throw new MalformedAnswer(`${length} elements announced, ${this.remaining} bytes left`)
    const values: T[] = []
    for (let i = 0; i < length; i++) values.push(element(this))
    return values
  }

  /** An array of structs, each with its own tagged fields behind it, which are skipped. */
  structs<T>(element: (reader: AnswerReader) => T): T[] {
    return this.array((reader) => {
      const value = element(reader)
      reader.tags()
      return value
    })
  }

  /** Tagged fields; those without a handler are skipped. */
  tags(handlers: Readonly<Record<number, (reader: AnswerReader) => void>> = noHandlers): void {
    const count = this.unsignedVarint()
    if (count > this.remaining)
      throw new MalformedAnswer(`${count} tagged fields announced, ${this.remaining} bytes left`)
    for (let i = 0; i < count; i++) {
      const tag = this.unsignedVarint()
      const length = this.unsignedVarint()
      const start = this.#take(length)
      handlers[tag]?.(new AnswerReader(this.#buffer.subarray(start, start + length)))
    }
  }
}

const emptyBuffer = Buffer.alloc(0)
const noHandlers = {}
