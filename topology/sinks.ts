/** Output topics. A sink takes only what its schema describes. */
import type { Emit } from './effects.ts'

export interface Sink {
  readonly kind: 'sink'
  readonly name: string
  /** Name of the topic, before configuration maps it to the real one. */
  readonly topic: string
  /** Value as bytes-to-be; JSON text by default. */
  readonly encode: (value: never) => string
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
}): TypedSink<V> {
  const declared: TypedSink<V> = {
    kind: 'sink',
    name: spec.name ?? spec.topic,
    topic: spec.topic,
    encode: (spec.encode ?? JSON.stringify) as (value: never) => string,
    emit: (key, value) => ({ kind: 'emit', sink: declared, key, value }),
  }
  return declared
}
