/**
 * Requests: commands that are to be done once, however often they are sent. A command names its request in the header
 * `request-id`; what came of it is remembered in the store `requests`, in the transaction of the outcome. Owns that store;
 * how long an entry stays is request-expiry.ts.
 */
import type { Input } from '../sources.ts'
import { value } from '../stores.ts'
import { requestIdOf } from './request-header.ts'
import type { Tenant } from './tenant.ts'

/**
 * How a request ended, as REST says it. 201 created, 200 changed, 204 removed, 404 no such note, 422 the command breaks a
 * rule of CREATE, 507 note ids exhausted. A command that becomes a dead letter leaves no entry.
 */
export type RequestStatus = 200 | 201 | 204 | 404 | 422 | 507

export interface RequestOutcome {
  readonly status: RequestStatus
  /** The note that was created, changed or removed; null when there is none, or not just one. */
  readonly noteId: number | null
  /** Of the command that was carried out: see requestFingerprint. */
  readonly fingerprint: string
  /** ms since 1970, in the time of the records: expired for every record whose own timestamp is not before it. */
  readonly expiresAt: number
}

/** What the store holds. */
export interface RequestEntry extends RequestOutcome {
  /** Where the queue has it: see request-expiry.ts. Of no use to others. */
  readonly position: number
}

/** Key: `<tenant>:<request id>`, as requestKey makes it. A tenant never meets another's. */
export const requests = value<string, RequestEntry>({ name: 'requests', key: (request) => request })

/** `requestId` as the header has it: UUID text in lower case. */
export const requestKey = (tenantId: string, requestId: string): string => `${tenantId}:${requestId}`

/** Key of the record's request; undefined when it names none. */
export function requestOf({
  headers,
  context,
}: Pick<Input<unknown, Tenant>, 'headers' | 'context'>): string | undefined {
  const requestId = requestIdOf(headers)
  return requestId === undefined ? undefined : requestKey(context.id, requestId)
}
