/** Asking again while Kafka or Redis is away, and not for ever. */
import { type Clock, sleep } from './clock.ts'

const RETRY_MS = 250

/** The first answer. `givenUp` names what is thrown when an error that may pass has not; null: it will not, thrown at once. */
export async function answered<T>(
  ask: () => Promise<T>,
  clock: Clock,
  patienceMs: number,
  givenUp: (error: unknown) => Error | null,
): Promise<T> {
  const startedAtMs = clock.elapsedMs()
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const last = givenUp(error)
      if (!last) throw error
      if (clock.elapsedMs() - startedAtMs > patienceMs) throw last
      await sleep(clock, RETRY_MS)
    }
  }
}
