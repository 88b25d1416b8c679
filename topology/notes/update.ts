/** UPDATE: changes what is given of a character's note, or of whoever's the request's note is, and its time. */
import { drop, reject } from '../effects.ts'
import { command, refused } from './command.ts'
import { noteStatus, updated } from './events.ts'
import type { Update } from './messages.ts'
import { findNote, readNote } from './note-by-id.ts'
import { type Note, notes } from './state.ts'
import { timeOf } from './time.ts'

export const updateNote = command<Update>({
  uses: [notes, noteStatus],

  reads: ({ message: update, context: tenant }, _, isRequest) => [
    readNote(tenant, update, update.body.noteId, isRequest),
  ],

  transform({ message: update, context: tenant, timestampMs }, state, isRequest) {
    const { noteId, senderId, message, flag } = update.body
    if (senderId === 0) return refused(reject('update.invalid', 'body.senderId must not be 0'))
    if (message === '') return refused(reject('update.invalid', 'body.message must not be empty'))

    const found = findNote(tenant, update, noteId, isRequest, state)
    if (!found) return { status: 404, noteId: null, effects: [drop('note.unknown')] }

    const { owner, note: before } = found
    const note: Note = {
      senderId: senderId ?? before.senderId,
      message: message ?? before.message,
      flag: flag ?? before.flag,
      time: timeOf(timestampMs),
    }
    const effects = [notes.put(owner, noteId, note), updated(owner.characterId, noteId, note)]
    return { status: 200, noteId, effects: found.effects(effects) }
  },
})
