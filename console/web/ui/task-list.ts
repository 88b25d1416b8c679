/** Numbers of tasks as people write them: `0–3, 7`. Pure. */

/** Parts shown before `and … more`. */
const PARTS_MAX = 4
/** What no application has more of. */
const TASKS_MAX = 100_000

interface Range {
  readonly from: number
  readonly to: number
}

/** `numbers` in ascending order. */
export function rangesOf(numbers: readonly number[]): readonly Range[] {
  const ranges: { from: number; to: number }[] = []
  for (const number of numbers) {
    const last = ranges.at(-1)
    if (last && number === last.to + 1) last.to = number
    else ranges.push({ from: number, to: number })
  }
  return ranges
}

/** `task 3`, `tasks 0–3, 7`, `tasks 1, 3, 5, 7 and 40 more`. */
export function tasksText(numbers: readonly number[]): string {
  const ranges = rangesOf(numbers)
  const shown = ranges.slice(0, PARTS_MAX)
  const parts = shown.map(({ from, to }) => (from === to ? `${from}` : `${from}${to === from + 1 ? ', ' : '–'}${to}`))
  const left = numbers.length - shown.reduce((sum, { from, to }) => sum + to - from + 1, 0)
  return `${numbers.length === 1 ? 'task' : 'tasks'} ${parts.join(', ')}${left > 0 ? ` and ${left} more` : ''}`
}

/** `3`, `3-9`, `1,4-6` → whether a task is among them. Null: it is no such list. */
export function parseTasks(text: string): ((task: number) => boolean) | null {
  const ranges: Range[] = []
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,6})\s*(?:[-–]\s*(\d{1,6})\s*)?$/.exec(part)
    if (!match) return null
    const [a, b] = [Number(match[1]), Number(match[2] ?? match[1])]
    if (Math.max(a, b) > TASKS_MAX) return null
    ranges.push({ from: Math.min(a, b), to: Math.max(a, b) })
  }
  return (task) => ranges.some(({ from, to }) => task >= from && task <= to)
}

/** As parseTasks reads it. */
export const rangeText = (a: number, b: number): string => (a === b ? `${a}` : `${Math.min(a, b)}-${Math.max(a, b)}`)

/** As parseTasks reads it: all of them, nothing left out. */
export const listText = (numbers: readonly number[]): string =>
  rangesOf(numbers)
    .map(({ from, to }) => rangeText(from, to))
    .join(',')
