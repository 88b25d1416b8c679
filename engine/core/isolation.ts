/**
 * How a record that makes its transaction fail is isolated: smaller batches until it stands alone and becomes a dead letter,
 * then larger ones again. Owns the limits of the next batch and what was refused. Pure.
 */
import { BATCH_LIMITS, type BatchLimits, type RecordPlace, type Refusal } from './batch.ts'
import type { Progress } from './progress.ts'

export class Isolation {
  #limits: BatchLimits = BATCH_LIMITS
  #refusals: readonly Refusal[] = []

  /** Of the next batch. */
  get limits(): BatchLimits {
    return this.#limits
  }

  /** Records that become dead letters when they are taken again. */
  get refusals(): readonly Refusal[] {
    return this.#refusals
  }

  /** The batch with so many records failed. */
  halve(records: number): void {
    this.#limits = { ...BATCH_LIMITS, recordsMax: Math.max(1, Math.floor(records / 2)) }
  }

  /** It stood alone. False: its dead letter is refused as well. */
  refuse(record: RecordPlace, message: string): boolean {
    if (this.#refusals.some((other) => isSamePlace(other, record))) return false
    this.#refusals = [...this.#refusals, { ...record, code: 'output.refused', message }]
    return true
  }

  /** A batch was applied: what lies before this progress needs no refusal, and the next one may be larger. */
  applied(progress: Progress): void {
    this.#refusals = this.#refusals.filter((r) => (progress.position(r.topic, r.partition) ?? 0) <= r.offset)
    const recordsMax = this.#limits.recordsMax * 2
    this.#limits = recordsMax >= BATCH_LIMITS.recordsMax ? BATCH_LIMITS : { ...BATCH_LIMITS, recordsMax }
  }
}

const isSamePlace = (a: RecordPlace, b: RecordPlace): boolean =>
  a.offset === b.offset && a.topic === b.topic && a.partition === b.partition
