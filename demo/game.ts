/**
 * The players: write the day's notes one after the other, and react to what they see, as a note's coming. Owns how far
 * the day is, the commands that were sent, and everything that was seen.
 */
import type { Day, PlannedNote } from './day.ts'
import type { SeenEvent } from './events.ts'
import type { Post } from './post.ts'

export class Game {
  readonly #day: Day
  readonly #post: Post
  readonly #byTransaction: ReadonlyMap<string, PlannedNote>
  /** What was seen, in the order of seeing. */
  readonly seen: string[] = []
  /** Ids that the service gave, by transaction id. */
  readonly noteIds = new Map<string, number>()
  readonly #toUpdate: { note: PlannedNote; noteId: number }[] = []
  readonly #toDiscard = new Map<string, { note: PlannedNote; noteIds: number[] }>()
  #written = 0
  #refused = 0
  #left = false

  constructor(day: Day, post: Post) {
    this.#day = day
    this.#post = post
    this.#byTransaction = new Map(day.notes.map((note) => [note.transactionId, note]))
  }

  /** Notes written so far. */
  get written(): number {
    return this.#written
  }

  /** Notes whose outcome has been seen. */
  get answered(): number {
    return this.noteIds.size + this.#refused
  }

  /** Commands sent so far. */
  get commands(): number {
    return this.#post.commands.length
  }

  /** Everything that the day holds has been sent. */
  get over(): boolean {
    return (
      this.#left && this.#toUpdate.length === 0 && this.#toDiscard.size === 0 && this.seen.length >= this.#day.events
    )
  }

  hear(event: SeenEvent): void {
    this.seen.push(event.text)
    if (event.kind === 'failed') this.#refused++
    if (event.kind !== 'created' || event.transactionId === null || event.noteId === null) return
    const { noteId } = event
    const note = this.#byTransaction.get(event.transactionId)
    // Seen twice: the count will tell; nobody reacts twice.
    if (!note || this.noteIds.has(event.transactionId)) return
    this.noteIds.set(event.transactionId, noteId)
    if (note.fate === 'updated') this.#toUpdate.push({ note, noteId })
    if (note.fate === 'discarded') {
      const owner = `${note.owner.tenantId}:${note.owner.id}`
      const pile = this.#toDiscard.get(owner)
      if (pile) pile.noteIds.push(noteId)
      else this.#toDiscard.set(owner, { note, noteIds: [noteId] })
    }
  }

  /** Sends up to `notes` further notes, and the reactions to what was seen since. */
  async play(notes: number): Promise<void> {
    const { notes: all, bad, characters } = this.#day
    const until = Math.min(all.length, this.#written + notes)
    for (; this.#written < until; this.#written++) {
      const kind = bad.get(this.#written)
      if (kind) this.#post.bad(kind, all[this.#written]!.owner.tenantId)
      this.#post.create(all[this.#written]!)
    }
    for (const { note, noteId } of this.#toUpdate.splice(0)) this.#post.update(note, noteId)
    for (const { note, noteIds } of this.#toDiscard.values())
      this.#post.discard(note.owner.tenantId, note.owner.id, noteIds)
    this.#toDiscard.clear()
    if (!this.#left && this.#allHaveCome()) {
      for (const { tenantId, id, leaves } of characters) if (leaves) this.#post.leave(tenantId, id)
      this.#left = true
    }
    await this.#post.deliver()
  }

  /** Only then is it certain which notes go with a character that leaves. */
  #allHaveCome(): boolean {
    const { notes } = this.#day
    return this.#written === notes.length && this.noteIds.size === notes.filter(({ fate }) => fate !== 'refused').length
  }
}
