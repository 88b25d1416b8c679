/** What prom-client has counted, as plain numbers. */
import type { Counter, Histogram } from 'prom-client'
import type { BucketCounts } from '../engine/core/instance-card.ts'

type Labels = Readonly<Partial<Record<string, string | number>>>

/** Added up by the name that is made of the labels. */
export async function sums(counter: Counter, nameOf: (labels: Labels) => string): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const { labels, value } of (await counter.get()).values) {
    const name = nameOf(labels)
    found[name] = (found[name] ?? 0) + value
  }
  return found
}

/** Of the label `result="committed"`. prom-client sums its buckets up; these are not. */
export async function committedBuckets(histogram: Histogram): Promise<BucketCounts> {
  const boundsMs: number[] = []
  const counts: number[] = []
  let below = 0
  for (const { labels, value, metricName } of (await histogram.get()).values) {
    if (labels['result'] !== 'committed' || !metricName?.endsWith('_bucket')) continue
    if (labels.le !== '+Inf') boundsMs.push(Number(labels.le) * 1_000)
    counts.push(value - below)
    below = value
  }
  return { boundsMs, counts: counts.length > 0 ? counts : [0] }
}
