/**
 * Where the n-th of all members lies that stand in several sorted sets, without reading those before it: a search over
 * scores by counting. Every round costs one count per set, O(log n) each.
 *
 * Ids of notes are spread evenly (every task counts on by its stride), so guessing where the rank should be takes three or
 * four rounds for a million notes; halving in between bounds the worst case.
 */

export interface Place {
  /** Members below this score are before the place. */
  readonly score: number
  /** How many they are. */
  readonly below: number
}

/** Halved at every third round: so many rounds suffice for 32 bits of score. */
export const ROUNDS_MAX = 99

/**
 * A place at most `slack` members before the member of this rank (from 0, below `total`). `last` is the highest score.
 * `countBelow` answers how many members have a lower score; it may change while it is asked, then the place is as good as
 * the answers were.
 */
export async function searchRank(
  rank: number,
  total: number,
  last: number,
  slack: number,
  countBelow: (score: number) => Promise<number>,
): Promise<Place> {
  let low: Place = { score: 0, below: 0 }
  let high: Place = { score: last + 1, below: total }
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    if (rank - low.below <= slack || high.score - low.score <= 1) break
    const score = round % 3 === 0 ? middle(low, high) : guess(low, high, rank - slack / 2)
    const place = { score, below: await countBelow(score) }
    if (place.below <= rank) low = place
    else high = place
  }
  return low
}

const middle = (low: Place, high: Place): number => low.score + Math.floor((high.score - low.score) / 2)

function guess(low: Place, high: Place, rank: number): number {
  const share = high.below > low.below ? (rank - low.below) / (high.below - low.below) : 0.5
  const score = low.score + Math.floor(share * (high.score - low.score))
  return Math.min(high.score - 1, Math.max(low.score + 1, score))
}
