/**
 * The log cleaner: of committed records the newest of each key stays; a tombstone goes once it has been the newest at a
 * cleaning before and delete.retention.ms has passed since. Owns when each tombstone was first seen.
 */
import { keyOf, valueOf } from '../../../engine/core/headers.ts'
import { position } from '../../../engine/core/numbers.ts'
import type { PartitionLog } from '../../../testing/kafka/partition-log.ts'

export class Cleaner {
  readonly #deleteRetentionMs: number
  readonly #seenMs = new Map<PartitionLog, Map<number, number>>()

  constructor(deleteRetentionMs: number) {
    this.#deleteRetentionMs = deleteRetentionMs
  }

  clean(log: PartitionLog, nowMs: number): void {
    const newest = new Map<string, number>()
    const tombstones = new Set<number>()
    for (const { view } of log.committed(position(0))) {
      newest.set(String(keyOf(view)), view.offset)
      if (valueOf(view) === null) tombstones.add(view.offset)
    }
    const seen = this.#seenMs.get(log) ?? new Map<number, number>()
    this.#seenMs.set(log, seen)
    const keep = new Set(newest.values())
    for (const offset of tombstones) {
      const sinceMs = seen.get(offset) ?? nowMs
      seen.set(offset, sinceMs)
      if (nowMs - sinceMs > this.#deleteRetentionMs) keep.delete(offset)
    }
    log.compact((offset) => keep.has(offset))
  }
}
