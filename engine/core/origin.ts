/**
 * The one internal header: where a forwarded record was first read. Written when a record goes to the repartition
 * topic, stripped before the transform sees it (record-headers.ts); from any other topic it is not believed and not
 * passed on.
 */
import type { Origin } from '../../topology/sources.ts'
import { forEachHeader, type RecordView } from './headers.ts'

export const ORIGIN_HEADER = 'tributary.origin'
const ORIGIN_HEADER_BYTES = Buffer.from(ORIGIN_HEADER)
const ORIGIN = /^([A-Za-z0-9._-]{1,249}):(\d{1,10}):(\d{1,16})$/

export const encodeOrigin = (origin: Origin): Buffer =>
  Buffer.from(`${origin.topic}:${origin.partition}:${origin.offset}`)

/** The last origin header, or undefined when it is missing or malformed. Every forwarded record has one: no other header is decoded. */
export function decodeOrigin(view: RecordView): Origin | undefined {
  const { bytes } = view
  let text: string | undefined
  forEachHeader(bytes, view.headersStart, view.headersEnd, (nameStart, nameEnd, valueStart, valueEnd) => {
    if (
      nameEnd - nameStart !== ORIGIN_HEADER_BYTES.length ||
      ORIGIN_HEADER_BYTES.compare(bytes, nameStart, nameEnd) !== 0
    )
      return
    text = valueStart < 0 ? undefined : bytes.latin1Slice(valueStart, valueEnd)
  })
  return text === undefined ? undefined : parseOrigin(text)
}

/** `topic:partition:offset`; undefined when it is none. */
export function parseOrigin(text: string): Origin | undefined {
  const match = ORIGIN.exec(text)
  if (!match) return undefined
  const origin = { topic: match[1]!, partition: Number(match[2]), offset: Number(match[3]) }
  return Number.isSafeInteger(origin.offset) ? origin : undefined
}
