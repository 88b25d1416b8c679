/** Runs history after history until the time is over or one breaks a rule. Owns the sums over all of them. */
import { generate } from './generate.ts'
import type { History } from './history.ts'
import { Simulation, type Verdict } from './simulation.ts'

export class Totals {
  histories = 0
  counted = 0
  steps = 0
  virtualMs = 0
  batches = 0
  takeovers = 0
  rebuilds = 0
  recoveries = 0
  fenced = 0
  repeats = 0
  requestsRepeated = 0
  forwarded = 0
  rebalances = 0
  /** Different situations seen: what tasks, lanes, transactions and group were at when something happened. */
  readonly states = new Set<string>()
  readonly faults = new Map<string, number>()

  add({ tasks }: History, { steps, virtualMs, coverage }: Verdict): void {
    this.histories++
    if (coverage.counts(tasks)) this.counted++
    this.steps += steps
    this.virtualMs += virtualMs
    this.batches += coverage.batches
    this.takeovers += coverage.takeovers
    this.rebuilds += coverage.rebuilds
    this.recoveries += coverage.recoveries
    this.fenced += coverage.fenced
    this.repeats += coverage.repeats
    this.requestsRepeated += coverage.requestsRepeated
    this.forwarded += coverage.forwarded
    this.rebalances += coverage.rebalances
    for (const state of coverage.states) this.states.add(state)
    for (const [fault, count] of coverage.met) this.faults.set(fault, (this.faults.get(fault) ?? 0) + count)
  }
}

/** What a long run exists for: one of these never met means that the run proves less than it says. */
const WANTED = [
  ...['kill', 'stop', 'pause', 'join', 'expire', 'duplicate', 'outage', 'broker-restart', 'mend', 'clock'],
  ...['flush', 'rollback', 'cut', 'checkpoint-deleted', 'wrong-type', 'wrong-type-key'],
  ...['txn-offset-commit lost-answer', 'produce lost-answer', 'end-txn drop', 'end-txn lost-answer', 'end-txn late'],
  ...['txn-offset-commit code 51', 'produce code 6', 'end-txn kill-after', 'produce kill-after', 'sync lost-long'],
  ...['fetch lost-answer', 'redis write half', 'redis write after', 'redis write late', 'redis read after'],
  ...['markers lost', 'hanging transaction ended'],
] as const
const LONG_HISTORIES = 400

/** Fault paths that a long run never took. */
export function neverMet({
  histories,
  faults,
  fenced,
  repeats,
  requestsRepeated,
  rebuilds,
}: Totals): readonly string[] {
  if (histories < LONG_HISTORIES) return []
  const counts = {
    'dead fenced': fenced,
    'outputs written again': repeats,
    'request repeated': requestsRepeated,
    rebuild: rebuilds,
  }
  const never = Object.entries(counts).flatMap(([name, count]) => (count > 0 ? [] : [name]))
  return [...WANTED.filter((name) => !faults.has(name)), ...never]
}

export interface Failure {
  readonly history: History
  readonly verdict: Verdict
}

export function explore(seed: number, seconds: number, totals: Totals): Failure | null {
  const endMs = performance.now() + seconds * 1_000
  for (let at = seed; performance.now() < endMs; at++) {
    const history = generate(at)
    const verdict = new Simulation(history).run()
    totals.add(history, verdict)
    if (verdict.violation) return { history, verdict }
  }
  return null
}
