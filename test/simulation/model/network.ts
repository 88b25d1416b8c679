/**
 * The network between processes and cluster: how long a message takes, and what becomes of one that a fault is waiting
 * for. Owns the faults that are armed and counts those that were met; both ends are elsewhere.
 */
import type { MemoryApi } from '../../../testing/kafka/wire.ts'
import type { Fate } from '../history.ts'
import type { Random } from '../random.ts'

interface Armed {
  readonly api: string
  readonly fate: Fate | 'kill-before' | 'kill-after'
  readonly restartMs: number | null
  skip: number
  count: number
}

export interface Passage {
  readonly fate: Armed['fate'] | null
  readonly restartMs: number | null
  readonly requestMs: number
  readonly answerMs: number
}

/** A request that is given up by its sender, and one that arrives after that. */
const TIMEOUT_MS = [30, 300, 1_500] as const
const LATE_MS = [1, 20, 400, 3_000] as const
const SLOW_MS = [100, 700, 2_600] as const

export class Network {
  /** Faults met, by name. */
  readonly met = new Map<string, number>()
  readonly #random: Random
  readonly #latencyMs: number
  #armed: Armed[] = []

  constructor(random: Random, latencyMs: number) {
    this.#random = random
    this.#latencyMs = latencyMs
  }

  arm(api: string, fate: Armed['fate'], skip: number, count: number, restartMs: number | null = null): void {
    this.#armed.push({ api, fate, restartMs, skip, count })
  }

  /** While it is, every request that is sent is lost, and so is every answer. */
  #isDown = false
  /** What was on its way when one began never arrives: a connection does not outlive the broker at its end. */
  outages = 0

  get isDown(): boolean {
    return this.#isDown
  }

  set isDown(down: boolean) {
    if (down) this.outages++
    this.#isDown = down
  }

  /** No fault is armed any more. */
  heal(): void {
    this.isDown = false
    this.#armed = []
  }

  passage(api: MemoryApi): Passage {
    const armed = this.isDown ? null : this.#matching(api)
    const slow = armed?.fate === 'slow'
    return {
      fate: this.isDown ? 'drop' : (armed?.fate ?? null),
      restartMs: armed?.restartMs ?? null,
      requestMs: slow ? this.#random.pick(SLOW_MS) : this.latencyMs(),
      answerMs: this.latencyMs(),
    }
  }

  latencyMs(): number {
    const random = this.#random
    return random.chance(0.02) ? random.below(this.#latencyMs * 10) : random.below(this.#latencyMs + 1)
  }

  fetchBytesMax(): number {
    return this.#random.chance(0.4) ? this.#random.below(600) : 1_000_000
  }

  timeoutMs(): number {
    return this.#random.pick(TIMEOUT_MS)
  }

  lateMs(): number {
    return this.#random.pick(LATE_MS)
  }

  note(name: string): void {
    this.met.set(name, (this.met.get(name) ?? 0) + 1)
  }

  #matching(api: string): Armed | null {
    if (this.#armed.length === 0) return null
    for (const armed of this.#armed) {
      if (armed.api !== api) continue
      if (armed.skip-- > 0) continue
      if (--armed.count <= 0) this.#armed = this.#armed.filter((a) => a !== armed)
      this.note(`${api} ${typeof armed.fate === 'number' ? `code ${armed.fate}` : armed.fate}`)
      return armed
    }
    return null
  }
}
