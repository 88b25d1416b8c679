/**
 * Time that moves only when it is told to. Owns the timers and the turns of a whole test: every part of it runs on the
 * same one, so that a run is the same each time. A scope is one process's share of it: killing it drops what it had
 * planned, as the end of a process does.
 */
import type { Clock } from '../engine/clock.ts'

interface Timer {
  readonly atMs: number
  readonly number: number
  /** null once it is cancelled. */
  run: (() => void) | null
}

export interface ScopedClock extends Clock {
  kill(): void
}

export class VirtualClock implements Clock {
  #nowMs: number
  #numbers = 0
  /** A heap: the earliest at 0, of equal times the one planned first. */
  readonly #timers: Timer[] = []
  #turns: (() => void)[] = []
  #seed: number

  constructor(startMs: number, seed = 1) {
    this.#nowMs = startMs
    this.#seed = seed
  }

  nowMs(): number {
    return this.#nowMs
  }

  elapsedMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), number: this.#numbers++, run }
    this.#insert(timer)
    return () => {
      timer.run = null
    }
  }

  soon(run: () => void): void {
    this.#turns.push(run)
  }

  /** mulberry32 */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** When the next timer is due; undefined when nothing is planned. */
  get nextMs(): number | undefined {
    if (this.#turns.length > 0) return this.#nowMs
    while (this.#timers[0] && this.#timers[0].run === null) this.#take()
    return this.#timers[0]?.atMs
  }

  /** Lets every promise that can go on go on, without any time passing. */
  settle(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve))
  }

  /** Runs the turns that are waiting or, when there are none, moves to the next timer and runs it. False: nothing is planned. */
  step(): boolean {
    if (this.#turns.length > 0) {
      const turns = this.#turns
      this.#turns = []
      for (const run of turns) run()
      return true
    }
    const atMs = this.nextMs
    if (atMs === undefined) return false
    this.#nowMs = Math.max(this.#nowMs, atMs)
    this.#take().run?.()
    return true
  }

  scope(): ScopedClock {
    let alive = true
    const guarded = (run: () => void) => (): void => {
      if (alive) run()
    }
    return {
      nowMs: () => this.#nowMs,
      elapsedMs: () => this.#nowMs,
      after: (delayMs, run) => this.after(delayMs, guarded(run)),
      soon: (run) => this.soon(guarded(run)),
      random: () => this.random(),
      kill: () => {
        alive = false
      },
    }
  }

  #insert(timer: Timer): void {
    const heap = this.#timers
    let at = heap.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(timer, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = timer
  }

  #take(): Timer {
    const heap = this.#timers
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) {
      let at = 0
      for (;;) {
        let child = 2 * at + 1
        if (child >= heap.length) break
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
        if (!before(heap[child]!, last)) break
        heap[at] = heap[child]!
        at = child
      }
      heap[at] = last
    }
    return first
  }
}

const before = (a: Timer, b: Timer): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number)
