/** The only clock there is: the timestamp of the record being processed. */
import { DeadLetter } from '../errors.ts'

/** RFC 3339 writes years with four digits. */
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00.000Z')
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z')

// Formatting costs 0.7 µs and a batch has many records of one millisecond. The same input gives the same text, so that
// the last one is remembered cannot be observed.
let lastMs = Number.NaN
let lastText = ''

/** Throws DeadLetter `timestamp.invalid`. */
export function assertTime(timestampMs: number): void {
  if (timestampMs >= EARLIEST_MS && timestampMs <= LATEST_MS) return
  throw new DeadLetter('timestamp.invalid', 'the timestamp of the record is not within the years 0 to 9999')
}

/** A record's timestamp as RFC 3339, UTC, to the millisecond. Throws DeadLetter `timestamp.invalid`. */
export function timeOf(timestampMs: number): string {
  if (timestampMs === lastMs) return lastText
  assertTime(timestampMs)
  lastText = new Date(timestampMs).toISOString()
  lastMs = timestampMs
  return lastText
}
