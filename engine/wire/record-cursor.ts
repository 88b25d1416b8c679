/**
 * Responsible for: the records of one batch, one view after the other.
 * Owns: the unpacked bytes of a compressed batch, while it is read; the views keep them alive after that.
 * Does not: read keys, values and headers; it only finds them, inside of their record.
 */
import type { RecordView } from '../core/headers.ts'
import type { Offset } from '../core/numbers.ts'
import { ByteCursor } from '../core/varint.ts'
import { unpack } from './compression.ts'
import { RECORD_BYTES_MIN } from './layout.ts'
import type { BatchHeader } from './record-batch-reader.ts'
import { corrupt } from './wire-error.ts'

export class RecordCursor {
  readonly #batch: BatchHeader
  readonly #cursor: ByteCursor
  /** End of the last record. */
  readonly #end: number
  readonly #lastOffsetDelta: number
  #left: number
  #offsetDelta = -1

  /** Unpacks the batch. Throws WireError: `wire.corrupt`, `wire.too_large`. */
  constructor(bytes: Buffer, batch: BatchHeader) {
    this.#batch = batch
    this.#cursor = new ByteCursor((reason) => this.#corrupt(reason))
    if (batch.compression === 'none') {
      this.#cursor.reset(bytes, batch.bodyStart, batch.end)
    } else {
      const unpacked = unpack(batch.compression, bytes.subarray(batch.bodyStart, batch.end))
      this.#cursor.reset(unpacked, 0, unpacked.length)
    }
    this.#end = this.#cursor.end
    this.#lastOffsetDelta = batch.lastOffset - batch.baseOffset
    this.#left = batch.recordCount
  }

  /** Records not yet read. */
  get left(): number {
    return this.#left
  }

  /** The next record, or undefined behind the last one. Throws WireError `wire.corrupt`; the cursor is of no use after that. */
  next(): RecordView | undefined {
    if (this.#left === 0) return undefined
    const batch = this.#batch
    const cursor = this.#cursor
    cursor.end = this.#end
    const length = cursor.varint()
    const start = cursor.at
    if (length < RECORD_BYTES_MIN - 1 || length > this.#end - start) throw this.#corrupt(`a record of ${length} bytes`)
    const end = start + length
    cursor.end = end
    // One byte of record attributes, which Kafka does not use.
    cursor.at = start + 1
    const timestampMs = cursor.varlong(batch.baseTimestampMs)
    // A broker stores any deltas that an uncompressed batch was sent with (4.3.1: measured). Forced to rise inside of the
    // batch they can neither take the position back nor stop the partition; those of a sound batch stay as they are.
    const offsetDelta = Math.min(
      Math.max(cursor.varint(), this.#offsetDelta + 1),
      this.#lastOffsetDelta - this.#left + 1,
    )
    this.#offsetDelta = offsetDelta

    const keyBytes = cursor.varint()
    if (keyBytes > end - cursor.at) throw this.#corrupt(`a key of ${keyBytes} bytes`)
    const keyStart = cursor.at
    if (keyBytes > 0) cursor.at = keyStart + keyBytes
    const valueBytes = cursor.varint()
    if (valueBytes > end - cursor.at) throw this.#corrupt(`a value of ${valueBytes} bytes`)
    const valueStart = cursor.at
    if (valueBytes > 0) cursor.at = valueStart + valueBytes
    const headersStart = cursor.at
    if (headersStart === end) throw this.#corrupt('a record without a header section')
    cursor.at = end
    this.#left--
    if (this.#left === 0) this.#expectEnd()

    return {
      offset: (batch.baseOffset + offsetDelta) as Offset,
      timestampMs: batch.logAppendTime ? batch.maxTimestampMs : timestampMs,
      bytes: cursor.bytes,
      keyStart: keyBytes < 0 ? -1 : keyStart,
      keyEnd: keyBytes < 0 ? -1 : keyStart + keyBytes,
      valueStart: valueBytes < 0 ? -1 : valueStart,
      valueEnd: valueBytes < 0 ? -1 : valueStart + valueBytes,
      headersStart,
      headersEnd: end,
    }
  }

  #expectEnd(): void {
    if (this.#cursor.at !== this.#end)
      throw this.#corrupt(`${this.#end - this.#cursor.at} bytes behind the last record`)
  }

  #corrupt(reason: string): Error {
    return corrupt(`the batch at offset ${this.#batch.baseOffset} holds ${reason}`)
  }
}
