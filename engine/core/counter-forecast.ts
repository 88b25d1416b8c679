/**
 * Counters as the records of a batch will find them, as far as their handlers can say: so that reads which depend on
 * counters are right for most records before any of them has run. A guess; what is decided comes from the counters.
 */
import type { Count } from '../../topology/effects.ts'
import type { CounterReader } from '../../topology/sources.ts'

export class CounterForecast {
  readonly counter: CounterReader
  #counters: ReadonlyMap<string, number>
  #own: Map<string, number> | null = null

  constructor(counters: ReadonlyMap<string, number>) {
    this.#counters = counters
    this.counter = ({ name }) => this.#counters.get(name) ?? 0
  }

  /** Most batches expect nothing: they are not copied for. */
  expect(counts: readonly Count[]): void {
    if (counts.length === 0) return
    this.#own ??= new Map(this.#counters)
    this.#counters = this.#own
    for (const { counter, value } of counts) this.#own.set(counter.name, value)
  }
}
