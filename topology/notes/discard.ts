/** DISCARD: a character throws away notes of its own, and each sender but itself is awarded fame. */
import type { Handler } from '../sources.ts'
import { noteStatus } from './events.ts'
import type { Discard } from './messages.ts'
import { findNamed, readNamed, remove } from './removal.ts'
import { awardFame, sagaCommands } from './saga.ts'
import { notes, ownerOf } from './state.ts'
import type { Tenant } from './tenant.ts'
import { timeOf } from './time.ts'

export const discardNotes: Handler<Discard, Tenant> = {
  uses: [notes, noteStatus, sagaCommands],

  reads: ({ message: command, context: tenant }) => readNamed(ownerOf(tenant, command), command.body.noteIds),

  transform({ message: command, context: tenant, timestampMs }, state) {
    const owner = ownerOf(tenant, command)
    const { found, skipped } = findNamed(owner, command.body.noteIds, state)
    const removed = found.flatMap(([noteId, note]) => {
      if (note.senderId === owner.characterId) return remove(owner, noteId)
      return [...remove(owner, noteId), awardFame(tenant, command, noteId, note, timeOf(timestampMs))]
    })
    return [...removed, ...skipped]
  },
}
