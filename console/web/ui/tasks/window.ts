/** Which rows of a long table are there: those in sight and some around them. Rows are equally high. Pure. */
export interface RowWindow {
  readonly from: number
  /** The first that is not there. */
  readonly to: number
  /** px above and below, in place of the others. */
  readonly before: number
  readonly after: number
}

const AROUND = 12

export function rowWindow(count: number, rowHeight: number, scrolled: number, height: number): RowWindow {
  const last = Math.max(0, count - Math.ceil(height / rowHeight))
  const first = Math.min(last, Math.max(0, Math.floor(scrolled / rowHeight)))
  const from = Math.max(0, first - AROUND)
  const to = Math.min(count, first + Math.ceil(height / rowHeight) + AROUND)
  return { from, to, before: from * rowHeight, after: (count - to) * rowHeight }
}
