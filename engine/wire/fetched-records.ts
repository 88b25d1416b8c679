/**
 * Responsible for: the committed records of one fetch answer, in order, and the position behind what was taken.
 * Owns: the walk through the answer's batches (each unpacked when it is reached) and the read-committed filter.
 * Does not: fetch, and does not know whether the position is still wanted.
 */
import { type RecordView, viewOf } from '../core/headers.ts'
import { after, type Offset, type Position } from '../core/numbers.ts'
import { type AbortedRange, ReadCommittedFilter } from '../core/read-committed.ts'
import { type BatchHeader, readBatchHeader } from './record-batch-reader.ts'
import { RecordCursor } from './record-cursor.ts'
import { corrupt, WireError } from './wire-error.ts'

const MARKER_ABORT = 0
const MARKER_COMMIT = 1

/**
 * Hidden: markers, batches of aborted transactions, records below the position asked for, a batch cut at the end.
 * peekTimestampMs and next throw WireError for bytes that are no sound batches, and then throw the same at every further
 * call; what was taken before stays taken.
 */
export class FetchedRecords {
  /** Size of the answer as fetched (batches may be compressed). */
  readonly sizeBytes: number
  readonly #bytes: Buffer
  readonly #filter: ReadCommittedFilter
  #batchStart = 0
  #lastOffset = -1
  /** The records of #header, while there are any to come. */
  #records: RecordCursor | undefined
  #peeked: RecordView | undefined
  #position: Position
  #failure: unknown
  /** The batch being read, or tried last. */
  #header: BatchHeader | undefined

  constructor(records: Buffer, aborted: readonly AbortedRange[], asked: Position) {
    this.#bytes = records
    this.sizeBytes = records.length
    this.#filter = new ReadCommittedFilter(aborted)
    this.#position = asked
  }

  /** The offset to read next: behind every record taken, and behind everything hidden that was passed. */
  get position(): Position {
    return this.#position
  }

  /** Timestamp of the record that `next` would give; undefined when there is none, and then the position is at the end. */
  peekTimestampMs(): number | undefined {
    return this.#peek()?.timestampMs
  }

  /** Takes the next record. */
  next(): RecordView | undefined {
    const record = this.#peek()
    if (record === undefined) return undefined
    this.#peeked = undefined
    this.#position = after(record.offset)
    if (this.#records!.left === 0) this.#leaveBatch()
    return record
  }

  /** After a WireError: the batch that cannot be read, if its own header was sound. */
  get failedBatch(): BatchHeader | undefined {
    return this.#failure === undefined ? undefined : this.#header
  }

  /** Goes on behind failedBatch, its remaining records unread. To be called only when they were accounted for otherwise. */
  passFailedBatch(): void {
    if (this.failedBatch === undefined) throw this.#failure ?? new Error('no batch has failed')
    this.#failure = undefined
    this.#leaveBatch()
  }

  /**
   * A batch that unpacks to more than we are willing to hold: its raw bytes as the value of one record, and on behind it.
   * A damaged batch is not passed like this: what it held is not known to be only one producer's fault.
   */
  takeUnreadable(): { view: RecordView; reason: string } | undefined {
    const header = this.failedBatch
    if (header === undefined || !(this.#failure instanceof WireError) || this.#failure.code !== 'wire.too_large')
      return undefined
    const reason = this.#failure.message
    const { baseOffset, maxTimestampMs, start, end } = header
    const view = viewOf({
      offset: baseOffset,
      timestampMs: maxTimestampMs,
      key: null,
      value: this.#bytes.subarray(start, end),
    })
    this.passFailedBatch()
    return { view, reason }
  }

  #peek(): RecordView | undefined {
    if (this.#peeked !== undefined) return this.#peeked
    if (this.#failure !== undefined) throw this.#failure
    try {
      this.#peeked = this.#find()
    } catch (error) {
      this.#failure = error
      throw error
    }
    return this.#peeked
  }

  #find(): RecordView | undefined {
    for (;;) {
      this.#records ??= this.#enterBatch()
      if (this.#records === undefined) return undefined
      // A batch may hold the position asked for in its middle.
      for (let record = this.#records.next(); record !== undefined; record = this.#records.next())
        if (record.offset >= this.#position) return record
      this.#leaveBatch()
    }
  }

  /** Goes to the next batch that may be seen; undefined: there is no further whole batch. */
  #enterBatch(): RecordCursor | undefined {
    for (;;) {
      this.#header = undefined
      const header = readBatchHeader(this.#bytes, this.#batchStart)
      if (header === undefined) return undefined
      if (header.baseOffset <= this.#lastOffset)
        throw corrupt(`the batch at offset ${header.baseOffset} follows offset ${this.#lastOffset}`)
      this.#header = header
      const marker = header.isControl ? this.#markerOf(header) : null
      const { producerId, lastOffset, isTransactional, isControl } = header
      const seen = this.#filter.admits({ producerId, lastOffset, isTransactional, isControl, marker })
      if (seen && lastOffset >= this.#position && header.recordCount > 0) return new RecordCursor(this.#bytes, header)
      this.#leaveBatch()
    }
  }

  #leaveBatch(): void {
    const { end, lastOffset } = this.#header!
    this.#records = undefined
    this.#batchStart = end
    this.#lastOffset = lastOffset
    this.#passTo(lastOffset)
  }

  #passTo(lastOffset: Offset): void {
    if (lastOffset >= this.#position) this.#position = after(lastOffset)
  }

  /** A marker's key is int16 version, int16 type. An emptied control batch has none (trap P19). */
  #markerOf(header: BatchHeader): 'abort' | 'commit' | null {
    const record = new RecordCursor(this.#bytes, header).next()
    if (record === undefined || record.keyEnd - record.keyStart < 4 || record.keyStart < 0) return null
    const type = record.bytes.readInt16BE(record.keyStart + 2)
    return type === MARKER_ABORT ? 'abort' : type === MARKER_COMMIT ? 'commit' : null
  }
}
