/** What a request asks for, as a short text: two commands under one request id ask for the same if this is equal. */
import { hash } from 'node:crypto'
import type { NoteCommand } from './messages.ts'

const HEX_CHARACTERS = 32

/**
 * Of the decoded command, without what differs between two sendings of it: transactionId, worldId and channelId. A command
 * that names its notes does not need the character either: who sends it may know whose the note is, or not (any more).
 */
export const requestFingerprint = (command: NoteCommand): string =>
  hash('sha256', JSON.stringify(askedFor(command)), 'hex').slice(0, HEX_CHARACTERS)

/** A list and not an object: then there is one JSON text for it. */
function askedFor(command: NoteCommand): readonly unknown[] {
  const { type, characterId, body } = command
  switch (type) {
    case 'CREATE':
      return [type, characterId, body.senderId, body.message, body.flag]
    case 'UPDATE':
      return [type, body.noteId, body.senderId ?? null, body.message ?? null, body.flag ?? null]
    case 'DELETE':
      return body.all ? [type, characterId, 'all'] : [type, body.noteIds]
    case 'DISCARD':
      return [type, body.noteIds]
  }
}
