/** Records as other services send them. */
import type { HeaderEntry } from '../../topology/headers.ts'
import type { NoteService, Outcome } from './note-service.ts'

export const TENANT_A = 'f934c922-71ab-4137-9d45-6e0069bfdd06'
export const TENANT_B = '447d0baa-7661-4ee2-9e50-d0b02dc71999'
export const NIL = '00000000-0000-0000-0000-000000000000'
export const AT_MS = Date.UTC(2024, 0, 1, 12, 30, 15, 7)
export const AT = '2024-01-01T12:30:15.007Z'

export const tenantHeaders = (tenantId: string = TENANT_A): HeaderEntry[] => [
  ['TENANT_ID', Buffer.from(tenantId)],
  ['REGION', Buffer.from('GMS')],
  ['MAJOR_VERSION', Buffer.from([0, 83])],
  ['MINOR_VERSION', Buffer.from([0, 1])],
]

export const requestHeader = (request: string): HeaderEntry => ['request-id', Buffer.from(request)]

/** A request id for each number. */
export const requestId = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

export interface Sent {
  readonly tenantId?: string
  readonly timestampMs?: number
  readonly headers?: readonly HeaderEntry[]
  /** Its `request-id`. */
  readonly request?: string
}

/** A value of COMMAND_TOPIC_NOTE: an object, or its text, or its bytes. */
export const command = (service: NoteService, value: unknown, sent: Sent = {}): Outcome =>
  send(service, 'COMMAND_TOPIC_NOTE', value, sent)

/** A value of EVENT_TOPIC_CHARACTER_STATUS. */
export const status = (service: NoteService, value: unknown, sent: Sent = {}): Outcome =>
  send(service, 'EVENT_TOPIC_CHARACTER_STATUS', value, sent)

function send(service: NoteService, topic: string, value: unknown, sent: Sent): Outcome {
  return service.process({
    topic,
    headers: [
      ...(sent.headers ?? tenantHeaders(sent.tenantId)),
      ...(sent.request === undefined ? [] : [requestHeader(sent.request)]),
    ],
    value: bytesOf(value),
    timestampMs: sent.timestampMs ?? AT_MS,
  })
}

function bytesOf(value: unknown): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

export const create = (characterId: number, senderId: number, message = 'hello', flag = 0) => ({
  worldId: 0,
  channelId: 0,
  characterId,
  type: 'CREATE',
  body: { senderId, message, flag },
})

export const ofType = (type: string, characterId: number, body: unknown) => ({
  worldId: 3,
  channelId: 7,
  characterId,
  type,
  body,
})

/** Creates notes and answers their ids. */
export const given = (
  service: NoteService,
  characterId: number,
  senderIds: readonly number[],
  sent: Sent = {},
): number[] =>
  senderIds.map((senderId) => command(service, create(characterId, senderId), sent).emitted[0]?.value.body.noteId)

export const typesOf = (outcome: Outcome): string[] =>
  outcome.emitted.map(
    (record) => `${record.value.type ?? 'SAGA'} ${record.value.body?.noteId ?? record.value.steps?.[0].stepId ?? ''}`,
  )
