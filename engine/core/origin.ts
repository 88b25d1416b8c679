/**
 * The one internal header: where a forwarded record was first read. Written when a record goes to the repartition
 * topic, stripped before the transform sees it (record-headers.ts); from any other topic it is not believed and not passed on.
 */
import type { Origin } from '../../topology/sources.ts'
import type { DecodedHeaders } from './record-headers.ts'

export const ORIGIN_HEADER = 'tributary.origin'
const ORIGIN = /^([A-Za-z0-9._-]{1,249}):(\d{1,10}):(\d{1,16})$/

export const encodeOrigin = (origin: Origin): Buffer => Buffer.from(`${origin.topic}:${origin.partition}:${origin.offset}`)

/** The last origin header, or undefined when it is missing or malformed. */
export function decodeOrigin(headers: DecodedHeaders): Origin | undefined {
  const value = headers.entries.findLast((h) => h.name === ORIGIN_HEADER)?.value
  const match = value ? ORIGIN.exec(value.latin1Slice(0, value.length)) : null
  if (!match) return undefined
  const origin = { topic: match[1]!, partition: Number(match[2]), offset: Number(match[3]) }
  return Number.isSafeInteger(origin.offset) ? origin : undefined
}
