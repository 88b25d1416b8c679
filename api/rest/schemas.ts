/** Shapes of bodies and answers as JSON Schema (2020-12), by the name under which OpenAPI has them. Plain data. */

import { UINT32_MAX } from '../../topology/fields.ts'
import { httpErrors } from './errors.ts'

type Schema = Readonly<Record<string, unknown>>

export const ref = (name: SchemaName): Schema => ({ $ref: `#/components/schemas/${name}` })
const refTo = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })

const uint32: Schema = { type: 'integer', minimum: 0, maximum: UINT32_MAX }
const notZero: Schema = { type: 'integer', minimum: 1, maximum: UINT32_MAX }
const byte: Schema = { type: 'integer', minimum: 0, maximum: 255 }
const message: Schema = { type: 'string', minLength: 1 }
/** In a request null is the same as left out. */
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] })
const timestamp: Schema = {
  type: 'string',
  format: 'date-time',
  description: 'When it was created or last changed, UTC.',
}
const numericId: Schema = { type: 'string', pattern: '^[1-9][0-9]{0,9}$' }
const link: Schema = { type: 'string', format: 'uri-reference' }

const closed = (properties: Schema, required: readonly string[] = Object.keys(properties)): Schema => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
})

/** In a request: what is not known is ignored. */
const open = (properties: Schema, required: readonly string[]): Schema => ({ type: 'object', required, properties })

const exampleAttributes = {
  characterId: 7,
  senderId: 9,
  message: 'meet me at the old mill',
  flag: 0,
  timestamp: '2024-01-01T12:30:15.007Z',
}
const exampleNote = { type: 'notes', id: '5', attributes: exampleAttributes }

export const schemas = {
  Note: {
    ...closed({
      type: { const: 'notes' },
      id: numericId,
      attributes: closed({ characterId: notZero, senderId: notZero, message, flag: byte, timestamp }),
    }),
    examples: [exampleNote],
  },
  NoteDocument: { ...closed({ data: refTo('Note') }), examples: [{ data: exampleNote }] },
  ChangedNoteDocument: {
    ...closed({ data: { anyOf: [refTo('Note'), { type: 'null' }] } }),
    description: '`data` is null where the note was removed between the change and the answer.',
    examples: [{ data: exampleNote }],
  },
  NotesDocument: {
    ...closed({
      links: closed({ self: link, first: link, prev: link, next: link, last: link }, ['self', 'first', 'last']),
      data: { type: 'array', items: refTo('Note') },
      meta: closed({
        page: closed({
          last: { type: 'integer', minimum: 1 },
          number: { type: 'integer', minimum: 1 },
          size: { type: 'integer', minimum: 1, maximum: 250 },
        }),
        total: { type: 'integer', minimum: 0 },
      }),
    }),
    examples: [
      {
        links: {
          self: '/api/notes?page%5Bnumber%5D=1&page%5Bsize%5D=50',
          first: '/api/notes?page%5Bnumber%5D=1&page%5Bsize%5D=50',
          last: '/api/notes?page%5Bnumber%5D=1&page%5Bsize%5D=50',
        },
        data: [exampleNote],
        meta: { page: { last: 1, number: 1, size: 50 }, total: 1 },
      },
    ],
  },
  NewNoteDocument: {
    ...open(
      {
        data: open(
          {
            type: { const: 'notes' },
            id: { description: 'Ignored: the service gives the id.' },
            attributes: open(
              { characterId: notZero, senderId: notZero, message, flag: { ...orNull(byte), default: 0 } },
              ['characterId', 'senderId', 'message'],
            ),
          },
          ['type', 'attributes'],
        ),
      },
      ['data'],
    ),
    examples: [
      { data: { type: 'notes', attributes: { characterId: 7, senderId: 9, message: 'meet me at the old mill' } } },
    ],
  },
  NoteChangeDocument: {
    ...open(
      {
        data: open(
          {
            type: { const: 'notes' },
            id: { ...orNull(numericId), description: 'May be left out; else the one in the path.' },
            attributes: orNull(
              open(
                {
                  characterId: { ...orNull(notZero), description: 'Cannot be changed: the one it has.' },
                  senderId: orNull(notZero),
                  message: orNull(message),
                  flag: orNull(byte),
                },
                [],
              ),
            ),
          },
          ['type'],
        ),
      },
      ['data'],
    ),
    description: 'What is left out, or null, stays as it is. The timestamp becomes now.',
    examples: [{ data: { type: 'notes', attributes: { flag: 0 } } }],
  },
  RequestDocument: {
    ...closed({
      data: closed({
        type: { const: 'requests' },
        id: { type: 'string' },
        attributes: closed({
          state: { enum: ['pending', 'done', 'failed'] },
          status: {
            anyOf: [{ enum: [200, 201, 204, 404, 422, 507] }, { type: 'null' }],
            description: 'What the request would have been answered with.',
          },
          noteId: { anyOf: [uint32, { type: 'null' }] },
          expiresAt: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] },
        }),
        links: closed({ self: link, related: { ...link, description: 'The note.' } }, ['self']),
      }),
    }),
    examples: [
      {
        data: {
          type: 'requests',
          id: '0-m4xk2p1c-5b2f6f0a-4f0e-5d0c-9a51-0d6f1c2b3a49-8978ec8d42031c82b05fb8ee85607fb8',
          attributes: { state: 'done', status: 201, noteId: 5, expiresAt: '2024-01-02T12:30:15.007Z' },
          links: {
            self: '/api/requests/0-m4xk2p1c-5b2f6f0a-4f0e-5d0c-9a51-0d6f1c2b3a49-8978ec8d42031c82b05fb8ee85607fb8',
            related: '/api/notes/5',
          },
        },
      },
    ],
  },
  ErrorDocument: {
    ...closed({
      errors: {
        type: 'array',
        minItems: 1,
        items: closed(
          {
            status: { type: 'string', pattern: '^[45][0-9]{2}$' },
            code: { enum: Object.keys(httpErrors) },
            title: { type: 'string' },
            detail: { type: 'string' },
            source: closed(
              {
                pointer: { type: 'string', description: 'JSON pointer into the body.' },
                parameter: { type: 'string', description: 'Name in the query or the path.' },
                header: { type: 'string' },
              },
              [],
            ),
          },
          ['status', 'code', 'title', 'detail'],
        ),
      },
    }),
    examples: [
      {
        errors: [
          {
            status: '422',
            code: 'value.required',
            title: 'A value is required',
            detail: 'senderId is required',
            source: { pointer: '/data/attributes/senderId' },
          },
        ],
      },
    ],
  },
} as const satisfies Record<string, Schema>

export type SchemaName = keyof typeof schemas
