/**
 * Responsible for: unpacking LZ4 frames, never past a limit.
 * Does not: pack (compression.ts), and does not verify the frame's own checksums: the batch's CRC-32C covers its bytes.
 *
 * Written here because the WebAssembly unpacker takes no limit: a hostile frame would grow its memory for good.
 * Source: lz4_Frame_format.md and lz4_Block_format.md of github.com/lz4/lz4.
 */
import { corrupt, WireError } from './wire-error.ts'

const FRAME_MAGIC = 0x184d2204
const BLOCK_BYTES_MAX = [0, 0, 0, 0, 64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024]
const MATCH_BYTES_MIN = 4
/** From this length on a native copy is faster than a loop. */
const NATIVE_COPY_BYTES = 32

/** Throws WireError: `wire.corrupt`, `wire.too_large`. */
export function unpackLz4Frame(packed: Buffer, limitBytes: number): Buffer {
  const frame = readFrameHeader(packed)
  let out = Buffer.allocUnsafe(Math.min(limitBytes, Math.max(frame.blockBytesMax, packed.length * 4)))
  let size = 0
  for (let at = frame.end; ; ) {
    if (at + 4 > packed.length) throw corrupt('lz4: the frame has no end')
    const word = packed.readUInt32LE(at)
    at += 4
    if (word === 0) return out.subarray(0, size)
    const blockBytes = word & 0x7fffffff
    if (blockBytes > packed.length - at) throw corrupt(`lz4: a block of ${blockBytes} bytes runs past the frame`)
    const sizeMax = Math.min(limitBytes, size + frame.blockBytesMax)
    if (sizeMax > out.length) {
      const larger = Buffer.allocUnsafe(Math.min(limitBytes, Math.max(sizeMax, out.length * 2)))
      out.copy(larger, 0, 0, size)
      out = larger
    }
    if (word >= 0x80000000) {
      if (blockBytes > sizeMax - size) throw tooLong(sizeMax, limitBytes)
      size += packed.copy(out, size, at, at + blockBytes)
    } else {
      size = unpackBlock(packed, at, at + blockBytes, out, size, sizeMax, limitBytes)
    }
    at += blockBytes + (frame.blockChecksums ? 4 : 0)
  }
}

function readFrameHeader(packed: Buffer): { end: number; blockBytesMax: number; blockChecksums: boolean } {
  if (packed.length < 7 || packed.readUInt32LE(0) !== FRAME_MAGIC) throw corrupt('lz4: no frame')
  const flags = packed[4]!
  if (flags >> 6 !== 1) throw corrupt('lz4: unknown frame version')
  const blockBytesMax = BLOCK_BYTES_MAX[(packed[5]! >> 4) & 7]!
  if (blockBytesMax === 0) throw corrupt('lz4: unknown block size')
  if ((flags & 1) !== 0) throw corrupt('lz4: a dictionary is asked for')
  const contentSizeBytes = (flags & 8) !== 0 ? 8 : 0
  return { end: 7 + contentSizeBytes, blockBytesMax, blockChecksums: (flags & 16) !== 0 }
}

/** Unpacks one block behind out[0, size) and returns the new size. Matches may reach into earlier blocks. */
function unpackBlock(
  packed: Buffer,
  start: number,
  end: number,
  out: Buffer,
  size: number,
  sizeMax: number,
  limitBytes: number,
): number {
  let at = start
  while (at < end) {
    const token = packed[at++]!
    let literals = token >> 4
    if (literals === 15) {
      let byte: number
      do {
        if (at >= end) throw corrupt('lz4: a length is cut')
        byte = packed[at++]!
        literals += byte
      } while (byte === 255)
    }
    if (literals > end - at) throw corrupt('lz4: literals run past their block')
    if (literals > sizeMax - size) throw tooLong(sizeMax, limitBytes)
    if (literals < NATIVE_COPY_BYTES) {
      for (const stop = at + literals; at < stop; ) out[size++] = packed[at++]!
    } else {
      packed.copy(out, size, at, at + literals)
      at += literals
      size += literals
    }
    if (at === end) return size

    if (at + 2 > end) throw corrupt('lz4: a match is cut')
    const distance = packed[at]! | (packed[at + 1]! << 8)
    at += 2
    if (distance === 0 || distance > size) throw corrupt('lz4: a match reaches before the start')
    let length = (token & 15) + MATCH_BYTES_MIN
    if ((token & 15) === 15) {
      let byte: number
      do {
        if (at >= end) throw corrupt('lz4: a length is cut')
        byte = packed[at++]!
        length += byte
      } while (byte === 255)
    }
    if (length > sizeMax - size) throw tooLong(sizeMax, limitBytes)
    size = copyMatch(out, size, distance, length)
  }
  return size
}

/** Copies `length` bytes that begin `distance` before `size`; they may overlap what is being written. */
export function copyMatch(out: Buffer, size: number, distance: number, length: number): number {
  if (length >= NATIVE_COPY_BYTES && distance >= length) {
    out.copyWithin(size, size - distance, size - distance + length)
    return size + length
  }
  for (let from = size - distance, stop = size + length; size < stop; ) out[size++] = out[from++]!
  return size
}

function tooLong(sizeMax: number, limitBytes: number): WireError {
  return sizeMax === limitBytes
    ? new WireError('wire.too_large', `lz4: unpacks to more than ${limitBytes} bytes`)
    : corrupt('lz4: a block unpacks to more than its frame allows')
}
