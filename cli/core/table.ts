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

const cellText = (cell: Cell): string =>
  cell === null ? '-' : typeof cell === 'number' ? String(cell) : printable(cell)
