/**
 * The last items of the shared reader, numbered, and the place where they begin: who was not further behind catches up
 * from here. Bounded in items and bytes. Pure.
 */
import type { Gap } from '../../subscribe/core/partition-feed.ts'
import { covers, type Positions } from '../../subscribe/core/positions.ts'
import type { NoteEvent } from './note-event.ts'

export interface LiveItem {
  readonly partition: number
  /** Of the event; of a gap the last offset that it passes over. */
  readonly offset: number
  /** Behind this item. */
  readonly positions: Positions
  readonly incarnation: string
  /** null: a record that nobody is sent. */
  readonly event: NoteEvent | null
  readonly gap: Gap | null
}

export class RecentItems {
  readonly #itemsMax: number
  readonly #bytesMax: number
  #items: LiveItem[] = []
  /** Index of the oldest in #items: what is before it is dropped now and then, not at each. */
  #dropped = 0
  #first = 0
  #bytes = 0
  #start: Positions
  #end: Positions
  #incarnation: string

  constructor(start: Positions, incarnation: string, itemsMax: number, bytesMax: number) {
    this.#start = start
    this.#end = start
    this.#incarnation = incarnation
    this.#itemsMax = itemsMax
    this.#bytesMax = bytesMax
  }

  get incarnation(): string {
    return this.#incarnation
  }

  /** Number of the oldest item that is kept, and of the one to come. */
  get first(): number {
    return this.#first
  }

  get next(): number {
    return this.#first + this.#items.length - this.#dropped
  }

  /** Behind the newest item. */
  get end(): Positions {
    return this.#end
  }

  /** Everything behind this place is kept here. */
  reaches(place: Positions): boolean {
    return covers(place, this.#start)
  }

  at(number: number): LiveItem | undefined {
    return number < this.#first ? undefined : this.#items[number - this.#first + this.#dropped]
  }

  push(item: LiveItem): void {
    // A place in the topic that was says nothing of the one that is: nobody catches up across that.
    if (item.incarnation !== this.#incarnation) {
      this.#first = this.next
      this.#items = []
      this.#dropped = this.#bytes = 0
      this.#start = this.#end = item.positions.map(() => 0)
      this.#incarnation = item.incarnation
    }
    this.#items.push(item)
    this.#end = item.positions
    this.#bytes += sizeOf(item)
    while (this.next - this.#first > this.#itemsMax || (this.#bytes > this.#bytesMax && this.next - this.#first > 1)) {
      const oldest = this.#items[this.#dropped]!
      this.#bytes -= sizeOf(oldest)
      this.#start = oldest.positions
      this.#first++
      this.#dropped++
    }
    if (this.#dropped > this.#itemsMax) {
      this.#items = this.#items.slice(this.#dropped)
      this.#dropped = 0
    }
  }
}

const sizeOf = ({ event }: LiveItem): number => 100 + (event?.lines.length ?? 0)
