/** What is refused beside the records ends nothing, and is asked again at the next round. */
import { expect, test } from 'vitest'
import type { EngineEvent } from '../../engine/events.ts'
import { Housekeeping } from '../../engine/housekeeping.ts'
import type { KafkaAdmin } from '../../engine/ports.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { idle, planOf, topologyOf } from './support.ts'

test('a broker that refuses an answer is named, and asked again', async () => {
  const clock = new VirtualClock(0, 1)
  const events: EngineEvent[] = []
  let asked = 0
  const admin = {
    listOffsets: async () => {
      asked++
      throw new Error('ListOffsets: the broker answered UNKNOWN_SERVER_ERROR')
    },
  } as unknown as KafkaAdmin
  const housekeeping = new Housekeeping(
    clock,
    admin,
    { others: async () => {} },
    { look: async () => {} },
    planOf(topologyOf(idle)),
    (event) => events.push(event),
    () => [],
  )
  housekeeping.start()
  for (let i = 0; i < 2; i++) {
    clock.step()
    await clock.settle()
  }
  expect(asked).toBe(2)
  expect(events).toEqual(
    Array.from({ length: 2 }, () => ({
      kind: 'warning',
      code: 'housekeeping.failed',
      message: 'ListOffsets: the broker answered UNKNOWN_SERVER_ERROR',
    })),
  )
  housekeeping.close()
})
