/**
 * The status events of notes, as records. Only CREATED and CREATE_FAILED answer a command, so only they carry its
 * transactionId; the others carry the nil UUID. Fields stand in the order in which other services write them.
 */
import type { Emit } from '../effects.ts'
import { sink } from '../sinks.ts'
import { characterKey } from './key.ts'
import type { Create } from './messages.ts'
import { CHARACTER_KEY, statusEventSchema } from './schemas.ts'
import type { Note } from './state.ts'
import { NIL_UUID } from './uuid.ts'

interface Event<T extends string, B> {
  readonly transactionId: string
  readonly characterId: number
  readonly type: T
  readonly body: B
}

export type NoteContent = { readonly noteId: number } & Note

export type StatusEvent =
  | Event<'CREATED', NoteContent>
  | Event<'CREATE_FAILED', { readonly senderId: number; readonly reason: string }>
  | Event<'UPDATED', NoteContent>
  | Event<'DELETED', { readonly noteId: number }>

export const noteStatus = sink<StatusEvent>({
  topic: 'EVENT_TOPIC_NOTE_STATUS',
  value: statusEventSchema,
  keyDescription: CHARACTER_KEY,
})

export const created = (command: Create, noteId: number, note: Note): Emit =>
  status({
    transactionId: command.transactionId,
    characterId: command.characterId,
    type: 'CREATED',
    body: content(noteId, note),
  })

export const createFailed = (command: Create, reason: string): Emit =>
  status({
    transactionId: command.transactionId,
    characterId: command.characterId,
    type: 'CREATE_FAILED',
    body: { senderId: command.body.senderId, reason },
  })

export const updated = (characterId: number, noteId: number, note: Note): Emit =>
  status({ transactionId: NIL_UUID, characterId, type: 'UPDATED', body: content(noteId, note) })

export const deleted = (characterId: number, noteId: number): Emit =>
  status({ transactionId: NIL_UUID, characterId, type: 'DELETED', body: { noteId } })

const status = (event: StatusEvent): Emit => noteStatus.emit(characterKey(event.characterId), event)

const content = (noteId: number, note: Note): NoteContent => ({
  noteId,
  senderId: note.senderId,
  message: note.message,
  flag: note.flag,
  time: note.time,
})
