/** UPDATE: changes what is given of a character's note, and its time. */
import { drop, reject } from '../effects.ts'
import type { Handler } from '../sources.ts'
import { noteStatus, updated } from './events.ts'
import type { Update } from './messages.ts'
import { type Note, notes, ownerOf } from './state.ts'
import type { Tenant } from './tenant.ts'
import { timeOf } from './time.ts'

export const updateNote: Handler<Update, Tenant> = {
  uses: [notes, noteStatus],

  reads: ({ message: command, context: tenant }) => [notes.read(ownerOf(tenant, command), command.body.noteId)],

  transform({ message: command, context: tenant, timestampMs }, state) {
    const { noteId, senderId, message, flag } = command.body
    if (senderId === 0) return [reject('update.invalid', 'body.senderId must not be 0')]
    if (message === '') return [reject('update.invalid', 'body.message must not be empty')]

    const owner = ownerOf(tenant, command)
    const before = state.get(notes, owner, noteId)
    if (!before) return [drop('note.unknown')]

    const note: Note = {
      senderId: senderId ?? before.senderId,
      message: message ?? before.message,
      flag: flag ?? before.flag,
      time: timeOf(timestampMs),
    }
    return [notes.put(owner, noteId, note), updated(owner.characterId, noteId, note)]
  },
}
