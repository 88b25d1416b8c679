/** Where the page shows what is named somewhere: every object is a link. */
import { parsePlace } from './places.ts'
import { linkTo } from './router.ts'

/** Null: the text names no letter. */
export function linkToLetter(at: string): string | null {
  const place = parsePlace(at)
  return place && linkTo(['dead-letters', place.partition, place.offset])
}

/** Partition n of every source is task n's. */
export const linkToTask = (partition: number): string => linkTo(['tasks', partition])

export const linkToNote = (noteId: number, tenant: string | null = null): string =>
  linkTo(['state', 'notes', noteId], { tenant })

export const linkToCharacter = (characterId: number, tenant: string | null = null): string =>
  linkTo(['state', 'characters', characterId], { tenant })
