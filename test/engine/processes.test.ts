/** Several processes of one application: tasks move, and each record is processed once all the same. */
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { codes } from '../../engine/core/kafka-errors.ts'
import { position } from '../../engine/core/numbers.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import type { KafkaFault } from '../../testing/kafka/memory-kafka.ts'
import { OutputRecord } from '../../testing/output-record.ts'
import type { Process } from '../../testing/process.ts'
import { World } from '../../testing/world.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { COMMANDS, STATUS } from '../contract/notes.ts'
import { create, tenantHeaders } from '../notes/records.ts'

const TASKS = 4

let events: { event: EngineEvent; process: string }[]
let sent: number

beforeEach(() => {
  events = []
  sent = 0
})

const worldOf = (fault?: KafkaFault): Promise<World> =>
  World.create(noteTopology, {
    onEvent: (event, process) => events.push({ event, process }),
    ...(fault ? { kafkaFault: fault } : {}),
  })

/** One note for each of the next characters, spread over all partitions as producers do. */
function send(world: World, count: number): void {
  for (let i = 0; i < count; i++) {
    const character = ++sent
    const builder = new RecordBatchBuilder()
    builder.add(
      world.clock.nowMs(),
      characterKey(character),
      JSON.stringify(create(character, 7, `m${character}`)),
      encodeHeaders(tenantHeaders()),
    )
    const bytes = builder.finish({
      producerId: -1n,
      epoch: -1,
      baseSequence: -1,
      transactional: false,
      compression: 'none',
    })
    world.kafka.cluster.append({ topic: COMMANDS, partition: i % TASKS, bytes } as never, bytes)
  }
}

const committedEvents = (world: World): OutputRecord[] =>
  world.kafka.cluster.topics
    .get(STATUS)!
    .logs.flatMap((log, partition) =>
      log.committed(position(0)).map(({ view }) => new OutputRecord(STATUS, partition, view)),
    )

/** Every note that was asked for is there once, with an id of its own. */
function expectExactlyOnce(world: World): void {
  const created = committedEvents(world)
  expect(created.map((event) => event.json.characterId).sort((a, b) => a - b)).toEqual(
    Array.from({ length: sent }, (_, i) => i + 1),
  )
  expect(new Set(created.map((event) => event.json.body.noteId)).size).toBe(sent)
}

const tasksOf = (process: Process): number[] => [...process.instance.tasks.keys()].sort()
const eventsOf = <K extends EngineEvent['kind']>(kind: K, process?: string) =>
  events
    .filter((e) => e.event.kind === kind && (process === undefined || e.process === process))
    .map((e) => e.event as Extract<EngineEvent, { kind: K }>)

const shared = (world: World) =>
  world.until('share the tasks', () => world.running && world.processes.every((p) => p.instance.tasks.size > 0))

describe('two processes', () => {
  test('share the tasks, and what stays where it was is not interrupted', async () => {
    const world = await worldOf()
    const a = world.start('a')
    await world.untilRunning()
    expect(tasksOf(a)).toEqual([0, 1, 2, 3])
    send(world, 20)
    await world.untilAtRest()
    const attempts = new Map([...a.instance.tasks].map(([number, task]) => [number, task.attempt]))
    const b = world.start('b')
    await shared(world)
    expect(tasksOf(a)).toHaveLength(2)
    expect([...tasksOf(a), ...tasksOf(b)].sort()).toEqual([0, 1, 2, 3])
    for (const number of tasksOf(a)) expect(a.instance.tasks.get(number)?.attempt).toBe(attempts.get(number))
    send(world, 20)
    await world.untilAtRest()
    expectExactlyOnce(world)
  })

  test('one that leaves hands over what it has done, without the end of a session being waited for', async () => {
    const world = await worldOf()
    const a = world.start('a')
    const b = world.start('b')
    await shared(world)
    send(world, 40)
    const beganMs = world.clock.nowMs()
    await world.end(a)
    await world.untilAtRest()
    expect(tasksOf(b)).toEqual([0, 1, 2, 3])
    expect(world.clock.nowMs() - beganMs).toBeLessThan(3_000)
    expectExactlyOnce(world)
  })

  test('records keep coming while processes come and go', async () => {
    const world = await worldOf()
    let current = world.start('p0')
    for (let i = 1; i <= 4; i++) {
      send(world, 10)
      const next = world.start(`p${i}`)
      send(world, 10)
      await world.advance(300)
      if (i % 2 === 0) world.kill(current)
      else await world.end(current)
      current = next
      send(world, 10)
      await world.advance(100)
    }
    await world.untilAtRest()
    expectExactlyOnce(world)
  })
})

describe('a process that dies inside of a transaction', () => {
  /** Kills `a` when it sends this request, or right behind its arrival. */
  async function dying(api: 'produce' | 'end-txn', arrives: boolean): Promise<World> {
    let victim: Process | null = null
    const world: World = await worldOf(({ api: asked, client }) => {
      if (!victim || client !== 'a' || asked !== api) return null
      const dead = victim
      victim = null
      if (!arrives) {
        world.kill(dead)
        return 'before'
      }
      queueMicrotask(() => world.kill(dead))
      return null
    })
    const a = world.start('a')
    world.start('b')
    await shared(world)
    victim = a
    send(world, 40)
    await world.untilAtRest()
    expect(victim).toBeNull()
    return world
  }

  test('its transaction is ended by its successor, not waited for; nothing is lost or doubled', async () => {
    const world = await dying('end-txn', false)
    expect(eventsOf('transaction.fenced', 'b').map((event) => event.transactionalId)).toEqual(['test-a'])
    expectExactlyOnce(world)
  })

  test('between its records', async () => {
    expectExactlyOnce(await dying('produce', true))
  })

  test('with its commit on the way: it counts', async () => {
    const world = await dying('end-txn', true)
    expect(eventsOf('transaction.fenced')).toEqual([])
    expectExactlyOnce(world)
  })
})

describe('a member that the group has forgotten', () => {
  test('drops what it has computed and takes over anew', async () => {
    const world = await worldOf()
    const a = world.start('a')
    await world.untilRunning()
    send(world, 20)
    const { memberId } = a.instance.membership!
    world.kafka.group('test').expire(memberId)
    await world.untilAtRest()
    expect(eventsOf('group.evicted')).toHaveLength(1)
    expect(a.instance.membership?.memberId).not.toBe(memberId)
    expectExactlyOnce(world)
  })

  test('two processes with one instance id: one of them stops and says so', async () => {
    const world = await worldOf()
    const first = world.start('a')
    await world.untilRunning()
    world.start('a')
    await world.until('stop', () => first.stop !== null)
    expect(first.stop?.code).toBe('instance.duplicate')
    world.kill(first)
    send(world, 20)
    await world.untilAtRest()
    expectExactlyOnce(world)
  })
})

describe('a generation that ends inside of a transaction', () => {
  test('the same batch goes again under the next one', async () => {
    let once = true
    const world = await worldOf(({ api, client }) => {
      if (api !== 'txn-offset-commit' || client !== 'a' || !once || sent === 0) return null
      once = false
      return codes.REBALANCE_IN_PROGRESS
    })
    world.start('a')
    await world.untilRunning()
    send(world, 20)
    await world.until('abort', () => eventsOf('transaction').some((event) => event.result === 'aborted'))
    world.start('b')
    await world.untilAtRest()
    expect(eventsOf('transaction').find((event) => event.result === 'aborted')?.reason).toBe('regenerate')
    expectExactlyOnce(world)
  })
})
