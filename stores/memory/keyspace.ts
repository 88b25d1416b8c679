/**
 * A Redis in miniature: typed values under keys, with Redis's own rule that a command on a value of another type is an
 * error. Owns the values; no time, no order but that of the calls.
 */
import { StoreLost } from '../ports.ts'

export type MemoryValue =
  | { readonly kind: 'string'; text: string }
  | { readonly kind: 'hash'; readonly fields: Map<string, string> }
  | { readonly kind: 'zset'; readonly scores: Map<string, number> }

type Kind = MemoryValue['kind']
type Of<K extends Kind> = Extract<MemoryValue, { kind: K }>

export class Keyspace {
  readonly #values = new Map<string, MemoryValue>()

  keys(prefix: string): string[] {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix))
  }

  kindOf(key: string): Kind | null {
    return this.#values.get(key)?.kind ?? null
  }

  delete(key: string): boolean {
    return this.#values.delete(key)
  }

  clear(): void {
    this.#values.clear()
  }

  setText(key: string, text: string): void {
    this.#values.set(key, { kind: 'string', text })
  }

  getText(key: string): string | null {
    return this.#of(key, 'string')?.text ?? null
  }

  getField(key: string, field: string): string | null {
    return this.#of(key, 'hash')?.fields.get(field) ?? null
  }

  fields(key: string): ReadonlyMap<string, string> {
    return this.#of(key, 'hash')?.fields ?? new Map()
  }

  setField(key: string, field: string, text: string): void {
    const hash: Of<'hash'> = this.#of(key, 'hash') ?? { kind: 'hash', fields: new Map() }
    hash.fields.set(field, text)
    this.#values.set(key, hash)
  }

  deleteField(key: string, field: string): void {
    const hash = this.#of(key, 'hash')
    if (hash?.fields.delete(field) && hash.fields.size === 0) this.#values.delete(key)
  }

  addMember(key: string, member: string, score: number): void {
    const sorted: Of<'zset'> = this.#of(key, 'zset') ?? { kind: 'zset', scores: new Map() }
    sorted.scores.set(member, score)
    this.#values.set(key, sorted)
  }

  removeMember(key: string, member: string): void {
    const sorted = this.#of(key, 'zset')
    if (sorted?.scores.delete(member) && sorted.scores.size === 0) this.#values.delete(key)
  }

  /** By score, then by the bytes of the member, as Redis has it. */
  members(key: string): { member: string; score: number }[] {
    const sorted = this.#of(key, 'zset')
    const members = [...(sorted?.scores ?? [])].map(([member, score]) => ({ member, score }))
    return members.sort((a, b) => a.score - b.score || Buffer.compare(Buffer.from(a.member), Buffer.from(b.member)))
  }

  #of<K extends Kind>(key: string, kind: K): Of<K> | null {
    const value = this.#values.get(key)
    if (value === undefined) return null
    if (value.kind !== kind) throw new StoreLost('redis.wrongtype', `${value.kind} where a ${kind} was expected`)
    return value as Of<K>
  }
}
