/**
 * How long restores will still take, from how fast they went during the last half minute. Owns what was seen of each task.
 * No clock of its own: the overview says when it was made.
 */
import type { Overview } from '../../../contract.ts'

const WINDOW_MS = 30_000

interface Seen {
  readonly atMs: number
  readonly done: number
}

export class RestoreEta {
  readonly #seen = new Map<number, readonly Seen[]>()
  #atMs = 0

  /** The same overview again changes nothing. */
  take({ atMs, tasks }: Pick<Overview, 'atMs' | 'tasks'>): void {
    if (atMs <= this.#atMs) return
    this.#atMs = atMs
    const restoring = new Set<number>()
    for (const { task, restore } of tasks) {
      if (!restore) continue
      restoring.add(task)
      const known = this.#seen.get(task) ?? []
      // One that began anew.
      const kept = (known.at(-1)?.done ?? 0) > restore.done ? [] : known.filter((seen) => atMs - seen.atMs <= WINDOW_MS)
      this.#seen.set(task, [...kept, { atMs, done: restore.done }])
    }
    for (const task of this.#seen.keys()) if (!restoring.has(task)) this.#seen.delete(task)
  }

  /** ms; null: not known yet, or it stands still. */
  of(task: number, total: number): number | null {
    const seen = this.#seen.get(task) ?? []
    const [first, last] = [seen[0], seen.at(-1)]
    if (!first || !last || last.done <= first.done) return null
    return (Math.max(0, total - last.done) * (last.atMs - first.atMs)) / (last.done - first.done)
  }

  /** Until the last of them is done; null: not known of one of them. */
  ofAll(tasks: Overview['tasks']): number | null {
    let longest: number | null = null
    for (const { task, restore } of tasks) {
      if (!restore) continue
      const left = this.of(task, restore.total)
      if (left === null) return null
      longest = Math.max(longest ?? 0, left)
    }
    return longest
  }
}
