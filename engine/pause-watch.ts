/**
 * Carries operators' orders to the tasks of this process: once a second, and when tasks were gained, it looks which are
 * paused. A paused task keeps its owner, finishes what it has begun and takes no more records; for its lag the ends of its
 * partitions are asked for here, since nothing is fetched that would tell. Owns its timer. While the orders cannot be read,
 * the last ones known go on; a task of which none is known takes nothing.
 */
import { type Pause, StoreLost } from '../stores/ports.ts'
import type { Clock } from './clock.ts'
import { type KafkaAdmin, RequestLost } from './ports.ts'
import type { Task } from './task.ts'

/** Where the orders are kept: stores/ports.ts, StoreAdmin. */
export interface PauseOrders {
  /** In the order of the tasks. Throws StoreLost. */
  pauses(tasks: readonly number[]): Promise<readonly (Pause | null)[]>
}

/** How late an order may be heard. */
export const PAUSE_POLL_MS = 1_000
/** Before the first order of a task is known, which holds it up. */
const FIRST_RETRY_MS = 50

export class PauseWatch {
  readonly #orders: PauseOrders
  readonly #clock: Clock
  readonly #admin: Pick<KafkaAdmin, 'listOffsets'>
  readonly #tasks: () => Iterable<Task>
  #cancel = (): void => {}
  #looking = false
  #again = false
  #closed = false

  constructor(orders: PauseOrders, clock: Clock, admin: Pick<KafkaAdmin, 'listOffsets'>, tasks: () => Iterable<Task>) {
    this.#orders = orders
    this.#clock = clock
    this.#admin = admin
    this.#tasks = tasks
  }

  /** Now; when it is looking already, once more behind that. */
  look(): void {
    if (this.#closed) return
    this.#cancel()
    if (this.#looking) this.#again = true
    else void this.#round()
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  async #round(): Promise<void> {
    this.#looking = true
    this.#again = false
    try {
      await this.#hear()
      await this.#measure()
    } catch (error) {
      // Redis or Kafka is away: the tasks themselves say so.
      if (!(error instanceof StoreLost) && !(error instanceof RequestLost)) throw error
    } finally {
      this.#looking = false
    }
    if (this.#closed) return
    const waiting = [...this.#tasks()].some((task) => task.order === undefined)
    if (this.#again) this.look()
    else this.#cancel = this.#clock.after(waiting ? FIRST_RETRY_MS : PAUSE_POLL_MS, () => this.look())
  }

  async #hear(): Promise<void> {
    const tasks = [...this.#tasks()]
    const asked = tasks.map((task) => task.attempt)
    const orders = await this.#orders.pauses(tasks.map(({ task }) => task))
    tasks.forEach((task, at) => {
      // Gained anew meanwhile: the order may be older than that.
      if (task.order !== undefined || task.attempt === asked[at]) task.ordered(orders[at] ?? null)
    })
  }

  async #measure(): Promise<void> {
    const partitions = [...this.#tasks()].flatMap((task) => (task.isHeld ? (task.intake?.partitions ?? []) : []))
    if (partitions.length === 0) return
    const asked = partitions.map(({ topic, partition }) => ({ topic, partition }))
    const ends = await this.#admin.listOffsets(asked, 'stable')
    for (const [at, { code, position }] of ends.entries()) if (code === 0) partitions[at]!.lastStableOffset = position
  }
}
