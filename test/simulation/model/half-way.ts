/**
 * A keyspace on which a script can stop half-way: Redis carries out what came before the failing command and leaves it.
 * Owns how many writes are still allowed.
 */
import { Keyspace } from '../../../stores/memory/keyspace.ts'
import { StoreLost } from '../../../stores/ports.ts'

export interface HalfKeyspace extends Keyspace {
  /** Carries out about half of the writes that the work does, then throws StoreLost. */
  halfWay<T>(work: () => T): T
}

export class HalfWay extends Keyspace implements HalfKeyspace {
  #left = Number.POSITIVE_INFINITY
  #turn = 0

  halfWay<T>(work: () => T): T {
    this.#left = this.#turn++ % 5
    try {
      return work()
    } finally {
      this.#left = Number.POSITIVE_INFINITY
    }
  }

  override setText(key: string, text: string): void {
    this.#write()
    super.setText(key, text)
  }

  override setField(key: string, field: string, text: string): void {
    this.#write()
    super.setField(key, field, text)
  }

  override deleteField(key: string, field: string): void {
    this.#write()
    super.deleteField(key, field)
  }

  override addMember(key: string, member: string, score: number): void {
    this.#write()
    super.addMember(key, member, score)
  }

  override delete(key: string): boolean {
    this.#write()
    return super.delete(key)
  }

  #write(): void {
    if (this.#left-- <= 0) throw new StoreLost('redis.memory', 'OOM command not allowed')
  }
}
