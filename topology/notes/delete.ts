/**
 * DELETE: removes notes of a character, or the request's note whoever's it is, without thanking anyone; with `all`, every
 * one of the character's.
 */
import { drop, reject } from '../effects.ts'
import { command, refused } from './command.ts'
import { noteStatus } from './events.ts'
import type { Delete } from './messages.ts'
import { findNote, noteOfAnyone, readNote } from './note-by-id.ts'
import { findAll, findNamed, readNamed, remove, removedNamed } from './removal.ts'
import { notes, ownerOf } from './state.ts'

export const deleteNotes = command<Delete>({
  uses: [notes, noteStatus],

  reads({ message, context: tenant }, _, isRequest) {
    const noteId = noteOfAnyone(message, isRequest)
    if (noteId !== undefined) return [readNote(tenant, message, noteId, isRequest)]
    const owner = ownerOf(tenant, message)
    return message.body.all ? [notes.readAll(owner)] : readNamed(owner, message.body.noteIds)
  },

  transform({ message, context: tenant }, state, isRequest) {
    const { all, noteIds } = message.body
    const owner = ownerOf(tenant, message)
    // Which of the two was meant cannot be known, and removing too much cannot be undone.
    if (all && noteIds.length > 0) return refused(reject('delete.ambiguous', 'body has both all: true and noteIds'))
    if (all) {
      const effects = findAll(owner, state).flatMap(([noteId]) => remove(owner, noteId))
      return { status: 204, noteId: null, effects }
    }
    const noteId = noteOfAnyone(message, isRequest)
    if (noteId !== undefined) {
      const note = findNote(tenant, message, noteId, isRequest, state)
      if (!note) return { status: 404, noteId: null, effects: [drop('note.unknown')] }
      return { status: 204, noteId, effects: note.effects(remove(note.owner, noteId)) }
    }
    return removedNamed(findNamed(owner, noteIds, state), ([noteId]) => remove(owner, noteId))
  },
})
