/**
 * Responsible for: one record batch, written into one growable buffer.
 * Owns: that buffer and the compressed form of its content. What `finish` gives is a copy that nothing here touches again,
 * so a builder may be finished again for another producer (a resend) or reset while the first copy is still being sent.
 * Does not: bound its size (rolling-batch.ts does) or choose a compression.
 */
import { crc32c } from '@node-rs/crc32'
import { exactDifference, varintBytes, varlongBytes, writeVarint, writeVarlong } from '../core/varint.ts'
import { pack, packAside } from './compression.ts'
import * as at from './layout.ts'

export interface BatchStamp {
  readonly producerId: bigint
  readonly epoch: number
  readonly baseSequence: number
  readonly transactional: boolean
  /** Content that does not shrink is stored as it is, so a finished batch is never larger than `sizeBytes`. */
  readonly compression: at.Compression
}

/** Of a batch outside of transactions, by nobody in particular. */
export const PLAIN_STAMP: BatchStamp = {
  producerId: -1n,
  epoch: -1,
  baseSequence: -1,
  transactional: false,
  compression: 'none',
}

const CAPACITY_BYTES_INITIAL = 4 * 1024
/** A UTF-16 unit takes three bytes at most. */
const UTF8_BYTES_PER_UNIT_MAX = 3
/** Lengths and numbers of one record, at their longest. */
const RECORD_OVERHEAD_BYTES_MAX = 40
/** Below this length a loop copies faster than a call. */
const NATIVE_COPY_BYTES = 24

export class RecordBatchBuilder {
  #bytes: Buffer
  #at = at.HEADER_BYTES
  #count = 0
  #baseTimestampMs = 0
  #maxTimestampMs = 0
  #packed: { readonly compression: at.Compression; readonly body: Buffer } | undefined
  /** Changes with every change of the content, so that a compression begun before it is not kept. */
  #edition = 0

  constructor(capacityBytes: number = CAPACITY_BYTES_INITIAL) {
    this.#bytes = ownBytes(Math.max(capacityBytes, at.HEADER_BYTES))
  }

  /** Number of records. */
  get count(): number {
    return this.#count
  }

  /** Size of the finished batch, uncompressed. */
  get sizeBytes(): number {
    return this.#at
  }

  /** Bytes of its buffer, which `reset` keeps. */
  get capacityBytes(): number {
    return this.#bytes.length
  }

  /**
   * Adds a record. `timestampMs` is a safe integer (RangeError otherwise), `headers` a raw header section
   * (core/headers.ts), of which [headersStart, headersEnd) is used.
   */
  add(
    timestampMs: number,
    key: Buffer | null,
    value: string | Buffer | null,
    headers: Buffer,
    headersStart = 0,
    headersEnd: number = headers.length,
  ): void {
    if (!this.tryAdd(at.BATCH_BYTES_MAX, timestampMs, key, value, headers, headersStart, headersEnd))
      throw new RangeError(`a batch holds ${at.BATCH_BYTES_MAX} bytes at most`)
  }

  /** As `add`, unless the batch would then be larger than limitBytes: then nothing changes and the answer is false. */
  tryAdd(
    limitBytes: number,
    timestampMs: number,
    key: Buffer | null,
    value: string | Buffer | null,
    headers: Buffer,
    headersStart = 0,
    headersEnd: number = headers.length,
  ): boolean {
    if (!Number.isSafeInteger(timestampMs)) throw new RangeError(`${timestampMs} is no timestamp in milliseconds`)
    const count = this.#count
    const timestampDelta = count === 0 ? 0 : exactDifference(timestampMs, this.#baseTimestampMs)
    const keyBytes = key === null ? -1 : key.length
    // Of text the length in bytes is not known: take it for ASCII, whose length it is, and look at what was written.
    let valueBytes = value === null ? -1 : value.length
    const headerBytes = headersEnd - headersStart
    if (headerBytes < 1) throw new RangeError('a header section has a count at least')
    const partsBytes =
      1 +
      varlongBytes(timestampDelta) +
      varintBytes(count) +
      varintBytes(keyBytes) +
      Math.max(keyBytes, 0) +
      headerBytes

    for (;;) {
      const length = partsBytes + varintBytes(valueBytes) + Math.max(valueBytes, 0)
      if (this.#at + varintBytes(length) + length > limitBytes) return false
      const room = typeof value === 'string' ? length + value.length * (UTF8_BYTES_PER_UNIT_MAX - 1) : length
      const bytes = this.#reserve(room + RECORD_OVERHEAD_BYTES_MAX)
      let to = writeVarint(bytes, this.#at, length)
      bytes[to++] = 0
      to = writeVarlong(bytes, to, timestampDelta)
      to = writeVarint(bytes, to, count)
      to = writeVarint(bytes, to, keyBytes)
      if (key !== null) to = copyBytes(key, 0, keyBytes, bytes, to)
      to = writeVarint(bytes, to, valueBytes)
      if (typeof value === 'string') {
        const written = bytes.write(value, to, 'utf8')
        if (written !== valueBytes) {
          valueBytes = written
          continue
        }
        to += written
      } else if (value !== null) {
        to = copyBytes(value, 0, valueBytes, bytes, to)
      }
      this.#at = copyBytes(headers, headersStart, headersEnd, bytes, to)
      break
    }

    if (count === 0) this.#baseTimestampMs = this.#maxTimestampMs = timestampMs
    else if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs
    this.#count = count + 1
    this.#edition++
    this.#packed = undefined
    return true
  }

  /**
   * The batch, stamped, in bytes of its own. May be called again with another stamp: the content is compressed once.
   * RangeError for an empty batch, which the broker would refuse.
   */
  finish(stamp: BatchStamp): Buffer {
    if (this.#count === 0) throw new RangeError('a batch without records cannot be sent')
    const { compression, body } = this.#bodyFor(stamp.compression)
    const batch = Buffer.allocUnsafe(at.HEADER_BYTES + body.length)
    const attributes = at.COMPRESSIONS.indexOf(compression) | (stamp.transactional ? at.TRANSACTIONAL_FLAG : 0)
    batch.writeBigInt64BE(0n, at.BASE_OFFSET_AT)
    batch.writeInt32BE(batch.length - at.FRAME_BYTES, at.LENGTH_AT)
    batch.writeInt32BE(-1, at.LEADER_EPOCH_AT)
    batch[at.MAGIC_AT] = at.MAGIC
    batch.writeInt16BE(attributes, at.ATTRIBUTES_AT)
    batch.writeInt32BE(this.#count - 1, at.LAST_OFFSET_DELTA_AT)
    batch.writeBigInt64BE(BigInt(this.#baseTimestampMs), at.BASE_TIMESTAMP_AT)
    batch.writeBigInt64BE(BigInt(this.#maxTimestampMs), at.MAX_TIMESTAMP_AT)
    batch.writeBigInt64BE(stamp.producerId, at.PRODUCER_ID_AT)
    batch.writeInt16BE(stamp.epoch, at.EPOCH_AT)
    batch.writeInt32BE(stamp.baseSequence, at.BASE_SEQUENCE_AT)
    batch.writeInt32BE(this.#count, at.COUNT_AT)
    body.copy(batch, at.HEADER_BYTES)
    batch.writeUInt32BE(crc32c(batch.subarray(at.ATTRIBUTES_AT)), at.CRC_AT)
    return batch
  }

  /**
   * Compresses on a thread of Node's pool what `finish` would compress on this one. Does nothing for lz4 and snappy, and
   * its result is dropped when the content changes meanwhile (so it need not be awaited before `reset`).
   */
  async compressAhead(compression: at.Compression): Promise<void> {
    if (this.#count === 0 || (compression !== 'zstd' && compression !== 'gzip')) return
    if (this.#packed?.compression === compression) return
    const edition = this.#edition
    const body = await packAside(compression, this.#body())
    if (this.#edition === edition) this.#packed = { compression, body }
  }

  /** Forgets the content and keeps the buffer. */
  reset(): void {
    this.#at = at.HEADER_BYTES
    this.#count = 0
    this.#edition++
    this.#packed = undefined
  }

  #body(): Buffer {
    return this.#bytes.subarray(at.HEADER_BYTES, this.#at)
  }

  #bodyFor(compression: at.Compression): { compression: at.Compression; body: Buffer } {
    const raw = this.#body()
    if (compression === 'none') return { compression, body: raw }
    if (this.#packed?.compression !== compression) this.#packed = { compression, body: pack(compression, raw) }
    return this.#packed.body.length < raw.length ? this.#packed : { compression: 'none', body: raw }
  }

  #reserve(more: number): Buffer {
    const needed = this.#at + more
    if (needed > this.#bytes.length) {
      const larger = ownBytes(Math.max(this.#bytes.length * 2, needed))
      this.#bytes.copy(larger, 0, 0, this.#at)
      this.#bytes = larger
    }
    return this.#bytes
  }
}

/**
 * Not of Node's slabs of 64 KiB, each of which stays as long as anything in it: 1,024 builders of 4 KiB that were kept
 * (builder-pool.ts) held 64 MiB.
 */
const ownBytes = (bytes: number): Buffer => Buffer.allocUnsafeSlow(bytes)

/** Copies from[start, end) to `to` and returns the place behind it. */
function copyBytes(from: Buffer, start: number, end: number, bytes: Buffer, to: number): number {
  const length = end - start
  if (length >= NATIVE_COPY_BYTES) {
    // `set` costs half of `copy` (12 and 29 ns), but a part would need a subarray.
    if (length === from.length) bytes.set(from, to)
    else from.copy(bytes, to, start, end)
    return to + length
  }
  while (start < end) bytes[to++] = from[start++]!
  return to
}
