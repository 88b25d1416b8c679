/** A record of the dead-letter topic, taken apart: what `engine/core/dead-letter.ts` wrote, read back. Pure. */
import {
  HeadersCorrupt,
  keyOf,
  type RecordView,
  readHeaders,
  valueOf as valueBytesOf,
} from '../../engine/core/headers.ts'
import { type BytesAsJson, bytesAsJson } from './text.ts'

export interface DeadLetterRecord {
  /** Where it lies in the dead-letter topic. */
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly reason: string
  readonly message: string
  /** Where the record was first read; null when the letter does not say. */
  readonly origin: { readonly topic: string; readonly partition: number; readonly offset: number } | null
  /** Original size of a value that was cut; null when it is whole. */
  readonly truncatedBytes: number | null
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Of the original record, in order, without the `dead-letter.*` ones. */
  readonly headers: readonly { readonly name: string; readonly value: Buffer | null }[]
}

const PREFIX = 'dead-letter.'

/** Copies what it keeps: the record's buffer is a whole fetch. */
export function readDeadLetter(partition: number, view: RecordView): DeadLetterRecord {
  const headers = headersOf(view)
  // Headers of the same name that came from outside stand before ours.
  const fact = (name: string): string | null =>
    headers.findLast((header) => header.name === PREFIX + name)?.value?.toString('utf8') ?? null
  const [topic, originPartition, originOffset] = [fact('topic'), number(fact('partition')), number(fact('offset'))]
  return {
    partition,
    offset: view.offset,
    timestampMs: view.timestampMs,
    reason: fact('reason') ?? '(none)',
    message: fact('message') ?? '',
    origin:
      topic === null || originPartition === null || originOffset === null
        ? null
        : { topic, partition: originPartition, offset: originOffset },
    truncatedBytes: number(fact('truncated')),
    key: copy(keyOf(view)),
    value: copy(valueBytesOf(view)),
    headers: headers.filter(({ name }) => !name.startsWith(PREFIX)),
  }
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
}

/** Values longer than this are cut in listings. */
const VALUE_BYTES_MAX = 2_000

export function deadLetterJson(topic: string, letter: DeadLetterRecord): DeadLetterJson {
  const { reason, message, truncatedBytes, key, value } = letter
  return {
    at: `${topic}-${letter.partition}@${letter.offset}`,
    time: timeText(letter.timestampMs),
    reason,
    message,
    origin: originText(letter),
    key: bytesAsJson(key),
    value: bytesAsJson(value, VALUE_BYTES_MAX),
    valueBytes: value?.length ?? null,
    truncatedBytes,
    headers: letter.headers.map(({ name, value }) => ({ name, value: bytesAsJson(value) })),
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
