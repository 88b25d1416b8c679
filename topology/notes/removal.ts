/** What the three ways of removing notes share: finding the notes that were named, and removing one. */
import { type Drop, drop, type Effect } from '../effects.ts'
import type { State } from '../sources.ts'
import type { Read } from '../stores.ts'
import type { Done } from './command.ts'
import { deleted } from './events.ts'
import { type Note, notes, type Owner } from './state.ts'

/** A note and its id. */
export type Numbered = readonly [noteId: number, note: Note]

export interface Named {
  /** Each id once. */
  readonly noteIds: readonly number[]
  /** In the order in which they were named. */
  readonly found: readonly Numbered[]
  /** `note.unknown`: not there, or another character's. `note.repeated`: named before in the same command. */
  readonly skipped: readonly Drop[]
}

/** Each id once, in the order given. */
export const distinct = (noteIds: readonly number[]): readonly number[] => [...new Set(noteIds)]

export const readNamed = (owner: Owner, noteIds: readonly number[]): readonly Read[] =>
  distinct(noteIds).map((noteId) => notes.read(owner, noteId))

export function findNamed(owner: Owner, noteIds: readonly number[], state: State): Named {
  const ids = distinct(noteIds)
  const found: Numbered[] = []
  for (const noteId of ids) {
    const note = state.get(notes, owner, noteId)
    if (note) found.push([noteId, note])
  }
  return {
    noteIds: ids,
    found,
    skipped: [
      ...skipped('note.unknown', ids.length - found.length),
      ...skipped('note.repeated', noteIds.length - ids.length),
    ],
  }
}

/** All of an owner's notes in order of id. */
export const findAll = (owner: Owner, state: State): readonly Numbered[] =>
  [...state.all(notes, owner)].sort(([a], [b]) => a - b)

/** Of a command that names notes: there is nothing to find where none is named, and one note is the request's own. */
export function removedNamed({ noteIds, found, skipped }: Named, removal: (note: Numbered) => readonly Effect[]): Done {
  const effects = [...found.flatMap(removal), ...skipped]
  if (found.length === 0 && noteIds.length > 0) return { status: 404, noteId: null, effects }
  return { status: 204, noteId: noteIds.length === 1 ? noteIds[0]! : null, effects }
}

/** Removes one note and says so. */
export const remove = (owner: Owner, noteId: number): readonly Effect[] => [
  notes.delete(owner, noteId),
  deleted(owner.characterId, noteId),
]

const skipped = (reason: string, count: number): readonly Drop[] => (count === 0 ? [] : [drop(reason, count)])
