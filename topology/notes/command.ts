/**
 * What the commands for notes share: one that names a request (request.ts) is done once, and what came of it is remembered
 * beside its effects. What a command does is in the file named after it.
 */
import { drop, type Effect, type Reject } from '../effects.ts'
import type { CounterReader, Handler, Input, Part, State } from '../sources.ts'
import type { Read } from '../stores.ts'
import type { NoteCommand } from './messages.ts'
import { type RequestStatus, requestOf, requests } from './request.ts'
import {
  isExpired,
  queueExpects,
  queueReads,
  REMEMBERED_MS,
  rememberRequest,
  requestCounters,
  requestQueue,
} from './request-expiry.ts'
import { requestFingerprint } from './request-fingerprint.ts'
import type { Tenant } from './tenant.ts'
import { assertTime } from './time.ts'

/** What a command did, and how a request for it is answered; status null: it is refused and becomes a dead letter. */
export interface Done {
  readonly status: RequestStatus | null
  readonly noteId: number | null
  readonly effects: readonly Effect[]
}

export interface Command<M extends NoteCommand> {
  readonly uses: readonly Part[]
  readonly reads?: (input: Input<M, Tenant>, counter: CounterReader, isRequest: boolean) => readonly Read[]
  readonly transform: (input: Input<M, Tenant>, state: State, isRequest: boolean) => Done
}

export const refused = (why: Reject): Done => ({ status: null, noteId: null, effects: [why] })

const NOTHING: readonly never[] = Object.freeze([])

/**
 * The command as a handler. Without a request it is just that. With one: nothing at all if its entry is there and not
 * expired by the record's own timestamp, whatever the command; else the command, and the entry. A command that is refused
 * leaves no entry.
 */
export function command<M extends NoteCommand>({ uses, reads, transform }: Command<M>): Handler<M, Tenant> {
  return {
    uses: [...uses, requests, requestQueue, ...requestCounters],

    reads(input, counter) {
      const request = requestOf(input)
      const own = reads ? reads(input, counter, request !== undefined) : NOTHING
      if (request === undefined) return own
      return [...own, requests.read(request), ...queueReads(input.timestampMs, counter)]
    },

    expects(input, counter) {
      return requestOf(input) === undefined ? NOTHING : queueExpects(input.timestampMs, counter)
    },

    transform(input, state) {
      const request = requestOf(input)
      if (request === undefined) return transform(input, state, false).effects

      const { timestampMs } = input
      assertTime(timestampMs)
      const former = state.value(requests, request)
      if (former && !isExpired(former, timestampMs)) return [drop('request.repeated')]
      const { status, noteId, effects } = transform(input, state, true)
      if (status === null) return effects
      const outcome = {
        status,
        noteId,
        fingerprint: requestFingerprint(input.message),
        expiresAt: timestampMs + REMEMBERED_MS,
      }
      // The entry comes last: whoever sees it in the store sees what it tells of.
      return [...effects, ...rememberRequest(request, outcome, former, timestampMs, state)]
    },
  }
}
