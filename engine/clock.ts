/** Time and chance, injected so that a simulator owns them. */
export interface Clock {
  /** The time of day. It may be set, by minutes or a day, either way: for what is compared with the times of others only. */
  nowMs(): number
  /** How much time has passed since some moment: for every wait and patience. */
  elapsedMs(): number
  /** Runs later; the answer cancels it. */
  after(delayMs: number, run: () => void): () => void
  /** Runs in a later turn of the event loop, after pending IO. */
  soon(run: () => void): void
  /** [0, 1): jitter only, never part of a result. */
  random(): number
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => Math.floor(performance.now()),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
  soon: (run) => void setImmediate(run),
  random: () => Math.random(),
}

export const sleep = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.after(delayMs, resolve))
