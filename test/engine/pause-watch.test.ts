/** How orders to pause reach the tasks: first known, then changed, and while they cannot be read. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Clock } from '../../engine/clock.ts'
import { position } from '../../engine/core/numbers.ts'
import { PAUSE_POLL_MS, PauseWatch } from '../../engine/pause-watch.ts'
import { RequestLost } from '../../engine/ports.ts'
import type { Task } from '../../engine/task.ts'
import { type Pause, StoreLost } from '../../stores/ports.ts'

const PAUSE: Pause = { since: '2024-01-01T00:00:00.000Z', by: 'ann' }

class FakeTask {
  order: Pause | null | undefined = undefined
  attempt = 1
  readonly task: number
  readonly heard: (Pause | null)[] = []
  readonly intake = { partitions: [{ topic: 't', partition: 0, lastStableOffset: position(0) }] }

  constructor(task: number) {
    this.task = task
  }

  get isHeld(): boolean {
    return this.order !== null
  }

  ordered(pause: Pause | null): void {
    this.order = pause
    this.heard.push(pause)
  }
}

function world() {
  const timers: { ms: number; run: () => void }[] = []
  const clock = {
    after(ms: number, run: () => void) {
      const timer = { ms, run }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer) >>> 0, 1)
    },
  } as unknown as Clock
  const tasks = [new FakeTask(0), new FakeTask(1)]
  const state = {
    answer: async (numbers: readonly number[]): Promise<(Pause | null)[]> =>
      numbers.map((task) => (task === 1 ? PAUSE : null)),
    asked: 0,
    end: 7,
  }
  const watch = new PauseWatch(
    {
      pauses: (numbers) => {
        state.asked++
        return state.answer(numbers)
      },
    },
    clock,
    {
      listOffsets: async (partitions) => {
        if (state.end < 0) throw new RequestLost('ListOffsets', true, 'away')
        return partitions.map((at) => ({ ...at, code: 0, position: position(state.end) }))
      },
    },
    () => tasks as unknown as Task[],
  )
  const fire = async (): Promise<number> => {
    const timer = timers.shift()!
    timer.run()
    for (let i = 0; i < 5; i++) await turn()
    return timer.ms
  }
  return { watch, tasks, timers, state, fire }
}

test('a task takes nothing until its order is known; a paused one gets the ends of its partitions, for its lag', async () => {
  const { watch, tasks, timers } = world()
  expect(tasks.every(({ isHeld }) => isHeld)).toBe(true)
  watch.look()
  for (let i = 0; i < 5; i++) await turn()
  expect(tasks.map(({ order }) => order)).toEqual([null, PAUSE])
  expect(tasks.map(({ intake }) => intake.partitions[0]!.lastStableOffset)).toEqual([0, 7])
  expect(timers.map(({ ms }) => ms)).toEqual([PAUSE_POLL_MS])
})

test('while the orders cannot be read the last ones go on, and an unknown one is asked for sooner', async () => {
  const { watch, tasks, state, timers, fire } = world()
  const good = state.answer
  state.answer = () => Promise.reject(new StoreLost('redis.connection', 'away'))
  watch.look()
  for (let i = 0; i < 5; i++) await turn()
  expect(tasks.map(({ order }) => order)).toEqual([undefined, undefined])
  expect(timers[0]!.ms).toBeLessThan(PAUSE_POLL_MS)
  state.answer = good
  state.end = -1
  await fire()
  expect(tasks[1]!.order).toBe(PAUSE)
  state.answer = () => Promise.reject(new StoreLost('redis.connection', 'away'))
  expect(await fire()).toBe(PAUSE_POLL_MS)
  expect(tasks.map(({ order }) => order)).toEqual([null, PAUSE])
})

test('a task gained while it looks is asked for again: the answer is older than that', async () => {
  const { watch, tasks, state, timers } = world()
  let release: (answer: (Pause | null)[]) => void = () => {}
  const good = state.answer
  state.answer = () =>
    new Promise((resolve) => {
      release = resolve
    })
  watch.look()
  await turn()
  tasks[0]!.attempt++
  watch.look()
  state.answer = good
  release([PAUSE, PAUSE])
  for (let i = 0; i < 10; i++) await turn()
  expect(tasks[0]!.heard).toEqual([null])
  expect(state.asked).toBe(2)
  expect(timers).toHaveLength(1)
  watch.close()
  expect(timers).toHaveLength(0)
})
