/** The windows in which a log is searched backwards. */
import { type Position, position } from './numbers.ts'

export interface LogRange {
  readonly start: number
  readonly end: number
}

/** What is sought mostly lies at the end of the last batch, and else nobody knows how far back. */
const WINDOW_OFFSETS = 256
const WINDOW_GROWTH = 4

/** From the end of the log to its start, without gaps; the first has `firstOffsets` at least. */
export function* windowsBackwards(log: LogRange, firstOffsets = 0): Generator<{ from: Position; end: Position }> {
  let windowOffsets = Math.max(WINDOW_OFFSETS, firstOffsets)
  for (let { end } = log; end > log.start; windowOffsets *= WINDOW_GROWTH) {
    const from = Math.max(log.start, end - windowOffsets)
    yield { from: position(from), end: position(end) }
    end = from
  }
}
