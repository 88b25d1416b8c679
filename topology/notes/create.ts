/** CREATE: a note for a character, from a sender. */
import type { Emit } from '../effects.ts'
import { command, type Done } from './command.ts'
import { created, createFailed, noteStatus } from './events.ts'
import { noteIdOf } from './ids.ts'
import type { Create } from './messages.ts'
import { type Note, noteSequence, notes, ownerOf } from './state.ts'
import { timeOf } from './time.ts'

export const createNote = command<Create>({
  uses: [notes, noteSequence, noteStatus],

  transform({ message: create, context: tenant, timestampMs }, state): Done {
    const missing = firstMissing(create)
    if (missing) return failed(422, createFailed(create, `${missing} is required`))

    const sequence = state.counter(noteSequence)
    const noteId = noteIdOf(sequence, state)
    if (noteId === undefined) return failed(507, createFailed(create, 'note ids exhausted'))

    const { senderId, message, flag } = create.body
    const note: Note = { senderId, message, flag, time: timeOf(timestampMs) }
    const effects = [
      noteSequence.set(sequence + 1),
      notes.put(ownerOf(tenant, create), noteId, note),
      created(create, noteId, note),
    ]
    return { status: 201, noteId, effects }
  },
})

const failed = (status: 422 | 507, event: Emit): Done => ({ status, noteId: null, effects: [event] })

/** The first of the three that is missing is the reason. */
function firstMissing({ characterId, body }: Create): string | undefined {
  if (characterId === 0) return 'characterId'
  if (body.senderId === 0) return 'senderId'
  if (body.message === '') return 'message'
  return undefined
}
