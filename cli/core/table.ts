/** Aligned columns for people: numbers to the right, text to the left, no borders. Pure. */
import { printable } from '../../operations/core/text.ts'

export type Cell = string | number | null

/** One line per row, with the names of the columns above; ends with a line end. Null shows as `-`. */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => columns.map((_, at) => cellText(row[at] ?? null)))
  const right = columns.map(
    (_, at) => rows.some((row) => typeof row[at] === 'number') && rows.every((row) => typeof row[at] !== 'string'),
  )
  const widths = columns.map((name, at) => Math.max(name.length, ...texts.map((row) => row[at]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (right[at] ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd()
  return `${[columns, ...texts].map(line).join('\n')}\n`
}

/** Shorter than this, a name tells nothing: then the line is longer than the terminal. */
const LAST_MIN = 8

/** As `table`, but what stands in the last column is shortened so that lines are at most `width` wide. */
export function tableWithin(columns: readonly string[], rows: readonly (readonly Cell[])[], width: number): string {
  const last = columns.length - 1
  const others = table(columns.slice(0, last), rows)
  // Trailing blanks are cut off, so the widest line may be narrower than the columns: by the names, which are never blank.
  const used = Math.max(...others.split('\n').map((line) => line.length)) + 2
  const room = Math.max(LAST_MIN, columns[last]!.length, width - used)
  return table(
    columns,
    rows.map((row) => row.map((cell, at) => (at === last && typeof cell === 'string' ? shortened(cell, room) : cell))),
  )
}

/** Names of instances differ at their end, and begin alike. */
function shortened(text: string, width: number): string {
  const shown = printable(text)
  if (shown.length <= width) return shown
  const start = Math.floor((width - 1) / 3)
  return `${shown.slice(0, start)}…${shown.slice(shown.length - (width - 1 - start))}`
}

const cellText = (cell: Cell): string =>
  cell === null ? '-' : typeof cell === 'number' ? String(cell) : printable(cell)
