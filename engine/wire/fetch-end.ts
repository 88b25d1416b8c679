/**
 * Responsible for: the position behind a fetch answer, without reading its records, so that the next fetch can leave
 * while these still wait to be processed.
 */
import { type Position, position } from '../core/numbers.ts'
import * as at from './layout.ts'

/** Position behind the last whole batch of `records`; `asked` when there is none. Lengths are checked when the batches are read. */
export function fetchEnd(records: Buffer, asked: Position): Position {
  let end: number = asked
  for (let start = 0; start + at.HEADER_BYTES <= records.length; ) {
    const length = records.readInt32BE(start + at.LENGTH_AT)
    const next = start + at.FRAME_BYTES + length
    if (length <= 0 || next > records.length) break
    end = Math.max(
      end,
      Number(records.readBigInt64BE(start + at.BASE_OFFSET_AT)) +
        records.readInt32BE(start + at.LAST_OFFSET_DELTA_AT) +
        1,
    )
    start = next
  }
  return position(end)
}
