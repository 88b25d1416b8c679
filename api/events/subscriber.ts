/**
 * One client of the event streams: what it wants, where it is, and what it was sent. Owns the ids of its events: those of
 * the shared reader, or while it is further in some partition, the furthest of both. So the id always says exactly what
 * this client was sent, and any process can go on from it.
 */
import { encodeEventId } from '../../subscribe/core/event-id.ts'
import type { Gap } from '../../subscribe/core/partition-feed.ts'
import { covers, furthest, type Positions } from '../../subscribe/core/positions.ts'
import { SubscribeError } from '../../subscribe/errors.ts'
import type { EventFilter } from './filter.ts'
import { dataLines, linesWithTenant, type NoteEvent } from './note-event.ts'
import type { LiveItem } from './recent.ts'
import type { ClientStream } from './stream.ts'

export interface EventStats {
  /** Streams open now. */
  subscribers: number
  /** Events written to clients. */
  sent: number
  /** Clients dropped because they did not take what they were sent. */
  slowClients: number
  /** Events that went out though Redis was not known to have what they tell of. */
  releasedByTimeout: number
}

export interface Place {
  readonly positions: Positions
  readonly incarnation: string
}

export class Subscriber {
  readonly filter: EventFilter
  readonly stream: ClientStream
  readonly #topic: string
  readonly #stats: EventStats
  /** What it was sent up to; null: not known yet, or wherever the shared reader is. */
  place: Place | null = null

  constructor(topic: string, filter: EventFilter, stream: ClientStream, stats: EventStats) {
    this.#topic = topic
    this.filter = filter
    this.stream = stream
    this.#stats = stats
  }

  /** An item of the shared reader; `frame` is the event with the shared reader's id. */
  live(item: LiveItem, frame: (filter: EventFilter) => Buffer): void {
    const { place } = this
    if (place === null) {
      this.#push(item.event === null ? gapFrame(this.#topic, item.gap!, item) : frame(this.filter))
      return
    }
    if (!this.passes(item)) return
    this.#push(this.frameOf(item))
  }

  /** Takes an item into the place. False: it was sent before. */
  passes(item: LiveItem): boolean {
    const { place } = this
    const { positions, incarnation, partition, offset } = item
    if (place === null || place.incarnation !== incarnation) {
      this.place = { positions, incarnation }
      return true
    }
    const isNew = offset >= (place.positions[partition] ?? 0)
    this.place = { positions: furthest(place.positions, positions), incarnation }
    return isNew
  }

  /** An item with the id of this client's place. */
  frameOf({ event, gap, partition }: LiveItem): string {
    const place = this.place!
    if (event === null) return gapFrame(this.#topic, gap!, place)
    return idLine(this.#topic, partition, place) + linesFor(this.filter, event)
  }

  /** From here on it is where the shared reader is, unless it is further. */
  settle(shared: Place): void {
    const { place } = this
    if (place?.incarnation !== shared.incarnation || covers(shared.positions, place.positions)) this.place = null
  }

  /**
   * A sign of life, and for one who follows its place (`shared` is that of the shared reader), so that a client whose
   * filter names little has a recent one. An id without data is remembered by the client and dispatches nothing.
   * While it catches up (null) its place may be ahead of what it was sent, so only events carry one.
   */
  beat(comment: string, shared: Place | null): void {
    const id = shared === null ? '' : idLine(this.#topic, 0, this.place ?? shared)
    this.stream.write(`: ${comment}\n${id}\n`)
  }

  /** Waits for room. False: it is over, or the client takes nothing. */
  async send(text: string, stalledMaxMs: number, isEvent: boolean): Promise<boolean> {
    while (!this.stream.write(text)) {
      if (this.stream.isOver) return false
      if (await this.stream.drained(stalledMaxMs)) continue
      this.#drop()
      return false
    }
    if (isEvent) this.#stats.sent++
    return true
  }

  fail(error: unknown): void {
    const known = error instanceof SubscribeError
    const code = known ? error.code : 'internal'
    this.stream.end({ event: 'failed', data: { code, message: known ? error.message : 'see the log' } })
  }

  #push(frame: string | Buffer): void {
    if (this.stream.write(frame)) this.#stats.sent++
    else if (!this.stream.isOver) this.#drop()
  }

  #drop(): void {
    this.#stats.slowClients++
    this.stream.end({
      event: 'dropped',
      data: {
        code: 'slow_client',
        message: 'what waits for this client is more than is kept: resume from the last id',
      },
    })
  }
}

export const idLine = (topic: string, partition: number, { positions, incarnation }: Place): string =>
  `id: ${encodeEventId(topic, incarnation, partition, positions)}\n`

const linesFor = ({ tenant }: EventFilter, event: NoteEvent): string =>
  tenant === null ? linesWithTenant(event) : event.lines

/** An event with the shared reader's id, encoded once for those of its tenant and once for those of any. */
export class SharedFrame {
  readonly #frames = new Map<boolean, Buffer>()
  readonly #idLine: string
  readonly #event: NoteEvent

  constructor(topic: string, partition: number, event: NoteEvent, place: Place) {
    this.#idLine = idLine(topic, partition, place)
    this.#event = event
  }

  for(filter: EventFilter): Buffer {
    const ofAny = filter.tenant === null
    const known = this.#frames.get(ofAny)
    if (known) return known
    const frame = Buffer.from(this.#idLine + linesFor(filter, this.#event))
    this.#frames.set(ofAny, frame)
    return frame
  }
}

/** A gap concerns every client. The offsets are those that were to be read and were not: [from, to). */
export function gapFrame(topic: string, gap: Gap, place: Place): string {
  const { reason, partition, from, to } = gap
  const first = partition < place.positions.length ? partition : 0
  return `${idLine(topic, first, place)}event: gap\n${dataLines(JSON.stringify({ reason, topic, partition, from, to }))}\n`
}
