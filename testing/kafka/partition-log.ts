/**
 * One partition's log: record batches as bytes with their offsets, the transactions that are open in it, and what a
 * read_committed fetch may see. Owns producer sequences. Does not: know transactional ids or decide how one ends.
 */
import { crc32c } from '@node-rs/crc32'
import { keyOf, NO_HEADERS, type RecordView, valueOf } from '../../engine/core/headers.ts'
import { codes } from '../../engine/core/kafka-errors.ts'
import { type Offset, type Position, offset as toOffset, position as toPosition } from '../../engine/core/numbers.ts'
import type { AbortedTransaction, Code } from '../../engine/ports.ts'
import { FetchedRecords } from '../../engine/wire/fetched-records.ts'
import * as at from '../../engine/wire/layout.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { readBatchHeader } from '../../engine/wire/record-batch-reader.ts'

interface LoggedBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly bytes: Buffer
  /** Place among all batches of the cluster, in order of arrival. */
  readonly arrival: number
}

interface ProducerState {
  readonly epoch: number
  nextSequence: number
  /** The last batches, to know one that is sent again. */
  readonly recent: { readonly sequence: number; readonly count: number; readonly baseOffset: number }[]
}

interface AbortedRange extends AbortedTransaction {
  readonly lastOffset: number
}

/** As many as a broker remembers. */
const RECENT_BATCHES_MAX = 5

export interface Appended {
  readonly code: Code
  readonly baseOffset: Offset
}

export interface Visible {
  readonly view: RecordView
  readonly arrival: number
}

export class PartitionLog {
  /** The oldest offset that is still there. */
  start: Position = toPosition(0)
  #end = 0
  readonly #batches: LoggedBatch[] = []
  readonly #producers = new Map<bigint, ProducerState>()
  /** First offset of each open transaction, by producer. */
  readonly #open = new Map<bigint, number>()
  readonly #aborted: AbortedRange[] = []

  get end(): Position {
    return toPosition(this.#end)
  }

  get lastStableOffset(): Position {
    return toPosition(Math.min(this.#end, ...this.#open.values()))
  }

  /** Producers with an open transaction and its first offset. */
  get openTransactions(): ReadonlyMap<bigint, number> {
    return this.#open
  }

  /** Producers that have written here. */
  get producers(): readonly bigint[] {
    return [...this.#producers.keys()]
  }

  /** Of the producer's last record or marker here. */
  epochOf(producerId: bigint): number {
    return this.#producers.get(producerId)?.epoch ?? -1
  }

  append(batch: Buffer, maxBytes: number, arrival: number): Appended {
    const header = readBatchHeader(batch, 0)
    if (!header || header.end !== batch.length) return refused(codes.CORRUPT_MESSAGE)
    if (batch.length > maxBytes) return refused(codes.MESSAGE_TOO_LARGE)
    const { producerId, epoch, baseSequence, recordCount } = header
    const known = this.#producers.get(producerId)
    if (producerId >= 0n) {
      if (known && epoch < known.epoch) return refused(codes.INVALID_PRODUCER_EPOCH)
      const same = (r: ProducerState['recent'][number]): boolean =>
        r.sequence === baseSequence && r.count === recordCount
      const again = known?.epoch === epoch ? known.recent.find(same) : undefined
      if (again) return { code: 0, baseOffset: toOffset(again.baseOffset) }
      if (baseSequence !== (known?.epoch === epoch ? known.nextSequence : 0))
        return refused(codes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    }
    const baseOffset = this.#push(batch, header.lastOffset - header.baseOffset, arrival)
    if (producerId >= 0n) {
      const state = known?.epoch === epoch ? known : { epoch, nextSequence: 0, recent: [] }
      state.nextSequence = baseSequence + recordCount
      state.recent.push({ sequence: baseSequence, count: recordCount, baseOffset })
      if (state.recent.length > RECENT_BATCHES_MAX) state.recent.shift()
      this.#producers.set(producerId, state)
      if (header.isTransactional && !this.#open.has(producerId)) this.#open.set(producerId, baseOffset)
    }
    return { code: 0, baseOffset }
  }

  /** Writes the marker that ends a producer's transaction here. */
  complete(producerId: bigint, epoch: number, commit: boolean, nowMs: number, arrival: number): void {
    const markerOffset = this.#push(marker(producerId, epoch, commit, nowMs), 0, arrival)
    const known = this.#producers.get(producerId)
    if (!known || known.epoch < epoch) this.#producers.set(producerId, { epoch, nextSequence: 0, recent: [] })
    const firstOffset = this.#open.get(producerId)
    if (firstOffset === undefined) return
    this.#open.delete(producerId)
    if (!commit) this.#aborted.push({ producerId, firstOffset: toOffset(firstOffset), lastOffset: markerOffset })
  }

  /** Whole batches from the one that holds `from`, below the last stable offset; one at least, whatever its size. */
  read(from: Position, maxBytes: number): { records: Buffer; aborted: readonly AbortedTransaction[] } {
    const stable = this.lastStableOffset
    const parts: Buffer[] = []
    let bytes = 0
    let upTo: number = from
    for (const batch of this.#batches) {
      if (batch.lastOffset < from) continue
      if (batch.baseOffset >= stable || (parts.length > 0 && bytes + batch.bytes.length > maxBytes)) break
      parts.push(batch.bytes)
      bytes += batch.bytes.length
      upTo = batch.lastOffset + 1
    }
    const aborted = this.#aborted.filter((range) => range.lastOffset >= from && range.firstOffset < upTo)
    return { records: Buffer.concat(parts), aborted }
  }

  /** Committed records from `from` on, in order. */
  committed(from: Position): readonly Visible[] {
    const { records, aborted } = this.read(from, Number.POSITIVE_INFINITY)
    const reader = new FetchedRecords(records, aborted, from)
    const visible: Visible[] = []
    let batch = 0
    for (let view = reader.next(); view; view = reader.next()) {
      while (this.#batches[batch]!.lastOffset < view.offset) batch++
      visible.push({ view, arrival: this.#batches[batch]!.arrival })
    }
    return visible
  }

  /** Everything there is, with what is aborted so far: what a reader would see that knew how open transactions end. */
  readAll(from: Position): { records: Buffer; aborted: readonly AbortedTransaction[] } {
    const batches = this.#batches.filter((batch) => batch.lastOffset >= from)
    const aborted = this.#aborted.filter((range) => range.lastOffset >= from)
    return { records: Buffer.concat(batches.map((batch) => batch.bytes)), aborted }
  }

  /** As the log cleaner: below the last stable offset, of data batches only the committed records that are to be kept. */
  compact(keep: (offset: number) => boolean): void {
    const stable = this.lastStableOffset
    const kept: LoggedBatch[] = []
    const { records, aborted } = this.readAll(this.start)
    const reader = new FetchedRecords(records, aborted, this.start)
    let view = reader.next()
    for (const batch of this.#batches) {
      const header = readBatchHeader(batch.bytes, 0)!
      if (header.isControl || batch.lastOffset >= stable) kept.push(batch)
      for (; view && view.offset <= batch.lastOffset; view = reader.next()) {
        if (batch.lastOffset >= stable || !keep(view.offset)) continue
        const { offset: baseOffset, timestampMs, bytes, headersStart, headersEnd } = view
        const builder = new RecordBatchBuilder()
        builder.add(timestampMs, keyOf(view), valueOf(view), bytes, headersStart, headersEnd)
        const { producerId, epoch, baseSequence, isTransactional: transactional } = header
        const single = Buffer.from(
          builder.finish({ producerId, epoch, baseSequence, transactional, compression: 'none' }),
        )
        single.writeBigInt64BE(BigInt(baseOffset), at.BASE_OFFSET_AT)
        kept.push({ baseOffset, lastOffset: baseOffset, bytes: single, arrival: batch.arrival })
      }
    }
    this.#batches.splice(0, this.#batches.length, ...kept)
  }

  deleteBefore(position: Position): void {
    this.start = toPosition(Math.max(this.start, position))
    while (this.#batches[0] && this.#batches[0].lastOffset < this.start) this.#batches.shift()
  }

  #push(batch: Buffer, lastOffsetDelta: number, arrival: number): Offset {
    const baseOffset = this.#end
    const bytes = Buffer.from(batch)
    // The checksum does not cover it.
    bytes.writeBigInt64BE(BigInt(baseOffset), at.BASE_OFFSET_AT)
    this.#batches.push({ baseOffset, lastOffset: baseOffset + lastOffsetDelta, bytes, arrival })
    this.#end = baseOffset + lastOffsetDelta + 1
    return toOffset(baseOffset)
  }
}

const refused = (code: Code): Appended => ({ code, baseOffset: toOffset(-1) })

/** Key: int16 version, int16 type (0 abort, 1 commit). Value: int16 version, int32 coordinator epoch. */
function marker(producerId: bigint, epoch: number, commit: boolean, nowMs: number): Buffer {
  const builder = new RecordBatchBuilder()
  builder.add(nowMs, Buffer.of(0, 0, 0, commit ? 1 : 0), Buffer.alloc(6), NO_HEADERS)
  const bytes = Buffer.from(
    builder.finish({ producerId, epoch, baseSequence: -1, transactional: true, compression: 'none' }),
  )
  bytes.writeInt16BE(bytes.readInt16BE(at.ATTRIBUTES_AT) | at.CONTROL_FLAG, at.ATTRIBUTES_AT)
  bytes.writeUInt32BE(crc32c(bytes.subarray(at.ATTRIBUTES_AT)), at.CRC_AT)
  return bytes
}
