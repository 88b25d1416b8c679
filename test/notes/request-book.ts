/** Requests without notes: entries, queue and counters as the transforms leave them, and what each record removed. */
import type { Effect } from '../../topology/effects.ts'
import { type RequestEntry, requests } from '../../topology/notes/request.ts'
import {
  isExpired,
  queueExpects,
  queueReads,
  REMEMBERED_MS,
  rememberRequest,
  requestQueue,
} from '../../topology/notes/request-expiry.ts'
import type { State } from '../../topology/sources.ts'
import type { Counter } from '../../topology/stores.ts'

interface Slot {
  readonly request: string
  readonly expiresAt: number
}

export class RequestBook {
  readonly entries = new Map<string, RequestEntry>()
  /** By `queue/position`. */
  readonly slots = new Map<string, Slot>()
  readonly counters = new Map<string, number>()
  /** Most effects that one record had. */
  effectsMax = 0

  /** Answers the entries that the record removed, its own not among them; null: it was a repetition. */
  add(request: string, timestampMs: number): readonly RequestEntry[] | null {
    const former = this.entries.get(request)
    if (former && !isExpired(former, timestampMs)) return null
    const counter = ({ name }: Counter) => this.counters.get(name) ?? 0
    const declared = new Set(
      queueReads(timestampMs, counter).map((read) => (read.kind === 'entry' ? `${read.key}/${read.field}` : '?')),
    )
    queueExpects(timestampMs, counter)
    const state = {
      counter,
      get: (_store: unknown, queue: number, position: number) => {
        if (!declared.has(`${queue}/${position}`)) throw new Error(`slot ${queue}/${position} was not declared`)
        return this.slots.get(`${queue}/${position}`)
      },
    } as unknown as State
    const outcome = { status: 201, noteId: 1, fingerprint: 'f', expiresAt: timestampMs + REMEMBERED_MS } as const
    const effects = rememberRequest(request, outcome, former, timestampMs, state)
    this.effectsMax = Math.max(this.effectsMax, effects.length)
    const removed = effects.flatMap((effect) => {
      const isRemoval = effect.kind === 'delete' && effect.store.name === requests.name && effect.key !== request
      return isRemoval ? [this.entries.get(effect.key)!] : []
    })
    for (const effect of effects) this.#carryOut(effect)
    return removed
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === 'count') this.counters.set(effect.counter.name, effect.value)
    if (effect.kind !== 'put' && effect.kind !== 'delete') return
    const { store, key, field } = effect
    const kept = (store.name === requests.name ? this.entries : this.slots) as Map<string, unknown>
    const name = store.name === requestQueue.name ? `${key}/${field}` : key
    if (effect.kind === 'put') kept.set(name, effect.value)
    else kept.delete(name)
  }

  /** Entries that this record may not remove. */
  stillOwedAt(timestampMs: number): number {
    let count = 0
    for (const { expiresAt } of this.entries.values()) if (expiresAt + 2 * 3_600_000 >= timestampMs) count++
    return count
  }

  /** What is wrong between entries, slots and counters; empty: nothing. */
  faults(): string[] {
    const faults: string[] = []
    if (this.slots.size !== this.entries.size) faults.push(`${this.slots.size} slots, ${this.entries.size} entries`)
    for (const [place, slot] of this.slots) {
      const [queue = '', position = ''] = place.split('/')
      const entry = this.entries.get(slot.request)
      if (entry?.position !== Number(position) || entry.expiresAt !== slot.expiresAt)
        faults.push(`slot ${place} is not that of its entry`)
      const at = (what: string) => this.counters.get(`request-queue-${queue}-${what}`) ?? 0
      if (Number(position) < at('head') || Number(position) >= at('tail'))
        faults.push(`slot ${place} is out of its queue`)
    }
    return faults
  }
}
