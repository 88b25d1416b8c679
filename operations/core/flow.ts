/**
 * What flows through all living instances of an application, from the cards that they show again and again: counts become
 * rates over a short window, histograms quantiles. Pure; owns the cards of the window.
 */
import type { BucketCounts, FlowCounts, InstanceCard } from '../../engine/core/instance-card.ts'

/** An instance whose last card is older is not living. By the clocks of two machines: more than a beat or two. */
export const LIVING_MS = 10_000
/** Rates are over about this time. */
const WINDOW_MS = 5_000
/** Cards kept per instance; with a beat of 2 s more than the window. */
const CARDS_MAX = 5

export interface Quantiles {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Of all living instances together. Null: nothing happened, or not known yet. */
export interface Flow {
  readonly recordsPerSecond: number | null
  readonly transactionsPerSecond: number | null
  /** From the record's timestamp to the known commit. */
  readonly endToEnd: Quantiles | null
  readonly transaction: Quantiles | null
}

/** By real topics; `read` by `<topic>\0<type>`. Per second. */
export interface Rates {
  readonly read: ReadonlyMap<string, number>
  readonly written: ReadonlyMap<string, number>
  readonly buried: ReadonlyMap<string, number>
  readonly forwarded: number
}

export class CardWindow {
  readonly #cards = new Map<string, InstanceCard[]>()

  /** All cards that are there now. */
  take(found: ReadonlyMap<string, InstanceCard>): void {
    for (const name of this.#cards.keys()) if (!found.has(name)) this.#cards.delete(name)
    for (const [name, card] of found) {
      const known = this.#cards.get(name) ?? []
      const last = known.at(-1)
      if (last?.start === card.start && last.atMs >= card.atMs) continue
      // After a restart it counts from 0.
      this.#cards.set(name, [...(last?.start === card.start ? known : []), card].slice(-CARDS_MAX))
    }
  }

  /** The last card of each. */
  get last(): ReadonlyMap<string, InstanceCard> {
    return new Map([...this.#cards].map(([name, cards]) => [name, cards.at(-1)!]))
  }

  /** Null: it is not known yet. */
  recordsPerSecond(name: string): number | null {
    const pair = this.#pair(name)
    return pair && (pair.to.counted.records - pair.from.counted.records) / pair.seconds
  }

  flow(nowMs: number): Flow {
    const pairs = this.#pairs(nowMs)
    if (pairs.length === 0)
      return { recordsPerSecond: null, transactionsPerSecond: null, endToEnd: null, transaction: null }
    const perSecond = (of: (counted: FlowCounts) => number): number =>
      pairs.reduce((sum, { from, to, seconds }) => sum + (of(to.counted) - of(from.counted)) / seconds, 0)
    return {
      recordsPerSecond: perSecond(({ records }) => records),
      transactionsPerSecond: perSecond(({ transactions }) => transactions),
      endToEnd: this.#quantiles(pairs, ({ endToEnd }) => endToEnd),
      transaction: this.#quantiles(pairs, ({ transaction }) => transaction),
    }
  }

  rates(nowMs: number): Rates {
    const pairs = this.#pairs(nowMs)
    const table = (of: (counted: FlowCounts) => Readonly<Record<string, number>>): Map<string, number> => {
      const rates = new Map<string, number>()
      for (const { from, to, seconds } of pairs)
        for (const [name, count] of Object.entries(of(to.counted)))
          rates.set(name, (rates.get(name) ?? 0) + (count - (of(from.counted)[name] ?? 0)) / seconds)
      return rates
    }
    return {
      read: table(({ read }) => read),
      written: table(({ written }) => written),
      buried: table(({ buried }) => buried),
      forwarded: pairs.reduce(
        (sum, { from, to, seconds }) => sum + (to.counted.forwarded - from.counted.forwarded) / seconds,
        0,
      ),
    }
  }

  #quantiles(pairs: readonly Pair[], of: (counted: FlowCounts) => BucketCounts): Quantiles | null {
    const longest = pairs
      .map(({ to }) => of(to.counted))
      .reduce((a, b) => (b.boundsMs.length > a.boundsMs.length ? b : a))
    const counts = longest.counts.map(() => 0)
    for (const { from, to } of pairs) {
      const [now, then] = [of(to.counted), of(from.counted)]
      // Of another version, with other bounds.
      if (now.boundsMs.length !== longest.boundsMs.length) continue
      now.counts.forEach((count, at) => {
        counts[at]! += count - (then.counts[at] ?? 0)
      })
    }
    const p50Ms = quantile(longest.boundsMs, counts, 0.5)
    const p99Ms = quantile(longest.boundsMs, counts, 0.99)
    return p50Ms === null || p99Ms === null ? null : { p50Ms, p99Ms }
  }

  #pairs(nowMs: number): readonly Pair[] {
    return [...this.#cards.keys()].flatMap((name) => {
      const pair = this.#pair(name)
      return pair && nowMs - pair.to.atMs <= LIVING_MS ? [pair] : []
    })
  }

  /** Its newest card and the one of about a window before. */
  #pair(name: string): Pair | null {
    const cards = this.#cards.get(name) ?? []
    const to = cards.at(-1)
    if (!to) return null
    const from = cards.findLast((card) => to.atMs - card.atMs >= WINDOW_MS) ?? cards[0]!
    const seconds = (to.atMs - from.atMs) / 1_000
    return seconds <= 0 ? null : { from, to, seconds }
  }
}

interface Pair {
  readonly from: InstanceCard
  readonly to: InstanceCard
  readonly seconds: number
}

/** Within its bucket as if values were spread evenly. Null: there are none. What lies above all bounds is the last bound. */
export function quantile(boundsMs: readonly number[], counts: readonly number[], q: number): number | null {
  const total = counts.reduce((sum, count) => sum + Math.max(0, count), 0)
  if (total === 0) return null
  let left = q * total
  for (let at = 0; at < boundsMs.length; at++) {
    const count = Math.max(0, counts[at] ?? 0)
    const lower = at === 0 ? 0 : boundsMs[at - 1]!
    if (left <= count && count > 0) return lower + ((boundsMs[at]! - lower) * left) / count
    left -= count
  }
  return boundsMs.at(-1) ?? null
}
