/**
 * Responsible for: finding the record batches in fetched bytes and reading their headers, with every length checked.
 * Does not: read records (record-cursor.ts) or decide who may see them (fetched-records.ts).
 */
import { crc32c } from '@node-rs/crc32'
import { type Offset, offset } from '../core/numbers.ts'
import { clampToSafe } from '../core/varint.ts'
import * as at from './layout.ts'
import { corrupt, WireError } from './wire-error.ts'

export interface BatchHeader {
  readonly baseOffset: Offset
  /** Kept by the log cleaner though the last record may be gone. */
  readonly lastOffset: Offset
  /** -1n: not from an idempotent producer. */
  readonly producerId: bigint
  readonly epoch: number
  readonly baseSequence: number
  readonly isTransactional: boolean
  readonly isControl: boolean
  /** True: every record carries maxTimestampMs. */
  readonly logAppendTime: boolean
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  readonly compression: at.Compression
  /** 0 for a batch that the log cleaner has emptied. */
  readonly recordCount: number
  /** Where the batch begins, where its (perhaps compressed) records begin, and where it ends, in the bytes read. */
  readonly start: number
  readonly bodyStart: number
  readonly end: number
}

export interface BatchReadOptions {
  /** Default true: 0.23 ns a byte. */
  readonly verifyCrc?: boolean
}

/**
 * The batch that begins at `start`, or undefined when the bytes end before it does (a fetch answer may cut its last one).
 * Throws WireError: `wire.corrupt`, `wire.unsupported_magic`, `wire.unsupported_compression`, `wire.too_large`.
 */
export function readBatchHeader(
  bytes: Buffer,
  start: number,
  { verifyCrc = true }: BatchReadOptions = {},
): BatchHeader | undefined {
  if (start + at.FRAME_BYTES > bytes.length) return undefined
  const base = bytes.readBigInt64BE(start + at.BASE_OFFSET_AT)
  const length = bytes.readInt32BE(start + at.LENGTH_AT)
  if (base < 0n || base > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(`a batch has the base offset ${base}`)
  if (length <= at.MAGIC_AT - at.FRAME_BYTES) throw corrupt(`the batch at offset ${base} has the length ${length}`)
  if (length > at.BATCH_BYTES_MAX)
    throw new WireError('wire.too_large', `the batch at offset ${base} has ${length} bytes`)
  const end = start + at.FRAME_BYTES + length
  if (end > bytes.length) return undefined
  const magic = bytes[start + at.MAGIC_AT]!
  if (magic !== at.MAGIC)
    throw new WireError('wire.unsupported_magic', `the batch at offset ${base} has magic ${magic}`)
  if (end < start + at.HEADER_BYTES) throw corrupt(`the batch at offset ${base} has the length ${length}`)
  if (verifyCrc && crc32c(bytes.subarray(start + at.ATTRIBUTES_AT, end)) !== bytes.readUInt32BE(start + at.CRC_AT))
    throw corrupt(`the batch at offset ${base} does not match its checksum`)

  const attributes = bytes.readInt16BE(start + at.ATTRIBUTES_AT)
  const compression = at.COMPRESSIONS[attributes & at.COMPRESSION_MASK]
  if (compression === undefined)
    throw new WireError(
      'wire.unsupported_compression',
      `the batch at offset ${base} has the compression ${attributes & at.COMPRESSION_MASK}`,
    )
  const lastOffsetDelta = bytes.readInt32BE(start + at.LAST_OFFSET_DELTA_AT)
  const recordCount = bytes.readInt32BE(start + at.COUNT_AT)
  if (lastOffsetDelta < 0 || recordCount < 0 || recordCount > lastOffsetDelta + 1)
    throw corrupt(`the batch at offset ${base} has ${recordCount} records up to offset +${lastOffsetDelta}`)
  if (recordCount === 0 && end !== start + at.HEADER_BYTES)
    throw corrupt(`the batch at offset ${base} has bytes but no records`)
  return {
    baseOffset: offset(Number(base)),
    lastOffset: offset(Number(base) + lastOffsetDelta),
    producerId: bytes.readBigInt64BE(start + at.PRODUCER_ID_AT),
    epoch: bytes.readInt16BE(start + at.EPOCH_AT),
    baseSequence: bytes.readInt32BE(start + at.BASE_SEQUENCE_AT),
    isTransactional: (attributes & at.TRANSACTIONAL_FLAG) !== 0,
    isControl: (attributes & at.CONTROL_FLAG) !== 0,
    logAppendTime: (attributes & at.LOG_APPEND_TIME_FLAG) !== 0,
    baseTimestampMs: clampToSafe(bytes.readBigInt64BE(start + at.BASE_TIMESTAMP_AT)),
    maxTimestampMs: clampToSafe(bytes.readBigInt64BE(start + at.MAX_TIMESTAMP_AT)),
    compression,
    recordCount,
    start,
    bodyStart: start + at.HEADER_BYTES,
    end,
  }
}

/** The whole batches in `bytes`, in order; a cut one at the end is left out. Errors as readBatchHeader. */
export function* readBatches(bytes: Buffer, options?: BatchReadOptions): Generator<BatchHeader, void> {
  for (let start = 0; ; ) {
    const batch = readBatchHeader(bytes, start, options)
    if (batch === undefined) return
    yield batch
    start = batch.end
  }
}
