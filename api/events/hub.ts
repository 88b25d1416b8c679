/**
 * Everybody who follows the status events, on one shared read-committed reader per process. Owns that reader (while there
 * are clients), the late items, who is live, and the readers of those who catch up. Every event is encoded once and offered
 * to those alone whose filter names it.
 */
import type { Logger } from 'pino'
import type { Clock } from '../../engine/clock.ts'
import { type Kafka, RequestLost } from '../../engine/ports.ts'
import { refusedAs } from '../../subscribe/errors.ts'
import { highestPartition, noSuchPartition, type StartAt, unknownPartition } from '../../subscribe/start.ts'
import { type Hold, TopicReader } from '../../subscribe/topic-reader.ts'
import { catchUp, liveItemOf } from './catch-up.ts'
import { type EventFilter, SubscriberIndex } from './filter.ts'
import * as defaults from './limits.ts'
import { type LiveItem, RecentItems } from './recent.ts'
import type { ClientStream } from './stream.ts'
import { type EventStats, type Place, SharedFrame, Subscriber } from './subscriber.ts'

export interface HubOptions {
  readonly kafka: Kafka
  readonly clock: Clock
  /** Real name of the topic of status events. */
  readonly topic: string
  /** That it had when this was made. */
  readonly partitions?: number
  /** What holds events back; its `timedOut` is counted here. */
  readonly hold: Omit<Hold, 'timedOut'> | null
  readonly log: Pick<Logger, 'warn'>
  readonly heartbeatMs?: number
  readonly recentEventsMax?: number
  readonly lingerMs?: number
  readonly subscribersMax?: number
}

interface Live {
  readonly reader: TopicReader
  readonly recent: RecentItems
  /** Behind what was delivered; markers and hidden records are passed too. */
  place: Place
}

const POLL_MS = 1_000
const nothing = (): Buffer => Buffer.alloc(0)

export class EventHub {
  readonly stats: EventStats = { subscribers: 0, sent: 0, slowClients: 0, releasedByTimeout: 0 }
  readonly #options: HubOptions
  readonly #hold: Hold | null
  readonly #everybody = new Set<Subscriber>()
  readonly #following = new Set<Subscriber>()
  readonly #index = new SubscriberIndex<Subscriber>()
  readonly #waitingForReader: (() => void)[] = []
  #readers = 0
  /** By tenant; those of any tenant are one. */
  readonly #readersOf = new Map<string | null, number>()
  #live: Live | null = null
  /** While it finds out where to begin. */
  #opening: TopicReader | null = null
  /** Who waits for the shared reader to begin. */
  readonly #waiting: (() => void)[] = []
  #closed = false
  #stopBeating: (() => void) | null = null
  #stopLingering: (() => void) | null = null

  constructor(options: HubOptions) {
    this.#options = options
    const timedOut = (count: number): void => {
      this.stats.releasedByTimeout += count
    }
    this.#hold = options.hold && { ...options.hold, timedOut }
  }

  get topic(): string {
    return this.#options.topic
  }

  get isFull(): boolean {
    return this.#everybody.size >= (this.#options.subscribersMax ?? defaults.SUBSCRIBERS_MAX)
  }

  /** Without asking anybody: every partition that the place names is one that is known. */
  knows(start: StartAt): boolean {
    const known = Math.max(this.#options.partitions ?? 0, this.#live?.place.positions.length ?? 0)
    return start.kind !== 'at' || highestPartition(start) < known
  }

  /**
   * Why nothing can be resumed from there: it names a partition that the topic has not. Null: it can be, or nobody
   * answers; then the reader finds out, and the stream says so.
   */
  async refuses(start: StartAt): Promise<string | null> {
    const { kafka, topic } = this.#options
    try {
      const info = (await kafka.admin.topics([topic])).get(topic)
      const unknown = info === undefined ? null : unknownPartition(info, start)
      return unknown === null ? null : noSuchPartition(info!, unknown)
    } catch (error) {
      if (error instanceof RequestLost || refusedAs(topic, error) !== error) return null
      throw error
    }
  }

  /** Resolves when the stream is over. Never throws. */
  async serve(stream: ClientStream, filter: EventFilter, start: StartAt): Promise<void> {
    const subscriber = new Subscriber(this.#options.topic, filter, stream, this.stats)
    this.#enter(subscriber)
    try {
      subscriber.stream.write(`retry: ${defaults.RECONNECT_MS}\n\n`)
      await this.#arrive(subscriber, start)
    } catch (error) {
      this.#warn(error, 'event stream failed')
      subscriber.fail(error)
    }
    await stream.ended
    this.#leave(subscriber)
  }

  /** Ends every stream; clients connect again, to another process. */
  close(): void {
    this.#closed = true
    const last = { event: 'closing', data: { message: 'the service is ending: connect again' } }
    for (const { stream } of this.#everybody) stream.end(last)
    this.#stopBeating?.()
    this.#stopLingering?.()
    this.#stopLive()
    this.#tellWaiting()
    for (const go of this.#waitingForReader.splice(0)) go()
  }

  // ------------------------------------------------------------------ coming and going

  #enter(subscriber: Subscriber): void {
    this.#everybody.add(subscriber)
    this.stats.subscribers = this.#everybody.size
    this.#stopLingering?.()
    this.#stopLingering = null
    if (this.#stopBeating === null) this.#beatLater()
  }

  #leave(subscriber: Subscriber): void {
    this.#everybody.delete(subscriber)
    this.#following.delete(subscriber)
    this.#index.delete(subscriber)
    this.#tellWaiting()
    this.stats.subscribers = this.#everybody.size
    if (this.#everybody.size > 0 || this.#closed) return
    this.#stopBeating?.()
    this.#stopBeating = null
    this.#stopLingering = this.#options.clock.after(this.#options.lingerMs ?? defaults.LINGER_MS, () =>
      this.#stopLive(),
    )
  }

  /** Resolves when it follows, or is gone. */
  async #arrive(subscriber: Subscriber, start: StartAt): Promise<void> {
    if (start.kind === 'latest') {
      await this.#begun(subscriber)
      this.#join(subscriber)
      return
    }
    await catchUp(
      {
        begun: (of) => this.#begun(of),
        recent: () => this.#live?.recent ?? null,
        join: (of) => this.#join(of),
        reader: (of) => this.#reader(of),
        done: (reader) => this.#done(reader, subscriber),
        stalledMaxMs: defaults.STALLED_MAX_MS,
        eventsMax: defaults.CATCH_UP_EVENTS_MAX,
      },
      subscriber,
      start,
    )
  }

  /** In the turn in which it has everything that the shared reader had. */
  #join(subscriber: Subscriber): void {
    if (subscriber.stream.isOver || this.#live === null) return
    const shared = this.#live.place
    subscriber.settle(shared)
    this.#following.add(subscriber)
    this.#index.add(subscriber)
    // The place at once: a client that is cut off before its first event resumes from here.
    subscriber.beat('following', shared)
  }

  // ------------------------------------------------------------------ the shared reader

  async #begun({ stream }: Subscriber): Promise<void> {
    while (!stream.isOver && !this.#closed && this.#live === null) {
      if (this.#opening === null) void this.#follow()
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async #follow(): Promise<void> {
    const reader = this.#newReader()
    this.#opening = reader
    try {
      const positions = await reader.open({ kind: 'latest' })
      if (positions === null || this.#closed) return
      const { recentEventsMax = defaults.RECENT_EVENTS_MAX } = this.#options
      const recent = new RecentItems(positions, reader.incarnation, recentEventsMax, defaults.RECENT_BYTES_MAX)
      const live: Live = { reader, recent, place: placeOf(reader) }
      this.#live = live
      this.#opening = null
      this.#tellWaiting()
      while (this.#live === live) {
        for (const item of await reader.next(POLL_MS)) this.#deliver(live, liveItemOf(item))
        // Not before: what the reader has handed out and nobody was sent must not count as passed.
        live.place = placeOf(reader)
      }
    } catch (error) {
      this.#warn(error, 'event streams failed')
      for (const subscriber of this.#everybody) subscriber.fail(error)
    } finally {
      reader.close()
      if (this.#opening === reader) this.#opening = null
      if (this.#live?.reader === reader) this.#live = null
      this.#tellWaiting()
    }
  }

  #deliver({ recent }: Live, item: LiveItem): void {
    recent.push(item)
    const { event } = item
    if (event === null) {
      if (item.gap) for (const subscriber of this.#following) subscriber.live(item, nothing)
      return
    }
    let frame: SharedFrame | null = null
    const shared = (filter: EventFilter): Buffer => {
      frame ??= new SharedFrame(this.#options.topic, item.partition, event, item)
      return frame.for(filter)
    }
    this.#index.each(event, (subscriber) => {
      subscriber.live(item, shared)
      if (subscriber.place !== null) subscriber.settle({ positions: recent.end, incarnation: recent.incarnation })
    })
  }

  #stopLive(): void {
    this.#opening?.close()
    this.#live?.reader.close()
    this.#live = null
  }

  /** Whoever waits looks again. */
  #tellWaiting(): void {
    for (const look of this.#waiting.splice(0)) look()
  }

  #beatLater(): void {
    this.#stopBeating = this.#options.clock.after(this.#options.heartbeatMs ?? defaults.HEARTBEAT_MS, () => {
      const shared = this.#live?.place ?? null
      for (const subscriber of this.#everybody) {
        const follows = this.#following.has(subscriber)
        if (follows && shared) subscriber.settle(shared)
        subscriber.beat('heartbeat', follows ? shared : null)
      }
      this.#beatLater()
    })
  }

  // ------------------------------------------------------------------ readers of those who catch up

  async #reader({ stream, filter: { tenant } }: Subscriber): Promise<TopicReader | null> {
    let look = (): void => {}
    void stream.ended.then(() => look())
    while (
      this.#readers >= defaults.CATCH_UP_READERS_MAX ||
      (this.#readersOf.get(tenant) ?? 0) >= defaults.CATCH_UP_READERS_OF_TENANT_MAX
    ) {
      const { promise, resolve } = Promise.withResolvers<void>()
      look = resolve
      this.#waitingForReader.push(resolve)
      await promise
      const at = this.#waitingForReader.indexOf(resolve)
      if (at >= 0) this.#waitingForReader.splice(at, 1)
      if (stream.isOver || this.#closed) return null
    }
    this.#readers++
    this.#readersOf.set(tenant, (this.#readersOf.get(tenant) ?? 0) + 1)
    const reader = this.#newReader()
    void stream.ended.then(() => reader.close())
    return reader
  }

  #done(reader: TopicReader, { filter: { tenant } }: Subscriber): void {
    reader.close()
    this.#readers--
    const left = (this.#readersOf.get(tenant) ?? 1) - 1
    if (left > 0) this.#readersOf.set(tenant, left)
    else this.#readersOf.delete(tenant)
    // All look again, in the order in which they came: the first may be one whose tenant has its share.
    for (const look of this.#waitingForReader.splice(0)) look()
  }

  #newReader(): TopicReader {
    const { kafka, clock, topic } = this.#options
    return new TopicReader({ kafka, clock, topic, hold: this.#hold, missingMaxMs: Number.POSITIVE_INFINITY })
  }

  #warn(error: unknown, what: string): void {
    this.#options.log.warn({ reason: error instanceof Error ? error.message : String(error) }, what)
  }
}

const placeOf = ({ positions, incarnation }: TopicReader): Place => ({ positions, incarnation })
