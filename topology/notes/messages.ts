/**
 * What the note service takes in: commands for notes, and the status of characters. Field by field as the other services
 * send them; what a command does is in the file named after it.
 *
 * characterId, senderId, noteId: uint32. worldId, channelId, flag: one byte. A missing or null field counts as its zero.
 */
import { DeadLetter } from '../errors.ts'
import { bool, byte, object, optional, text, uint32, uint32List, uuid } from '../fields.ts'
import { type JsonObject, json } from '../json.ts'
import type { Decoder } from '../sources.ts'
import { NIL_UUID } from './uuid.ts'

interface Command<T extends string, B> {
  readonly type: T
  /** Echoed on the CREATED or CREATE_FAILED it causes; NIL_UUID when not given. */
  readonly transactionId: string
  readonly worldId: number
  readonly channelId: number
  /** The character whose notes these are. */
  readonly characterId: number
  readonly body: B
}

export type Create = Command<'CREATE', { readonly senderId: number; readonly message: string; readonly flag: number }>
export type Discard = Command<'DISCARD', { readonly noteIds: readonly number[] }>
/** What is undefined stays as it is. */
export type Update = Command<
  'UPDATE',
  {
    readonly noteId: number
    readonly senderId: number | undefined
    readonly message: string | undefined
    readonly flag: number | undefined
  }
>
/** `all` stands instead of a list. */
export type Delete = Command<'DELETE', { readonly noteIds: readonly number[]; readonly all: boolean }>

export type NoteCommand = Create | Discard | Update | Delete

/** The character is gone. */
export interface CharacterDeleted {
  readonly type: 'DELETED'
  readonly characterId: number
}

/** Any other status of a character: none of this service's business, so nothing else of it is looked at. */
export interface OtherStatus {
  readonly type: 'OTHER'
  readonly characterId: 0
}

export type CharacterStatus = CharacterDeleted | OtherStatus

export const noteCommand: Decoder<NoteCommand> = json((command) => {
  const type = typeOf(command)
  switch (type) {
    case 'CREATE':
      return addressed(command, type, createBody)
    case 'DISCARD':
      return addressed(command, type, discardBody)
    case 'UPDATE':
      return addressed(command, type, updateBody)
    case 'DELETE':
      return addressed(command, type, deleteBody)
    default:
      throw new DeadLetter('command.unknown_type', `no command for notes is called ${quoted(type)}`)
  }
})

export const characterStatus: Decoder<CharacterStatus> = json((event) => {
  if (typeOf(event) !== 'DELETED') return { type: 'OTHER', characterId: 0 }
  uuid(event, 'transactionId')
  byte(event, 'worldId')
  object(event, 'body')
  return { type: 'DELETED', characterId: uint32(event, 'characterId') }
})

function addressed<T extends string, B>(from: JsonObject, type: T, body: (from: JsonObject) => B): Command<T, B> {
  return {
    type,
    transactionId: uuid(from, 'transactionId') ?? NIL_UUID,
    worldId: byte(from, 'worldId'),
    channelId: byte(from, 'channelId'),
    characterId: uint32(from, 'characterId'),
    body: body(object(from, 'body')),
  }
}

const createBody = (body: JsonObject) => ({
  senderId: uint32(body, 'senderId', 'body'),
  message: text(body, 'message', 'body'),
  flag: byte(body, 'flag', 'body'),
})

const discardBody = (body: JsonObject) => ({ noteIds: uint32List(body, 'noteIds', 'body') })

const updateBody = (body: JsonObject) => ({
  noteId: uint32(body, 'noteId', 'body'),
  senderId: optional(uint32, body, 'senderId', 'body'),
  message: optional(text, body, 'message', 'body'),
  flag: optional(byte, body, 'flag', 'body'),
})

const deleteBody = (body: JsonObject) => ({
  noteIds: uint32List(body, 'noteIds', 'body'),
  all: bool(body, 'all', 'body'),
})

/** Unlike any other field, the type must be there. */
function typeOf(message: JsonObject): string {
  const type = optional(text, message, 'type')
  if (type === undefined) throw new DeadLetter('value.wrong_type', 'type is missing')
  return type
}

const QUOTED_LENGTH_MAX = 50

const quoted = (given: string): string =>
  JSON.stringify(given.length > QUOTED_LENGTH_MAX ? `${given.slice(0, QUOTED_LENGTH_MAX)}…` : given)
