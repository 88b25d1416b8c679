/**
 * Reads one topic, all its partitions, committed records only, from a place that the caller chose and without a group.
 * Owns the fetch loop, its bounded buffers (full ones are not fetched into) and what becomes of a topic that changes:
 * leaders, retention, more partitions, deleted and created again. What may be handed out is core/merge.ts.
 */
import { type Clock, sleep } from '../engine/clock.ts'
import { classify, codes, nameOf } from '../engine/core/kafka-errors.ts'
import { position as toPosition } from '../engine/core/numbers.ts'
import { type FetchClient, type FetchedPartition, type Kafka, RequestLost, type TopicInfo } from '../engine/ports.ts'
import { fetchEnd } from '../engine/wire/fetch-end.ts'
import { FetchedRecords } from '../engine/wire/fetched-records.ts'
import { incarnationOf } from './core/event-id.ts'
import { type Merged, nextOf, type ReleaseRule } from './core/merge.ts'
import { type Gap, PartitionFeed } from './core/partition-feed.ts'
import { refusedAs, SubscribeError } from './errors.ts'
import { placesOf, type StartAt } from './start.ts'

/** `positions` is the place behind this item, in the topic of this incarnation: what to resume from. */
export type ReaderItem = Merged & { readonly positions: readonly number[]; readonly incarnation: string }

export interface Hold {
  readonly tasks: number
  readonly publishedEnd: (task: number, partition: number) => number
  readonly want: (task: number) => void
  readonly listen: (changed: () => void) => () => void
  /** Events that went out by their time limit. */
  readonly timedOut: (count: number) => void
}

export interface TopicReaderOptions {
  readonly kafka: Kafka
  readonly clock: Clock
  readonly topic: string
  /** null: events are handed out as they are read. */
  readonly hold: Hold | null
  /** How long a topic that does not exist is waited for before that is an error. */
  readonly missingMaxMs: number
  /** Bytes fetched and not handed out, over all partitions; one more fetch may come on top. */
  readonly bufferBytesMax?: number
}

/** Items of one `next`. */
export const ITEMS_MAX = 500
export const BUFFER_BYTES_MAX = 2 * 1024 * 1024
/** Above the largest default batch (1,048,588 bytes), so that every partition can move. */
const PARTITION_BYTES_MAX = 1_100_000
/** Idle wait in the broker: short, because a round over several brokers takes as long as the idlest. */
const FETCH_WAIT_MS = 100
const RETRY_MS = 50
const RETRY_MAX_MS = 1_000
/** How often a topic is asked for new partitions, and for its id. */
const TOPIC_CHECK_MS = 30_000
/** Codes that may mean another topic of the same name. */
const TOPIC_CODES: ReadonlySet<number> = new Set([
  codes.UNKNOWN_TOPIC_OR_PARTITION,
  codes.UNKNOWN_TOPIC_ID,
  codes.INCONSISTENT_TOPIC_ID,
])

export class TopicReader {
  readonly #options: TopicReaderOptions
  readonly #rule: ReleaseRule | null
  readonly #stopListening: () => void
  #client: FetchClient | null = null
  #info: TopicInfo | null = null
  #feeds: PartitionFeed[] = []
  /** The topic that has taken the place of the one being read; its feeds begin when those of the old one are empty. */
  #successor: TopicInfo | null = null
  #failure: unknown = null
  #closed = false
  #checkedAtMs = 0
  #wakeConsumer: (() => void) | null = null
  #wakePump: (() => void) | null = null

  constructor(options: TopicReaderOptions) {
    this.#options = options
    const { hold } = options
    this.#rule = hold && { tasks: hold.tasks, publishedEnd: hold.publishedEnd }
    this.#stopListening = hold?.listen(() => this.#wakeConsumer?.()) ?? (() => {})
  }

  /**
   * Finds where to begin, patiently while Kafka is away. Resolves with the places; with null when it was closed meanwhile.
   * @throws SubscribeError `events.topic_missing`, `events.refused`, `events.from_invalid`
   */
  async open(start: StartAt): Promise<readonly number[] | null> {
    const { kafka, clock, topic, missingMaxMs } = this.#options
    const places = await placesOf({ kafka, clock, topic, missingMaxMs, closed: () => this.#closed }, start)
    if (places === null || this.#closed) return null
    this.#begin(places.info)
    this.#feeds = places.starts.map(({ position, fresh }, partition) => new PartitionFeed(partition, position, fresh))
    if (start.kind === 'at' && start.incarnation !== null && start.incarnation !== this.incarnation)
      for (const feed of this.#feeds) feed.skipTo(0, 'recreated')
    this.#checkedAtMs = clock.elapsedMs()
    void this.#pump()
    return this.positions
  }

  /** Of the topic being read; empty before `open` has resolved. */
  get incarnation(): string {
    return this.#info === null ? '' : incarnationOf(this.#info.topicId)
  }

  /** Behind everything handed out: what to resume from. It moves on also where nothing is to be handed out. */
  get positions(): readonly number[] {
    return this.#feeds.map((feed) => feed.position)
  }

  /** Every place is known to be one of this log. */
  get verified(): boolean {
    return this.#feeds.every((feed) => feed.verified)
  }

  /**
   * What may be handed out now; else what comes within the time. Empty: nothing came, or it was closed.
   * @throws SubscribeError; WireError never: it becomes `events.corrupt`
   */
  async next(waitMs: number): Promise<readonly ReaderItem[]> {
    const untilMs = this.#options.clock.elapsedMs() + waitMs
    for (;;) {
      if (this.#closed) return []
      const { items, retryAtMs } = this.#drain()
      if (items.length > 0) return items
      if (this.#failure !== null) throw this.#failure
      const leftMs = untilMs - this.#options.clock.elapsedMs()
      if (leftMs <= 0) return items
      await this.#change(Math.min(leftMs, Math.max(1, retryAtMs - this.#options.clock.elapsedMs())))
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopListening()
    this.#wakeConsumer?.()
    this.#wakePump?.()
    void this.#client?.close()
  }

  // ------------------------------------------------------------------ handing out

  #drain(): { items: readonly ReaderItem[]; retryAtMs: number } {
    const items: ReaderItem[] = []
    const { clock, hold } = this.#options
    let late = 0
    let retryAtMs = Number.POSITIVE_INFINITY
    try {
      while (items.length < ITEMS_MAX) {
        const found = nextOf(this.#feeds, this.#rule, clock.elapsedMs())
        if ('kind' in found) {
          items.push({ ...found, positions: this.positions, incarnation: this.incarnation })
          if (found.kind === 'event' && found.timedOut) late++
          continue
        }
        for (const task of found.tasks) hold?.want(task)
        retryAtMs = found.untilMs
        if (found.tasks.size > 0 || this.#successor === null || this.#feeds.length === 0) break
        items.push(...this.#succeed(this.#successor))
      }
    } catch (error) {
      this.#fail(error)
    }
    if (late > 0) hold?.timedOut(late)
    this.#wakePump?.()
    return { items, retryAtMs }
  }

  #change(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel()
        if (this.#wakeConsumer === wake) this.#wakeConsumer = null
        resolve()
      }
      const cancel = this.#options.clock.after(waitMs, wake)
      this.#wakeConsumer = wake
    })
  }

  /** From the topic that is gone to the one that has its name: from its start, and said as one gap a partition. */
  #succeed(info: TopicInfo): ReaderItem[] {
    const before = this.#feeds
    void this.#client?.close()
    this.#begin(info)
    this.#successor = null
    this.#feeds = Array.from({ length: info.partitions }, (_, partition) => new PartitionFeed(partition, 0, true))
    const { positions, incarnation } = this
    return before.map(({ partition, position }) => {
      const gap: Gap = { reason: 'recreated', partition, from: position, to: 0 }
      return { kind: 'gap', gap, positions, incarnation }
    })
  }

  #begin(info: TopicInfo): void {
    this.#info = info
    this.#client = this.#options.kafka.fetchClient()
  }

  #fail(error: unknown): void {
    const { topic } = this.#options
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    this.#failure ??= code.startsWith('wire.')
      ? new SubscribeError('events.corrupt', `${topic}: ${String(error)}`, error)
      : error
    this.#wakeConsumer?.()
  }

  // ------------------------------------------------------------------ fetching

  async #pump(): Promise<void> {
    const { clock } = this.#options
    let retryMs = RETRY_MS
    try {
      while (!this.#closed && this.#failure === null) {
        const wanting = this.#successor === null ? this.#withRoom() : []
        if (wanting.length === 0) {
          await new Promise<void>((resolve) => {
            this.#wakePump = resolve
          })
          this.#wakePump = null
          continue
        }
        const calm = await this.#fetch(wanting)
        if (this.#closed) return
        const due = clock.elapsedMs() - this.#checkedAtMs >= TOPIC_CHECK_MS
        if (calm === 'topic' || due) await this.#checkTopic()
        if (calm === 'calm') retryMs = RETRY_MS
        else {
          await sleep(clock, retryMs)
          retryMs = Math.min(RETRY_MAX_MS, retryMs * 2)
        }
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #withRoom(): readonly PartitionFeed[] {
    const max = this.#options.bufferBytesMax ?? BUFFER_BYTES_MAX
    const buffered = this.#feeds.reduce((sum, feed) => sum + feed.bufferedBytes, 0)
    // A full partition does not keep the others from moving: each has a share of its own.
    const share = max / Math.max(1, this.#feeds.length)
    return this.#feeds.filter((feed) => feed.bufferedBytes === 0 || (buffered < max && feed.bufferedBytes < share))
  }

  async #fetch(feeds: readonly PartitionFeed[]): Promise<'calm' | 'retry' | 'topic'> {
    const { topic, clock, bufferBytesMax = BUFFER_BYTES_MAX } = this.#options
    const client = this.#client!
    const asked = feeds.map((feed) => ({
      topic,
      partition: feed.partition,
      position: toPosition(feed.fetchPosition),
      maxBytes: Math.min(PARTITION_BYTES_MAX, bufferBytesMax),
    }))
    let answers: readonly FetchedPartition[]
    try {
      answers = await client.fetch(asked, { maxWaitMs: FETCH_WAIT_MS, minBytes: 1, maxBytes: bufferBytesMax })
    } catch (error) {
      if (error instanceof RequestLost) return 'retry'
      throw error
    }
    if (this.#closed || client !== this.#client) return 'calm'
    let result: 'calm' | 'retry' | 'topic' = 'calm'
    const outside: PartitionFeed[] = []
    for (const answer of answers) {
      const feed = this.#feeds[answer.partition]
      if (feed === undefined || feed.fetchPosition !== answer.asked) continue
      if (answer.code === 0) {
        feed.verified = true
        feed.fresh = false
        feed.noteStable(answer.lastStableOffset, clock.elapsedMs())
        const end = fetchEnd(answer.records, answer.asked)
        if (end > answer.asked) feed.push(new FetchedRecords(answer.records, answer.aborted, answer.asked), end)
        else if (answer.records.length > 0)
          throw new SubscribeError(
            'events.corrupt',
            `${topic}-${answer.partition}: there is no whole batch at offset ${answer.asked}`,
          )
      } else if (answer.code === codes.OFFSET_OUT_OF_RANGE) outside.push(feed)
      else if (TOPIC_CODES.has(answer.code)) result = 'topic'
      else if (classify(answer.code, 'read') === 'FATAL')
        throw new SubscribeError('events.refused', `${topic}-${answer.partition}: ${nameOf(answer.code)}`)
      else if (result === 'calm') result = 'retry'
    }
    if (outside.length > 0 && !(await this.#skip(outside)) && result === 'calm') result = 'retry'
    this.#wakeConsumer?.()
    return result
  }

  /** Goes to where the log begins, or back to where it ends. False: it could not be told. */
  async #skip(feeds: readonly PartitionFeed[]): Promise<boolean> {
    const { kafka, topic } = this.#options
    const partitions = feeds.map(({ partition }) => ({ topic, partition }))
    await this.#checkTopic()
    if (this.#successor !== null) return true
    try {
      const [starts, ends] = await Promise.all([
        kafka.admin.listOffsets(partitions, 'earliest'),
        kafka.admin.listOffsets(partitions, 'latest'),
      ])
      if (this.#closed) return true
      let told = true
      feeds.forEach((feed, i) => {
        const start = starts[i]
        const end = ends[i]
        if (start?.code !== 0 || end?.code !== 0) told = false
        else if (feed.fetchPosition < start.position) feed.skipTo(start.position, 'retention')
        else if (feed.fetchPosition > end.position) feed.skipTo(end.position, 'truncated')
        else told = false
      })
      return told
    } catch (error) {
      if (error instanceof RequestLost) return false
      throw error
    }
  }

  /** More partitions are read from their start; another topic of the same name follows this one; a topic that is gone is waited for. */
  async #checkTopic(): Promise<void> {
    const { kafka, clock, topic } = this.#options
    try {
      const info = (await kafka.admin.topics([topic])).get(topic)
      this.#checkedAtMs = clock.elapsedMs()
      if (info === undefined || this.#closed) return
      if (info.topicId !== this.#info!.topicId) this.#successor = info
      else
        for (let partition = this.#feeds.length; partition < info.partitions; partition++)
          this.#feeds.push(new PartitionFeed(partition, 0, true))
      this.#wakeConsumer?.()
    } catch (error) {
      if (!(error instanceof RequestLost)) throw refusedAs(topic, error)
    }
  }
}
