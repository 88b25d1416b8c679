/**
 * Which entry an index has at a score: what the store answered, and on top of it what the batches computed and perhaps not
 * in the store yet. Owns nothing. A change says where its entry stands in the index, so the order of the two sources of
 * truth is that of every read: the overlay below, then the batch's own.
 */
import type { Overlay } from '../../stores/core/overlay.ts'
import type { SearchableIndex } from '../../topology/stores.ts'

export interface Search {
  readonly index: SearchableIndex<never, never, unknown>
  readonly group: string
  readonly score: number
}

export interface Place {
  readonly key: never
  readonly field: never
}

/** No group ends with what follows the last `@`. */
export const searchName = ({ index, group, score }: Search): string => `${index.name}/${group}@${score}`

/** The one with the lowest member, should there be several: the same wherever a batch ends. */
export function placeOf(
  { index, group, score }: Search,
  stored: readonly string[],
  overlays: readonly (Overlay | null)[],
): Place | undefined {
  const members = new Set(stored)
  for (const overlay of overlays)
    for (const { key, field, json } of overlay?.atScore(index, group, score) ?? []) {
      // Fields of a map store: a value store has no index.
      const member = index.member(key, field ?? '')
      if (json === null) members.delete(member)
      else members.add(member)
    }
  let lowest: string | undefined
  for (const member of members) if (lowest === undefined || member < lowest) lowest = member
  return lowest === undefined ? undefined : index.entry(group, lowest)
}
