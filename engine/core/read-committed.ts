/**
 * Responsible for: which record batches of a fetch answer a read_committed reader may see.
 * Owns: the open aborted ranges, by producer, while the batches of one fetch answer are walked in order.
 * Does not: look at bytes; engine/wire feeds it from the wire, a simulator from objects.
 *
 * The broker's aborted list alone decides (traps P1, P2): a producer's range opens when the walk reaches its first
 * offset and closes at that producer's abort marker, so a second aborted transaction of one producer opens again, and a
 * range whose marker lies in a later fetch stays open to the end of this one.
 * Source: org.apache.kafka.clients.consumer.internals.CompletedFetch.
 */

/** One entry of the broker's list. The list may come in any order. */
export interface AbortedRange {
  readonly producerId: bigint
  /** Offset of the transaction's first record in this partition. It may lie below the fetch. */
  readonly firstOffset: number
}

/** What the filter needs to know of a batch. */
export interface BatchFacts {
  readonly producerId: bigint
  readonly lastOffset: number
  readonly isTransactional: boolean
  readonly isControl: boolean
  /** What kind of marker a control batch holds; null: none, or the log cleaner has emptied it (trap P19). */
  readonly marker: 'abort' | 'commit' | null
}

export class ReadCommittedFilter {
  readonly #waiting: readonly AbortedRange[]
  #reached = 0
  readonly #open = new Set<bigint>()

  constructor(aborted: readonly AbortedRange[]) {
    this.#waiting = aborted.length < 2 ? aborted : aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  }

  /** True when the batch's records may be seen. To be called for every batch of the answer, in order, seen ones included. */
  admits(batch: BatchFacts): boolean {
    this.#openUpTo(batch.lastOffset)
    if (batch.isControl) {
      if (batch.marker === 'abort') this.#open.delete(batch.producerId)
      return false
    }
    return !(batch.isTransactional && this.#open.has(batch.producerId))
  }

  #openUpTo(lastOffset: number): void {
    for (; this.#reached < this.#waiting.length; this.#reached++) {
      const range = this.#waiting[this.#reached]!
      if (range.firstOffset > lastOffset) return
      this.#open.add(range.producerId)
    }
  }
}
