/**
 * The last quarter of an hour as columns for charts: what the service kept, and what came since then with the overviews.
 * Where nothing is known for some steps a gap is left. Pure.
 */
import type { Overview, Series } from '../../../contract.ts'

export const SPAN_MS = 900_000
/** As often as points come. */
const STEP_MS = 2_000
/** Beyond so many steps without a point, a line is not drawn through. */
const GAP_STEPS = 4

export interface Point {
  readonly atMs: number
  readonly recordsPerSecond: number | null
  readonly lag: number | null
  readonly endToEndP50Ms: number | null
  readonly endToEndP99Ms: number | null
  readonly transactionP50Ms: number | null
  readonly transactionP99Ms: number | null
}

export type Column = Exclude<keyof Point, 'atMs'>

export const pointsOf = (series: Series): readonly Point[] =>
  series.atMs.map((atMs, at) => ({
    atMs,
    recordsPerSecond: series.recordsPerSecond[at] ?? null,
    lag: series.lag[at] ?? null,
    endToEndP50Ms: series.endToEndP50Ms[at] ?? null,
    endToEndP99Ms: series.endToEndP99Ms[at] ?? null,
    transactionP50Ms: series.transactionP50Ms[at] ?? null,
    transactionP99Ms: series.transactionP99Ms[at] ?? null,
  }))

export const pointOf = ({ atMs, lag, flow }: Pick<Overview, 'atMs' | 'lag' | 'flow'>): Point => ({
  atMs,
  recordsPerSecond: flow.recordsPerSecond,
  lag,
  endToEndP50Ms: flow.endToEnd?.p50Ms ?? null,
  endToEndP99Ms: flow.endToEnd?.p99Ms ?? null,
  transactionP50Ms: flow.transaction?.p50Ms ?? null,
  transactionP99Ms: flow.transaction?.p99Ms ?? null,
})

/** `kept` and then what of `since` is newer; both oldest first. Nothing older than the span before the newest. */
export function joined(kept: readonly Point[], since: readonly Point[]): readonly Point[] {
  const lastMs = kept.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY
  const all = [...kept, ...since.filter(({ atMs }) => atMs > lastMs)]
  const firstMs = (all.at(-1)?.atMs ?? 0) - SPAN_MS
  return all.filter(({ atMs }) => atMs >= firstMs)
}

export interface Columns {
  /** Seconds since 1970. */
  readonly at: readonly number[]
  readonly values: Readonly<Record<Column, readonly (number | null)[]>>
}

const COLUMNS: readonly Column[] = [
  'recordsPerSecond',
  'lag',
  'endToEndP50Ms',
  'endToEndP99Ms',
  'transactionP50Ms',
  'transactionP99Ms',
]

export function columnsOf(points: readonly Point[]): Columns {
  const at: number[] = []
  const values = Object.fromEntries(COLUMNS.map((column) => [column, [] as (number | null)[]])) as Record<
    Column,
    (number | null)[]
  >
  let lastMs: number | null = null
  for (const point of points) {
    if (lastMs !== null && point.atMs - lastMs > GAP_STEPS * STEP_MS) {
      at.push((lastMs + STEP_MS) / 1_000)
      for (const column of COLUMNS) values[column].push(null)
    }
    at.push(point.atMs / 1_000)
    for (const column of COLUMNS) values[column].push(point[column])
    lastMs = point.atMs
  }
  return { at, values }
}

export interface Extent {
  readonly min: number
  readonly max: number
  readonly last: number | null
}

/** Null: nothing is known. */
export function extentOf(values: readonly (number | null)[]): Extent | null {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (value === null) continue
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return min > max ? null : { min, max, last: values.at(-1) ?? null }
}

/** Labels of an axis, from below. Those of different values that read alike are left out but for the one that is exact. */
export function ticksOf(at: readonly number[], tick: (value: number) => string): readonly string[] {
  const texts = at.map(tick)
  return texts.map((text, index) => {
    const alike = at.filter((_, other) => texts[other] === text)
    return alike.length === 1 || at[index] === nearest(alike, Number.parseFloat(text)) ? text : ''
  })
}

const nearest = (values: readonly number[], to: number): number =>
  values.reduce((best, value) => (Math.abs(value - to) < Math.abs(best - to) ? value : best))
