/** Input topics: how a record becomes a message, which key it belongs to, and one pure transform per message type. */
import type { Count, Effect } from './effects.ts'
import type { RecordHeaders } from './headers.ts'
import type { Counter, Found, MapStore, Read, SearchableIndex, ValueStore } from './stores.ts'

/** Anything with a type to tell handlers by. */
export interface Message {
  readonly type: string
}

/** Where a record was first read, before any repartitioning. */
export interface Origin {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/**
 * Bytes → message. Throws DeadLetter. Bytes are only valid during the call.
 * A `json(schema)` of topology/json.ts, or a function of one's own.
 */
export interface Decoder<M> {
  (value: Buffer | null): M
  /** What it decodes, where it is known: for descriptions. */
  readonly schema?: unknown
}

export interface Input<M, C> {
  readonly message: M
  /** What the topology's `context` read from the headers. */
  readonly context: C
  readonly headers: RecordHeaders
  /** The record's timestamp, ms since 1970. The only clock a transform has. */
  readonly timestampMs: number
  readonly origin: Origin
}

/** Committed state as it was before this record, plus what records before it in this batch did. */
export interface State {
  /** Number of the task and how many there are. */
  readonly task: number
  readonly tasks: number
  /** The number of tasks rounded up to a power of two, fixed at first start: ids are sequence × stride + task + 1. */
  readonly stride: number
  get<K, F, V>(store: MapStore<K, F, V>, key: K, field: F): V | undefined
  value<K, V>(store: ValueStore<K, V>, key: K): V | undefined
  /** All fields of a key that was declared with `readAll`, in order of their text. */
  all<K, F, V>(store: MapStore<K, F, V>, key: K): readonly (readonly [F, V])[]
  counter(counter: Counter): number
  /** The entry that a declared search found; undefined: none. */
  find<K, F, V>(index: SearchableIndex<K, F, V>, group: string, score: number): Found<K, F, V> | undefined
}

export type CounterReader = (counter: Counter) => number

/** Something a transform may touch. Every store, counter and sink of the language is one. */
export interface Part {
  readonly kind: 'map' | 'value' | 'counter' | 'sink'
  readonly name: string
  /** See Counter. */
  readonly of?: string | null
}

/** A type's handler: which entries it reads, as a pure function of record and counters, and what it does. */
export interface Handler<M, C> {
  /** What the transform may read, change or write to: for the description of the topology. Each must be declared there. */
  readonly uses?: readonly Part[]
  readonly reads?: (input: Input<M, C>, counter: CounterReader) => readonly Read[]
  /**
   * Where `reads` depends on counters that the transform moves: the counters as this record will probably leave them. A
   * guess, for the reads of the records behind it in the batch; a wrong one costs a round trip and changes nothing else.
   */
  readonly expects?: (input: Input<M, C>, counter: CounterReader) => readonly Count[]
  readonly transform: (input: Input<M, C>, state: State) => readonly Effect[]
}

/** How many tasks there are, and the stride of ids: as State has them. */
export type Tasks = Pick<State, 'tasks' | 'stride'>

export interface Source<M extends Message = Message, C = unknown> {
  readonly kind: 'source'
  readonly name: string
  readonly topic: string
  readonly decode: Decoder<M>
  /** What the values look like (a zod schema), for descriptions; null: not told. */
  readonly schema: unknown
  /** What the canonical key is, for descriptions. */
  readonly keyDescription: string | null
  /** The canonical key: decides the home partition, never the record's own key bytes. */
  key(message: M, context: C): Buffer
  /** The task such a record belongs to, where its key cannot say; undefined: the key says. */
  home?(message: M, context: C, headers: RecordHeaders, where: Tasks): number | undefined
  readonly on: ReadonlyMap<string, Handler<Message, C>>
}

/**
 * Messages of a type without a handler are ignored: a decoder that wants them refused throws DeadLetter.
 * `key` and `home` are asked only for messages that have a handler. What a record with a `home` causes for another key than
 * its own goes out by onBehalfOf (effects.ts).
 */
export function source<M extends Message, C, T extends M['type']>(spec: {
  name?: string
  topic: string
  decode: Decoder<M>
  /** By default that of the decoder. It is not used to decode. */
  schema?: unknown
  keyDescription?: string
  key: (message: NoInfer<M>, context: C) => Buffer
  home?: (message: NoInfer<M>, context: C, headers: RecordHeaders, where: Tasks) => number | undefined
  on: { readonly [type in T]: Handler<NoInfer<Extract<M, { readonly type: type }>>, C> }
}): Source<M, C> {
  return {
    kind: 'source',
    name: spec.name ?? spec.topic,
    topic: spec.topic,
    decode: spec.decode,
    schema: spec.schema ?? spec.decode.schema ?? null,
    keyDescription: spec.keyDescription ?? null,
    key: spec.key,
    ...(spec.home ? { home: spec.home } : {}),
    on: new Map(Object.entries(spec.on) as [string, Handler<Message, C>][]),
  }
}
