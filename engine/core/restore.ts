/**
 * Restoring one task from its changelog, step (f): walks the records from a position to the end and says what to write
 * to the store. Owns the rule when a base in the store can be built upon and when it must be rebuilt.
 */
import type { CheckpointRecord } from '../../stores/core/changelog.ts'
import type { Change } from '../../stores/ports.ts'
import { changelogEntry } from './changelog-entry.ts'
import type { RecordView } from './headers.ts'
import { type Offset, offset } from './numbers.ts'
import type { RestorePlan } from './takeover.ts'

/** Changes held before they are written; the store cuts them again by bytes. */
export const RESTORE_CHANGES_MAX = 5_000

export type RestoreVerdict =
  | { readonly kind: 'go-on' }
  | { readonly kind: 'rebuild'; readonly reason: string }
  | { readonly kind: 'stop'; readonly code: string; readonly message: string }

const GO_ON: RestoreVerdict = { kind: 'go-on' }

export interface RestoredCheckpoint {
  readonly record: CheckpointRecord
  readonly offset: Offset
  /** First changelog record behind the checkpoint before it. */
  readonly firstOffset: Offset
}

/** Of the topology. */
export interface DeclaredStore {
  readonly name: string
  readonly kind: 'map' | 'value'
}

export class RestoreCore {
  readonly #plan: RestorePlan
  readonly #stores: readonly DeclaredStore[] | null
  #changes: Change[] = []
  #last: RestoredCheckpoint | null = null
  #first: Offset | null = null

  /** `stores`: those that a change may be of; null: any. */
  constructor(plan: RestorePlan, stores: readonly DeclaredStore[] | null = null) {
    this.#plan = plan
    this.#stores = stores
  }

  /** The last checkpoint record so far. */
  get last(): RestoredCheckpoint | null {
    return this.#last
  }

  /** Enough is held that it should be written now. */
  get due(): boolean {
    return this.#changes.length >= RESTORE_CHANGES_MAX
  }

  take(view: RecordView): RestoreVerdict {
    const { base, baseIsFresh } = this.#plan
    if (base && !baseIsFresh && view.offset > base.offset)
      return { kind: 'rebuild', reason: 'the store is so far behind that deletions may be missing from the changelog' }
    this.#first ??= view.offset
    const entry = changelogEntry(view)
    switch (entry.kind) {
      case 'change':
        if (base && base.batch > 0 && view.offset === base.offset)
          return {
            kind: 'rebuild',
            reason: `the store says batch ${base.batch} ends at offset ${base.offset}, the changelog has a change there`,
          }
        // Before it is written: the store could not place it, and would call that a mistake of the program.
        if (!this.#declares(entry.change))
          return {
            kind: 'stop',
            code: 'topology.incompatible',
            message: `the state has a ${kindOf(entry.change)} store "${entry.change.store}", the topology has not`,
          }
        this.#changes.push(entry.change)
        return GO_ON
      case 'checkpoint':
        if (base && base.batch > 0 && view.offset === base.offset && entry.checkpoint.batch !== base.batch)
          return {
            kind: 'rebuild',
            reason: `the store says batch ${base.batch} is at offset ${base.offset}, the changelog has batch ${entry.checkpoint.batch} there`,
          }
        this.#last = { record: entry.checkpoint, offset: view.offset, firstOffset: this.#first }
        this.#first = null
        return GO_ON
      case 'newer-format':
        return {
          kind: 'stop',
          code: 'state.format_newer',
          message: `the changelog is written in state format ${entry.stateFormat}`,
        }
      case 'foreign':
        return { kind: 'stop', code: 'changelog.foreign', message: `changelog offset ${view.offset}: ${entry.reason}` }
    }
  }

  #declares(change: Change): boolean {
    return this.#stores?.some((s) => s.name === change.store && s.kind === kindOf(change)) ?? true
  }

  /** At the end of the log, before the store says whose it is now. */
  finish(): RestoreVerdict {
    const { base, group } = this.#plan
    // Two groups on one changelog: each would read every input. Without a record only the store tells.
    const found = this.#last ? (this.#last.record.groupId ?? null) : group.stored
    if (found !== null && found !== group.ours)
      return {
        kind: 'stop',
        code: 'group.changed',
        message: `the state is that of group ${found}, this process is in group ${group.ours}`,
      }
    if (base && base.batch > 0 && (!this.#last || this.#last.record.batch < base.batch))
      return { kind: 'rebuild', reason: 'the store is ahead of the changelog' }
    return GO_ON
  }

  /** Takes what is held, to be written in this order. */
  drain(): readonly Change[] {
    const changes = this.#changes
    this.#changes = []
    return changes
  }
}

export const NO_OFFSET: Offset = offset(-1)

const kindOf = ({ field }: Change): DeclaredStore['kind'] => (field === null ? 'value' : 'map')
