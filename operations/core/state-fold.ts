/** The state of a task as its changelog has it, at the end of a batch. Memory: the state of one task. Pure. */
import type { ChangelogEntry, CheckpointRecord } from '../../stores/core/changelog.ts'
import { entryName } from '../../stores/core/layout.ts'
import type { Change } from '../../stores/ports.ts'

export class StateFold {
  readonly #entries = new Map<string, Change>()
  /** Of a batch whose checkpoint record has not come yet. */
  #open: Change[] = []
  #last: { readonly checkpoint: CheckpointRecord; readonly offset: number } | null = null

  /** `foreign` and `newer-format` are the caller's to refuse. */
  take(offset: number, entry: ChangelogEntry): void {
    if (entry.kind === 'change') this.#open.push(entry.change)
    if (entry.kind !== 'checkpoint') return
    for (const change of this.#open) {
      const name = entryName(change.store, change.key, change.field)
      if (change.json === null) this.#entries.delete(name)
      else this.#entries.set(name, change)
    }
    this.#open = []
    this.#last = { checkpoint: entry.checkpoint, offset }
  }

  /** The batch that `entries` are as of; null: there is none. */
  get last() {
    return this.#last
  }

  entries(): IterableIterator<Change> {
    return this.#entries.values()
  }
}
