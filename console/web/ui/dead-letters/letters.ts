/** Which letters are shown and chosen, and what came of a replay, in words. Pure. */
import type { DeadLettersView, ReplayReport } from '../../../contract.ts'
import { parsePlace, placeText } from '../../places.ts'

export type Letter = DeadLettersView['letters'][number]
export type Bytes = Letter['value']
export type ReplayItem = ReplayReport['items'][number]

export const VALUE_PREVIEW_CHARACTERS = 120

/** `3@17`, as orders name it. */
export const orderPlace = ({ at }: Pick<Letter, 'at'>): string => {
  const place = parsePlace(at)
  return place ? placeText(place) : at
}

export function preview(bytes: Bytes, charactersMax: number = VALUE_PREVIEW_CHARACTERS): string {
  if (bytes === null) return 'null'
  const text = 'text' in bytes ? bytes.text : `0x${bytes.hex}`
  if (text === '') return '(empty)'
  return text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text
}

export interface LetterFilter {
  readonly waiting: boolean
  readonly text: string
}

export function shown(letters: readonly Letter[], { waiting, text }: LetterFilter): readonly Letter[] {
  const wanted = text.trim().toLowerCase()
  return letters.filter((letter) => {
    if (waiting && letter.replayed !== null) return false
    if (wanted === '') return true
    return [
      letter.at,
      letter.origin ?? '',
      letter.message,
      letter.reason,
      preview(letter.key, 1_000),
      preview(letter.value, 4_000),
    ].some((part) => part.toLowerCase().includes(wanted))
  })
}

/** Chosen ones that can still be sent: what was replayed meanwhile, or is not shown any more, is left out. */
export const stillWaiting = (letters: readonly Letter[], chosen: ReadonlySet<string>): readonly string[] =>
  letters.filter((letter) => letter.replayed === null && chosen.has(orderPlace(letter))).map(orderPlace)

/** Who failed again after being replayed: letters by the place of the one they came from. */
export const failedAgain = (letters: readonly Letter[]): ReadonlyMap<string, Letter> =>
  new Map(
    letters
      .flatMap((letter) => (letter.replayedFrom === null ? [] : [[letter.replayedFrom, letter] as const]))
      .reverse(),
  )

export interface Sums {
  readonly waits: number
  readonly replayed: number
  readonly already: number
  readonly refused: number
  readonly missing: number
}

export function sums(items: readonly ReplayItem[]): Sums {
  const of = { waits: 0, replayed: 0, already: 0, refused: 0, missing: 0 }
  for (const { outcome } of items) of[outcome]++
  return of
}

const WORDS: Readonly<Record<keyof Sums, string>> = {
  replayed: 'sent',
  waits: 'would be sent',
  already: 'sent before',
  refused: 'refused',
  missing: 'not there',
}

/** `12 would be sent, 1 refused`; of an execution that ended early, those that wait still wait. */
export function sumsText(of: Sums, executed: boolean): string {
  const parts = (Object.keys(WORDS) as (keyof Sums)[])
    .filter((name) => of[name] > 0)
    .map((name) => `${of[name]} ${executed && name === 'waits' ? 'still waiting' : WORDS[name]}`)
  return parts.length === 0 ? 'nothing to send' : parts.join(', ')
}

export const outcomeText = (outcome: keyof Sums, executed: boolean): string =>
  executed && outcome === 'waits' ? 'still waiting' : WORDS[outcome]
