/** CREATE: a note for a character, from a sender. */
import type { Handler } from '../sources.ts'
import { created, createFailed, noteStatus } from './events.ts'
import { noteIdOf } from './ids.ts'
import type { Create } from './messages.ts'
import { type Note, noteSequence, notes, ownerOf } from './state.ts'
import type { Tenant } from './tenant.ts'
import { timeOf } from './time.ts'

export const createNote: Handler<Create, Tenant> = {
  uses: [notes, noteSequence, noteStatus],

  transform({ message: command, context: tenant, timestampMs }, state) {
    const missing = firstMissing(command)
    if (missing) return [createFailed(command, `${missing} is required`)]

    const sequence = state.counter(noteSequence)
    const noteId = noteIdOf(sequence, state)
    if (noteId === undefined) return [createFailed(command, 'note ids exhausted')]

    const { senderId, message, flag } = command.body
    const note: Note = { senderId, message, flag, time: timeOf(timestampMs) }
    return [
      noteSequence.set(sequence + 1),
      notes.put(ownerOf(tenant, command), noteId, note),
      created(command, noteId, note),
    ]
  },
}

/** The first of the three that is missing is the reason. */
function firstMissing({ characterId, body }: Create): string | undefined {
  if (characterId === 0) return 'characterId'
  if (body.senderId === 0) return 'senderId'
  if (body.message === '') return 'message'
  return undefined
}
