/**
 * The topology as a value: sources, stores, counters, indexes and sinks. Building it starts nothing and reads nothing;
 * mistakes are found here (topology/validate.ts) and named by a stable code.
 */
import type { HeaderEntry, RecordHeaders } from './headers.ts'
import type { Sink } from './sinks.ts'
import type { Message, Source } from './sources.ts'
import type { Counter, Index, Store, StoreDeclaration } from './stores.ts'
import { validate } from './validate.ts'

/** What every record must carry in its headers, and what of it goes on to every output. */
export interface HeaderContext<C> {
  /** Throws DeadLetter when the headers are not acceptable. */
  readonly read: (headers: RecordHeaders) => C
  /** Headers of every record that this one causes. The trace context is added by the engine. */
  readonly write: (context: C) => readonly HeaderEntry[]
  /** Names of headers that differ from record to record and that `read` does not look at; a transform may. */
  readonly varying?: readonly string[]
  /** What `read` takes and `write` writes (a zod object), for descriptions. */
  readonly schema?: unknown
}

export interface TopologySpec<C> {
  readonly name: string
  readonly context: HeaderContext<C>
  readonly sources: readonly Source<Message, C>[]
  readonly stores?: readonly StoreDeclaration[]
  readonly counters?: readonly Counter[]
  readonly indexes?: readonly Index[]
  readonly sinks: readonly Sink[]
  /** What to do with a record whose transform throws: a dead letter (default), or stop the task. */
  readonly onTransformError?: 'dead-letter' | 'stop'
}

export interface Topology {
  readonly name: string
  readonly context: HeaderContext<unknown>
  readonly sources: readonly Source[]
  readonly stores: readonly Store[]
  readonly counters: readonly Counter[]
  readonly indexes: readonly Index[]
  readonly sinks: readonly Sink[]
  readonly onTransformError: 'dead-letter' | 'stop'
}

/** Throws TopologyError with the code of the first rule broken. */
export function defineTopology<C>(spec: TopologySpec<C>): Topology {
  const topology: Topology = {
    name: spec.name,
    context: spec.context as HeaderContext<unknown>,
    sources: spec.sources as readonly Source[],
    stores: (spec.stores ?? []) as readonly Store[],
    counters: spec.counters ?? [],
    indexes: spec.indexes ?? [],
    sinks: spec.sinks,
    onTransformError: spec.onTransformError ?? 'dead-letter',
  }
  validate(topology)
  return Object.freeze(topology)
}
