/** When a stream that was cut is asked for again. Pure. */
const RETRY_MS = 1_000
const RETRY_MAX_MS = 30_000

/** Doubles with each attempt that brought nothing; the first is the service's wish. */
export const retryAfterMs = (attempt: number, wishMs: number | null): number =>
  Math.min(RETRY_MAX_MS, Math.max(100, wishMs ?? RETRY_MS) * 2 ** Math.min(attempt - 1, 10))
