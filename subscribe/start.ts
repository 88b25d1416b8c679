/**
 * Where a subscription begins: turns what was asked for into one place per partition. Asks Kafka patiently; owns nothing.
 */
import { type Clock, sleep } from '../engine/clock.ts'
import { everyPartition } from '../engine/core/plan.ts'
import { type Kafka, RequestLost, type TopicInfo } from '../engine/ports.ts'
import { incarnationOf } from './core/event-id.ts'
import { refusedAs, SubscribeError } from './errors.ts'

/** `positions` are next offsets by partition; one that is missing is read from its start. */
export type StartAt =
  | { readonly kind: 'earliest' }
  /** Behind everything that was committed and stable when it was asked. */
  | { readonly kind: 'latest' }
  | {
      readonly kind: 'at'
      readonly positions: ReadonlyMap<number, number>
      /** Of the topic that these were places of; null: not compared. */
      readonly incarnation: string | null
    }

export interface Places {
  readonly info: TopicInfo
  readonly starts: readonly { readonly position: number; readonly fresh: boolean }[]
}

export interface PlacesContext {
  readonly kafka: Kafka
  readonly clock: Clock
  readonly topic: string
  readonly missingMaxMs: number
  readonly closed: () => boolean
}

const RETRY_MS = 50
const RETRY_MAX_MS = 1_000

/** null: it was closed meanwhile. @throws SubscribeError `events.topic_missing`, `events.refused`, `events.from_invalid` */
export async function placesOf(context: PlacesContext, start: StartAt): Promise<Places | null> {
  const { kafka, clock, topic, missingMaxMs, closed } = context
  const missingAtMs = clock.elapsedMs() + missingMaxMs
  for (let retryMs = RETRY_MS; !closed(); retryMs = Math.min(RETRY_MAX_MS, retryMs * 2)) {
    try {
      const info = (await kafka.admin.topics([topic])).get(topic)
      if (info !== undefined) {
        const unknown = unknownPartition(info, start)
        if (unknown !== null) throw new SubscribeError('events.from_invalid', noSuchPartition(info, unknown))
        const starts = await startsOf(context, info, start)
        if (starts !== null) return { info, starts }
      } else if (clock.elapsedMs() >= missingAtMs) {
        throw new SubscribeError('events.topic_missing', `topic ${topic} does not exist`)
      }
    } catch (error) {
      if (!(error instanceof RequestLost)) throw refusedAs(topic, error)
    }
    await sleep(clock, retryMs)
  }
  return null
}

/**
 * The highest partition that the place names and the topic has not; null: there is none. A place of a topic that was there
 * before may name more: that is a gap. And fewer, for partitions are added.
 */
export function unknownPartition({ topicId, partitions }: TopicInfo, start: StartAt): number | null {
  if (start.kind !== 'at' || (start.incarnation !== null && start.incarnation !== incarnationOf(topicId))) return null
  const highest = highestPartition(start)
  return highest < partitions ? null : highest
}

/** -1: it names none. */
export const highestPartition = ({ positions }: Extract<StartAt, { kind: 'at' }>): number =>
  [...positions.keys()].reduce((highest, partition) => Math.max(highest, partition), -1)

export const noSuchPartition = ({ topic, partitions }: TopicInfo, partition: number): string =>
  `there is no partition ${partition}: ${topic} has ${partitions}`

/** null: some leader did not answer. */
async function startsOf({ kafka }: PlacesContext, info: TopicInfo, start: StartAt): Promise<Places['starts'] | null> {
  const partitions = everyPartition(info)
  if (start.kind === 'at') {
    const { positions } = start
    return partitions.map(({ partition }) => ({
      position: positions.get(partition) ?? 0,
      fresh: !positions.has(partition),
    }))
  }
  // The end as read_uncommitted sees it may lie behind an open transaction, whose events are still to come.
  const places = await kafka.admin.listOffsets(partitions, start.kind === 'latest' ? 'stable' : 'earliest')
  return places.some(({ code }) => code !== 0) ? null : places.map(({ position }) => ({ position, fresh: true }))
}
