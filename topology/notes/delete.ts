/** DELETE: removes notes of a character without thanking anyone; with `all`, every one of them. */
import { reject } from '../effects.ts'
import type { Handler } from '../sources.ts'
import { noteStatus } from './events.ts'
import type { Delete } from './messages.ts'
import { findAll, findNamed, readNamed, remove } from './removal.ts'
import { notes, ownerOf } from './state.ts'
import type { Tenant } from './tenant.ts'

export const deleteNotes: Handler<Delete, Tenant> = {
  uses: [notes, noteStatus],

  reads({ message: command, context: tenant }) {
    const owner = ownerOf(tenant, command)
    return command.body.all ? [notes.readAll(owner)] : readNamed(owner, command.body.noteIds)
  },

  transform({ message: command, context: tenant }, state) {
    const { all, noteIds } = command.body
    const owner = ownerOf(tenant, command)
    // Which of the two was meant cannot be known, and removing too much cannot be undone.
    if (all && noteIds.length > 0) return [reject('delete.ambiguous', 'body has both all: true and noteIds')]
    if (all) return findAll(owner, state).flatMap(([noteId]) => remove(owner, noteId))

    const { found, skipped } = findNamed(owner, noteIds, state)
    return [...found.flatMap(([noteId]) => remove(owner, noteId)), ...skipped]
  },
}
