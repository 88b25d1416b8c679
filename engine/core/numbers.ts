/**
 * Look-alike numbers, told apart by type. Kafka offsets fit a double up to 2^53, so they are numbers
 * everywhere but on the wire (a bigint costs an allocation per record).
 */

/** The offset of a record. */
export type Offset = number & { readonly __offset: true }

/** The offset to read next. May point at a marker or at a compacted gap, so never expect a record there. */
export type Position = number & { readonly __position: true }

export const offset = (value: number): Offset => value as Offset
export const position = (value: number): Position => value as Position

/** The position behind a record: the one place where `+ 1` is written. */
export const after = (value: Offset): Position => (value + 1) as unknown as Position
