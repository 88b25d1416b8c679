/**
 * Responsible for: splitting the records of one partition into batches that stay below the topic's max.message.bytes.
 * Owns: the builders, in order, and the sequence numbers across them.
 * Does not: send; a Produce request carries one batch per partition, so the caller sends them one after the other.
 */
import type { Compression } from './layout.ts'
import { type BatchStamp, RecordBatchBuilder } from './record-batch-builder.ts'
import { RecordTooLarge } from './wire-error.ts'

export class RollingBatch {
  readonly limitBytes: number
  readonly #batches: RecordBatchBuilder[] = []
  readonly #newBuilder: () => RecordBatchBuilder

  /** `limitBytes` bounds a batch before compression, so it holds with any. `newBuilder` gives empty ones. */
  constructor(limitBytes: number, newBuilder: () => RecordBatchBuilder = () => new RecordBatchBuilder()) {
    this.limitBytes = limitBytes
    this.#newBuilder = newBuilder
  }

  /** In order of sending. */
  get batches(): readonly RecordBatchBuilder[] {
    return this.#batches
  }

  /** Records in all batches. */
  get count(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.count, 0)
  }

  /** Size of all batches, uncompressed. */
  get sizeBytes(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.sizeBytes, 0)
  }

  /** Arguments as RecordBatchBuilder.add. Throws RecordTooLarge, and then nothing is added. */
  add(
    timestampMs: number,
    key: Buffer | null,
    value: string | Buffer | null,
    headers: Buffer,
    headersStart = 0,
    headersEnd: number = headers.length,
  ): void {
    const open = this.#batches.at(-1)
    if (open?.tryAdd(this.limitBytes, timestampMs, key, value, headers, headersStart, headersEnd)) return
    const batch = this.#newBuilder()
    if (!batch.tryAdd(this.limitBytes, timestampMs, key, value, headers, headersStart, headersEnd))
      throw new RecordTooLarge(this.limitBytes)
    this.#batches.push(batch)
  }

  /** The finished batches, their sequence numbers going on from stamp.baseSequence. May be called again, as the builder's. */
  finish(stamp: BatchStamp): Buffer[] {
    let baseSequence = stamp.baseSequence
    return this.#batches.map((batch) => {
      const bytes = batch.finish({ ...stamp, baseSequence })
      baseSequence = sequenceAfter(baseSequence, batch.count)
      return bytes
    })
  }

  /** As RecordBatchBuilder.compressAhead, for all batches. */
  async compressAhead(compression: Compression): Promise<void> {
    await Promise.all(this.#batches.map((batch) => batch.compressAhead(compression)))
  }
}

/** Sequence numbers go from 2^31 - 1 on to 0 (DefaultRecordBatch.incrementSequence). */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % 2 ** 31
}
