/** DISCARD: a character throws away notes of its own, and each sender but itself is awarded fame. */
import { command } from './command.ts'
import { noteStatus } from './events.ts'
import type { Discard } from './messages.ts'
import { findNamed, readNamed, remove, removedNamed } from './removal.ts'
import { awardFame, sagaCommands } from './saga.ts'
import { notes, ownerOf } from './state.ts'
import { timeOf } from './time.ts'

export const discardNotes = command<Discard>({
  uses: [notes, noteStatus, sagaCommands],

  reads: ({ message, context: tenant }) => readNamed(ownerOf(tenant, message), message.body.noteIds),

  transform({ message, context: tenant, timestampMs }, state) {
    const owner = ownerOf(tenant, message)
    const named = findNamed(owner, message.body.noteIds, state)
    return removedNamed(named, ([noteId, note]) => {
      if (note.senderId === owner.characterId) return remove(owner, noteId)
      return [...remove(owner, noteId), awardFame(tenant, message, noteId, note, timeOf(timestampMs))]
    })
  },
})
