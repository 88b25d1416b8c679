/**
 * The history of entries, from the records of a task's changelog in their order. A batch writes an entry at most once, with
 * its last value, and its checkpoint record behind everything else; compaction removes what was overwritten since. Pure.
 */
import { readCause } from '../../engine/core/cause.ts'
import type { RecordView } from '../../engine/core/headers.ts'
import type { ChangelogEntry } from '../../stores/core/changelog.ts'
import type { Change } from '../../stores/ports.ts'
import type { Origin } from '../../topology/sources.ts'

export interface EntryChange {
  readonly change: Change
  /** In the changelog. */
  readonly offset: number
  /** Of the record that caused it. */
  readonly timestampMs: number
  /** Null: the checkpoint record behind it is not there. */
  readonly batch: number | null
  /** False: checkpoint records before `batch` are gone, so it may have been an earlier one. */
  readonly batchExact: boolean
  /** Null: the record does not say; it was written by a version that did not. */
  readonly cause: Origin | null
}

export class HistoryFold {
  readonly #wanted: (change: Change) => boolean
  readonly #limit: number
  #found: EntryChange[] = []
  #open: EntryChange[] = []
  #lastBatch: number | null = null
  #dropped = false

  /** Keeps the newest `limit` changes. */
  constructor(wanted: (change: Change) => boolean, limit: number) {
    this.#wanted = wanted
    this.#limit = limit
  }

  take(view: RecordView, entry: ChangelogEntry): void {
    if (entry.kind === 'checkpoint') {
      const { batch } = entry.checkpoint
      const exact = batch === 1 || this.#lastBatch === batch - 1
      this.#keep(this.#open.map((change) => ({ ...change, batch, batchExact: exact })))
      this.#open = []
      this.#lastBatch = batch
    } else if (entry.kind === 'change' && this.#wanted(entry.change)) {
      const { offset, timestampMs } = view
      const cause = readCause(view)
      this.#open.push({ change: entry.change, offset, timestampMs, batch: null, batchExact: false, cause })
      if (this.#open.length > this.#limit * 2) {
        this.#open = this.#open.slice(-this.#limit)
        this.#dropped = true
      }
    }
  }

  /** Oldest first. `complete` false: there are older ones. */
  result(): { readonly changes: readonly EntryChange[]; readonly complete: boolean } {
    this.#keep(this.#open)
    this.#open = []
    return { changes: this.#found, complete: !this.#dropped }
  }

  #keep(changes: readonly EntryChange[]): void {
    if (this.#found.length + changes.length > this.#limit) this.#dropped = true
    this.#found = [...this.#found, ...changes].slice(-this.#limit)
  }
}
