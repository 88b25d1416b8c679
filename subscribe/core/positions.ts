/**
 * Places in a whole topic, one next offset per partition, and how two of them compare. Pure.
 * A place covers another when it has passed at least as much of every partition.
 */

export type Positions = readonly number[]

/** True when `a` has passed everything that `b` has. A partition that only one knows counts as not begun in the other. */
export function covers(a: Positions, b: Positions): boolean {
  for (let partition = 0; partition < b.length; partition++) if ((a[partition] ?? 0) < b[partition]!) return false
  return true
}

/** What either has passed. */
export function furthest(a: Positions, b: Positions): number[] {
  const longer = a.length >= b.length ? a : b
  return longer.map((_, partition) => Math.max(a[partition] ?? 0, b[partition] ?? 0))
}
