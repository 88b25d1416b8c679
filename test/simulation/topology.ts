/**
 * The topology that is simulated: small records that notice every mistake. Each key carries a chain over its records, so
 * that one lost, doubled or moved record changes everything behind it; items are read by field and whole, and deleted;
 * a counter gives ids that must be without gaps. The fold that says what must come out is oracle.ts.
 */
import { defineTopology } from '../../topology/define.ts'
import { drop, type Effect } from '../../topology/effects.ts'
import { DeadLetter } from '../../topology/errors.ts'
import { requests } from '../../topology/notes/request.ts'
import {
  isExpired,
  queueExpects,
  queueReads,
  REMEMBERED_MS,
  rememberRequest,
  requestCounters,
  requestQueue,
} from '../../topology/notes/request-expiry.ts'
import { sink } from '../../topology/sinks.ts'
import { type Handler, source } from '../../topology/sources.ts'
import { counter, index, map, value } from '../../topology/stores.ts'

/** `once` names a request and is done once, as a command of the note service; `bad` cannot be decoded; the broker refuses the output of `poison`. */
export type Op = 'new' | 'put' | 'take' | 'sum' | 'purge' | 'once' | 'bad' | 'poison'

/** A record's value as JSON. */
export interface SimMessage {
  readonly type: Op
  readonly k: string
  /** Field of items. */
  readonly f: string
  readonly v: number
}

export interface Chain {
  readonly n: number
  readonly h: number
}

export interface SimOutput {
  readonly k: string
  readonly n: number
  readonly h: number
  readonly r: string | null
}

/** Stands in the output that the broker refuses. */
export const POISON = 'POISON'

export const chains = value<string, Chain>({ name: 'chains', key: (k) => k })
export const items = map<string, string, number>({ name: 'items', key: (k) => k })
export const ids = counter({ name: 'ids' })
const itemsByValue = index({
  name: 'by-field',
  of: items,
  group: (k) => k,
  member: (_, f) => f,
  score: (_, f) => f.length,
})
export const out = sink<SimOutput>({ topic: 'out' })
export const idsOut = sink<{ id: number }>({ topic: 'ids' })

export const link = (before: number, { type, f, v }: SimMessage, result: string | null): number => {
  let h = before | 0
  for (const text of [type, f, String(v), result ?? '-'])
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h
}

const decode = (bytes: Buffer | null): SimMessage => {
  const message = JSON.parse(String(bytes)) as SimMessage
  if (message.type === 'bad') throw new DeadLetter('sim.bad', 'a bad record')
  return message
}

type SimHandler = Handler<SimMessage, unknown>

const handler = (
  reads: SimHandler['reads'],
  work: (m: SimMessage, state: Parameters<SimHandler['transform']>[1]) => [string | null, Effect[]],
): SimHandler => ({
  uses: [chains, items, ids, out, idsOut],
  reads: (input, count) => [chains.read(input.message.k), ...(reads?.(input, count) ?? [])],
  transform({ message }, state) {
    const [result, effects] = work(message, state)
    const before = state.value(chains, message.k) ?? { n: 0, h: 0 }
    const after = { n: before.n + 1, h: link(before.h, message, result) }
    return [
      ...effects,
      chains.put(message.k, after),
      out.emit(Buffer.from(message.k), { k: message.k, ...after, r: result }),
    ]
  },
})

const on = {
  new: handler(undefined, (_, state) => {
    const id = state.counter(ids)
    return [null, [ids.set(id + 1), idsOut.emit(null, { id: id * state.stride + state.task })]]
  }),
  /** Writes without having read, as the note service's CREATE. */
  put: handler(undefined, ({ k, f, v }) => [null, [items.put(k, f, v)]]),
  take: handler(
    ({ message: { k, f } }) => [items.read(k, f)],
    ({ k, f }, state) => {
      const found = state.get(items, k, f)
      return found === undefined ? [null, []] : [String(found), [items.delete(k, f)]]
    },
  ),
  sum: handler(
    ({ message: { k } }) => [items.readAll(k)],
    ({ k }, state) => [
      state
        .all(items, k)
        .map(([f, v]) => `${f}=${v}`)
        .join(),
      [],
    ],
  ),
  poison: handler(undefined, ({ k, f, v }) => [POISON, [items.put(k, f, v)]]),
  purge: handler(
    ({ message: { k } }) => [items.readAll(k)],
    ({ k }, state) => {
      const all = state.all(items, k)
      return [String(all.length), all.map(([f]) => items.delete(k, f))]
    },
  ),
}

/** Key of a request: of one key, as the API's are of one target. */
export const requestName = (k: string, f: string): string => `${k}:${f}`

const once: SimHandler = {
  uses: [chains, requests, requestQueue, ...requestCounters, out],
  reads: ({ message: { k, f }, timestampMs }, count) => [
    chains.read(k),
    requests.read(requestName(k, f)),
    ...queueReads(timestampMs, count),
  ],
  expects: ({ timestampMs }, count) => queueExpects(timestampMs, count),
  transform({ message, timestampMs }, state) {
    const { k, f } = message
    const name = requestName(k, f)
    const former = state.value(requests, name)
    if (former && !isExpired(former, timestampMs)) return [drop('request.repeated')]
    const before = state.value(chains, k) ?? { n: 0, h: 0 }
    const after = { n: before.n + 1, h: link(before.h, message, null) }
    const outcome = { status: 200, noteId: null, fingerprint: f, expiresAt: timestampMs + REMEMBERED_MS } as const
    return [
      chains.put(k, after),
      out.emit(Buffer.from(k), { k, ...after, r: null }),
      ...rememberRequest(name, outcome, former, timestampMs, state),
    ]
  },
}

const from = (topic: string) =>
  source<SimMessage, unknown, Op>({ topic, decode, key: (m) => Buffer.from(m.k), on: { ...on, once } as never })

export const SOURCES = ['in-a', 'in-b'] as const

export const simTopology = defineTopology({
  name: 'simulation',
  context: { read: () => ({}), write: () => [] },
  sources: SOURCES.map(from),
  stores: [chains, items, requests, requestQueue],
  counters: [ids, ...requestCounters],
  indexes: [itemsByValue],
  sinks: [out, idsOut],
})
