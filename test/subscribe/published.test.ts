/** How far a task's events are in Redis: who asks, how often, and what a takeover says of what its predecessor published. */
import { describe, expect, test } from 'vitest'
import { offset } from '../../engine/core/numbers.ts'
import { visitCounter } from '../../examples/01-counter-per-key.ts'
import type { Checkpoint } from '../../stores/ports.ts'
import { storeLayoutOf } from '../../stores/store-layout.ts'
import { PublishedWatch } from '../../subscribe/published-watch.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'

const checkpoint = (batch: number, end: number): Checkpoint => ({
  batch,
  offset: offset(batch),
  firstOffset: offset(batch),
  committedAtMs: 0,
  clusterId: 'c',
  changelogTopicId: 't',
  stateVersion: 'v',
  counters: {},
  published: { status: { 0: end } },
  positions: {},
})

class Redis {
  reads: number[] = []
  answer: (task: number) => Checkpoint | null = () => null
  away = false
  async task(task: number) {
    this.reads.push(task)
    if (this.away) throw new Error('away')
    return { owner: null, instance: null, transactionalId: null, checkpoint: this.answer(task), isPartial: false }
  }
}

async function pass(clock: VirtualClock, ms: number): Promise<void> {
  const untilMs = clock.nowMs() + ms
  await clock.settle()
  while ((clock.nextMs ?? Number.POSITIVE_INFINITY) <= untilMs) {
    clock.step()
    await clock.settle()
  }
}

describe('the watch', () => {
  test('reads nothing that nobody waits for, and a task once for all who do', async () => {
    const clock = new VirtualClock(0)
    const redis = new Redis()
    const watch = new PublishedWatch(redis, clock)
    await pass(clock, 1_000)
    expect(redis.reads).toEqual([])
    redis.answer = () => checkpoint(1, 5)
    let told = 0
    watch.listen(() => told++)
    watch.want(3)
    watch.want(3)
    watch.want(3)
    await pass(clock, 1)
    expect([redis.reads, told, watch.end(3, 'status', 0)]).toEqual([[3], 1, 5])
    expect([watch.end(3, 'status', 1), watch.end(3, 'other', 0), watch.end(2, 'status', 0)]).toEqual([-1, -1, -1])
  })

  test('asks less and less while nothing changes, and stops when the longest hold is over', async () => {
    const clock = new VirtualClock(0)
    const redis = new Redis()
    redis.answer = () => checkpoint(1, 5)
    const watch = new PublishedWatch(redis, clock)
    watch.want(0)
    await pass(clock, 1)
    watch.want(0)
    await pass(clock, 5_000)
    expect(redis.reads.length).toBeGreaterThan(10)
    expect(redis.reads.length).toBeLessThan(50)
    const reads = redis.reads.length
    await pass(clock, 5_000)
    expect(redis.reads.length).toBe(reads)
  })

  test('asks seldom while Redis is away, and goes on', async () => {
    const clock = new VirtualClock(0)
    const redis = new Redis()
    redis.away = true
    const watch = new PublishedWatch(redis, clock)
    watch.want(0)
    await pass(clock, 900)
    expect(redis.reads.length).toBeLessThan(6)
    redis.away = false
    redis.answer = () => checkpoint(1, 7)
    await pass(clock, 300)
    expect(watch.end(0, 'status', 0)).toBe(7)
  })
})

test('a task that was taken over has published up to the end, though its predecessor’s last write to Redis is lost', async () => {
  const driver = await TopologyTestDriver.start(visitCounter)
  await driver.send({ topic: 'page-visits', key: '/a', value: { type: 'VISIT', page: '/a' } })
  await driver.drain()
  const event = driver.read('visit-counts')[0]!
  await driver.restart({ storeLost: true })
  const layout = storeLayoutOf(visitCounter, driver.plan.application)
  const reader = driver.world.redis.reader(layout)
  const tasks = await Promise.all(Array.from({ length: driver.plan.tasks }, (_, task) => reader.task(task)))
  const ends = tasks.map((task) => task?.checkpoint?.published['visit-counts']?.[event.partition] ?? -1)
  expect(ends.every((end) => end > event.offset)).toBe(true)
  await driver.close()
})
