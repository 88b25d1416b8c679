/**
 * What the note service reads and writes, as schemas: for descriptions (AsyncAPI) and for readers of its events. Records
 * are not validated by them: commands are decoded by hand (messages.ts), which is faster, and a test holds both together.
 */
import { z } from 'zod'
import { UINT32_MAX } from '../fields.ts'

/** The key of everything that concerns a character (key.ts). */
export const CHARACTER_KEY = '8 bytes: characterId as little-endian uint32, then zeros'

const uint32 = z.int().min(0).max(UINT32_MAX)
const byte = z.int().min(0).max(0xff)
const uuid = z.guid()
const time = z.iso.datetime().describe('RFC 3339, UTC: the timestamp of the record that caused it')

/** Missing or null counts as the zero of its type. */
const orZero = <T extends z.ZodType>(type: T) => type.nullish()

const command = <T extends string, B extends z.ZodType>(type: T, description: string, body: B, echo = 'not echoed') =>
  z
    .object({
      type: z.literal(type),
      transactionId: orZero(uuid).describe(echo),
      worldId: orZero(byte),
      channelId: orZero(byte),
      characterId: orZero(uint32).describe('whose notes these are'),
      body: orZero(body),
    })
    .describe(description)

const noteIds = orZero(z.array(uint32))

export const noteCommandSchema = z.discriminatedUnion('type', [
  command(
    'CREATE',
    'A note for a character. Without characterId, senderId or message it is answered by CREATE_FAILED.',
    z.object({ senderId: orZero(uint32), message: orZero(z.string()), flag: orZero(byte) }),
    'echoed on the CREATED or CREATE_FAILED that it causes',
  ),
  command(
    'DISCARD',
    'Removes notes of the character and thanks their senders with fame. Ids that are not its own are passed over.',
    z.object({ noteIds }),
  ),
  command(
    'UPDATE',
    'Changes what is given of a note of the character.',
    z.object({
      noteId: orZero(uint32),
      senderId: orZero(uint32),
      message: orZero(z.string()),
      flag: orZero(byte),
    }),
  ),
  command(
    'DELETE',
    'Removes notes of the character, or with `all` every one of them, without thanks.',
    z.object({ noteIds, all: orZero(z.boolean()) }),
  ),
])

export const characterStatusSchema = z
  .object({
    type: z.literal('DELETED'),
    transactionId: orZero(uuid),
    worldId: orZero(byte),
    characterId: orZero(uint32),
    body: orZero(z.looseObject({})),
  })
  .describe('The character is gone: all of its notes are removed. Other types are ignored.')

const event = <T extends string, B extends z.ZodType>(type: T, description: string, body: B) =>
  z
    .object({ transactionId: uuid, characterId: uint32, type: z.literal(type), body })
    .readonly()
    .describe(description)

const note = z.object({ noteId: uint32, senderId: uint32, message: z.string(), flag: byte, time }).readonly()

export const statusEventSchema = z.union([
  event('CREATED', 'A note was created. transactionId is that of its command.', note),
  event(
    'CREATE_FAILED',
    'A CREATE broke a rule. transactionId is that of the command.',
    z.object({ senderId: uint32, reason: z.string() }).readonly(),
  ),
  event('UPDATED', 'A note was changed. transactionId is the nil UUID.', note),
  event('DELETED', 'A note was removed. transactionId is the nil UUID.', z.object({ noteId: uint32 }).readonly()),
])

export const fameSagaSchema = z
  .object({
    transactionId: uuid.describe('UUID v5 of tenant and note'),
    sagaType: z.literal('inventory_transaction'),
    initiatedBy: z.literal('note-discard-fame'),
    steps: z
      .array(
        z
          .object({
            stepId: z.string(),
            status: z.literal('pending'),
            action: z.literal('award_fame'),
            payload: z.object({ characterId: uint32, worldId: byte, channelId: byte, amount: uint32 }).readonly(),
            createdAt: time,
            updatedAt: time,
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly()
  .describe('Thanks the sender of a discarded note with fame.')

/** Values of headers are bytes; what they hold is said in words where it is no text. */
export const tenantHeadersSchema = z.object({
  TENANT_ID: uuid.describe('36 characters of text; given twice, the last well-formed one counts'),
  REGION: z.string().min(1),
  MAJOR_VERSION: z.string().describe('2 bytes, big-endian uint16'),
  MINOR_VERSION: z.string().describe('2 bytes, big-endian uint16'),
})
