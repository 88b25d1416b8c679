/** Notes and requests as JSON:API resources. Pure. */
import type { RequestOutcome } from '../../topology/notes/request.ts'
import { type Page, pageFrame } from './paging.ts'

export const BASE_PATH = '/api'

export interface NumberedNote {
  readonly noteId: number
  readonly characterId: number
  readonly senderId: number
  readonly message: string
  readonly flag: number
  /** RFC 3339, UTC. */
  readonly time: string
}

export const notePath = (noteId: number): string => `${BASE_PATH}/notes/${noteId}`
export const requestPath = (statusId: string): string => `${BASE_PATH}/requests/${statusId}`

const noteResource = ({ noteId, characterId, senderId, message, flag, time }: NumberedNote) => ({
  type: 'notes',
  id: String(noteId),
  attributes: { characterId, senderId, message, flag, timestamp: time },
})

/** null: it is not there any more. */
export const noteDocument = (note: NumberedNote | null) => ({ data: note === null ? null : noteResource(note) })

export const notesDocument = (path: string, page: Page, notes: readonly NumberedNote[], total: number) => {
  const { links, meta } = pageFrame(path, page, total)
  return { links, data: notes.map(noteResource), meta }
}

export type RequestState = 'pending' | 'done' | 'failed'

export const requestDocument = (statusId: string, outcome: RequestOutcome | null) => {
  const failed = outcome !== null && outcome.status >= 400
  const state: RequestState = outcome === null ? 'pending' : failed ? 'failed' : 'done'
  const readable = outcome !== null && !failed && outcome.status !== 204 && outcome.noteId !== null
  return {
    data: {
      type: 'requests',
      id: statusId,
      attributes: {
        state,
        status: outcome?.status ?? null,
        noteId: outcome?.noteId ?? null,
        expiresAt: outcome === null ? null : new Date(outcome.expiresAt).toISOString(),
      },
      links: { self: requestPath(statusId), ...(readable ? { related: notePath(outcome.noteId!) } : {}) },
    },
  }
}
