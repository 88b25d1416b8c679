/**
 * The id of an event as a reader's place in a whole topic. Owns the text and its limits; pure.
 *
 *   <topic>:<partition>:<offset>[,<partition>:<offset>…][@<incarnation>]
 *
 * First the partition and offset of the event itself, then of every other partition the last offset that was passed
 * (-1: none). A topic has no order across partitions, so one offset alone would not say what else was delivered: with
 * all of them any process resumes without loss or repetition. `incarnation`, the first 8 hex digits of the topic's id,
 * tells a topic that was deleted and created again, whose offsets mean other records.
 */

/** Longest id that is read; some 600 partitions. It comes back as a request header, and those are bounded too. */
export const EVENT_ID_LENGTH_MAX = 8 * 1024
const PATTERN = /^([A-Za-z0-9._-]{1,249}):(\d{1,6}:(?:-1|\d{1,16})(?:,\d{1,6}:(?:-1|\d{1,16}))*)(?:@([0-9a-f]{8}))?$/

export interface EventId {
  readonly topic: string
  /** null: not told, so not compared. */
  readonly incarnation: string | null
  /** Next offset to read, by partition. What is missing was not known when the id was made: it is read from its start. */
  readonly positions: ReadonlyMap<number, number>
}

export const incarnationOf = (topicId: string): string => topicId.replaceAll('-', '').slice(0, 8).toLowerCase()

/** `positions` are next offsets to read, in order of partition; `first` is the partition of the event. */
export function encodeEventId(topic: string, incarnation: string, first: number, positions: readonly number[]): string {
  let text = `${topic}:${first}:${positions[first]! - 1}`
  for (let partition = 0; partition < positions.length; partition++)
    if (partition !== first) text += `,${partition}:${positions[partition]! - 1}`
  return `${text}@${incarnation}`
}

/** null for text that is no id: too long, an offset beyond 2^53, a partition twice. */
export function parseEventId(text: string): EventId | null {
  if (text.length > EVENT_ID_LENGTH_MAX) return null
  const match = PATTERN.exec(text)
  if (!match) return null
  const [, topic = '', places = '', incarnation] = match
  const positions = new Map<number, number>()
  for (const place of places.split(',')) {
    const colon = place.indexOf(':')
    const partition = Number(place.slice(0, colon))
    const next = Number(place.slice(colon + 1)) + 1
    if (positions.has(partition) || !Number.isSafeInteger(next)) return null
    positions.set(partition, next)
  }
  return { topic, incarnation: incarnation ?? null, positions }
}
