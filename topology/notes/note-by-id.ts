/**
 * Commands for one note whose character the sender does not know: characterId 0 and a request. They go to the task that the
 * note's id tells, and act on the note whoever's it is, within the tenant. Without a request, characterId 0 is a character
 * like any other, one that has no notes.
 */
import { type Effect, onBehalfOf } from '../effects.ts'
import type { RecordHeaders } from '../headers.ts'
import type { State, Tasks } from '../sources.ts'
import type { Read } from '../stores.ts'
import { taskOfNote } from './ids.ts'
import { characterKey } from './key.ts'
import type { NoteCommand } from './messages.ts'
import { requestIdOf } from './request-header.ts'
import { type Note, notes, notesByTenant, type Owner, ownerOf } from './state.ts'
import type { Tenant } from './tenant.ts'

/** The note that such a command is for; undefined: it is no such command. */
export function noteOfAnyone(command: NoteCommand, isRequest: boolean): number | undefined {
  if (command.characterId !== 0 || !isRequest) return undefined
  if (command.type === 'UPDATE') return command.body.noteId
  if (command.type !== 'DELETE' || command.body.all || command.body.noteIds.length !== 1) return undefined
  return command.body.noteIds[0]
}

/** The home of such a command; undefined: its key says, as for every other. An id that tells no task has no note. */
export function homeOfNote(
  command: NoteCommand,
  _tenant: Tenant,
  headers: RecordHeaders,
  where: Tasks,
): number | undefined {
  // The headers are looked at last: hardly any command comes so far.
  const noteId = noteOfAnyone(command, true)
  if (noteId === undefined || requestIdOf(headers) === undefined) return undefined
  return taskOfNote(noteId, where)
}

export const readNote = (tenant: Tenant, command: NoteCommand, noteId: number, isRequest: boolean): Read =>
  noteOfAnyone(command, isRequest) === undefined
    ? notes.read(ownerOf(tenant, command), noteId)
    : notesByTenant.find(tenant.id, noteId)

export interface OwnedNote {
  readonly owner: Owner
  readonly note: Note
  /** What is done to the note, in the place where its character's events go. */
  readonly effects: (effects: readonly Effect[]) => readonly Effect[]
}

export function findNote(
  tenant: Tenant,
  command: NoteCommand,
  noteId: number,
  isRequest: boolean,
  state: State,
): OwnedNote | undefined {
  if (noteOfAnyone(command, isRequest) === undefined) {
    const owner = ownerOf(tenant, command)
    const note = state.get(notes, owner, noteId)
    return note && { owner, note, effects: (effects) => effects }
  }
  const found = state.find(notesByTenant, tenant.id, noteId)
  if (!found) return undefined
  const { key: owner, value: note } = found
  return { owner, note, effects: (effects) => onBehalfOf(characterKey(owner.characterId), effects) }
}
