/** What a transfer is and does, as a pure fold. Shared by the topology and by the checker's own fold over the input. */
export interface Transfer {
  readonly type: 'TRANSFER'
  readonly id: number
  readonly branch: number
  readonly checking: number
  readonly savings: number
  /** From checking to savings; the other way when negative. */
  readonly amount: number
}

export interface Book {
  /** Transfers so far, refused ones too. */
  readonly n: number
  /** Chain over their ids and results. */
  readonly h: number
}

export interface TransferOutcome {
  readonly id: number
  readonly branch: number
  readonly n: number
  readonly h: number
  /** Balances behind it; null when it was refused for lack of money. */
  readonly checking: number | null
  readonly savings: number | null
}

/** What every account is worth before it is touched. */
export const OPENING = 1_000

export interface Accounts {
  readonly checking: number
  readonly savings: number
  readonly book: Book
}

export function carryOut(
  { id, branch, amount }: Transfer,
  { checking, savings, book }: Accounts,
): Accounts & { readonly outcome: TransferOutcome } {
  const moved = checking - amount >= 0 && savings + amount >= 0
  const after = moved ? { checking: checking - amount, savings: savings + amount } : { checking, savings }
  let h = Math.imul(book.h ^ id, 0x01000193)
  h = Math.imul(h ^ after.checking, 0x01000193) ^ after.savings
  const next = { n: book.n + 1, h }
  return {
    ...after,
    book: next,
    outcome: {
      id,
      branch,
      ...next,
      checking: moved ? after.checking : null,
      savings: moved ? after.savings : null,
    },
  }
}
