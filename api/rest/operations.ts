/**
 * Every operation of the REST interface as plain data: what it takes, what it answers, what can go wrong. The routes are
 * registered from this table and the OpenAPI document is written from it, so that neither says more than the other.
 */
import type { HttpErrorName } from './errors.ts'
import type { SchemaName } from './schemas.ts'

export type PathParameter = 'noteId' | 'characterId' | 'requestId'
export type AnswerHeader = 'Location' | 'Tributary-Freshness' | 'Retry-After'

export interface Success {
  readonly description: string
  /** Without one there is no body. */
  readonly schema?: SchemaName
  readonly headers?: readonly AnswerHeader[]
}

export interface Operation {
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below /api; a parameter stands in braces. */
  readonly path: string
  readonly summary: string
  readonly description: string
  readonly parameters: readonly PathParameter[]
  /** Takes page[number] and page[size]. */
  readonly paged: boolean
  readonly body: SchemaName | null
  /** Changes something: needs the token, and takes an Idempotency-Key. */
  readonly changes: boolean
  readonly answers: Readonly<Record<number, Success>>
  /** Beside those that every operation may answer with. */
  readonly errors: readonly HttpErrorName[]
}

const FRESH: readonly AnswerHeader[] = ['Tributary-Freshness']
const ACCEPTED: Success = {
  description: 'Written, and not carried out within 10 s: Location tells where to ask for what becomes of it.',
  schema: 'RequestDocument',
  headers: ['Location', 'Retry-After'],
}
const BODY: readonly HttpErrorName[] = [
  'body.not_json',
  'body.ambiguous',
  'body.too_deep',
  'value.wrong_type',
  'value.out_of_range',
  'value.required',
]
const WRITE: readonly HttpErrorName[] = [
  'token.required',
  'origin.forbidden',
  'idempotency.invalid',
  'idempotency.reused',
  'request.refused',
  'kafka.unavailable',
]

export const operations = {
  listNotes: {
    id: 'listNotes',
    method: 'GET',
    path: '/notes',
    summary: 'All notes of the tenant',
    description: 'In order of id, over all partitions. A page behind the last one is empty.',
    parameters: [],
    paged: true,
    body: null,
    changes: false,
    answers: { 200: { description: 'A page of notes.', schema: 'NotesDocument', headers: FRESH } },
    errors: ['page.invalid'],
  },
  createNote: {
    id: 'createNote',
    method: 'POST',
    path: '/notes',
    summary: 'Create a note',
    description: 'Answers when the note is committed and readable.',
    parameters: [],
    paged: false,
    body: 'NewNoteDocument',
    changes: true,
    answers: {
      201: { description: 'The note.', schema: 'NoteDocument', headers: ['Location', ...FRESH] },
      202: ACCEPTED,
    },
    errors: [...WRITE, ...BODY, 'note.ids_exhausted'],
  },
  readNote: {
    id: 'readNote',
    method: 'GET',
    path: '/notes/{noteId}',
    summary: 'One note',
    description: 'A note that may be on its way is waited for, up to 250 ms.',
    parameters: ['noteId'],
    paged: false,
    body: null,
    changes: false,
    answers: { 200: { description: 'The note.', schema: 'NoteDocument', headers: FRESH } },
    errors: ['id.invalid', 'note.unknown'],
  },
  changeNote: {
    id: 'changeNote',
    method: 'PATCH',
    path: '/notes/{noteId}',
    summary: 'Change a note',
    description:
      'What is left out stays as it is; the timestamp becomes now. The character of a note cannot be changed.',
    parameters: ['noteId'],
    paged: false,
    body: 'NoteChangeDocument',
    changes: true,
    answers: { 200: { description: 'The note.', schema: 'ChangedNoteDocument', headers: FRESH }, 202: ACCEPTED },
    errors: [...WRITE, ...BODY, 'value.fixed', 'id.invalid', 'note.unknown'],
  },
  deleteNote: {
    id: 'deleteNote',
    method: 'DELETE',
    path: '/notes/{noteId}',
    summary: 'Remove a note',
    description: 'Nobody is thanked for it.',
    parameters: ['noteId'],
    paged: false,
    body: null,
    changes: true,
    answers: { 204: { description: 'Removed.' }, 202: ACCEPTED },
    errors: [...WRITE, 'id.invalid', 'note.unknown'],
  },
  listNotesOfCharacter: {
    id: 'listNotesOfCharacter',
    method: 'GET',
    path: '/characters/{characterId}/notes',
    summary: 'The notes of a character',
    description: 'In order of id. A character without notes, or one that nobody knows, has none.',
    parameters: ['characterId'],
    paged: true,
    body: null,
    changes: false,
    answers: { 200: { description: 'A page of notes.', schema: 'NotesDocument', headers: FRESH } },
    errors: ['page.invalid', 'id.invalid'],
  },
  deleteNotesOfCharacter: {
    id: 'deleteNotesOfCharacter',
    method: 'DELETE',
    path: '/characters/{characterId}/notes',
    summary: 'Remove all notes of a character',
    description: 'Also where there are none.',
    parameters: ['characterId'],
    paged: false,
    body: null,
    changes: true,
    answers: { 204: { description: 'Removed.' }, 202: ACCEPTED },
    errors: [...WRITE, 'id.invalid'],
  },
  readRequest: {
    id: 'readRequest',
    method: 'GET',
    path: '/requests/{requestId}',
    summary: 'What became of an accepted write',
    description: 'Where Location of a 202 leads to. Pending until the outcome is known; kept for 24 hours.',
    parameters: ['requestId'],
    paged: false,
    body: null,
    changes: false,
    answers: { 200: { description: 'Its state.', schema: 'RequestDocument', headers: ['Retry-After'] } },
    errors: ['request.unknown'],
  },
} as const satisfies Record<string, Operation>

export type OperationId = keyof typeof operations

/** What any operation may answer with. */
export const COMMON_ERRORS: readonly HttpErrorName[] = [
  // Also of a body that nobody asked for.
  'body.media_type',
  'body.too_large',
  'request.malformed',
  'tenant.invalid',
  'query.unknown',
  'accept.unsupported',
  'expectation.failed',
  'request.timeout',
  'url.too_long',
  'rate.exceeded',
  'headers.too_large',
  'internal',
  'service.starting',
  'service.draining',
  'service.busy',
  'redis.unavailable',
  'state.restoring',
]
