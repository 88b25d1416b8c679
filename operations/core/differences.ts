/** Differences found, counted without end and listed up to a limit. Pure. */

export type DifferenceKind =
  /** The store holds another value than the changelog says. */
  | 'value'
  /** The changelog has the entry, the store has not. */
  | 'missing'
  /** The store has the entry, the changelog has not. */
  | 'extra'
  | 'index.missing'
  | 'index.extra'
  | 'index.score'
  /** The store's checkpoint is not one of the changelog's. */
  | 'checkpoint'
  | 'counter'
  /** An input position in the store's checkpoint. */
  | 'position'
  /** An offset that the group has committed. */
  | 'offset'
  /** A record of the changelog that cannot be used. */
  | 'changelog'
  /** The store refused to be read. */
  | 'store'

export interface Difference {
  readonly kind: DifferenceKind
  readonly what: string
  /** By the changelog; null: nothing. */
  readonly expected: string | null
  /** In the store or in the group; null: nothing. */
  readonly found: string | null
}

export class DifferenceList {
  readonly listed: Difference[] = []
  count = 0
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  add(kind: DifferenceKind, what: string, expected: string | null, found: string | null): void {
    this.count++
    if (this.listed.length < this.#limit) this.listed.push({ kind, what, expected, found })
  }
}
