/**
 * The trace of a command: that of the request goes on, or a new one begins. Source: W3C Trace Context level 1. Not the
 * engine's way to new ids, which must come out the same on a replay: a request happens once.
 */
import { randomBytes } from 'node:crypto'
import { parseTraceparent } from '../../engine/core/trace.ts'
import type { HeaderEntry } from '../../topology/headers.ts'
import type { DistinctHeaders } from './tenant.ts'

/** Headers of the record. `tracestate` goes on only beside a valid `traceparent`. */
export function traceHeaders(headers: DistinctHeaders): readonly HeaderEntry[] {
  const bytesOf = (name: string): Buffer | undefined => {
    const values = headers[name]
    return values === undefined || values.length === 0 ? undefined : Buffer.from(values.join(','), 'latin1')
  }
  const parent = headers['traceparent']?.length === 1 ? bytesOf('traceparent') : undefined
  const continued = parent !== undefined && parseTraceparent(parent, 0, parent.length) !== undefined
  const tracestate = bytesOf('tracestate')
  const baggage = bytesOf('baggage')
  return [
    ['traceparent', continued ? parent : newTraceparent()],
    ...(continued && tracestate ? [['tracestate', tracestate] as const] : []),
    ...(baggage ? [['baggage', baggage] as const] : []),
  ]
}

/** Sampled, since nobody has decided otherwise. */
const newTraceparent = (): Buffer =>
  Buffer.from(`00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`)
