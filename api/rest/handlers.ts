/** What each operation does: reads out of the store, writes by way of Kafka, and the documents of both. */

import { UINT32_MAX } from '../../topology/fields.ts'
import type { RequestOutcome } from '../../topology/notes/request.ts'
import { REMEMBERED_MS } from '../../topology/notes/request-expiry.ts'
import { RETRY_AFTER_SECONDS } from '../limits.ts'
import type { RestBackend } from './backend.ts'
import { readBody } from './body.ts'
import { failure } from './errors.ts'
import { freshnessHeader } from './freshness.ts'
import { readIdempotencyKey } from './idempotency.ts'
import {
  BASE_PATH,
  type NumberedNote,
  noteDocument,
  notePath,
  notesDocument,
  requestDocument,
  requestPath,
} from './json-api.ts'
import { type NewNote, readNewNote, readNoteChange } from './note-body.ts'
import { createCommand, deleteAllCommand, deleteCommand, updateCommand } from './note-commands.ts'
import type { Stamp } from './note-reads.ts'
import type { Write, Written } from './note-writes.ts'
import type { OperationId } from './operations.ts'
import { readPage, refuseQuery } from './paging.ts'
import type { DistinctHeaders, RestTenant } from './tenant.ts'
import { traceHeaders } from './trace.ts'

export interface Call {
  readonly backend: RestBackend
  readonly tenant: RestTenant
  readonly headers: DistinctHeaders
  /** By name, as they stand in the path. */
  readonly parameters: Readonly<Record<string, string>>
  /** Behind the `?`. */
  readonly query: string
  /** Bytes; undefined without a body. */
  readonly body: unknown
  /** Called when the request does nothing any more but wait. */
  readonly waits: () => void
}

export interface Answer {
  readonly status: number
  /** Absent: no body. */
  readonly document?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** What was read, and as of when. */
  readonly stamps?: readonly Stamp[]
}

type Handler = (call: Call) => Promise<Answer>

export const handlers: Readonly<Record<OperationId, Handler>> = {
  async listNotes({ backend, tenant, query }) {
    const page = readPage(query)
    const { notes, total, stamps } = await backend.reads.ofTenant(tenant.id, page)
    return { status: 200, document: notesDocument(`${BASE_PATH}/notes`, page, notes, total), stamps }
  },

  async listNotesOfCharacter({ backend, tenant, parameters, query }) {
    const characterId = idOf(parameters, 'characterId')
    const page = readPage(query)
    const { notes, total, stamps } = await backend.reads.ofCharacter(tenant.id, characterId, page)
    const path = `${BASE_PATH}/characters/${characterId}/notes`
    return { status: 200, document: notesDocument(path, page, notes, total), stamps }
  },

  async readNote({ backend, tenant, parameters, query }) {
    const noteId = idOf(parameters, 'noteId')
    refuseQuery(query)
    const { note, stamps } = await backend.reads.byId(tenant.id, noteId)
    if (note === null) throw unknownNote(noteId, freshnessHeader(stamps, backend))
    return { status: 200, document: noteDocument(note), stamps }
  },

  async createNote(call) {
    const { backend, tenant, query, body } = call
    refuseQuery(query)
    const idempotencyKey = readIdempotencyKey(call.headers)
    const note = readNewNote(readBody(body))
    const written = await backend.writes.execute({
      ...writerOf(call),
      idempotencyKey,
      task: backend.reads.taskOfCharacter(note.characterId),
      target: ['POST', `${BASE_PATH}/notes`, note.characterId],
      command: () => createCommand(note),
    })
    return answerTo(written, async (outcome) => {
      const noteId = outcome.noteId!
      const found = await backend.reads.find(tenant.id, noteId)
      const document = noteDocument(found.note ?? asCreated(note, outcome))
      return { status: 201, document, headers: { location: notePath(noteId) }, stamps: found.stamps }
    })
  },

  async changeNote(call) {
    const { backend, tenant, parameters, query, body } = call
    const noteId = idOf(parameters, 'noteId')
    refuseQuery(query)
    const idempotencyKey = readIdempotencyKey(call.headers)
    const change = readNoteChange(readBody(body), noteId)
    const written = await backend.writes.execute({
      ...writerOf(call),
      idempotencyKey,
      task: taskOf(backend, noteId),
      target: ['PATCH', notePath(noteId)],
      async command() {
        const { note } = await backend.reads.find(tenant.id, noteId)
        if (note !== null && change.characterId !== undefined && change.characterId !== note.characterId)
          throw failure('value.fixed', 'characterId cannot be changed', { pointer: '/data/attributes/characterId' })
        return updateCommand(note?.characterId ?? 0, noteId, change)
      },
    })
    return answerTo(written, async () => {
      const { note, stamps } = await backend.reads.find(tenant.id, noteId)
      return { status: 200, document: noteDocument(note), stamps }
    })
  },

  async deleteNote(call) {
    const { backend, tenant, parameters, query } = call
    const noteId = idOf(parameters, 'noteId')
    refuseQuery(query)
    const written = await backend.writes.execute({
      ...writerOf(call),
      idempotencyKey: readIdempotencyKey(call.headers),
      task: taskOf(backend, noteId),
      target: ['DELETE', notePath(noteId)],
      async command() {
        const { note } = await backend.reads.find(tenant.id, noteId)
        return deleteCommand(note?.characterId ?? 0, noteId)
      },
    })
    return answerTo(written, async () => ({ status: 204 }))
  },

  async deleteNotesOfCharacter(call) {
    const { backend, parameters, query } = call
    const characterId = idOf(parameters, 'characterId')
    refuseQuery(query)
    const idempotencyKey = readIdempotencyKey(call.headers)
    // Character 0 has no notes; and in a command it stands for a character that is not known.
    if (characterId === 0) return { status: 204 }
    const written = await backend.writes.execute({
      ...writerOf(call),
      idempotencyKey,
      task: backend.reads.taskOfCharacter(characterId),
      target: ['DELETE', `${BASE_PATH}/characters/${characterId}/notes`],
      command: () => deleteAllCommand(characterId),
    })
    return answerTo(written, async () => ({ status: 204 }))
  },

  async readRequest({ backend, tenant, parameters, query }) {
    refuseQuery(query)
    const statusId = parameters['requestId'] ?? ''
    const outcome = await backend.writes.status(tenant.id, statusId, REMEMBERED_MS)
    const headers = outcome === null ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}
    return { status: 200, document: requestDocument(statusId, outcome), headers }
  },
}

const writerOf = ({ tenant, headers, waits }: Call): Pick<Write, 'tenant' | 'trace' | 'waits'> => ({
  tenant,
  waits,
  trace: traceHeaders(headers),
})

/** Throws ApiFailure for an outcome that is an error. */
async function answerTo(written: Written, success: (outcome: RequestOutcome) => Promise<Answer>): Promise<Answer> {
  if (written.kind === 'accepted') {
    const { statusId } = written
    const headers = { location: requestPath(statusId), 'retry-after': String(RETRY_AFTER_SECONDS) }
    return { status: 202, document: requestDocument(statusId, null), headers }
  }
  const { outcome } = written
  switch (outcome.status) {
    case 404:
      throw failure('note.unknown', 'there is no such note')
    case 422:
      throw failure('request.refused', 'the note service refused the command')
    case 507:
      throw failure('note.ids_exhausted', 'no note can be created for this character any more')
    default:
      return success(outcome)
  }
}

/** Of a note that was removed since: what it was when it was created, for that is what the key stands for. */
function asCreated(note: NewNote, { noteId, expiresAt }: RequestOutcome): NumberedNote {
  return { ...note, noteId: noteId!, time: new Date(expiresAt - REMEMBERED_MS).toISOString() }
}

/** Throws ApiFailure `note.unknown` for an id that tells no task. */
function taskOf(backend: RestBackend, noteId: number): number {
  const task = backend.reads.taskOfNote(noteId)
  if (task === undefined) throw unknownNote(noteId)
  return task
}

const unknownNote = (noteId: number, headers: Readonly<Record<string, string>> = {}) =>
  failure('note.unknown', `there is no note ${noteId}`, undefined, headers)

/** Throws ApiFailure `id.invalid`. */
function idOf(parameters: Readonly<Record<string, string>>, name: string): number {
  const text = parameters[name] ?? ''
  if (!/^(0|[1-9]\d{0,9})$/.test(text) || Number(text) > UINT32_MAX)
    throw failure('id.invalid', `${name} must be a whole number from 0 to ${UINT32_MAX}`, { parameter: name })
  return Number(text)
}
