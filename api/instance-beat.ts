/**
 * Tells of this instance, again and again, where the others can read it. Owns the beat; what is told is handed in. That it
 * cannot be told is no reason for anything: the next beat tries again.
 */
import type { Clock } from '../engine/clock.ts'
import { decodeCard, encodeCard, type InstanceCard } from '../engine/core/instance-card.ts'
import type { InstanceBoard } from '../stores/ports.ts'

export const BEAT_MS = 2_000
/** What nobody has renewed for this long is removed by whoever sees it. */
export const FORGOTTEN_MS = 60_000
/** All cards are read to find forgotten ones, and there may be many. */
const BEATS_BETWEEN_LOOKS = 15

export interface BeatOptions {
  readonly board: InstanceBoard
  readonly clock: Clock
  readonly name: string
  readonly card: () => Promise<Omit<InstanceCard, 'format'>>
  readonly problem: (error: unknown) => void
}

export class InstanceBeat {
  readonly #options: BeatOptions
  #stopWaiting: (() => void) | null = null
  #beating: Promise<void> = Promise.resolve()
  #closed = false
  #beats = 0

  constructor(options: BeatOptions) {
    this.#options = options
  }

  start(): void {
    this.#beating = this.#beat()
  }

  /** Takes its card away. Never throws. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopWaiting?.()
    await this.#beating
    const { board, name, problem } = this.#options
    await board.untell([name]).catch(problem)
  }

  async #beat(): Promise<void> {
    const { board, clock, name, card, problem } = this.#options
    try {
      await board.tell(name, encodeCard(await card()))
      if (this.#beats++ % BEATS_BETWEEN_LOOKS === 0) await this.#forget(clock.nowMs())
    } catch (error) {
      problem(error)
    }
    if (this.#closed) return
    this.#stopWaiting = clock.after(BEAT_MS, () => {
      this.#beating = this.#beat()
    })
  }

  async #forget(nowMs: number): Promise<void> {
    const { board, name } = this.#options
    const gone = (await board.told()).filter(
      (told) => told.name !== name && nowMs - (decodeCard(told.json)?.atMs ?? 0) > FORGOTTEN_MS,
    )
    await board.untell(gone.map((told) => told.name))
  }
}
