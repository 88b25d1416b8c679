/** Output topics. A sink takes only what its schema describes. */
import type { Emit } from './effects.ts'

export interface Sink {
  readonly kind: 'sink'
  readonly name: string
  /** Name of the topic, before configuration maps it to the real one. */
  readonly topic: string
  /** Value as bytes-to-be; JSON text by default. */
  readonly encode: (value: never) => string
  /**
   * Whether the key of its records is the canonical key of what caused them: then a subscriber knows from the key whose
   * state an event tells of. `other`: a key of the sink's own, or none.
   */
  readonly keyedBy: 'canonical' | 'other'
  /** What the values look like (a zod schema), for descriptions; null: not told. */
  readonly schema: unknown
  /** What the key of a record is, for descriptions. */
  readonly keyDescription: string | null
}

export interface TypedSink<V> extends Sink {
  /**
   * Writes one record. Its partition is chosen by the canonical key of the record being processed, not by `key`:
   * so everything that one input key causes stays in one partition and in order, whatever the output is keyed by.
   */
  emit(key: Buffer | null, value: V): Emit
}

/** A schema is asked for its type only; what the transform gives is the author's and is not validated on the way out. */
export interface SchemaOf<V> {
  readonly _zod?: { readonly output: V }
}

export function sink<V>(spec: {
  name?: string
  topic: string
  value?: SchemaOf<V>
  encode?: (value: V) => string
  /** Default `canonical`. */
  keyedBy?: 'canonical' | 'other'
  keyDescription?: string
}): TypedSink<V> {
  const declared: TypedSink<V> = {
    kind: 'sink',
    name: spec.name ?? spec.topic,
    topic: spec.topic,
    encode: (spec.encode ?? JSON.stringify) as (value: never) => string,
    keyedBy: spec.keyedBy ?? 'canonical',
    schema: spec.value ?? null,
    keyDescription: spec.keyDescription ?? null,
    emit: (key, value) => ({ kind: 'emit', sink: declared, key, value }),
  }
  return declared
}
