/**
 * Fetched records that wait to be processed by one task, in the order in which it takes them: among its partitions the
 * one whose next record has the lowest timestamp goes first (ties: order of declaration). Owns the fetch positions.
 * Bounded: a partition whose buffer is full is not fetched.
 */
import type { Code, TopicPartition } from '../ports.ts'
import type { RecordView } from './headers.ts'
import { after, type Position } from './numbers.ts'
import type { Progress } from './progress.ts'

/** One fetch answer being walked. engine/wire/record-batch-reader.ts over bytes; the simulator over objects. */
export interface RecordCursor {
  peekTimestampMs(): number | undefined
  next(): RecordView | undefined
  /**
   * After peekTimestampMs() has thrown: takes the batch that nobody can unpack, as one record whose value is its raw bytes.
   * Undefined when the log itself is damaged, which an operator must see.
   */
  takeUnreadable?(): { readonly view: RecordView; readonly reason: string } | undefined
  /** The next offset behind everything consumed or skipped (markers, aborted records). */
  readonly position: Position
  readonly sizeBytes: number
}

/** What a task may hold fetched and not yet processed, per partition. Two fetch answers at the default fetch size. */
export const BUFFER_BYTES_MAX = 2 * 1024 * 1024

export class PartitionIntake implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Where the next fetch reads: behind everything buffered. */
  fetchPosition: Position
  bufferedBytes = 0
  /** As of the last answer; for lag. */
  lastStableOffset: Position
  /** As of the last answer: with transactions that are open. */
  highWatermark: Position
  /** Since when the broker has refused to serve it, and the code that it answered last; null while it serves. */
  refused: { readonly sinceMs: number; readonly code: Code } | null = null
  readonly #cursors: RecordCursor[] = []
  #unreadable: { readonly view: RecordView; readonly reason: string } | null = null

  constructor(topic: string, partition: number, start: Position) {
    this.topic = topic
    this.partition = partition
    this.fetchPosition = start
    this.lastStableOffset = start
    this.highWatermark = start
  }

  /** Nothing that is fetched waits; what is hidden does not count. */
  get isEmpty(): boolean {
    return this.#cursors.length === 0
  }

  get full(): boolean {
    return this.bufferedBytes >= BUFFER_BYTES_MAX
  }

  /** `end` is the position behind the fetched bytes. */
  push(cursor: RecordCursor, end: Position): void {
    this.fetchPosition = end
    this.#cursors.push(cursor)
    this.bufferedBytes += cursor.sizeBytes
  }

  /** Throws what the cursor throws for a damaged log. */
  peekTimestampMs(): number | undefined {
    if (this.#unreadable) return this.#unreadable.view.timestampMs
    for (let head = this.#cursors[0]; head; head = this.#cursors[0]) {
      const timestampMs = this.#peek(head)
      if (timestampMs !== undefined) return timestampMs
      this.#drop(head)
    }
    return undefined
  }

  /** Only after peekTimestampMs() has answered. `positionAfter` lies behind trailing markers when the buffer is drained. */
  take(): { view: RecordView; positionAfter: Position; unreadable: string | null } {
    const head = this.#cursors[0]
    if (head && this.#unreadable) {
      const { view, reason } = this.#unreadable
      this.#unreadable = null
      return { view, positionAfter: head.position, unreadable: reason }
    }
    const view = head?.next()
    if (!head || !view) throw new Error('take() without a record')
    if (this.#hasMore(head)) return { view, positionAfter: after(view.offset), unreadable: null }
    const positionAfter = head.position
    this.#drop(head)
    return { view, positionAfter, unreadable: null }
  }

  /** Damage behind a sound record is told when its turn comes: the record is taken by then. */
  #hasMore(head: RecordCursor): boolean {
    try {
      return this.#peek(head) !== undefined
    } catch {
      return true
    }
  }

  #peek(head: RecordCursor): number | undefined {
    try {
      return head.peekTimestampMs()
    } catch (error) {
      this.#unreadable = head.takeUnreadable?.() ?? null
      if (!this.#unreadable) throw this.#located(error)
      return this.#unreadable.view.timestampMs
    }
  }

  /** A cursor knows the offset only; whoever has to mend it needs the partition. */
  #located(error: unknown): unknown {
    if (!(error instanceof Error)) return error
    const located = new Error(`${this.topic}-${this.partition}: ${error.message}`, { cause: error })
    return 'code' in error ? Object.assign(located, { code: error.code }) : located
  }

  #drop(head: RecordCursor): void {
    this.#cursors.shift()
    this.bufferedBytes -= head.sizeBytes
  }
}

export class TaskIntake {
  readonly partitions: readonly PartitionIntake[]

  constructor(partitions: readonly PartitionIntake[]) {
    this.partitions = partitions
  }

  /** Partitions whose records are all taken and that were read further than this. */
  passed(before: Progress): readonly (TopicPartition & { readonly position: Position })[] {
    return this.partitions
      .filter(({ isEmpty }) => isEmpty)
      .map(({ topic, partition, fetchPosition }) => ({ topic, partition, position: fetchPosition }))
      .filter(({ topic, partition, position }) => position > (before.position(topic, partition) ?? position))
  }

  /** The partition whose next record is due, or undefined when nothing is buffered. */
  due(): PartitionIntake | undefined {
    let best: PartitionIntake | undefined
    let lowest = Number.POSITIVE_INFINITY
    for (const partition of this.partitions) {
      const timestampMs = partition.peekTimestampMs()
      if (timestampMs !== undefined && (best === undefined || timestampMs < lowest)) {
        best = partition
        lowest = timestampMs
      }
    }
    return best
  }
}
