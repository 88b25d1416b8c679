/**
 * Brings one client from where it was to where the shared reader is, without loss or repetition: from what the process
 * still has of late, else by a reader of the client's own, at the client's pace. Owns that reader while it goes on.
 */
import type { Gap } from '../../subscribe/core/partition-feed.ts'
import { covers } from '../../subscribe/core/positions.ts'
import { highestPartition, type StartAt } from '../../subscribe/start.ts'
import type { ReaderItem, TopicReader } from '../../subscribe/topic-reader.ts'
import { admits } from './filter.ts'
import { noteEventOf } from './note-event.ts'
import type { LiveItem, RecentItems } from './recent.ts'
import type { Place, Subscriber } from './subscriber.ts'

export interface CatchUpContext {
  /** Resolves when the shared reader has begun, or the client is gone. */
  readonly begun: (subscriber: Subscriber) => Promise<void>
  /** The shared reader's late items; null: it has not begun. */
  readonly recent: () => RecentItems | null
  /** In the turn in which the client has everything that the shared reader had. */
  readonly join: (subscriber: Subscriber) => void
  /** A reader of one's own, when there is one to spare; null: the client is gone. */
  readonly reader: (subscriber: Subscriber) => Promise<TopicReader | null>
  readonly done: (reader: TopicReader) => void
  readonly stalledMaxMs: number
  readonly eventsMax: number
}

/** How often a reader that finds nothing is asked how far it has come. */
const LOOK_MS = 100

type Start = Exclude<StartAt, { kind: 'latest' }>

/** Resolves when the client has joined, or is gone. @throws SubscribeError */
export async function catchUp(context: CatchUpContext, subscriber: Subscriber, start: Start): Promise<void> {
  let from: Start = start
  let reader: TopicReader | null = null
  /** Its places have been found to be places of the log; what a client claims may lie beyond the end. */
  let trusted = false
  let recent: RecentItems | null = null
  let cursor = 0
  const close = (): void => {
    if (reader) context.done(reader)
    reader = null
  }
  try {
    while (!subscriber.stream.isOver) {
      const now = context.recent()
      if (now === null) {
        await context.begun(subscriber)
        continue
      }
      if (subscriber.place === null && from.kind === 'at') subscriber.place = claimed(from, now)
      if (isWithin(now, subscriber, trusted)) {
        close()
        cursor = now === recent ? Math.max(cursor, now.first) : now.first
        recent = now
        const texts: { text: string; isEvent: boolean }[] = []
        for (; cursor < now.next && texts.length < context.eventsMax; cursor++) {
          const item = now.at(cursor)!
          if (subscriber.passes(item) && wants(subscriber, item))
            texts.push({ text: subscriber.frameOf(item), isEvent: item.event !== null })
        }
        if (texts.length === 0 && cursor === now.next) {
          context.join(subscriber)
          return
        }
        // When these are sent the late items may have gone on without it: then a reader does, from here.
        from = startAt(subscriber.place!)
        for (const { text, isEvent } of texts) if (!(await subscriber.send(text, context.stalledMaxMs, isEvent))) return
        continue
      }
      if (reader === null) {
        reader = await context.reader(subscriber)
        if (reader === null) return
        if ((await reader.open(from)) === null) return
      }
      for (const item of await reader.next(LOOK_MS)) {
        const live = liveItemOf(item)
        subscriber.place = item
        if (!wants(subscriber, live)) continue
        if (!(await subscriber.send(subscriber.frameOf(live), context.stalledMaxMs, live.event !== null))) return
      }
      const { positions, incarnation } = reader
      subscriber.place = { positions, incarnation }
      trusted = reader.verified
      from = startAt(subscriber.place)
    }
  } finally {
    close()
  }
}

function isWithin(recent: RecentItems, { place }: Subscriber, trusted: boolean): boolean {
  if (place === null || place.incarnation !== recent.incarnation || !recent.reaches(place.positions)) return false
  return trusted || covers(recent.end, place.positions)
}

const startAt = ({ positions, incarnation }: Place): Start => ({
  kind: 'at',
  positions: new Map(positions.entries()),
  incarnation,
})

/** The place that an id tells; null: of another topic, or with partitions that the shared reader has not met yet. A reader finds out. */
function claimed(from: Extract<Start, { kind: 'at' }>, recent: RecentItems): Subscriber['place'] {
  const { positions, incarnation } = from
  if (incarnation !== null && incarnation !== recent.incarnation) return null
  if (highestPartition(from) >= recent.end.length) return null
  return { positions: recent.end.map((_, partition) => positions.get(partition) ?? 0), incarnation: recent.incarnation }
}

const wants = ({ filter }: Subscriber, { event, gap }: LiveItem): boolean =>
  gap !== null || (event !== null && admits(filter, event))

export function liveItemOf(item: ReaderItem): LiveItem {
  const { positions, incarnation } = item
  const gap: Gap | null = item.kind === 'gap' ? item.gap : null
  if (item.kind === 'event') {
    const { partition, view } = item
    return { partition, offset: view.offset, positions, incarnation, event: noteEventOf(view), gap }
  }
  const { partition, to } = item.gap
  return { partition, offset: to - 1, positions, incarnation, event: null, gap }
}
