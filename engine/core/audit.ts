/**
 * One pass of the background audit over one task: a sample of the entries that the changelog names, folded to its end, beside
 * what the store held. Owns the rule when the two may be compared although the task goes on meanwhile. Pure; engine/auditor.ts
 * carries it out.
 *
 *   take* until `full` or the window ends (the sample) → requests → read them → read(answers, since) → take* to the end → verdict
 *
 * The answers are the store's as of changelog offset `since`, or of a later one. An entry whose last change in the whole log
 * lies at or below `since` must be there exactly so; one that changed behind it is not judged. What is in the store
 * and was never in the changelog is not sampled: `tributary verify` finds that.
 */
import { decodeChangelogRecord } from '../../stores/core/changelog.ts'
import { entryName } from '../../stores/core/layout.ts'
import type { ReadAnswer, ReadRequest, StoreLayout } from '../../stores/ports.ts'
import { keyOf, type RecordView, valueOf } from './headers.ts'

/** Entries in the sample of one pass: one guarded read. */
export const AUDIT_ENTRIES_MAX = 200
/** As many members of one score are answered by a store: with more, absence tells nothing. */
const MEMBERS_TOLD_MAX = 16

export type AuditResult =
  | 'agreed'
  /** Something differed, and was gone or changed when it was looked at again. */
  | 'settled'
  | 'differed'
  /** The task went away, or the walk took too long. */
  | 'abandoned'

export const AUDIT_RESULTS: readonly AuditResult[] = ['agreed', 'settled', 'differed', 'abandoned']

export type AuditDifferenceKind =
  /** The store holds another value than the changelog says. */
  | 'value'
  /** The changelog has the entry, the store has not. */
  | 'missing'
  /** The changelog says it is deleted, the store has it. */
  | 'extra'
  | 'index.missing'
  | 'index.extra'

export const AUDIT_KINDS: readonly AuditDifferenceKind[] = ['value', 'missing', 'extra', 'index.missing', 'index.extra']

export interface AuditDifference {
  readonly kind: AuditDifferenceKind
  /** `store/key/field`, of an index `index/group/member`. */
  readonly what: string
}

export interface AuditVerdict {
  readonly compared: number
  /** Changed behind `since`. */
  readonly changed: number
  readonly differences: readonly AuditDifference[]
}

interface Sampled {
  readonly name: string
  readonly store: string
  readonly key: string
  readonly field: string | null
  json: string | null
  changedAt: number
}

interface Asked {
  readonly entry: Sampled
  readonly request: ReadRequest
  /** The member whose presence is asked for; null: the entry itself. */
  readonly member: string | null
  /** The member may be missing: of a key with few fields no order is kept. */
  readonly mayLack: boolean
}

export class AuditCore {
  readonly #layout: StoreLayout
  readonly #entries = new Map<string, Sampled>()
  #asked: readonly Asked[] = []
  #answers: readonly ReadAnswer[] = []
  #since = -1
  #sampling = true
  /** Changelog records taken. */
  records = 0

  constructor(layout: StoreLayout) {
    this.#layout = layout
  }

  get full(): boolean {
    return this.#entries.size >= AUDIT_ENTRIES_MAX
  }

  get size(): number {
    return this.#entries.size
  }

  /** A changelog record, in order of offsets. Most are not in the sample: they cost one look at their key. */
  take(view: RecordView): void {
    this.records++
    const key = keyOf(view)
    if (key === null) return
    const name = key.toString('utf8')
    const known = this.#entries.get(name)
    if (!known && (!this.#sampling || this.full)) return
    const record = decodeChangelogRecord(name, valueOf(view)?.toString('utf8') ?? null)
    // What is no change is none of an audit's business: a takeover stops on what is foreign.
    if (record.kind !== 'change') return
    if (known) {
      known.json = record.change.json
      known.changedAt = view.offset
    } else this.#entries.set(name, { ...record.change, name, changedAt: view.offset })
  }

  /** The sample is complete: what to ask the store. */
  requests(): readonly ReadRequest[] {
    this.#sampling = false
    this.#asked = [...this.#entries.values()].flatMap((entry) => this.#questions(entry))
    return this.#asked.map(({ request }) => request)
  }

  #questions(entry: Sampled): Asked[] {
    const { store, key, field } = entry
    const kind = this.#layout.stores.find(({ name }) => name === store)?.kind
    // A store that the topology does not have any more, or of another kind: a takeover stops on it.
    if (kind === undefined || (kind === 'map') !== (field !== null)) return []
    const asked: Asked[] = [{ entry, request: { kind: 'entry', store, key, field }, member: null, mayLack: false }]
    if (field === null) return asked
    for (const index of this.#layout.indexes) {
      if (index.store !== store) continue
      const request = {
        kind: 'members',
        index: index.name,
        group: index.group(key, field),
        score: index.score(key, field),
      } as const
      asked.push({ entry, request, member: index.member(key, field).toWellFormed(), mayLack: index.isFieldOrder })
    }
    return asked
  }

  /** The answers to `requests`, as of changelog offset `since` or a later one. */
  read(answers: readonly ReadAnswer[], since: number): void {
    this.#answers = answers
    this.#since = since
  }

  /** After the end of the log as of behind the read. */
  verdict(): AuditVerdict {
    const differences: AuditDifference[] = []
    let compared = 0
    let changed = 0
    this.#asked.forEach((asked, i) => {
      const comparable = asked.entry.changedAt <= this.#since
      if (asked.member === null) {
        if (comparable) compared++
        else changed++
      }
      const difference = comparable ? compare(asked, this.#answers[i]) : null
      if (difference) differences.push(difference)
    })
    return { compared, changed, differences }
  }

  /** Keeps only the entries that differ, to be looked at a second time: then `requests` asks for these. */
  narrow(): void {
    const suspects = new Set<Sampled>()
    this.#asked.forEach((asked, i) => {
      if (asked.entry.changedAt <= this.#since && compare(asked, this.#answers[i])) suspects.add(asked.entry)
    })
    for (const [name, entry] of this.#entries) if (!suspects.has(entry)) this.#entries.delete(name)
  }
}

function compare({ entry, request, member, mayLack }: Asked, answer: ReadAnswer | undefined): AuditDifference | null {
  if (answer?.kind === 'entry') {
    if (answer.json === entry.json) return null
    const kind = entry.json === null ? 'extra' : answer.json === null ? 'missing' : 'value'
    return { kind, what: nameOf(entry) }
  }
  if (answer?.kind !== 'members' || request.kind !== 'members' || member === null) return null
  const there = answer.members.includes(member)
  if (there === (entry.json !== null) || (!there && (mayLack || answer.members.length >= MEMBERS_TOLD_MAX))) return null
  return { kind: there ? 'index.extra' : 'index.missing', what: `${request.index}/${request.group}/${member}` }
}

const nameOf = ({ store, key, field }: Sampled): string => entryName(store, key, field)

/**
 * Where a pass begins, as a distance from the end of the log: from `nearest` to the whole log, each doubling as likely as the
 * next. What was written last is looked at often and cheaply; what is old is looked at, too. `random` is in [0, 1).
 */
export function auditDistance(offsets: number, nearest: number, random: number): number {
  if (offsets <= nearest) return offsets
  return Math.min(offsets, Math.round(nearest * (offsets / nearest) ** (random * 1.1)))
}
