/**
 * A histogram that takes a batch's latencies at once, 7 to 25 ns a record against 135 ns by one call of prom-client each
 * (bench/observability.ts). Owns its counts; prom-client only asks for them when it is scraped.
 */
import { Histogram } from 'prom-client'
import type { BucketCounts } from '../engine/core/instance-card.ts'

export class LatencyHistogram extends Histogram {
  readonly #name: string
  readonly #help: string
  readonly #boundsMs: readonly number[]
  /** Per bound, not summed up; the last is what lies above all. */
  readonly #counts: number[]
  #sumMs = 0
  #count = 0

  constructor(options: { name: string; help: string; bucketsSeconds: readonly number[]; registers: Registers }) {
    const { name, help, bucketsSeconds, registers } = options
    super({ name, help, buckets: [...bucketsSeconds], registers })
    this.#name = name
    this.#help = help
    this.#boundsMs = bucketsSeconds.map((seconds) => seconds * 1000)
    this.#counts = new Array<number>(bucketsSeconds.length + 1).fill(0)
  }

  /** `timestamps`: ms since 1970 and a number of records by turns. One ahead of the clock counts as 0. */
  observeRuns(timestamps: readonly number[], nowMs: number): void {
    const counts = this.#counts
    const bounds = this.#boundsMs
    // Records of a batch are of about the same age: the bucket of the last one is where to look first.
    let bucket = 0
    for (let i = 0; i + 1 < timestamps.length; i += 2) {
      const ageMs = Math.max(0, nowMs - timestamps[i]!)
      const records = timestamps[i + 1]!
      while (bucket > 0 && ageMs <= bounds[bucket - 1]!) bucket--
      while (bucket < bounds.length && ageMs > bounds[bucket]!) bucket++
      counts[bucket]! += records
      this.#sumMs += ageMs * records
      this.#count += records
    }
  }

  get counted(): BucketCounts {
    return { boundsMs: this.#boundsMs, counts: [...this.#counts] }
  }

  /** What prom-client's registry and its own get() ask for; it is not in its types. */
  async getForPromString() {
    let below = 0
    const bucket = (le: number | '+Inf', value: number) => ({
      labels: { le },
      sharedLabels: {},
      value,
      metricName: `${this.#name}_bucket`,
    })
    const total = (suffix: 'sum' | 'count', value: number) => ({
      labels: {},
      sharedLabels: {},
      value,
      metricName: `${this.#name}_${suffix}`,
    })
    const buckets = this.#boundsMs.map((bound, i) => {
      below += this.#counts[i]!
      return bucket(bound / 1000, below)
    })
    const values = [
      ...buckets,
      bucket('+Inf', this.#count),
      total('sum', this.#sumMs / 1000),
      total('count', this.#count),
    ]
    return { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum', values }
  }
}

type Registers = NonNullable<ConstructorParameters<typeof Histogram>[0]['registers']>
