/**
 * One partition as a reader holds it: what was fetched and not yet handed out, in offset order, with gaps in their place.
 * Owns two positions, behind what was handed out and behind what was fetched, and since when which end is stable. Pure:
 * bytes, time and fetches come from outside.
 */
import type { RecordView } from '../../engine/core/headers.ts'

/** Why offsets were passed over without having been read. */
export type GapReason = 'retention' | 'truncated' | 'recreated'

export interface Gap {
  readonly reason: GapReason
  readonly partition: number
  /** The offset that was to be read next, and the one that is read instead. */
  readonly from: number
  readonly to: number
}

/** The records of one fetch answer. `next` may throw: what was taken before stays taken. */
export interface Chunk {
  next(): RecordView | undefined
  readonly sizeBytes: number
}

export type Head = { readonly kind: 'record'; readonly view: RecordView } | { readonly kind: 'gap'; readonly gap: Gap }

type Queued =
  | { readonly kind: 'chunk'; readonly chunk: Chunk; readonly end: number }
  | { readonly kind: 'gap'; readonly gap: Gap }

interface Mark {
  readonly atMs: number
  end: number
}

/** An event is held back no longer than this from when its end was first seen to be stable. */
export const HOLD_MAX_MS = 1_000
/** Ends that become stable within this count as one, the first. It bounds the marks, and releases so much early. */
const MARK_MS = 25

export class PartitionFeed {
  readonly partition: number
  /** No fetch was answered yet, and the start was not asked for by offset: what retention takes now is no gap. */
  fresh: boolean
  /** A fetch from here has been answered: the place is one of this log. */
  verified = false
  #position: number
  #fetchPosition: number
  #bufferedBytes = 0
  #head: Head | undefined
  readonly #queue: Queued[] = []
  /** Ends in the order in which they became stable; the first is the newest that has aged, if any has. */
  readonly #marks: Mark[] = []

  constructor(partition: number, position: number, fresh: boolean) {
    this.partition = partition
    this.fresh = fresh
    this.#position = position
    this.#fetchPosition = position
  }

  /** The next offset that may be handed out: everything below it was, or is hidden. */
  get position(): number {
    return this.#head?.kind === 'record' ? this.#head.view.offset : this.#position
  }

  get fetchPosition(): number {
    return this.#fetchPosition
  }

  /** Fetched bytes of chunks that still have records. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** An answer to a fetch from `fetchPosition`; `end` is the position behind it. */
  push(chunk: Chunk, end: number): void {
    this.#queue.push({ kind: 'chunk', chunk, end })
    this.#bufferedBytes += chunk.sizeBytes
    this.#fetchPosition = end
  }

  /** What follows was not readable up to `to`. Silent for a fresh feed: it just begins there. */
  skipTo(to: number, reason: GapReason): void {
    if (this.fresh) this.#position = to
    else this.#queue.push({ kind: 'gap', gap: { reason, partition: this.partition, from: this.#fetchPosition, to } })
    this.#fetchPosition = to
  }

  /** What comes next; undefined: nothing is here. Throws what the chunk throws. */
  head(): Head | undefined {
    while (this.#head === undefined) {
      const first = this.#queue[0]
      if (first === undefined) return undefined
      if (first.kind === 'gap') {
        this.#queue.shift()
        this.#head = first
        break
      }
      const view = first.chunk.next()
      if (view !== undefined) this.#head = { kind: 'record', view }
      else {
        this.#queue.shift()
        this.#bufferedBytes -= first.chunk.sizeBytes
        this.#position = Math.max(this.#position, first.end)
      }
    }
    return this.#head
  }

  /** Hands out what `head` gave. */
  take(): void {
    const head = this.#head
    if (head === undefined) throw new Error('nothing to take')
    this.#position = head.kind === 'gap' ? head.gap.to : head.view.offset + 1
    this.#head = undefined
  }

  /** The end of what is stable, as a broker said it now. */
  noteStable(end: number, nowMs: number): void {
    const last = this.#marks.at(-1)
    if (last !== undefined && end <= last.end) return
    if (last !== undefined && nowMs - last.atMs < MARK_MS) last.end = end
    else this.#marks.push({ atMs: nowMs, end })
    while (this.#marks[1] !== undefined && this.#marks[1].atMs + HOLD_MAX_MS <= nowMs) this.#marks.shift()
  }

  /** When this offset is released whatever else is known; undefined: it was never seen to be stable. */
  releasedAtMs(offset: number): number | undefined {
    const mark = this.#marks.find(({ end }) => end > offset)
    return mark && mark.atMs + HOLD_MAX_MS
  }
}
