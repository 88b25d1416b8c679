/** What a process does beside its records, at any time and not only once in ten seconds, and what it is told to do. */
import type { HistoryEvent } from './history.ts'
import type { Random } from './random.ts'

export function chores(random: Random, processes: number, durationMs: number, calm: boolean): readonly HistoryEvent[] {
  const count = random.between(1, 12)
  return Array.from({ length: count }, (): HistoryEvent => {
    const atMs = random.below(durationMs)
    const process = random.below(processes)
    const chosen = random.next()
    if (chosen < 0.2 && !calm) return { kind: 'mend', atMs, process }
    if (chosen < 0.4) return { kind: 'hold', atMs, process, forMs: random.pick([5, 100, 1_000, 5_000]) }
    return { kind: 'chores', atMs, process }
  })
}

const MINUTE_MS = 60_000

export function clockJumps(random: Random, processes: number, durationMs: number): readonly HistoryEvent[] {
  return Array.from(
    { length: random.between(1, 3) },
    (): HistoryEvent => ({
      kind: 'clock',
      atMs: random.below(durationMs),
      process: random.below(processes),
      byMs: random.pick([-1440, -60, -1, 1, 60, 1440]) * MINUTE_MS,
    }),
  )
}
