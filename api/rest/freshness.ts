/**
 * How old what an answer shows may be, as a header. A structured field (RFC 9651, a dictionary): per partition the offset
 * of the changelog up to which the store has been brought, `age` in ms since the commit of that batch, and, where this
 * process runs the partition, `lag`: input records that were readable at its last fetch and are not processed yet. With
 * `lag=0` the answer was current, however long ago the last change is.
 *
 *   Tributary-Freshness: p0=1042;age=12;lag=0, p3=77;age=90210
 */
import { FRESHNESS_PARTITIONS_MAX } from '../limits.ts'
import type { Stamp } from './note-reads.ts'

const FRESHNESS_HEADER = 'tributary-freshness'

export interface FreshnessClock {
  nowMs(): number
  /** null: not known. */
  lagOf(task: number): number | null
}

/** The header of an answer; none when nothing was read. */
export function freshnessHeader(stamps: readonly Stamp[], at: FreshnessClock): Readonly<Record<string, string>> {
  const text = freshnessOf(stamps, at.nowMs(), (task) => at.lagOf(task))
  return text === undefined ? {} : { [FRESHNESS_HEADER]: text }
}

/** `lagOf` answers null where it is not known. undefined: nothing was read. */
export function freshnessOf(
  stamps: readonly Stamp[],
  nowMs: number,
  lagOf: (task: number) => number | null,
): string | undefined {
  if (stamps.length === 0) return undefined
  const shown =
    stamps.length <= FRESHNESS_PARTITIONS_MAX
      ? stamps
      : stamps
          .toSorted((a, b) => a.checkpoint.committedAtMs - b.checkpoint.committedAtMs)
          .slice(0, FRESHNESS_PARTITIONS_MAX)
  return shown
    .map(({ task, checkpoint }) => {
      const age = Math.max(0, Math.round(nowMs - checkpoint.committedAtMs))
      const lag = lagOf(task)
      return `p${task}=${checkpoint.offset};age=${age}${lag === null ? '' : `;lag=${lag}`}`
    })
    .join(', ')
}
