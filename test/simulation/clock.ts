/**
 * The virtual clock of a simulation, and each process's share of it. Owns the loop: promises are driven by hand between
 * two steps, so that thousands of steps need no turn of Node's event loop. A process may be stopped, go on, or die.
 */
import { setFlagsFromString } from 'node:v8'
import type { Clock } from '../../engine/clock.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'

setFlagsFromString('--allow-natives-syntax')
/** Lets every promise that can go on go on. Must not be called from within a promise. */
export const settle = new Function('%PerformMicrotaskCheckpoint()') as () => void

export class SimClock extends VirtualClock {
  /** Timers and turns that ran: each delivers a message or ends a wait. */
  steps = 0

  override after(delayMs: number, run: () => void): () => void {
    return super.after(delayMs, () => {
      this.steps++
      run()
    })
  }

  override soon(run: () => void): void {
    super.soon(() => {
      this.steps++
      run()
    })
  }

  /** Steps until the condition holds (true), nothing is planned or the time has come (false). */
  run(condition: () => boolean, untilMs: number, stepsMax: number): boolean {
    const lastStep = this.steps + stepsMax
    for (;;) {
      settle()
      if (condition()) return true
      const nextMs = this.nextMs
      if (nextMs === undefined || nextMs > untilMs || this.steps > lastStep) return false
      this.step()
    }
  }
}

export class ProcessClock implements Clock {
  alive = true
  readonly #clock: SimClock
  #paused: (() => void)[] | null = null
  #shiftMs = 0

  constructor(clock: SimClock) {
    this.#clock = clock
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.#shiftMs
  }

  elapsedMs(): number {
    return this.#clock.nowMs()
  }

  /** The time of day is set; what was planned comes when it was to come. */
  shift(byMs: number): void {
    this.#shiftMs += byMs
  }

  after(delayMs: number, run: () => void): () => void {
    let cancelled = false
    const cancel = this.#clock.after(delayMs, () => this.#run(() => !cancelled && run()))
    return () => {
      cancelled = true
      cancel()
    }
  }

  soon(run: () => void): void {
    this.#clock.soon(() => this.#run(run))
  }

  /** The engine takes it as a function of its own. */
  readonly random = (): number => this.#clock.random()

  get isPaused(): boolean {
    return this.#paused !== null
  }

  pause(): void {
    this.#paused ??= []
  }

  /** What was due meanwhile happens now, in its order. */
  resume(): void {
    const waiting = this.#paused
    this.#paused = null
    for (const run of waiting ?? []) this.#clock.soon(() => this.#run(run))
  }

  kill(): void {
    this.alive = false
    this.#paused = null
  }

  #run(run: () => void): void {
    if (!this.alive) return
    if (this.#paused) this.#paused.push(run)
    else run()
  }
}
