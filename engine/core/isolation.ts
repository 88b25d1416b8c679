/** How a record that makes its transaction fail is isolated: smaller batches until it stands alone, then larger again. Pure. */
import { BATCH_LIMITS, type BatchLimits, type RecordPlace } from './batch.ts'

export const halvedLimits = (records: number): BatchLimits => ({
  ...BATCH_LIMITS,
  recordsMax: Math.max(1, Math.floor(records / 2)),
})

/** After a batch has been applied. */
export function grownLimits(limits: BatchLimits): BatchLimits {
  if (limits.recordsMax * 2 >= BATCH_LIMITS.recordsMax) return BATCH_LIMITS
  return { ...BATCH_LIMITS, recordsMax: limits.recordsMax * 2 }
}

export const isSamePlace = (a: RecordPlace, b: RecordPlace): boolean =>
  a.offset === b.offset && a.topic === b.topic && a.partition === b.partition
