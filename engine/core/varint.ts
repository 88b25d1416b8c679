/**
 * Responsible for: the variable-length integers of Kafka's record format (zigzag, 7 bits a byte), read and written.
 * Owns: the bound of every read; nothing is read at or behind `end`.
 * Does not: know what the numbers mean. What is thrown for malformed bytes is the caller's choice.
 * Source: org.apache.kafka.common.utils.ByteUtils (readVarint, readVarlong).
 */

const NO_BYTES = Buffer.alloc(0)
const VARINT_BYTES_MAX = 5
const VARLONG_BYTES_MAX = 10
/** Seven bytes carry 49 bits, which a double holds exactly; longer ones go through bigint. */
const VARLONG_DOUBLE_BYTES_MAX = 7
/** Below this magnitude a zigzag value fits the 32-bit path. */
const INT_PATH_LIMIT = 2 ** 30

/** A place in bytes that moves forward. One class for all readers, so that its methods stay monomorphic and are inlined. */
export class ByteCursor {
  bytes: Buffer = NO_BYTES
  at = 0
  /** First byte that must not be read. */
  end = 0
  readonly #malformed: (reason: string) => Error

  constructor(malformed: (reason: string) => Error) {
    this.#malformed = malformed
  }

  reset(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  /** A signed 32-bit number. */
  varint(): number {
    const at = this.at
    if (at < this.end) {
      const first = this.bytes[at]!
      if (first < 128) {
        this.at = at + 1
        return (first >>> 1) ^ -(first & 1)
      }
    }
    return this.#longVarint()
  }

  /**
   * `base` (a safe integer) plus a signed 64-bit number. A sum outside the safe integers becomes the nearest of them, so
   * that what is read can be written again (such a timestamp has no meaning). The addition is done here because the
   * number itself may be unsafe where the sum is not.
   */
  varlong(base: number): number {
    const { bytes, at, end } = this
    if (at < end) {
      const first = bytes[at]!
      if (first < 128) {
        this.at = at + 1
        return clamped(base + ((first >>> 1) ^ -(first & 1)))
      }
      if (at + 1 < end) {
        const second = bytes[at + 1]!
        if (second < 128) {
          this.at = at + 2
          const raw = (first & 127) | (second << 7)
          return clamped(base + ((raw >>> 1) ^ -(raw & 1)))
        }
      }
    }
    return this.#longVarlong(base)
  }

  #longVarint(): number {
    let raw = 0
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.#byte()
      raw |= (byte & 127) << (7 * i)
      if (byte < 128) {
        if (i === VARINT_BYTES_MAX - 1 && byte > 15) break
        return (raw >>> 1) ^ -(raw & 1)
      }
    }
    throw this.#malformed('a varint does not fit 32 bits')
  }

  #longVarlong(base: number): number {
    const start = this.at
    let raw = 0
    let scale = 1
    for (let i = 0; i < VARLONG_DOUBLE_BYTES_MAX; i++) {
      const byte = this.#byte()
      raw += (byte & 127) * scale
      scale *= 128
      if (byte < 128) return clamped(base + (raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2))
    }
    this.at = start
    let wide = 0n
    for (let i = 0; i < VARLONG_BYTES_MAX; i++) {
      const byte = this.#byte()
      wide |= BigInt(byte & 127) << BigInt(7 * i)
      if (byte < 128) {
        if (i === VARLONG_BYTES_MAX - 1 && byte > 1) break
        return clampToSafe(BigInt(base) + ((wide >> 1n) ^ -(wide & 1n)))
      }
    }
    throw this.#malformed('a varlong does not fit 64 bits')
  }

  #byte(): number {
    if (this.at >= this.end) throw this.#malformed('a number runs past the end of its record')
    return this.bytes[this.at++]!
  }
}

/** The nearest safe integer. Rounding keeps the order, so an unsafe number never rounds to a safe one. */
export function clampToSafe(value: bigint): number {
  return clamped(Number(value))
}

function clamped(value: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))
}

/** Encoded length of a signed 32-bit number. */
export function varintBytes(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0
  return raw < 0x80 ? 1 : raw < 0x4000 ? 2 : raw < 0x20_0000 ? 3 : raw < 0x1000_0000 ? 4 : 5
}

/** Writes a signed 32-bit number and returns the place behind it. The caller has made room. */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0
  while (raw > 127) {
    bytes[at++] = (raw & 127) | 128
    raw >>>= 7
  }
  bytes[at++] = raw
  return at
}

/** Encoded length of a signed 64-bit number. */
export function varlongBytes(value: number | bigint): number {
  if (typeof value === 'number' && value < INT_PATH_LIMIT && value >= -INT_PATH_LIMIT) return varintBytes(value)
  let length = 1
  for (let raw = zigzag64(value) >> 7n; raw > 0n; raw >>= 7n) length++
  return length
}

/** Writes a signed 64-bit number and returns the place behind it. The caller has made room. */
export function writeVarlong(bytes: Buffer, at: number, value: number | bigint): number {
  if (typeof value === 'number' && value < INT_PATH_LIMIT && value >= -INT_PATH_LIMIT)
    return writeVarint(bytes, at, value)
  let raw = zigzag64(value)
  while (raw > 127n) {
    bytes[at++] = Number(raw & 127n) | 128
    raw >>= 7n
  }
  bytes[at++] = Number(raw)
  return at
}

/** a - b, exactly: a difference of two safe integers may itself be none. */
export function exactDifference(a: number, b: number): number | bigint {
  const difference = a - b
  return Number.isSafeInteger(difference) ? difference : BigInt(a) - BigInt(b)
}

function zigzag64(value: number | bigint): bigint {
  const wide = BigInt(value)
  return BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n))
}
