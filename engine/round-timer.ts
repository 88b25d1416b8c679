/**
 * The same work again and again, each round a while behind the end of the one before it, so that none overtakes another.
 * Owns the timer. What a round is and how it fails is its owner's: one that throws ends the rounds, and is nobody's to catch.
 */
import type { Clock } from './clock.ts'

export class RoundTimer {
  readonly #clock: Clock
  readonly #delayMs: number | (() => number)
  readonly #round: () => Promise<void>
  #cancel = (): void => {}
  #closed = false

  /** `delayMs`, where it is a function, is asked anew before each round. */
  constructor(clock: Clock, delayMs: number | (() => number), round: () => Promise<void>) {
    this.#clock = clock
    this.#delayMs = delayMs
    this.#round = round
  }

  /** A round that is under way when it closes may see so, and leave. */
  get closed(): boolean {
    return this.#closed
  }

  start(): void {
    const delayMs = typeof this.#delayMs === 'number' ? this.#delayMs : this.#delayMs()
    this.#cancel = this.#clock.after(delayMs, () => void this.#run())
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  async #run(): Promise<void> {
    await this.#round()
    if (!this.#closed) this.start()
  }
}
