/** The overview and the series out of cards, Kafka and Redis: who tells what, for how long, and how often it is looked at. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { Live, STEP_MS } from '../../console/live.ts'
import { encodeCard } from '../../engine/core/instance-card.ts'
import { LIVING_MS } from '../../operations/core/flow.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { type CardParts, cardOf } from './cards.ts'
import { COMMANDS, ConsoleWorld } from './world.ts'

const START_MS = 100_000

function setting(tasks = 4) {
  const world = new ConsoleWorld(tasks)
  const clock = new VirtualClock(START_MS)
  const live = new Live({ context: world.context, clock, name: 'a' })
  onTestFinished(() => live.close())
  const tell = (name: string, card: CardParts = {}): void =>
    void world.board.set(name, encodeCard(cardOf(clock.nowMs(), card)))
  /** `each` before every step. */
  const pass = async (steps: number, each: () => void = () => {}): Promise<void> => {
    for (let step = 0; step < steps; step++) {
      clock.step()
      each()
      await clock.settle()
    }
  }
  return { world, clock, live, tell, pass }
}

const tasksOf = (...numbers: readonly number[]) => numbers.map((task) => ({ task }))

describe('the overview', () => {
  test('has every task, with what its instance tells of it', async () => {
    const { world, live, tell } = setting()
    world.pauses.set(0, { since: 'now', by: 'ann' })
    Object.assign(world, { committed: 10, end: 15 })
    tell('a', { tasks: [{ task: 0 }, { task: 1, state: 'stopped', reason: 'topic.recreated: it was' }] })
    tell('b', { tasks: [{ task: 2, state: 'restoring', restore: [3, 9], unapplied: 1 }] })
    const seen = await live.overview()
    expect(seen.tasks.map(({ task, state, instance }) => [task, state, instance])).toEqual([
      [0, 'running', 'a'],
      [1, 'stopped', 'a'],
      [2, 'restoring', 'b'],
      // Nobody living tells of it; whoever claimed it last is in Redis.
      [3, 'unknown', 'owner-1'],
    ])
    const [first, second, third, last] = seen.tasks
    expect(first).toMatchObject({ paused: { by: 'ann' }, remedy: null, unapplied: 0, restore: null })
    expect(second).toMatchObject({ reason: 'topic.recreated: it was', remedy: expect.stringContaining('offsets skip') })
    expect(third).toMatchObject({ restore: { done: 3, total: 9 }, unapplied: 1 })
    expect(last).toMatchObject({ unapplied: null })
    // Two sources and the repartition topic, each 5 behind; by declared names.
    expect(first).toMatchObject({ lag: 15, exact: false })
    expect(seen.lag).toBe(60)
    expect(seen.lagByTopic).toEqual({ COMMAND_TOPIC_NOTE: 20, EVENT_TOPIC_CHARACTER_STATUS: 20 })
    expect(seen.instances.map(({ name, self, tasks }) => [name, self, tasks])).toEqual([
      ['a', true, [0, 1]],
      ['b', false, [2]],
    ])
  })

  test('of a task that two tell of has the one that told later, and nobody once it is lost', async () => {
    const { clock, live, tell, pass } = setting()
    tell('b', { tasks: tasksOf(0) })
    clock.after(1_000, () => tell('a', { tasks: tasksOf(0, 1) }))
    await pass(1)
    expect((await live.overview()).tasks.map(({ instance }) => instance).slice(0, 2)).toEqual(['a', 'a'])
    clock.after(2_000, () => tell('a', { tasks: [{ task: 0, state: 'lost' }, { task: 1 }] }))
    await pass(1)
    const seen = await live.overview()
    expect(seen.tasks.map(({ instance }) => instance).slice(0, 2)).toEqual(['b', 'a'])
    expect(seen.instances.find(({ name }) => name === 'a')?.tasks).toEqual([1])
  })

  test('says how long an instance is silent, and believes it no longer', async () => {
    const { clock, live, tell, pass } = setting()
    tell('a', { tasks: tasksOf(0), counted: { records: 0 } })
    await live.overview()
    clock.after(2_000, () => tell('a', { tasks: tasksOf(0), counted: { records: 100 } }))
    await pass(1)
    expect((await live.overview()).instances[0]).toMatchObject({ recordsPerSecond: 50, heardAgoMs: 0 })
    clock.after(LIVING_MS + 1, () => {})
    await pass(1)
    const seen = await live.overview()
    expect(seen.tasks[0]).toMatchObject({ state: 'unknown', unapplied: null })
    expect(seen.instances[0]).toMatchObject({ name: 'a', heardAgoMs: LIVING_MS + 1, recordsPerSecond: null })
    expect(seen.flow.recordsPerSecond).toBeNull()
  })

  test('has rates by declared topic, and of each task', async () => {
    const { world, clock, live, tell, pass } = setting()
    tell('a')
    const first = await live.overview()
    expect(first.tasks[0]?.recordsPerSecond).toBeNull()
    clock.after(2_000, () => {
      Object.assign(world, { committed: 20 })
      const read = { [`${COMMANDS}\0CREATE`]: 10 }
      tell('a', { counted: { records: 10, read, buried: { [COMMANDS]: 4 }, written: { EVENT_TOPIC_NOTE_STATUS: 20 } } })
    })
    await pass(1)
    const { rates, tasks } = await live.overview()
    expect(rates).toMatchObject({
      'in:COMMAND_TOPIC_NOTE:CREATE': 5,
      'dead:COMMAND_TOPIC_NOTE': 2,
      'dead:EVENT_TOPIC_CHARACTER_STATUS': 0,
      'out:EVENT_TOPIC_NOTE_STATUS': 10,
      forward: 0,
    })
    // 20 offsets in each of two input partitions within 2 s; those of the repartition topic are the same records again.
    expect(tasks[0]?.recordsPerSecond).toBe(20)
  })

  test('has the newest notices of all, newest first', async () => {
    const { live, tell } = setting()
    const at = (atMs: number) => ({ atMs, level: 'info' as const, code: `c${atMs}`, text: 't' })
    tell('a', { notices: [at(1), at(4)] })
    tell('b', { notices: [at(2), at(3)] })
    const { notices } = await live.overview()
    expect(notices.map(({ instance, code }) => `${instance} ${code}`)).toEqual(['a c4', 'b c3', 'b c2', 'a c1'])
    expect(notices[0]?.at).toBe('1970-01-01T00:00:00.004Z')
  })
})

describe('a look', () => {
  test('is the same for all who ask within a while', async () => {
    const { world, clock, live, pass } = setting()
    const seen = await Promise.all([live.overview(), live.overview(), live.overview()])
    expect(new Set(seen).size).toBe(1)
    expect(world.looks).toBe(1)
    clock.after(2_000, () => {})
    await pass(1)
    expect(await live.overview()).not.toBe(seen[0])
    expect(world.looks).toBe(2)
  })

  test('that has no answer yet is not followed by another', async () => {
    const { world, clock, live, pass } = setting()
    let answer = (): void => {}
    world.hold = new Promise((resolve) => {
      answer = resolve
    })
    const first = live.overview()
    clock.after(10_000, () => {})
    await pass(1)
    const second = live.overview()
    answer()
    expect(await second).toBe(await first)
    expect(world.looks).toBe(1)
  })

  test('that failed is not shown to the next', async () => {
    const { world, live } = setting()
    world.failing = new Error('away')
    await expect(live.overview()).rejects.toThrow('away')
    world.failing = null
    expect((await live.overview()).group.state).toBe('Stable')
  })
})

describe('the series', () => {
  test('is collected while nobody asks, for a quarter of an hour', async () => {
    const { world, clock, live, tell, pass } = setting(1)
    let records = 0
    live.start()
    await clock.settle()
    await pass(500, () => tell('a', { tasks: [{ task: 0, lag: 7 }], counted: { records: (records += 20) } }))
    const series = live.series()
    expect(world.looks).toBe(0)
    expect(series.atMs).toHaveLength(450)
    for (const column of Object.values(series)) if (Array.isArray(column)) expect(column).toHaveLength(450)
    expect(series.atMs.at(-1)! - series.atMs[0]!).toBe(449 * STEP_MS)
    expect(new Set(series.recordsPerSecond)).toEqual(new Set([10]))
    expect(new Set(series.lag)).toEqual(new Set([7]))
    expect(new Set(series.endToEndP50Ms)).toEqual(new Set([null]))
  })

  test('has a gap while Redis is away, and goes on', async () => {
    const { world, clock, live, tell, pass } = setting(1)
    live.start()
    await clock.settle()
    world.failing = new Error('away')
    await pass(3)
    world.failing = null
    await pass(2, () => tell('a'))
    expect(live.series().atMs.map((atMs) => (atMs - START_MS) / STEP_MS)).toEqual([0, 4, 5])
  })
})
