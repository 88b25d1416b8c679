/**
 * What a transform answers: a list of effects, plain values that the engine carries out in one transaction.
 * Nothing happens while a transform runs, so one that throws has done nothing.
 */
import type { Sink } from './sinks.ts'
import type { Counter, Store } from './stores.ts'

export type Effect = Put | Delete | Count | Emit | Drop | Reject

/** Sets an entry to an absolute value. */
export interface Put {
  readonly kind: 'put'
  readonly store: Store
  readonly key: string
  /** null for a `value` store. */
  readonly field: string | null
  readonly value: unknown
}

export interface Delete {
  readonly kind: 'delete'
  readonly store: Store
  readonly key: string
  readonly field: string | null
}

/** Sets a counter of the task to an absolute value. */
export interface Count {
  readonly kind: 'count'
  readonly counter: Counter
  readonly value: number
}

/** Writes a record to a sink. Order of effects = order in the topic. */
export interface Emit {
  readonly kind: 'emit'
  readonly sink: Sink
  readonly key: Buffer | null
  readonly value: unknown
  /** Decides the partition in the place of the record's canonical key: see onBehalfOf. */
  readonly canonicalKey?: Buffer
}

/** Part of the record had nothing to act on; counted in topology_records_dropped_total{reason}. */
export interface Drop {
  readonly kind: 'drop'
  readonly reason: string
  readonly count: number
}

/** The record as a whole is refused and becomes a dead letter; any other effect beside it is discarded. */
export interface Reject {
  readonly kind: 'reject'
  readonly code: string
  readonly message: string
}

export const drop = (reason: string, count = 1): Drop => ({ kind: 'drop', reason, count })
export const reject = (code: string, message: string): Reject => ({ kind: 'reject', code, message })

/**
 * The same effects, their records in the partitions of another canonical key, in order with everything else of that key. Its
 * home must be this task (else the record is a dead letter): it is for records that `home` brought here.
 */
export const onBehalfOf = (canonicalKey: Buffer, effects: readonly Effect[]): readonly Effect[] =>
  effects.map((effect) => (effect.kind === 'emit' ? { ...effect, canonicalKey } : effect))
