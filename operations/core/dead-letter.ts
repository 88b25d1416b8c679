/**
 * A record of the dead-letter topic, taken apart: what `engine/core/dead-letter.ts` wrote, read back. Beside letters there
 * lie notes that a letter was replayed (core/replay-note.ts). Pure.
 */
import {
  HeadersCorrupt,
  keyOf,
  type RecordView,
  readHeaders,
  valueOf as valueBytesOf,
} from '../../engine/core/headers.ts'
import { REPLAYED_FROM } from '../../engine/core/replayed.ts'
import { type BytesAsJson, bytesAsJson } from './text.ts'

export interface DeadLetterRecord {
  /** Where it lies in the dead-letter topic. */
  readonly partition: number
  readonly offset: number
  /** When it was buried; of a topic that keeps the times of its records, that of the record. */
  readonly timestampMs: number
  /** Of the record. */
  readonly recordTimestampMs: number
  readonly reason: string
  readonly message: string
  /** Where the record was first read; null when the letter does not say. */
  readonly origin: { readonly topic: string; readonly partition: number; readonly offset: number } | null
  /** Original size of a value that was cut; null when it is whole. */
  readonly truncatedBytes: number | null
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Of the original record, in order. */
  readonly headers: readonly Header[]
  /** Its own headers could be read, so `headers` are all there were. */
  readonly headersKnown: boolean
  /** `partition@offset` of the letter that this one was replayed from, and failed again; null: it was sent by a producer. */
  readonly replayedFrom: string | null
}

export interface Header {
  readonly name: string
  readonly value: Buffer | null
}

/** Where a letter lies, and how people name it. */
export interface LetterPlace {
  readonly partition: number
  readonly offset: number
}

export const placeText = ({ partition, offset }: LetterPlace): string => `${partition}@${offset}`

/** `3@17`, or with the topic before it as listings in JSON have it: `notes-dead-letters-3@17`. Null: it is none. */
export function parsePlace(text: string, topic: string): LetterPlace | null {
  const match = /^(?:(.*)-)?(\d{1,6})@(\d{1,16})$/.exec(text)
  if (!match || (match[1] !== undefined && match[1] !== topic)) return null
  return { partition: Number(match[2]), offset: Number(match[3]) }
}

const PREFIX = 'dead-letter.'
/** The only header of a note; letters have others behind it, wherever it came from. */
export const REPLAY_OF = `${PREFIX}replay-of`
/** As engine/core/dead-letter.ts writes them, last in the section, in this order. */
const FACTS = ['reason', 'message', 'topic', 'partition', 'offset', 'timestamp'].map((name) => PREFIX + name)
const TRUNCATED = `${PREFIX}truncated`

/** Null for a note that a letter was replayed. Copies what it keeps: the record's buffer is a whole fetch. */
export function readDeadLetter(partition: number, view: RecordView): DeadLetterRecord | null {
  const { original, facts } = splitHeaders(headersOf(view))
  if (facts.length === 0 && original.length === 1 && original[0]?.name === REPLAY_OF) return null
  const fact = (name: string): string | null =>
    facts.find((header) => header.name === PREFIX + name)?.value?.toString('utf8') ?? null
  const [topic, originPartition, originOffset] = [fact('topic'), number(fact('partition')), number(fact('offset'))]
  return {
    partition,
    offset: view.offset,
    timestampMs: view.timestampMs,
    recordTimestampMs: timestamp(fact('timestamp')) ?? view.timestampMs,
    reason: fact('reason') ?? '(none)',
    message: fact('message') ?? '',
    origin:
      topic === null || originPartition === null || originOffset === null
        ? null
        : { topic, partition: originPartition, offset: originOffset },
    truncatedBytes: number(fact('truncated')),
    key: copy(keyOf(view)),
    value: copy(valueBytesOf(view)),
    headers: original.filter(({ name }) => name !== REPLAYED_FROM),
    headersKnown: facts.length > 0 && fact('reason') !== 'record.headers_corrupt',
    replayedFrom: original.findLast(({ name }) => name === REPLAYED_FROM)?.value?.toString('utf8') ?? null,
  }
}

/** Headers that came from outside stand before ours, whatever they are named. */
function splitHeaders(headers: readonly Header[]): { original: readonly Header[]; facts: readonly Header[] } {
  const end = headers.at(-1)?.name === TRUNCATED ? headers.length - 1 : headers.length
  const start = end - FACTS.length
  const complete = start >= 0 && FACTS.every((name, at) => headers[start + at]!.name === name)
  return complete
    ? { original: headers.slice(0, start), facts: headers.slice(start) }
    : { original: headers, facts: [] }
}

export interface DeadLetterJson {
  readonly at: string
  readonly time: string | null
  readonly reason: string
  readonly message: string
  readonly origin: string | null
  readonly key: BytesAsJson
  readonly value: BytesAsJson
  readonly valueBytes: number | null
  readonly truncatedBytes: number | null
  readonly headers: readonly { readonly name: string; readonly value: BytesAsJson }[]
  readonly replayedFrom: string | null
  /** Null: not yet. */
  readonly replayed: ReplayedJson | null
}

export interface ReplayedJson {
  /** ISO 8601. */
  readonly at: string
  /** `topic-partition`. */
  readonly to: string
  readonly by: string
}

/** Values longer than this are cut in listings. */
const VALUE_BYTES_MAX = 2_000

export function deadLetterJson(
  topic: string,
  letter: DeadLetterRecord,
  replayed: ReplayedJson | null = null,
  valueBytesMax = VALUE_BYTES_MAX,
): DeadLetterJson {
  const { reason, message, truncatedBytes, key, value } = letter
  return {
    at: `${topic}-${letter.partition}@${letter.offset}`,
    time: timeText(letter.timestampMs),
    reason,
    message,
    origin: originText(letter),
    key: bytesAsJson(key),
    value: bytesAsJson(value, valueBytesMax),
    valueBytes: value?.length ?? null,
    truncatedBytes,
    headers: letter.headers.map(({ name, value }) => ({ name, value: bytesAsJson(value) })),
    replayedFrom: letter.replayedFrom,
    replayed,
  }
}

export const originText = ({ origin }: DeadLetterRecord): string | null =>
  origin && `${origin.topic}-${origin.partition}@${origin.offset}`

/** Null for a timestamp that no date can express. */
export function timeText(timestampMs: number): string | null {
  const date = new Date(timestampMs)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

/** A record whose headers cannot be read is still worth showing. */
function headersOf(view: RecordView): { name: string; value: Buffer | null }[] {
  try {
    return readHeaders(view).map(({ name, value }) => ({ name, value: copy(value) }))
  } catch (error) {
    if (error instanceof HeadersCorrupt) return []
    throw error
  }
}

const copy = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes))

function number(text: string | null): number | null {
  return text !== null && /^\d{1,16}$/.test(text) ? Number(text) : null
}

/** Of a record it may be -1. */
const timestamp = (text: string | null): number | null =>
  text !== null && /^-?\d{1,16}$/.test(text) ? Number(text) : null
