/** When the next round begins, and that none does behind the end. */
import { beforeEach, expect, test } from 'vitest'
import { RoundTimer } from '../../engine/round-timer.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'

let clock: VirtualClock
/** When each round began, ms. */
let begun: number[]

beforeEach(() => {
  clock = new VirtualClock(0)
  begun = []
})

async function passes(durationMs: number): Promise<void> {
  const endMs = clock.nowMs() + durationMs
  let over = false
  clock.after(durationMs, () => {
    over = true
  })
  while (!over) {
    await clock.settle()
    clock.step()
  }
  await clock.settle()
  expect(clock.nowMs()).toBe(endMs)
}

test('the first round a while behind the start, each other one behind the end of the one before it', async () => {
  const timer = new RoundTimer(clock, 10, async () => {
    begun.push(clock.nowMs())
    await new Promise<void>((resolve) => void clock.after(5, resolve))
  })
  timer.start()
  await passes(45)
  expect(begun).toEqual([10, 25, 40])
})

test('the while may be another one each time', async () => {
  const timer = new RoundTimer(
    clock,
    () => 10 * (begun.length + 1),
    async () => void begun.push(clock.nowMs()),
  )
  timer.start()
  await passes(105)
  expect(begun).toEqual([10, 30, 60, 100])
})

test('closed between two rounds, or by a round: there is no other', async () => {
  const timer = new RoundTimer(clock, 10, async () => void begun.push(clock.nowMs()))
  timer.start()
  await passes(15)
  timer.close()
  await passes(50)
  expect(begun).toEqual([10])
  const closing: RoundTimer = new RoundTimer(clock, 10, async () => {
    begun.push(clock.nowMs())
    closing.close()
  })
  closing.start()
  await passes(50)
  expect(begun).toEqual([10, 75])
  expect(closing.closed).toBe(true)
})
