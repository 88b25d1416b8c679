/**
 * The note service without an engine: runs the declared topology on one record after the other, in memory. Stricter than
 * an engine: a transform that looks at what it did not declare, or writes to what it does not use, fails the test.
 */

import type { Effect } from '../../topology/effects.ts'
import { DeadLetter } from '../../topology/errors.ts'
import type { HeaderEntry, RecordHeaders } from '../../topology/headers.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import type { Handler, Input, Message, State } from '../../topology/sources.ts'
import type { Counter, Read } from '../../topology/stores.ts'

export interface TestRecord {
  readonly topic: string
  readonly headers: readonly HeaderEntry[]
  readonly value: Buffer | null
  readonly timestampMs: number
}

export interface Emitted {
  readonly topic: string
  readonly key: Buffer | null
  readonly headers: readonly HeaderEntry[]
  readonly text: string
  /** The text, parsed. */
  readonly value: any
}

export interface Outcome {
  readonly emitted: readonly Emitted[]
  readonly dropped: Readonly<Record<string, number>>
  /** The code, if the record became a dead letter. */
  readonly deadLetter: string | undefined
  readonly deadLetterMessage: string | undefined
  readonly effects: readonly Effect[]
  readonly reads: readonly Read[]
}

export const headersOf = (entries: readonly HeaderEntry[]): RecordHeaders => ({
  values: (name) => entries.filter(([given]) => given === name).map(([, value]) => value),
})

export class NoteService {
  readonly task: number
  readonly tasks: number
  readonly counters = new Map<string, number>()
  /** store → key → field → JSON. */
  readonly entries = new Map<string, Map<string, Map<string, string>>>()

  constructor(place: { task?: number; tasks?: number } = {}) {
    this.task = place.task ?? 0
    this.tasks = place.tasks ?? 1
  }

  process(record: TestRecord): Outcome {
    try {
      return this.#process(record)
    } catch (error) {
      if (!(error instanceof DeadLetter)) throw error
      return { ...nothing, deadLetter: error.code, deadLetterMessage: error.message }
    }
  }

  /** Notes of one character, by id. */
  notesOf(tenantId: string, characterId: number): ReadonlyMap<string, unknown> {
    const fields = this.entries.get('notes')?.get(`${tenantId}:${characterId}`) ?? new Map<string, string>()
    return new Map([...fields].map(([noteId, json]) => [noteId, JSON.parse(json)]))
  }

  /** What a value store has under a key. */
  valueOf(store: string, key: string): unknown {
    const json = this.entries.get(store)?.get(key)?.get('')
    return json === undefined ? undefined : JSON.parse(json)
  }

  #process(record: TestRecord): Outcome {
    const source = noteTopology.sources.find((s) => s.topic === record.topic)
    if (!source) throw new Error(`no source ${record.topic}`)
    const message = source.decode(record.value)
    const headers = headersOf(record.headers)
    const context = noteTopology.context.read(headers)
    const handler = source.on.get(message.type)
    if (!handler) return nothing
    const origin = { topic: record.topic, partition: 0, offset: 0 }
    const input: Input<Message, unknown> = { message, context, headers, timestampMs: record.timestampMs, origin }
    const reads = handler.reads?.(input, (counter) => this.#counter(counter)) ?? []
    const effects = handler.transform(input, this.#state(reads))
    handler.expects?.(input, (counter) => this.#counter(counter))
    const rejected = effects.find((effect) => effect.kind === 'reject')
    if (rejected) return { ...nothing, reads, deadLetter: rejected.code, deadLetterMessage: rejected.message }
    const outputHeaders = noteTopology.context.write(context)
    return { ...nothing, reads, effects, ...this.#apply(handler, effects, outputHeaders) }
  }

  #apply(handler: Handler<Message, unknown>, effects: readonly Effect[], headers: readonly HeaderEntry[]) {
    const emitted: Emitted[] = []
    const dropped: Record<string, number> = {}
    for (const effect of effects) {
      if (effect.kind === 'put') this.#fields(handler, effect).set(effect.field ?? '', JSON.stringify(effect.value))
      if (effect.kind === 'delete') this.#fields(handler, effect).delete(effect.field ?? '')
      if (effect.kind === 'count') this.counters.set(used(handler, effect.counter).name, effect.value)
      if (effect.kind === 'drop') dropped[effect.reason] = (dropped[effect.reason] ?? 0) + effect.count
      if (effect.kind === 'emit') {
        const text = used(handler, effect.sink).encode(effect.value as never)
        emitted.push({ topic: effect.sink.topic, key: effect.key, headers, text, value: JSON.parse(text) })
      }
    }
    return { emitted, dropped }
  }

  #fields(handler: Handler<Message, unknown>, effect: { store: { kind: 'map' | 'value'; name: string }; key: string }) {
    const store = used(handler, effect.store)
    const keys = this.entries.get(store.name) ?? new Map<string, Map<string, string>>()
    this.entries.set(store.name, keys)
    const fields = keys.get(effect.key) ?? new Map<string, string>()
    keys.set(effect.key, fields)
    return fields
  }

  #counter(counter: Counter): number {
    return this.counters.get(counter.name) ?? 0
  }

  #state(reads: readonly Read[]): State {
    const fieldsOf = (store: string, key: string) => this.entries.get(store)?.get(key)
    const declared = new Set(reads.map(nameOf))
    const require = (store: string, key: string, field: string | null) => {
      const named = declared.has(JSON.stringify([store, key, field])) || declared.has(JSON.stringify([store, key, ALL]))
      if (!named) throw new Error(`read of ${store} ${key} ${field} was not declared`)
    }
    return {
      task: this.task,
      tasks: this.tasks,
      stride: 2 ** Math.ceil(Math.log2(this.tasks)),
      counter: (counter) => this.#counter(counter),
      get: (store, key, field) => {
        require(store.name, store.keyText(key), store.fieldText(field))
        const json = fieldsOf(store.name, store.keyText(key))?.get(store.fieldText(field))
        return json === undefined ? undefined : JSON.parse(json)
      },
      value: (store, key) => {
        require(store.name, store.keyText(key), null)
        const json = fieldsOf(store.name, store.keyText(key))?.get('')
        return json === undefined ? undefined : JSON.parse(json)
      },
      find: (index, group, score) => {
        const name = JSON.stringify([index.name, group, score])
        if (!declared.has(name)) throw new Error(`search ${name} was not declared`)
        for (const [keyText, fields] of this.entries.get(index.store) ?? [])
          for (const [fieldText, json] of fields) {
            if (index.group(keyText, fieldText) !== group || index.score(keyText, fieldText) !== score) continue
            const { key, field } = index.entry(group, index.member(keyText, fieldText))
            return { key, field, value: JSON.parse(json) }
          }
        return undefined
      },
      all: (store, key) => {
        require(store.name, store.keyText(key), ALL)
        const fields = fieldsOf(store.name, store.keyText(key)) ?? new Map<string, string>()
        // An engine promises no order, so here it is the reverse of what one would like.
        return [...fields].reverse().map(([field, json]) => [store.parseField(field), JSON.parse(json)] as const)
      },
    }
  }
}

const ALL = '*'

const nameOf = (read: Read): string => {
  if (read.kind === 'find') return JSON.stringify([read.index.name, read.group, read.score])
  return JSON.stringify([read.store.name, read.key, read.kind === 'all' ? ALL : read.field])
}

const nothing: Outcome = {
  emitted: [],
  dropped: {},
  deadLetter: undefined,
  deadLetterMessage: undefined,
  effects: [],
  reads: [],
}

function used<P extends { readonly name: string; readonly kind: string }>(
  handler: Handler<Message, unknown>,
  part: P,
): P {
  if (handler.uses && !handler.uses.some((u) => u.name === part.name && u.kind === part.kind)) {
    throw new Error(`the handler does not say that it uses ${part.name}`)
  }
  return part
}
