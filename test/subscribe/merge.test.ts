/** Which event goes next, and which has to wait for Redis: by example, and by chance against a model. */
import { describe, expect, test } from 'vitest'
import { type RecordView, viewOf } from '../../engine/core/headers.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { nextOf } from '../../subscribe/core/merge.ts'
import { HOLD_MAX_MS, PartitionFeed } from '../../subscribe/core/partition-feed.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { randomOf } from './support.ts'

const record = (offset: number, timestampMs = 0, key: Buffer | null = characterKey(1)): RecordView =>
  viewOf({ offset, timestampMs, key, value: '{}' })

function chunk(...views: readonly RecordView[]) {
  let at = 0
  return { sizeBytes: 100 * views.length, next: () => views[at++] }
}

function feedOf(partition: number, views: readonly RecordView[], end: number, stableAtMs = 0): PartitionFeed {
  const feed = new PartitionFeed(partition, 0, false)
  feed.push(chunk(...views), end)
  feed.noteStable(end, stableAtMs)
  return feed
}

const TASKS = 4
const TASK = partitionFor(characterKey(1), TASKS)
const published = (end: number) => ({ tasks: TASKS, publishedEnd: (task: number) => (task === TASK ? end : -1) })

describe('an event', () => {
  test('is held back until its task has published past it and Redis has that', () => {
    const feed = feedOf(0, [record(5)], 7)
    expect(nextOf([feed], published(5), 0)).toEqual({ tasks: new Set([TASK]), untilMs: HOLD_MAX_MS })
    expect(nextOf([feed], published(6), 0)).toMatchObject({ kind: 'event', timedOut: false, view: { offset: 5 } })
  })

  test('goes at the latest 1 s after it became stable, and that is told', () => {
    const feed = feedOf(0, [record(5)], 7, 100)
    expect(nextOf([feed], published(0), 99 + HOLD_MAX_MS)).toMatchObject({ untilMs: 100 + HOLD_MAX_MS })
    expect(nextOf([feed], published(0), 100 + HOLD_MAX_MS)).toMatchObject({ kind: 'event', timedOut: true })
  })

  test('that was stable long before does not wait anew', () => {
    const feed = new PartitionFeed(0, 0, false)
    feed.noteStable(100, 0)
    feed.push(chunk(record(5), record(99), record(101)), 102)
    feed.noteStable(102, 1_500)
    expect(nextOf([feed], published(0), 1_500)).toMatchObject({ kind: 'event', view: { offset: 5 } })
    expect(nextOf([feed], published(0), 1_500)).toMatchObject({ kind: 'event', view: { offset: 99 } })
    expect(nextOf([feed], published(0), 1_500)).toMatchObject({ untilMs: 1_500 + HOLD_MAX_MS })
  })

  test('without a key, or where nothing is held back, goes at once', () => {
    expect(nextOf([feedOf(0, [record(5, 0, null)], 6)], published(0), 0)).toMatchObject({ kind: 'event' })
    expect(nextOf([feedOf(0, [record(5)], 6)], null, 0)).toMatchObject({ kind: 'event' })
  })

  test('holds up its own partition alone', () => {
    const feeds = [feedOf(0, [record(5), record(6, 0, null)], 7), feedOf(1, [record(0, 9, null)], 1)]
    expect(nextOf(feeds, published(0), 0)).toMatchObject({ kind: 'event', partition: 1 })
    expect(nextOf(feeds, published(0), 0)).toMatchObject({ tasks: new Set([TASK]) })
  })
})

describe('a feed', () => {
  test('is behind hidden records at the end of an answer once it has been looked at', () => {
    const feed = feedOf(0, [record(5)], 9)
    nextOf([feed], null, 0)
    expect(feed.position).toBe(6)
    expect(nextOf([feed], null, 0)).toEqual({ tasks: new Set(), untilMs: Number.POSITIVE_INFINITY })
    expect([feed.position, feed.bufferedBytes]).toEqual([9, 0])
  })

  test('tells a gap in its place', () => {
    const feed = feedOf(0, [record(5)], 6)
    feed.skipTo(20, 'retention')
    feed.push(chunk(record(21)), 22)
    expect(nextOf([feed], null, 0)).toMatchObject({ kind: 'event', view: { offset: 5 } })
    const gap = { reason: 'retention', partition: 0, from: 6, to: 20 }
    expect(nextOf([feed], null, 0)).toEqual({ kind: 'gap', gap })
    expect(feed.position).toBe(20)
    expect(nextOf([feed], null, 0)).toMatchObject({ kind: 'event', view: { offset: 21 } })
  })

  test('that has read nothing yet begins where the log does, silently', () => {
    const feed = new PartitionFeed(0, 3, true)
    feed.skipTo(8, 'retention')
    expect([feed.position, feed.fetchPosition, feed.head()]).toEqual([8, 8, undefined])
  })

  test('keeps few marks of what is stable, whatever the pace', () => {
    const feed = new PartitionFeed(0, 0, false)
    for (let ms = 0; ms < 10_000; ms++) feed.noteStable(ms, ms)
    expect(feed.releasedAtMs(9_999)).toBeUndefined()
    // Released no later than 1 s after, and no more than one mark's width earlier.
    for (const ms of [9_100, 9_500, 9_998]) {
      const lateMs = feed.releasedAtMs(ms - 1)! - ms
      expect(lateMs).toBeLessThanOrEqual(HOLD_MAX_MS)
      expect(lateMs).toBeGreaterThanOrEqual(HOLD_MAX_MS - 25)
    }
    expect(feed.releasedAtMs(0)).toBeLessThanOrEqual(9_999)
  })
})

test('by chance: every record once, in order of offset per partition, none before its time', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomOf(seed)
    const partitions = 1 + Math.floor(random() * 4)
    const ends = new Map<number, number>()
    const rule = { tasks: TASKS, publishedEnd: (task: number) => ends.get(task) ?? -1 }
    const feeds = Array.from({ length: partitions }, (_, partition) => new PartitionFeed(partition, 0, false))
    const expected: string[][] = feeds.map(() => [])
    const got: string[][] = feeds.map(() => [])
    const stableAtMs = new Map<string, number>()
    const next = feeds.map(() => 0)
    let nowMs = 0
    const drain = (): void => {
      for (;;) {
        const found = nextOf(feeds, rule, nowMs)
        if (!('kind' in found)) return
        if (found.kind !== 'event') throw new Error('a gap')
        const { view, partition, timedOut } = found
        const name = `${partition}:${view.offset}`
        got[partition]!.push(name)
        const key = view.bytes.subarray(view.keyStart, view.keyEnd)
        const isPublished = rule.publishedEnd(partitionFor(key, TASKS)) > view.offset
        expect(timedOut, `seed ${seed} ${name}`).toBe(!isPublished)
        if (timedOut) expect(nowMs - stableAtMs.get(name)!).toBeGreaterThanOrEqual(HOLD_MAX_MS - 25)
      }
    }
    for (let step = 0; step < 150; step++) {
      const choice = random()
      const partition = Math.floor(random() * partitions)
      if (choice < 0.4) {
        const views: RecordView[] = []
        for (let n = Math.floor(random() * 4); n > 0; n--) {
          const offset = next[partition]!
          next[partition] = offset + 1 + Math.floor(random() * 2)
          views.push(record(offset, Math.floor(random() * 100), characterKey(Math.floor(random() * 20))))
          expected[partition]!.push(`${partition}:${offset}`)
          stableAtMs.set(`${partition}:${offset}`, nowMs)
        }
        feeds[partition]!.push(chunk(...views), ++next[partition]!)
        feeds[partition]!.noteStable(next[partition]!, nowMs)
      } else if (choice < 0.6) ends.set(Math.floor(random() * TASKS), Math.floor(random() * 80))
      else if (choice < 0.8) nowMs += Math.floor(random() * 400)
      else drain()
    }
    nowMs += HOLD_MAX_MS
    drain()
    expect(got, `seed ${seed}`).toEqual(expected)
    expect(feeds.map((feed) => feed.position)).toEqual(next)
  }
})
