/**
 * The note that a dead letter was replayed. It is written into the letter's own partition, in the transaction that sends
 * the record again. So there is nothing else to keep: whoever reads the partition to its end behind a letter knows whether
 * it was replayed, and since logs are deleted from their beginning a note never goes before its letter. Owns its format; pure.
 */
import {
  encodeHeaders,
  HeadersCorrupt,
  type RecordView,
  readHeaders,
  valueOf as valueBytesOf,
} from '../../engine/core/headers.ts'
import { type LetterPlace, parsePlace, placeText, REPLAY_OF, type ReplayedJson } from './dead-letter.ts'

export interface ReplayNote extends ReplayedJson {
  readonly of: LetterPlace
  /** One per call of replay: so that a run whose commit was not answered knows its own. */
  readonly run: string
}

export const encodeNote = ({ of, at, to, by, run }: ReplayNote): { headers: Buffer; value: string } => ({
  headers: encodeHeaders([[REPLAY_OF, Buffer.from(placeText(of))]]),
  value: JSON.stringify({ replayed: placeText(of), at, to, by, run }),
})

/** Null for what is no note. */
export function readNote(view: RecordView): ReplayNote | null {
  try {
    const headers = readHeaders(view)
    const [only] = headers
    if (headers.length !== 1 || only?.name !== REPLAY_OF) return null
    const of = parsePlace(only.value?.toString('utf8') ?? '', '')
    if (!of) return null
    const found: unknown = JSON.parse(valueBytesOf(view)?.toString('utf8') ?? '')
    const { at, to, by, run } = found as Partial<Record<string, unknown>>
    const text = (value: unknown): string => (typeof value === 'string' ? value : '')
    return { of, at: text(at), to: text(to), by: text(by), run: text(run) }
  } catch (error) {
    if (error instanceof HeadersCorrupt || error instanceof SyntaxError || error instanceof TypeError) return null
    throw error
  }
}
