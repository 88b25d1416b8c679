/**
 * When the order of a key's fields is kept as a sorted set of its own (topology/stores.ts, fieldOrder). A key with few
 * fields has none: whoever wants a page takes their names and sorts them. Once there are more than KEPT_BEYOND the set is
 * made, and lives until no more than DROPPED_UNTIL are left; so one change costs the same wherever the number of fields
 * stands, on the mean of any sequence of changes.
 *
 * A set that is there is whole: the script that writes compares its size with the number of fields, and makes it anew
 * where a write that broke off has left less.
 */
import type { MemberPage } from '../ports.ts'
import { LayoutError } from './keys.ts'

/** 128 names cost a reader some 40 µs more than a page of a set, which costs 80. */
export const KEPT_BEYOND = 128
export const DROPPED_UNTIL = 64

/** A field is its own score. */
const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,14})$/

/** Throws LayoutError `layout.field_order`. */
export function assertOrdered(index: string, field: string): void {
  if (WHOLE_NUMBER.test(field)) return
  throw new LayoutError('layout.field_order', `${index} orders whole numbers, and a field is ${JSON.stringify(field)}`)
}

/** A page of few fields, in the order of a set that has each with itself as its score. */
export function pageInOrder(fields: readonly string[], from: number, count: number): MemberPage {
  const sorted = Float64Array.from(fields, Number).sort()
  return { members: Array.from(sorted.subarray(from, from + Math.max(0, count)), String), total: sorted.length }
}
