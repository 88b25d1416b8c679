/**
 * The note service. Each command has a file that says what it does; this one says which topics it hears and which it
 * speaks to. Topics are called by their environment variable; configuration maps that to the real name.
 */
import { defineTopology } from '../define.ts'
import { source } from '../sources.ts'
import { removeNotesOfCharacter } from './character-deleted.ts'
import { createNote } from './create.ts'
import { deleteNotes } from './delete.ts'
import { discardNotes } from './discard.ts'
import { noteStatus } from './events.ts'
import { characterKey } from './key.ts'
import { characterStatus, noteCommand } from './messages.ts'
import { homeOfNote } from './note-by-id.ts'
import { requests } from './request.ts'
import { requestCounters, requestQueue } from './request-expiry.ts'
import { sagaCommands } from './saga.ts'
import { CHARACTER_KEY, characterStatusSchema, noteCommandSchema } from './schemas.ts'
import { noteOrder, noteSequence, notes, notesByTenant } from './state.ts'
import { tenantContext } from './tenant.ts'
import { updateNote } from './update.ts'

const noteCommands = source({
  topic: 'COMMAND_TOPIC_NOTE',
  decode: noteCommand,
  schema: noteCommandSchema,
  keyDescription: CHARACTER_KEY,
  key: (command) => characterKey(command.characterId),
  home: homeOfNote,
  on: { CREATE: createNote, DISCARD: discardNotes, UPDATE: updateNote, DELETE: deleteNotes },
})

const characterEvents = source({
  topic: 'EVENT_TOPIC_CHARACTER_STATUS',
  decode: characterStatus,
  schema: characterStatusSchema,
  keyDescription: CHARACTER_KEY,
  key: (event) => characterKey(event.characterId),
  on: { DELETED: removeNotesOfCharacter },
})

export const noteTopology = defineTopology({
  name: 'notes',
  context: tenantContext,
  sources: [noteCommands, characterEvents],
  stores: [notes, requests, requestQueue],
  counters: [noteSequence, ...requestCounters],
  indexes: [notesByTenant, noteOrder],
  sinks: [noteStatus, sagaCommands],
})
