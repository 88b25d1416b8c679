/** A character is gone: so are all of its notes. No sender is thanked for that. */
import type { Handler } from '../sources.ts'
import { noteStatus } from './events.ts'
import type { CharacterDeleted } from './messages.ts'
import { findAll, remove } from './removal.ts'
import { notes, ownerOf } from './state.ts'
import type { Tenant } from './tenant.ts'

export const removeNotesOfCharacter: Handler<CharacterDeleted, Tenant> = {
  uses: [notes, noteStatus],

  reads: ({ message: event, context: tenant }) => [notes.readAll(ownerOf(tenant, event))],

  transform({ message: event, context: tenant }, state) {
    const owner = ownerOf(tenant, event)
    return findAll(owner, state).flatMap(([noteId]) => remove(owner, noteId))
  },
}
