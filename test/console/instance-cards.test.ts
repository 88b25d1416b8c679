/** What an instance tells of itself: what it reads back, what of it is news, and the beat that tells it. */
import { describe, expect, test } from 'vitest'
import { Health } from '../../api/health.ts'
import { BEAT_MS, FORGOTTEN_MS, InstanceBeat } from '../../api/instance-beat.ts'
import { CardWriter } from '../../api/instance-card.ts'
import { Metrics } from '../../api/metrics.ts'
import { Notices } from '../../api/notices.ts'
import { decodeCard, encodeCard, NOTICES_MAX, type TaskCard } from '../../engine/core/instance-card.ts'
import { BatchTally } from '../../engine/core/tally.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { instanceCards } from '../../operations/instances.ts'
import type { InstanceBoard } from '../../stores/ports.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { cardOf } from './cards.ts'

class FakeBoard implements InstanceBoard {
  readonly cards = new Map<string, string>()
  broken = false

  async tell(name: string, json: string): Promise<void> {
    this.#check()
    this.cards.set(name, json)
  }

  async told() {
    this.#check()
    return [...this.cards].map(([name, json]) => ({ name, json }))
  }

  async untell(names: readonly string[]): Promise<void> {
    this.#check()
    for (const name of names) this.cards.delete(name)
  }

  #check(): void {
    if (this.broken) throw new Error('the board is away')
  }
}

describe('a card', () => {
  test('reads back as it was', () => {
    const card = cardOf(5_000, { tasks: [{ task: 3, state: 'stopped', reason: 'r' }], counted: { records: 7 } })
    expect(decodeCard(encodeCard(card))).toEqual(card)
  })

  test.each(['', 'null', '[]', '7', '{"format":1}', JSON.stringify({ ...cardOf(1), format: 2 })])(
    '%j is none',
    (text) => {
      expect(decodeCard(text)).toBeNull()
    },
  )

  test('of a thousand tasks that run is small', () => {
    const tasks = Array.from({ length: 1_000 }, (_, task): TaskCard => ({ task }))
    expect(encodeCard(cardOf(1, { tasks })).length).toBeLessThan(20_000)
  })

  test('that cannot be read hides no other', async () => {
    const board = new FakeBoard()
    board.cards
      .set('old', '{"format":0}')
      .set('broken', '{')
      .set('a', encodeCard(cardOf(1)))
    expect([...(await instanceCards(board)).keys()]).toEqual(['a'])
  })

  test('tells what was counted and what is restored', async () => {
    const metrics = new Metrics('app')
    const writer = new CardWriter({ health: new Health(), metrics, version: '1.2.3', url: () => 'http://h:1' })
    const tally = new BatchTally()
    tally.byType.set('in', new Map([['CREATE', 2]]))
    tally.written.set('out', 6)
    tally.deadLetters.set('in\0value.not_json', 1)
    tally.ended(990)
    tally.ended(990)
    const hear = (event: EngineEvent): void => {
      metrics.hear(event)
      writer.hear(event)
    }
    hear({ kind: 'batch.committed', task: 0, batch: 1, atMs: 1_000, tally, trace: null })
    hear({ kind: 'transaction', result: 'committed', tasks: 1, durationMs: 3, reason: null })
    hear({ kind: 'transaction', result: 'aborted', tasks: 1, durationMs: 3, reason: 'r' })
    const card = await writer.card()
    expect(card).toMatchObject({ url: 'http://h:1', version: '1.2.3', ready: false, tasks: [] })
    expect(card.counted).toMatchObject({
      records: 2,
      transactions: 1,
      read: { 'in\0CREATE': 2 },
      written: { out: 6 },
      buried: { in: 1 },
    })
    for (const { boundsMs, counts } of [card.counted.endToEnd, card.counted.transaction])
      expect(counts).toHaveLength(boundsMs.length + 1)
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
    expect(sum(card.counted.endToEnd.counts)).toBe(2)
    // An aborted one is none whose duration anyone waited for.
    expect(sum(card.counted.transaction.counts)).toBe(1)
    const another = new CardWriter({ health: new Health(), metrics, version: '1', url: () => '' })
    expect((await another.card()).start).not.toBe(card.start)
  })
})

describe('notices', () => {
  const told: readonly (readonly [EngineEvent, string | null])[] = [
    [{ kind: 'task.stopped', task: 1, code: 'topic.recreated', message: 'm' }, 'error topic.recreated'],
    [{ kind: 'instance.stopped', code: 'instance.duplicate', message: 'm' }, 'error instance.duplicate'],
    [{ kind: 'task.recovering', task: 1, reason: 'r', delayMs: 1 }, 'warn task.recovering'],
    [{ kind: 'task.mending', task: 1, code: 'audit.difference', reason: 'r' }, 'warn audit.difference'],
    [{ kind: 'task.paused', task: 1, pause: { since: '', by: 'ann' } }, 'warn task.paused'],
    [{ kind: 'task.paused', task: 1, pause: null }, 'warn task.resumed'],
    [{ kind: 'restore.done', task: 1, records: 9, durationMs: 5_000 }, 'info restore.done'],
    [{ kind: 'restore.done', task: 1, records: 9, durationMs: 5 }, null],
    [{ kind: 'group.evicted', reason: 'r' }, 'warn group.evicted'],
    [{ kind: 'lane.fenced', reason: 'r' }, 'warn lane.fenced'],
    [{ kind: 'warning', code: 'redis.evicted', message: 'm' }, 'warn redis.evicted'],
    [{ kind: 'warning', code: 'topic.created', message: 'm' }, 'info topic.created'],
    [{ kind: 'transaction', result: 'committed', tasks: 1, durationMs: 1, reason: null }, null],
    [{ kind: 'task.state', task: 1, state: 'running', reason: null }, null],
  ]

  test.each(told)('%j', (event, expected) => {
    const notices = new Notices(() => 5)
    notices.hear(event)
    expect(notices.kept.map(({ level, code }) => `${level} ${code}`)).toEqual(expected === null ? [] : [expected])
  })

  test('an assignment of a thousand tasks is a short line', () => {
    const notices = new Notices()
    const gained = Array.from({ length: 1_000 }, (_, task) => task)
    notices.hear({ kind: 'group.assigned', generation: 3, memberId: 'm', kept: [], gained, lost: [] })
    expect(notices.kept[0]!.text).toMatch(/^generation 3; gained 0, 1, .* 19 and 980 more$/)
  })

  test('are the newest, and none is long', () => {
    const notices = new Notices()
    for (let at = 0; at < 3 * NOTICES_MAX; at++) notices.add('info', 'c', `${at} ${'x'.repeat(5_000)}`)
    expect(notices.kept).toHaveLength(NOTICES_MAX)
    expect(notices.kept.map(({ text }) => Number.parseInt(text, 10))).toEqual(
      Array.from({ length: NOTICES_MAX }, (_, at) => 2 * NOTICES_MAX + at),
    )
    expect(Math.max(...notices.kept.map(({ text }) => text.length))).toBeLessThanOrEqual(300)
  })
})

describe('the beat', () => {
  const started = (board: FakeBoard, clock: VirtualClock) => {
    const problems: unknown[] = []
    const beat = new InstanceBeat({
      board,
      clock,
      name: 'a',
      card: async () => cardOf(clock.nowMs()),
      problem: (error) => void problems.push(error),
    })
    beat.start()
    return { beat, problems }
  }
  const atMs = ({ cards }: FakeBoard, name: string): number | undefined => decodeCard(cards.get(name) ?? '')?.atMs

  async function beats(clock: VirtualClock, count: number): Promise<void> {
    for (let beat = 0; beat < count; beat++) {
      clock.step()
      await clock.settle()
    }
  }

  test('tells again and again, and takes its card away at the end', async () => {
    const [board, clock] = [new FakeBoard(), new VirtualClock(10_000)]
    const { beat } = started(board, clock)
    await clock.settle()
    expect(atMs(board, 'a')).toBe(10_000)
    await beats(clock, 2)
    expect(atMs(board, 'a')).toBe(10_000 + 2 * BEAT_MS)
    await beat.close()
    expect(board.cards.size).toBe(0)
    await beats(clock, 2)
    expect(board.cards.size).toBe(0)
  })

  test('goes on when it could not be told', async () => {
    const [board, clock] = [new FakeBoard(), new VirtualClock(0)]
    board.broken = true
    const { beat, problems } = started(board, clock)
    await clock.settle()
    await beats(clock, 1)
    expect(problems).toHaveLength(2)
    board.broken = false
    await beats(clock, 1)
    expect(atMs(board, 'a')).toBe(2 * BEAT_MS)
    board.broken = true
    await beat.close()
  })

  test('removes cards that nobody renews or can read, and no other', async () => {
    const [board, clock] = [new FakeBoard(), new VirtualClock(100_000)]
    board.cards.set('gone', encodeCard(cardOf(100_000 - FORGOTTEN_MS - 1)))
    board.cards.set('silent', encodeCard(cardOf(100_000 - FORGOTTEN_MS)))
    board.cards.set('newer version', '{"format":9}')
    const { beat } = started(board, clock)
    await clock.settle()
    expect([...board.cards.keys()].sort()).toEqual(['a', 'silent'])
    await beat.close()
  })
})
