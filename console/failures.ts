/** What goes wrong in operations, as the interface answers it; and the two bounds of whatever takes long. */

import { type ApiFailure, failure } from '../api/rest/errors.ts'
import type { Clock } from '../engine/clock.ts'
import { KafkaRefused } from '../engine/kafka/refused.ts'
import { RequestLost } from '../engine/ports.ts'
import { OperationError } from '../operations/errors.ts'
import { HEAVY_READS_MAX } from './limits.ts'

/** Null: it is none of these. */
export function operationFailure(error: unknown): ApiFailure | null {
  if (error instanceof RequestLost || error instanceof KafkaRefused) return failure('kafka.unreachable', error.message)
  if (!(error instanceof OperationError)) return null
  const detail = `${error.code}: ${error.message}`
  if (error.kind === 'unreachable') return failure('kafka.unreachable', detail)
  return failure(error.kind === 'refused' ? 'operation.refused' : 'operation.invalid', detail)
}

/** As many as there may be at once. */
export class Gate {
  #within = 0

  /** Throws ApiFailure `service.busy`. Counts until the work is really over, also when nobody waits for it any more. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#within >= HEAVY_READS_MAX) throw failure('service.busy', `${HEAVY_READS_MAX} long reads are under way`)
    this.#within++
    try {
      return await work()
    } finally {
      this.#within--
    }
  }
}

/** Throws ApiFailure `kafka.unreachable` when it takes too long. */
export async function within<T>(clock: Clock, deadlineMs: number, work: Promise<T>): Promise<T> {
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(deadlineMs, () =>
      reject(failure('kafka.unreachable', `there is no answer within ${deadlineMs / 1_000} s`)),
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    cancel()
    work.catch(() => {})
  }
}
