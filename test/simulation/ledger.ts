/**
 * What was written to the sources, and the fold over it: which outputs, ids, dead letters and state the committed inputs
 * must give. Owns the order of the inputs; reads nothing of the engine.
 */
import { partitionFor } from '../../engine/core/murmur2.ts'
import { keyText } from './generate.ts'
import type { SimRecord } from './history.ts'
import { link, requestName, type SimMessage, SOURCES } from './topology.ts'

/** Where the time of requests begins. */
const REQUESTS_FROM_MS = 1_767_225_600_000
const DAY_MS = 24 * 3_600_000

export interface Written {
  readonly source: number
  readonly partition: number
  readonly offset: number
  readonly record: SimRecord
  readonly aborted: boolean
}

/** Requests that were carried out, by name, of the keys of one task. */
export interface ExpectedRequests {
  readonly expiresAt: Map<string, number>
  /** The latest timestamp of a record that was carried out. */
  latestMs: number
}

export interface Expected {
  /** Texts of the outputs by key, in order. */
  readonly outputs: ReadonlyMap<string, readonly string[]>
  /** How many ids each task has given. */
  readonly ids: ReadonlyMap<number, number>
  /** `topic:partition:offset`. */
  readonly deadLetters: ReadonlySet<string>
  /** Changelog name → JSON, per task. */
  readonly state: readonly ReadonlyMap<string, string>[]
  /** Per task. */
  readonly requests: readonly ExpectedRequests[]
  /** Records that do nothing: their request was carried out before. */
  readonly repeated: number
}

/** Of requests, which have a time of their own; undefined: the time when it is written. */
export const timestampOf = ({ minute }: SimRecord): number | undefined =>
  minute === undefined ? undefined : REQUESTS_FROM_MS + minute * 60_000

export const messageOf = ({ op, key, field, value }: SimRecord): SimMessage => ({
  type: op,
  k: keyText(key),
  f: `f${field}`,
  v: value,
})

export class Ledger {
  readonly written: Written[] = []

  add(written: Written): void {
    this.written.push(written)
  }

  /** The fold over the committed inputs. */
  expected(tasks: number): Expected {
    const outputs = new Map<string, string[]>()
    const ids = new Map<number, number>()
    const deadLetters = new Set<string>()
    const state = Array.from({ length: tasks }, () => new Map<string, string>())
    const items = new Map<string, Map<string, number>>()
    const chains = new Map<string, { n: number; h: number }>()
    const requests = state.map((): ExpectedRequests => ({ expiresAt: new Map(), latestMs: 0 }))
    let repeated = 0
    for (const { source, partition, offset, record, aborted } of this.#inOrder()) {
      if (aborted) continue
      const message = messageOf(record)
      if (message.type === 'bad' || message.type === 'poison') {
        deadLetters.add(`${SOURCES[source]}:${partition}:${offset}`)
        continue
      }
      const { k } = message
      const home = partitionFor(Buffer.from(k), tasks)
      if (message.type === 'once' && isRepeated(requests[home]!, requestName(k, message.f), timestampOf(record)!)) {
        repeated++
        continue
      }
      const fields = items.get(k) ?? new Map<string, number>()
      items.set(k, fields)
      const r = carryOut(message, fields)
      if (message.type === 'new') ids.set(home, (ids.get(home) ?? 0) + 1)
      const before = chains.get(k) ?? { n: 0, h: 0 }
      const after = { n: before.n + 1, h: link(before.h, message, r) }
      chains.set(k, after)
      const texts = outputs.get(k) ?? []
      texts.push(JSON.stringify({ k, ...after, r }))
      outputs.set(k, texts)
      state[home]!.set(`chains/${k}`, JSON.stringify(after))
    }
    for (const [k, fields] of items)
      for (const [f, v] of fields) state[partitionFor(Buffer.from(k), tasks)]!.set(`items/${k}/${f}`, JSON.stringify(v))
    return { outputs, ids, deadLetters, state, requests, repeated }
  }

  /** By partition and offset; a key has one partition. */
  #inOrder(): readonly Written[] {
    return this.written.toSorted((a, b) => a.source - b.source || a.partition - b.partition || a.offset - b.offset)
  }
}

/** Else it is entered. A day, by the clock of the record itself. */
function isRepeated(requests: ExpectedRequests, name: string, timestampMs: number): boolean {
  if ((requests.expiresAt.get(name) ?? Number.NEGATIVE_INFINITY) > timestampMs) return true
  requests.expiresAt.set(name, timestampMs + DAY_MS)
  requests.latestMs = Math.max(requests.latestMs, timestampMs)
  return false
}

function carryOut({ type, f, v }: SimMessage, fields: Map<string, number>): string | null {
  switch (type) {
    case 'put':
      fields.set(f, v)
      return null
    case 'take': {
      const found = fields.get(f)
      fields.delete(f)
      return found === undefined ? null : String(found)
    }
    case 'sum':
      return [...fields]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([field, value]) => `${field}=${value}`)
        .join()
    case 'purge': {
      const count = String(fields.size)
      fields.clear()
      return count
    }
    default:
      return null
  }
}
