/** What the note service keeps: the notes of each character, the next note's number, and two sorted views for readers. */
import { counter, fieldOrder, map, searchableIndex } from '../stores.ts'
import type { Tenant } from './tenant.ts'

export interface Note {
  readonly senderId: number
  readonly message: string
  readonly flag: number
  /** When it was created or last changed, RFC 3339, UTC. */
  readonly time: string
}

/** A character of a tenant; its notes are a tenant's own, so no other tenant can name them. */
export interface Owner {
  readonly tenantId: string
  readonly characterId: number
}

export const ownerOf = (tenant: Tenant, message: { readonly characterId: number }): Owner => ({
  tenantId: tenant.id,
  characterId: message.characterId,
})

/** Notes by id. Key text: `<tenant>:<characterId>`, field: the note's id. */
export const notes = map<Owner, number, Note>({
  name: 'notes',
  key: (owner) => `${owner.tenantId}:${owner.characterId}`,
  parseField: Number,
})

/** How many notes the task has created so far: the sequence number of the next one. */
export const noteSequence = counter({ name: 'note-sequence' })

/** All notes of a tenant in order of id; a note is found in it by its id alone. Member: `<characterId>:<noteId>`. */
export const notesByTenant = searchableIndex({
  name: 'notes-by-tenant',
  of: notes,
  group: (key) => key.slice(0, UUID_LENGTH),
  member: (key, noteId) => `${key.slice(UUID_LENGTH + 1)}:${noteId}`,
  score: (_, noteId) => Number(noteId),
  entry: (tenantId, member) => {
    const [characterId, noteId] = member.split(':')
    return { key: { tenantId, characterId: Number(characterId) }, field: Number(noteId) }
  },
})

/** The notes of each character in order of id. */
export const noteOrder = fieldOrder({ name: 'note-order', of: notes })

const UUID_LENGTH = 36
