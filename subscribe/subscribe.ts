/**
 * The typed client of a sink: its events as an async iterable, committed ones only, from wherever the caller was. There is
 * no group: the place belongs to the caller, and every event carries it. Connections are open.ts, reading topic-reader.ts.
 */
import { systemClock } from '../engine/clock.ts'
import { keyOf, valueOf } from '../engine/core/headers.ts'
import { DecodedHeaders } from '../engine/core/record-headers.ts'
import type { KafkaConnectionOptions } from '../engine/kafka/kafka.ts'
import { RequestLost } from '../engine/ports.ts'
import type { RecordHeaders } from '../topology/headers.ts'
import type { TypedSink } from '../topology/sinks.ts'
import { encodeEventId, parseEventId } from './core/event-id.ts'
import type { GapReason } from './core/partition-feed.ts'
import { tenantOf } from './core/tenant.ts'
import { SubscribeError } from './errors.ts'
import type { StartAt } from './start.ts'
import { type Hold, type ReaderItem, TopicReader } from './topic-reader.ts'

/** Where the events are. */
export interface SubscribeTo {
  readonly kafka: KafkaConnectionOptions
  /** Real name by declared name; a topic that is not in it has its declared name. */
  readonly topicNames?: Readonly<Record<string, string>>
  /**
   * With it, an event of a sink that is keyed by the canonical key is handed out only when Redis has what it tells of (at
   * the latest after 1 s), so that a read which follows sees it. Without it, as soon as it is committed.
   */
  readonly state?: { readonly application: string; readonly redisUrl: string }
}

export interface SubscribeOptions<V> {
  /** Only events whose header TENANT_ID is this UUID. */
  readonly tenant?: string
  /**
   * `latest` (default): what is committed from now on. Else the id of the last event that was processed (SubscriptionEvent.id),
   * or next offsets by partition; partitions that are not named are read from their start.
   */
  readonly from?: 'earliest' | 'latest' | (string & {}) | Readonly<Record<number, number>>
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal
  /** Events are missing. Without it the iteration ends there with `events.gap`: a loss is never passed over in silence. */
  readonly onGap?: (gap: SubscriptionGap) => void
  /** Events that waited for Redis in vain and were handed out by their time limit. */
  readonly onTimedOut?: (count: number) => void
  /** Bytes → value; JSON by default. null is a record without a value. */
  readonly decode?: (value: Buffer | null) => V
}

export interface SubscriptionEvent<V> {
  readonly value: V
  readonly key: Buffer | null
  /** Of the header TENANT_ID, in lower case; null: none. */
  readonly tenant: string | null
  readonly headers: RecordHeaders
  readonly timestampMs: number
  /** `topic:partition:offset` of the event itself. */
  readonly position: string
  /** The place behind this event in all partitions: give it as `from` to go on there. */
  readonly id: string
}

export interface SubscriptionGap {
  readonly reason: GapReason
  readonly topic: string
  readonly partition: number
  /** Offset that was to be read next, and the one that is. */
  readonly from: number
  readonly to: number
  /** The place behind the gap. */
  readonly id: string
}

const POLL_MS = 1_000
const TOPIC_PATIENCE_MS = 5_000

/**
 * Events of one partition come in the order of their offsets; what several partitions hold is merged by timestamp as far
 * as it is there. Fetching stops while nobody asks for the next event. Leaving the loop, or the signal, closes everything.
 * While Kafka is away it waits.
 * @throws SubscribeError, at the loop
 */
export async function* subscribe<V>(
  to: SubscribeTo,
  sink: TypedSink<V>,
  options: SubscribeOptions<V> = {},
): AsyncGenerator<SubscriptionEvent<V>, void, void> {
  const { signal, onTimedOut } = options
  const tenant = options.tenant?.toLowerCase()
  const topic = to.topicNames?.[sink.topic] ?? sink.topic
  const decode = options.decode ?? (decodeJson as (value: Buffer | null) => V)
  const start = startOf(topic, options.from ?? 'latest')
  if (signal?.aborted) return
  const { borrowHold, borrowKafka } = await import('./open.ts')
  const kafka = borrowKafka(to.kafka)
  let hold: { readonly value: Hold; release(): Promise<void> } | null = null
  let reader: TopicReader | null = null
  const abort = (): void => reader?.close()
  try {
    while (to.state !== undefined && sink.keyedBy === 'canonical') {
      try {
        hold = await borrowHold(kafka.value, { ...to.state, topic }, onTimedOut ?? (() => {}))
        break
      } catch (error) {
        if (!(error instanceof RequestLost)) throw error
        if (signal?.aborted) return
      }
    }
    if (signal?.aborted) return
    reader = new TopicReader({
      kafka: kafka.value,
      clock: systemClock,
      topic,
      hold: hold?.value ?? null,
      missingMaxMs: TOPIC_PATIENCE_MS,
    })
    signal?.addEventListener('abort', abort, { once: true })
    if ((await reader.open(start)) === null) return
    while (!signal?.aborted) {
      for (const item of await reader.next(POLL_MS)) {
        if (signal?.aborted) return
        if (item.kind === 'gap') tellGap(topic, item, options.onGap)
        else {
          const event = eventOf(topic, item, decode, tenant)
          if (event !== null) yield event
        }
      }
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    reader?.close()
    await hold?.release()
    await kafka.release()
  }
}

/** @throws SubscribeError `events.from_invalid` */
function startOf(topic: string, from: 'earliest' | 'latest' | string | Readonly<Record<number, number>>): StartAt {
  if (typeof from === 'object') {
    const positions = new Map(Object.entries(from).map(([partition, next]) => [Number(partition), next]))
    for (const [partition, next] of positions)
      if (!Number.isSafeInteger(partition) || !Number.isSafeInteger(next) || partition < 0 || next < 0)
        throw new SubscribeError('events.from_invalid', `${partition}: ${next} is no place in a topic`)
    return { kind: 'at', positions, incarnation: null }
  }
  if (from === 'earliest' || from === 'latest') return { kind: from }
  const id = parseEventId(from)
  if (id === null) throw new SubscribeError('events.from_invalid', 'it is no id of an event')
  if (id.topic !== topic) throw new SubscribeError('events.from_invalid', `it is an id of ${id.topic}, not of ${topic}`)
  return { kind: 'at', positions: id.positions, incarnation: id.incarnation }
}

function tellGap(
  topic: string,
  { gap, positions, incarnation }: Extract<ReaderItem, { kind: 'gap' }>,
  onGap: ((gap: SubscriptionGap) => void) | undefined,
): void {
  const { reason, partition, from, to } = gap
  if (!onGap)
    throw new SubscribeError(
      'events.gap',
      `${topic}-${partition}: ${reason}: offsets ${from} to ${to - 1} cannot be read`,
    )
  onGap({ reason, topic, partition, from, to, id: encodeEventId(topic, incarnation, partition, positions) })
}

/** null: another tenant's. */
function eventOf<V>(
  topic: string,
  { view, partition, positions, incarnation }: Extract<ReaderItem, { kind: 'event' }>,
  decode: (value: Buffer | null) => V,
  wanted: string | undefined,
): SubscriptionEvent<V> | null {
  const headers = DecodedHeaders.of(view)
  const tenant = tenantOf(headers)
  if (wanted !== undefined && tenant !== wanted) return null
  const position = `${topic}:${partition}:${view.offset}`
  let value: V
  try {
    value = decode(valueOf(view))
  } catch (error) {
    throw new SubscribeError('events.undecodable', `${position} cannot be decoded`, error)
  }
  const { timestampMs } = view
  const id = encodeEventId(topic, incarnation, partition, positions)
  return { value, key: keyOf(view), tenant, headers, timestampMs, position, id }
}

const decodeJson = (value: Buffer | null): unknown => (value === null ? null : JSON.parse(value.toString('utf8')))
