/**
 * The day, tick by tick, until everything that it causes has been seen; and the kills in the middle of it. Owns which
 * process is the service now.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Day } from './day.ts'
import type { Game } from './game.ts'
import type { Screen } from './screen.ts'
import { ServiceProcess } from './service-process.ts'

const TICK_MS = 50
/** The day's notes are written within about this time. */
const DAY_MS = 12_000
/** How long after the last note everything that it causes may take; then the count tells what is missing. */
const EVENING_MS = 45_000

export interface PlayOptions {
  readonly day: Day
  readonly game: Game
  readonly screen: Screen
  /** Runs already. */
  readonly first: ServiceProcess
  readonly serviceEnv: NodeJS.ProcessEnv
  readonly kills: number
  /** Anything else that can end the day: each rejects when it does. */
  readonly failures: readonly Promise<unknown>[]
}

export class Play {
  readonly #options: PlayOptions
  #service: ServiceProcess
  #state = 'running'
  #failed: { readonly error: unknown } | null = null
  #closed = false

  constructor(options: PlayOptions) {
    this.#options = options
    this.#service = options.first
    this.#watch(options.first.failure)
    for (const failure of options.failures) this.#watch(failure)
  }

  /** Rejects when the service, or anything else it needs, fails. */
  async run(): Promise<void> {
    const { day, game, kills } = this.#options
    const notesPerTick = Math.max(1, Math.ceil((day.notes.length * TICK_MS) / DAY_MS))
    const killAt = Array.from({ length: kills }, (_, at) => Math.floor((day.notes.length * (at + 1)) / (kills + 1)))
    let killing: Promise<void> | null = null
    let lateAtMs = Number.POSITIVE_INFINITY
    while (!game.over && performance.now() < lateAtMs) {
      const tickAtMs = performance.now()
      this.#check()
      if (killing === null && game.written >= (killAt[0] ?? Number.POSITIVE_INFINITY)) {
        killAt.shift()
        // The players do not stop writing.
        killing = this.#killAndRestart().finally(() => {
          killing = null
        })
        this.#watch(killing)
      }
      await game.play(notesPerTick)
      this.#count()
      if (game.written === day.notes.length) lateAtMs = Math.min(lateAtMs, tickAtMs + EVENING_MS)
      await sleep(Math.max(0, TICK_MS - (performance.now() - tickAtMs)))
    }
    await killing
    this.#check()
    this.#count()
  }

  /** In order, as a deployment does it. */
  async stop(): Promise<void> {
    await this.#service.stop()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#service.kill()
  }

  async #killAndRestart(): Promise<void> {
    const { game, screen, serviceEnv } = this.#options
    const pid = this.#service.pid
    this.#state = 'killed'
    await this.#service.kill()
    const waiting = game.written - game.answered
    screen.say(
      screen.paint(
        ['bold', 'red'],
        `✗ kill -9 of process ${pid}: ${game.seen.length} events seen, ${waiting} notes on the way`,
      ),
    )
    const startedAtMs = performance.now()
    this.#state = 'starting again'
    this.#service = await ServiceProcess.start(serviceEnv)
    this.#watch(this.#service.failure)
    if (this.#closed) await this.#service.kill()
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1)
    screen.say(
      screen.paint(['bold', 'green'], `✓ started again as process ${this.#service.pid}, ready after ${seconds} s`),
    )
    this.#state = 'running'
  }

  #count(): void {
    const { game, screen } = this.#options
    screen.count({ notes: game.written, commands: game.commands, events: game.seen.length, state: this.#state })
  }

  #watch(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => {
      this.#failed ??= { error }
    })
  }

  #check(): void {
    if (this.#failed) throw this.#failed.error
  }
}
