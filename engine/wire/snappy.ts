/**
 * Responsible for: unpacking snappy, raw and in the xerial framing that Java producers write, never past a limit.
 * Does not: pack (compression.ts).
 *
 * Written here because the WebAssembly unpacker trusts the length in front: five bytes make it ask for 4 GiB.
 * Source: format_description.txt of github.com/google/snappy; SnappyOutputStream of github.com/xerial/snappy-java.
 */
import { copyMatch } from './lz4.ts'
import { corrupt, WireError } from './wire-error.ts'

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
/** Magic, version, lowest compatible version. */
const XERIAL_HEADER_BYTES = 16
/** Three bytes make 64 at most, so a length beyond this multiple of the input is a lie. */
const EXPANSION_MAX = 22
const NATIVE_COPY_BYTES = 32

/** Throws WireError: `wire.corrupt`, `wire.too_large`. */
export function unpackSnappy(packed: Buffer, limitBytes: number): Buffer {
  if (packed.length < XERIAL_HEADER_BYTES || packed.compare(XERIAL_MAGIC, 0, 8, 0, 8) !== 0)
    return unpackRaw(packed, limitBytes)
  const parts: Buffer[] = []
  let size = 0
  for (let at = XERIAL_HEADER_BYTES; at < packed.length; ) {
    if (at + 4 > packed.length) throw corrupt('snappy: a chunk is cut')
    const chunkBytes = packed.readUInt32BE(at)
    at += 4
    if (chunkBytes > packed.length - at) throw corrupt(`snappy: a chunk of ${chunkBytes} bytes runs past the batch`)
    const part = unpackRaw(packed.subarray(at, at + chunkBytes), limitBytes - size)
    parts.push(part)
    size += part.length
    at += chunkBytes
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, size)
}

function unpackRaw(packed: Buffer, limitBytes: number): Buffer {
  const preamble = readLength(packed)
  const total = preamble.length
  if (total > limitBytes) throw new WireError('wire.too_large', `snappy: unpacks to ${total} bytes`)
  if (total > packed.length * EXPANSION_MAX) throw corrupt(`snappy: ${packed.length} bytes cannot unpack to ${total}`)
  const out = Buffer.allocUnsafe(total)
  const end = packed.length
  let size = 0
  for (let at = preamble.end; at < end; ) {
    const tag = packed[at++]!
    let length: number
    let distance: number
    switch (tag & 3) {
      case 0: {
        length = tag >> 2
        if (length >= 60) {
          const extra = length - 59
          if (extra > end - at) throw corrupt('snappy: a length is cut')
          length = packed.readUIntLE(at, extra)
          at += extra
        }
        length += 1
        if (length > end - at || length > total - size) throw corrupt('snappy: literals run past their end')
        if (length < NATIVE_COPY_BYTES) {
          for (const stop = at + length; at < stop; ) out[size++] = packed[at++]!
        } else {
          packed.copy(out, size, at, at + length)
          at += length
          size += length
        }
        continue
      }
      case 1:
        if (at >= end) throw corrupt('snappy: a copy is cut')
        length = ((tag >> 2) & 7) + 4
        distance = ((tag >> 5) << 8) | packed[at++]!
        break
      case 2:
        if (at + 2 > end) throw corrupt('snappy: a copy is cut')
        length = (tag >> 2) + 1
        distance = packed.readUInt16LE(at)
        at += 2
        break
      default:
        if (at + 4 > end) throw corrupt('snappy: a copy is cut')
        length = (tag >> 2) + 1
        distance = packed.readUInt32LE(at)
        at += 4
    }
    if (distance === 0 || distance > size) throw corrupt('snappy: a copy reaches before the start')
    if (length > total - size) throw corrupt('snappy: a copy runs past the length announced')
    size = copyMatch(out, size, distance, length)
  }
  // What was not written would be whatever the memory held before.
  if (size !== total) throw corrupt(`snappy: ${total} bytes announced, ${size} found`)
  return out
}

function readLength(packed: Buffer): { length: number; end: number } {
  let length = 0
  for (let at = 0; at < 5 && at < packed.length; at++) {
    const byte = packed[at]!
    length += (byte & 127) * 128 ** at
    if (byte < 128) return { length, end: at + 1 }
  }
  throw corrupt('snappy: no length in front')
}
