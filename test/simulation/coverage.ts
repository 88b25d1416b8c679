/** What a history has really met. One that counts has enough of everything that makes it hard. */
export class Coverage {
  readonly owners = new Set<string>()
  batches = 0
  applied = 0
  forwarded = 0
  rebalances = 0
  /** Assignments at most this far apart are on each other's heels. */
  rebalancesInARow = 0
  faults = 0
  recoveries = 0
  /** Of them those of a process that the group has as a member of its current generation. */
  recoveriesOfOwners = 0
  rebuilds = 0
  takeovers = 0
  fenced = 0
  /** Outputs written again after an abort. */
  repeats = 0
  /** Records whose request had been carried out before. */
  requestsRepeated = 0
  /** What all tasks, transactions and the group were at when something happened. */
  readonly states = new Set<string>()
  /** Faults met, by name. */
  readonly met = new Map<string, number>()
  #lastRebalanceMs = Number.NEGATIVE_INFINITY

  rebalanced(nowMs: number): void {
    this.rebalances++
    if (nowMs - this.#lastRebalanceMs < IN_A_ROW_MS) this.rebalancesInARow++
    this.#lastRebalanceMs = nowMs
  }

  note(fault: string): void {
    this.faults++
    this.met.set(fault, (this.met.get(fault) ?? 0) + 1)
  }

  counts(tasks: number): boolean {
    return (
      tasks >= 3 &&
      this.owners.size >= 2 &&
      this.batches >= 20 &&
      this.forwarded > 0 &&
      this.rebalancesInARow > 0 &&
      this.faults >= 3
    )
  }
}

const IN_A_ROW_MS = 1_000
