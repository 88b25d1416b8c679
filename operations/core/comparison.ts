/**
 * One task's state twice: as the fold of its changelog and as it lies in the store. Owns the rule when the two agree
 * although the task goes on meanwhile. Pure; cli/verify.ts feeds it.
 *
 * The store was at checkpoint `since` before its dump began. An entry that the changelog did not change behind `since`
 * must be in the dump exactly so. One that it did change may be seen at its old value or at any that came later, up to
 * the end of the changelog as of after the dump: the store is written after the commit, so it never leads.
 *
 *   take* (to the end before the dump) → see* → beginIndex, seeMember*, endIndex per index → take* (what came since) → conclude
 */
import type { ChangelogEntry, CheckpointRecord } from '../../stores/core/changelog.ts'
import { KEPT_BEYOND } from '../../stores/core/field-order.ts'
import { entryName } from '../../stores/core/layout.ts'
import type { Change, Checkpoint, IndexEntry, StoreLayout } from '../../stores/ports.ts'
import type { DifferenceList } from './differences.ts'

interface Entry {
  readonly store: string
  readonly key: string
  readonly field: string | null
  /** As of `since`; null: not there. */
  json: string | null
  /** Whether the changelog said something of it up to `since`; if not, compaction may have removed what it said. */
  readonly known: boolean
  /** What it became behind `since`, in order. */
  later: (string | null)[] | null
  seen: boolean
}

interface ExpectedMember {
  readonly entry: Entry
  readonly score: number
  seen: boolean
}

type Index = StoreLayout['indexes'][number]

export interface LastCheckpoint {
  readonly offset: number
  readonly record: CheckpointRecord
}

export class TaskComparison {
  readonly differences: DifferenceList
  /** Entries of the store, and members of its indexes, that were looked at. */
  entries = 0
  members = 0
  /** Entries that changed while they were compared. */
  changed = 0
  /** Entries of which the changelog does not tell any more what they were. */
  undecided = 0
  /** Newest checkpoint record so far. */
  last: LastCheckpoint | null = null
  /** Checkpoint records behind `since`. */
  behind = 0
  readonly #layout: StoreLayout
  readonly #since: number
  readonly #entries = new Map<string, Entry>()
  /** What the dump held and the fold did not explain so far. */
  readonly #suspects = new Map<string, Change>()
  readonly #unknownMembers: { index: Index; entry: IndexEntry }[] = []
  readonly #missingMembers: { index: Index; entry: Entry; group: string; member: string }[] = []
  #expected = new Map<string, ExpectedMember>()
  #atSince: ChangelogEntry | null = null

  /** `since` is the offset of the store's checkpoint record; negative: the store holds nothing yet. */
  constructor(layout: StoreLayout, since: number, differences: DifferenceList) {
    this.#layout = layout
    this.#since = since
    this.differences = differences
  }

  /** A changelog record, in order of offsets. */
  take(offset: number, record: ChangelogEntry): void {
    if (offset === this.#since) this.#atSince = record
    switch (record.kind) {
      case 'change':
        this.#change(offset, record.change)
        break
      case 'checkpoint':
        this.last = { offset, record: record.checkpoint }
        if (offset > this.#since) this.behind++
        break
      case 'newer-format':
        this.differences.add('changelog', `offset ${offset}`, 'a known format', `state format ${record.stateFormat}`)
        break
      case 'foreign':
        this.differences.add('changelog', `offset ${offset}`, 'a record of this application', record.reason)
    }
  }

  #change(offset: number, { store, key, field, json }: Change): void {
    const name = nameOf(store, key, field)
    const entry = this.#entries.get(name)
    if (offset <= this.#since) {
      if (json === null) this.#entries.delete(name)
      else if (entry) entry.json = json
      else this.#entries.set(name, { store, key, field, json, known: true, later: null, seen: false })
      return
    }
    if (entry) {
      entry.later ??= []
      entry.later.push(json)
      return
    }
    const known = this.#since < 0
    this.#entries.set(name, { store, key, field, json: null, known, later: [json], seen: false })
  }

  /** An entry of the store. It may come twice. */
  see(change: Change): void {
    const name = nameOf(change.store, change.key, change.field)
    const entry = this.#entries.get(name)
    if (entry && mayBe(entry, change.json)) entry.seen = true
    else this.#suspects.set(name, change)
    this.entries++
  }

  /** Only one index is held at a time. */
  beginIndex(index: Index): void {
    this.#expected = membersOf(index, this.#entries.values())
  }

  /** A member of the index that was begun. It may come twice. */
  seeMember(index: Index, entry: IndexEntry): void {
    this.members++
    const expected = this.#expected.get(`${entry.group}\0${entry.member}`)
    if (!expected) {
      this.#unknownMembers.push({ index, entry })
      return
    }
    expected.seen = true
    if (expected.score !== entry.score)
      this.differences.add('index.score', indexText(index, entry), String(expected.score), String(entry.score))
  }

  endIndex(index: Index): void {
    const kept = index.isFieldOrder ? keptGroups(this.#expected) : null
    for (const [name, { entry, seen }] of this.#expected) {
      if (seen) continue
      const [group = '', member = ''] = name.split('\0')
      if (kept === null || kept.has(group)) this.#missingMembers.push({ index, entry, group, member })
    }
    this.#expected = new Map()
  }

  /** After the last record: adds what differs. */
  conclude(checkpoint: Checkpoint | null): void {
    this.#compareCheckpoint(checkpoint)
    for (const [name, change] of this.#suspects) this.#judge(name, change)
    for (const [name, entry] of this.#entries) {
      if (entry.later !== null) this.changed++
      if (!entry.seen && !mayBe(entry, null)) this.differences.add('missing', name, entry.json, null)
    }
    this.#judgeMembers()
  }

  #judge(name: string, { json }: Change): void {
    const entry = this.#entries.get(name)
    if (!entry) {
      this.differences.add('extra', name, null, json)
      return
    }
    entry.seen = true
    if (mayBe(entry, json)) return
    if (!entry.known) this.undecided++
    else this.differences.add('value', name, entry.later?.at(-1) ?? entry.json, json)
  }

  #judgeMembers(): void {
    const { differences } = this
    const changed = [...this.#entries.values()].filter((entry) => entry.later !== null)
    for (const index of this.#layout.indexes) {
      const unknown = this.#unknownMembers.filter((member) => member.index === index)
      if (unknown.length === 0) continue
      const expected = membersOf(index, changed)
      for (const { entry } of unknown) {
        const score = expected.get(`${entry.group}\0${entry.member}`)?.score
        if (score === undefined) differences.add('index.extra', indexText(index, entry), null, String(entry.score))
        else if (score !== entry.score)
          differences.add('index.score', indexText(index, entry), String(score), String(entry.score))
      }
    }
    // An order may have been dropped meanwhile, or begun.
    const groupsChanged = new Set(changed.map(({ store, key }) => entryName(store, key, null)))
    for (const { index, entry, group, member } of this.#missingMembers) {
      if (mayBe(entry, null)) continue
      if (index.isFieldOrder && groupsChanged.has(entryName(entry.store, entry.key, null))) continue
      differences.add('index.missing', indexText(index, { group, member }), String(scoreOf(index, entry)), null)
    }
  }

  #compareCheckpoint(checkpoint: Checkpoint | null): void {
    const { differences, last } = this
    if (checkpoint === null) {
      if (last) differences.add('checkpoint', 'checkpoint', `batch ${last.record.batch}`, null)
      return
    }
    if (checkpoint.batch === 0) return
    const found = `batch ${checkpoint.batch} at changelog offset ${checkpoint.offset}`
    const record = this.#atSince
    if (record === null) {
      // Compacted away: a newer one is there. Without a newer one the store is ahead, or of another changelog.
      if (this.behind === 0) differences.add('checkpoint', 'checkpoint', last && `batch ${last.record.batch}`, found)
      return
    }
    if (record.kind !== 'checkpoint' || record.checkpoint.batch !== checkpoint.batch) {
      const there = record.kind === 'checkpoint' ? `batch ${record.checkpoint.batch}` : 'no checkpoint record'
      differences.add('checkpoint', 'checkpoint', `${there} at changelog offset ${checkpoint.offset}`, found)
      return
    }
    for (const [name, expected, stored] of numbersBeside(record.checkpoint.counters, checkpoint.counters))
      if (expected !== stored) differences.add('counter', name, text(expected), text(stored))
    for (const topic of new Set([...Object.keys(record.checkpoint.positions), ...Object.keys(checkpoint.positions)])) {
      const beside = numbersBeside(record.checkpoint.positions[topic] ?? {}, checkpoint.positions[topic] ?? {})
      for (const [partition, expected, stored] of beside)
        if (expected !== stored) differences.add('position', `${topic}-${partition}`, text(expected), text(stored))
    }
  }
}

/** Whether the store may rightly hold this (null: nothing) for the entry. */
const mayBe = (entry: Entry, json: string | null): boolean =>
  entry.json === json || entry.later?.includes(json) === true

/** Redis cannot hold a lone surrogate in a field; the changelog's escaping can. */
const nameOf = (store: string, key: string, field: string | null): string =>
  entryName(store, key, field === null ? null : field.toWellFormed())

function membersOf(index: Index, entries: Iterable<Entry>): Map<string, ExpectedMember> {
  const members = new Map<string, ExpectedMember>()
  for (const entry of entries)
    if (entry.store === index.store && entry.field !== null)
      members.set(memberName(index, entry), { entry, score: scoreOf(index, entry), seen: false })
  return members
}

/** Groups of a field order that must be there whole: those of many fields, and those of which something is there. */
function keptGroups(expected: ReadonlyMap<string, ExpectedMember>): ReadonlySet<string> {
  const sizes = new Map<string, number>()
  const kept = new Set<string>()
  for (const [name, { seen }] of expected) {
    const group = name.slice(0, name.indexOf('\0'))
    const size = (sizes.get(group) ?? 0) + 1
    sizes.set(group, size)
    if (seen || size > KEPT_BEYOND) kept.add(group)
  }
  return kept
}

const memberName = (index: Index, { key, field }: Entry): string =>
  `${index.group(key, field!)}\0${index.member(key, field!).toWellFormed()}`

const scoreOf = (index: Index, { key, field }: Entry): number => index.score(key, field!)

const indexText = (index: Index, { group, member }: { group: string; member: string }): string =>
  `${index.name}/${group}/${member}`

const text = (value: number | undefined): string | null => (value === undefined ? null : String(value))

function numbersBeside(
  left: Readonly<Record<string, number>>,
  right: Readonly<Record<string, number>>,
): [name: string, left: number | undefined, right: number | undefined][] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].map((name) => [name, left[name], right[name]])
}
