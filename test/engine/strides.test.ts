/** Processes with different NOTE_ID_STRIDE before there is any state: one of them would give the ids of another. */
import { beforeEach, expect, test } from 'vitest'
import type { Plan } from '../../engine/core/plan.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { createRecord, STATUS } from '../contract/notes.ts'

const SENDERS = [1, 2, 3, 4, 5, 6, 7, 8]
let driver: TopologyTestDriver
let heard: { readonly event: EngineEvent; readonly process: string }[]

beforeEach(async () => {
  heard = []
  driver = await TopologyTestDriver.start(noteTopology, {
    onEvent: (event, process) => void heard.push({ event, process }),
  })
  return () => driver.close()
})

const of = <K extends EngineEvent['kind']>(kind: K, process: string) =>
  heard.flatMap(({ event, process: by }) =>
    event.kind === kind && by === process ? [event as Extract<EngineEvent, { kind: K }>] : [],
  )

/** A process that was prepared as if nothing had ever run. */
function start(name: string, stride: number): void {
  const { world } = driver
  const { plan } = world
  const swap = world as { plan: Plan }
  swap.plan = { ...plan, stride }
  world.start(name)
  swap.plan = plan
}

test('another stride than that of the process that leads: stops, has processed nothing, and is in nobody’s way', async () => {
  const { world } = driver
  const first = world.processes[0]!.name
  start('later', 5)
  await world.until('stop the later one', () => of('instance.stopped', 'later').length === 1)
  expect(of('instance.stopped', 'later')).toMatchObject([
    { code: 'stride.changed', message: expect.stringMatching(/stride 4, here it is 5$/) },
  ])
  // Without the end of its session, which is 6 s away: it has left.
  const leftAtMs = world.clock.nowMs()
  const back = () =>
    of('group.assigned', first).length > 2 && world.processes[0]!.instance.tasks.size === world.plan.tasks
  await world.until('give its tasks back', back)
  await world.until('run every task', () => world.processes[0]!.taskStates().every(([, state]) => state === 'running'))
  expect(world.clock.nowMs() - leftAtMs).toBeLessThan(3_000)
  world.kill(world.processes.find(({ name }) => name === 'later')!)

  await driver.send(...SENDERS.map((character) => createRecord(character)))
  await driver.drain()
  expect(driver.read(STATUS)).toHaveLength(SENDERS.length)
  expect(of('task.state', 'later')).toEqual([])
  expect(of('instance.stopped', first)).toEqual([])
})

test('the same stride: both have tasks', async () => {
  const { world } = driver
  start('later', world.plan.stride)
  await world.until('share the tasks', () => world.processes.every(({ instance }) => instance.tasks.size === 2))
  await world.untilRunning()
  expect(of('instance.stopped', 'later')).toEqual([])
})
