/** Writes as commands of the note service: the message and the record that carries it. Pure but for the fresh transactionId. */
import { randomUUID } from 'node:crypto'
import { encodeHeaders } from '../../engine/core/headers.ts'
import type { HeaderEntry } from '../../topology/headers.ts'
import { characterKey } from '../../topology/notes/key.ts'
import type { Create, Delete, NoteCommand, Update } from '../../topology/notes/messages.ts'
import { REQUEST_ID_HEADER } from '../../topology/notes/request-header.ts'
import type { CommandRecord } from './command-sender.ts'
import type { NewNote, NoteChange } from './note-body.ts'

/** A command does not say where in the game it comes from. */
const common = (characterId: number) => ({ transactionId: randomUUID(), worldId: 0, channelId: 0, characterId })

export const createCommand = ({ characterId, senderId, message, flag }: NewNote): Create => ({
  ...common(characterId),
  type: 'CREATE',
  body: { senderId, message, flag },
})

/** `characterId` 0: the note is not readable, so its character is not known. */
export const updateCommand = (characterId: number, noteId: number, change: NoteChange): Update => ({
  ...common(characterId),
  type: 'UPDATE',
  body: { noteId, senderId: change.senderId, message: change.message, flag: change.flag },
})

/** As updateCommand. */
export const deleteCommand = (characterId: number, noteId: number): Delete => ({
  ...common(characterId),
  type: 'DELETE',
  body: { noteIds: [noteId], all: false },
})

export const deleteAllCommand = (characterId: number): Delete => ({
  ...common(characterId),
  type: 'DELETE',
  body: { noteIds: [], all: true },
})

export interface Sending {
  readonly partition: number
  readonly timestampMs: number
  /** UUID text in lower case. */
  readonly requestId: string
  /** Those of the tenant and of the trace. */
  readonly headers: readonly HeaderEntry[]
}

export function commandRecord(command: NoteCommand, sending: Sending): CommandRecord {
  const { partition, timestampMs, requestId, headers } = sending
  return {
    partition,
    timestampMs,
    key: characterKey(command.characterId),
    value: JSON.stringify(command),
    headers: encodeHeaders([...headers, [REQUEST_ID_HEADER, Buffer.from(requestId, 'latin1')]]),
  }
}
