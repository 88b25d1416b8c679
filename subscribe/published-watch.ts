/**
 * How far each task's events are in Redis, as its checkpoint says: read for those tasks only that somebody waits for, once
 * for all subscribers of a process. Owns the pace: quick while something has just been asked for, slower while nothing
 * changes, slow while Redis does not answer. Holds nothing back itself (core/merge.ts).
 */
import { type Clock, sleep } from '../engine/clock.ts'
import type { StateReader } from '../stores/ports.ts'
import { HOLD_MAX_MS } from './core/partition-feed.ts'
import type { Hold } from './topic-reader.ts'

const PAUSE_MIN_MS = 2
const PAUSE_MAX_MS = 50
const PAUSE_GROWTH = 1.5
/** Redis does not answer: events go out by their time limit meanwhile. */
const RETRY_MS = 250

type Ends = Readonly<Record<string, Readonly<Record<string, number>>>>

export class PublishedWatch {
  readonly #reader: Pick<StateReader, 'task'>
  readonly #clock: Clock
  readonly #ends = new Map<number, Ends>()
  /** What a checkpoint said last, to tell a change. */
  readonly #batches = new Map<number, string>()
  /** Tasks waited for, and until when that is worth asking. */
  readonly #wanted = new Map<number, number>()
  readonly #listeners = new Set<() => void>()
  #pauseMs = PAUSE_MIN_MS
  #polling = false
  #closed = false

  constructor(reader: Pick<StateReader, 'task'>, clock: Clock) {
    this.#reader = reader
    this.#clock = clock
  }

  /** As of the last read; -1: not known. */
  end(task: number, topic: string, partition: number): number {
    return this.#ends.get(task)?.[topic]?.[partition] ?? -1
  }

  /** Reads the task's checkpoint until it changes, or the longest hold is over. */
  want(task: number): void {
    if (this.#closed) return
    if (!this.#wanted.has(task)) this.#pauseMs = PAUSE_MIN_MS
    this.#wanted.set(task, this.#clock.elapsedMs() + HOLD_MAX_MS)
    if (!this.#polling) void this.#poll()
  }

  /** Calls when a checkpoint that was waited for has changed. Answers how to stop that. */
  listen(changed: () => void): () => void {
    this.#listeners.add(changed)
    return () => void this.#listeners.delete(changed)
  }

  close(): void {
    this.#closed = true
    this.#wanted.clear()
  }

  async #poll(): Promise<void> {
    this.#polling = true
    while (this.#wanted.size > 0) {
      const tasks = [...this.#wanted.keys()]
      const read = await Promise.allSettled(tasks.map((task) => this.#reader.task(task)))
      let changed = false
      let failed = false
      for (const [i, task] of tasks.entries()) {
        const answer = read[i]!
        if (answer.status === 'rejected') failed = true
        else if (this.#take(task, answer.value?.checkpoint ?? null)) {
          this.#wanted.delete(task)
          changed = true
        }
      }
      if (changed) {
        this.#pauseMs = PAUSE_MIN_MS
        // Who still waits asks again in here.
        for (const listener of [...this.#listeners]) listener()
      }
      const nowMs = this.#clock.elapsedMs()
      for (const [task, untilMs] of this.#wanted) if (untilMs <= nowMs) this.#wanted.delete(task)
      if (this.#wanted.size === 0) break
      await sleep(this.#clock, failed ? RETRY_MS : this.#pauseMs)
      this.#pauseMs = Math.min(PAUSE_MAX_MS, this.#pauseMs * PAUSE_GROWTH)
    }
    this.#polling = false
  }

  #take(
    task: number,
    checkpoint: { batch: number; stateVersion: string; committedAtMs: number; published: Ends } | null,
  ): boolean {
    const name = checkpoint === null ? '' : `${checkpoint.stateVersion} ${checkpoint.batch} ${checkpoint.committedAtMs}`
    if (this.#batches.get(task) === name) return false
    this.#batches.set(task, name)
    if (checkpoint === null) this.#ends.delete(task)
    else this.#ends.set(task, checkpoint.published)
    return checkpoint !== null
  }
}

/** The hold of one topic by a watch. */
export function holdOf(watch: PublishedWatch, topic: string, tasks: number, timedOut: (count: number) => void): Hold {
  return {
    tasks,
    publishedEnd: (task, partition) => watch.end(task, topic, partition),
    want: (task) => watch.want(task),
    listen: (changed) => watch.listen(changed),
    timedOut,
  }
}
