/** The background audit beside the real engine, in the models: what is wrong in the store is found, told and mended. */
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { World } from '../../testing/world.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { notes, notesByTenant } from '../../topology/notes/state.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { COMMANDS } from '../contract/notes.ts'
import { create, TENANT_A, tenantHeaders } from '../notes/records.ts'

const TASKS = 4
const INTERVAL_MS = 1_000
const CHARACTER = 7
const TASK = partitionFor(characterKey(CHARACTER), TASKS)

let events: EngineEvent[]
let world: World

const of = <K extends EngineEvent['kind']>(kind: K) =>
  events.filter((event): event is Extract<EngineEvent, { kind: K }> => event.kind === kind)
const warned = (code: string) => of('warning').filter((event) => event.code === code)

function send(characters: readonly number[]): void {
  for (const character of characters) {
    const builder = new RecordBatchBuilder()
    const value = JSON.stringify(create(character, 9, `m${character}`))
    builder.add(world.clock.nowMs(), characterKey(character), value, encodeHeaders(tenantHeaders()))
    const bytes = builder.finish({
      producerId: -1n,
      epoch: -1,
      baseSequence: -1,
      transactional: false,
      compression: 'none',
    })
    const partition = partitionFor(characterKey(character), TASKS)
    world.kafka.cluster.append({ topic: COMMANDS, partition, bytes } as never, bytes)
  }
}

/** The live key of a store or index of the character's task. */
function keyOf(name: string): string {
  const { keyspace } = world.redis
  const { stateVersion } = JSON.parse(keyspace.getField(`{test:${TASK}}:task`, 'checkpoint')!)
  return `{test:${TASK}}:${stateVersion}:${name}:${TENANT_A}:${CHARACTER}`
}

const indexKey = (): string => keyOf(notesByTenant.name).slice(0, -`:${CHARACTER}`.length)
const fieldOf = (): string => [...world.redis.keyspace.fields(keyOf(notes.name)).keys()][0]!

async function begin(auditIntervalMs = INTERVAL_MS): Promise<void> {
  world = await World.create(noteTopology, { auditIntervalMs, onEvent: (event) => events.push(event) })
  world.start('a')
  await world.untilRunning()
  send([CHARACTER, 1, 2, 3, 4, 5, 6, CHARACTER])
  await world.untilAtRest()
}

beforeEach(() => {
  events = []
})

test('at rest everything agrees, of every task, again and again', async () => {
  await begin()
  await world.advance(20_000)
  const passes = of('audit.pass')
  expect(new Set(passes.map(({ task }) => task)).size).toBeGreaterThan(2)
  expect(passes.length).toBeGreaterThan(10)
  expect(new Set(passes.map(({ result }) => result))).toEqual(new Set(['agreed']))
  expect(passes.reduce((sum, { entries }) => sum + entries, 0)).toBeGreaterThan(20)
  expect(of('task.mending')).toEqual([])
})

test('without an interval there is none', async () => {
  await begin(0)
  await world.advance(60_000)
  expect(of('audit.pass')).toEqual([])
})

describe('a wrong store is found, told, mended, and then agrees', () => {
  const wrongs: readonly (readonly [string, string, () => void])[] = [
    ['value edited', 'value', () => world.redis.keyspace.setField(keyOf(notes.name), fieldOf(), '{"edited":true}')],
    ['field deleted', 'missing', () => world.redis.keyspace.deleteField(keyOf(notes.name), fieldOf())],
    ['key deleted', 'missing', () => world.redis.keyspace.delete(keyOf(notes.name))],
    ['index key deleted', 'index.missing', () => world.redis.keyspace.delete(indexKey())],
  ]

  test.each(wrongs)('%s', async (_, kind, damage) => {
    await begin()
    const before = [...world.redis.keyspace.fields(keyOf(notes.name))]
    damage()
    await world.until('mend', () => of('task.mending').length > 0)
    const [found] = of('audit.differences')
    expect(found?.task).toBe(TASK)
    expect(new Set(found?.differences.map((difference) => difference.kind))).toEqual(new Set([kind]))
    expect(warned('audit.difference')).toHaveLength(1)
    expect(warned('audit.difference')[0]?.message).not.toContain('edited')
    await world.untilAtRest()
    expect(of('restore.started').at(-1)).toMatchObject({ task: TASK, rebuild: true })
    expect([...world.redis.keyspace.fields(keyOf(notes.name))]).toEqual(before)
    const ofCharacter = ({ member }: { member: string }) => member.startsWith(`${CHARACTER}:`)
    expect(world.redis.keyspace.members(indexKey()).filter(ofCharacter)).toHaveLength(2)
    const told = of('audit.pass').length
    await world.advance(20_000)
    expect(
      new Set(
        of('audit.pass')
          .slice(told)
          .map(({ result }) => result),
      ),
    ).toEqual(new Set(['agreed']))
    expect(of('task.mending')).toHaveLength(1)
  })
})

test('a difference that is gone at the second sight is none', async () => {
  await begin()
  const key = keyOf(notes.name)
  const field = fieldOf()
  const { keyspace } = world.redis
  const json = keyspace.getField(key, field)!
  let looks = 0
  const task = world.processes[0]!.instance.tasks.get(TASK)!
  const inspect = task.inspect.bind(task)
  task.inspect = async (requests) => {
    const answer = await inspect(requests)
    if (++looks === 1) keyspace.setField(key, field, json)
    return answer
  }
  keyspace.setField(key, field, '{}')
  await world.until('look', () => of('audit.pass').some(({ task: number }) => number === TASK))
  expect(of('audit.pass').find(({ task: number }) => number === TASK)?.result).toBe('settled')
  expect(looks).toBe(2)
  expect(of('task.mending')).toEqual([])
})

test('what differs again after every rebuild is not rebuilt for ever', async () => {
  await begin()
  for (let mended = 1; mended <= 3; mended++) {
    world.redis.keyspace.setField(keyOf(notes.name), fieldOf(), '{}')
    await world.until(`mend ${mended}`, () => of('task.mending').length === mended)
    await world.untilAtRest()
  }
  world.redis.keyspace.setField(keyOf(notes.name), fieldOf(), '{}')
  await world.until('give up', () => warned('audit.unmended').length > 0)
  expect(of('task.mending')).toHaveLength(3)
})

test('a rebuild that is asked for while the task is taken over is done, too', async () => {
  await begin(0)
  const { instance } = world.processes[0]!
  instance.mend('redis.evicted', 'first')
  await world.until('be on its way', () => instance.tasks.get(TASK)!.state !== 'running')
  instance.mend('redis.evicted', 'second')
  await world.untilAtRest()
  const rebuilds = of('restore.started').filter(({ task, rebuild }) => task === TASK && rebuild)
  expect(rebuilds.length).toBeGreaterThanOrEqual(1)
  expect(instance.tasks.get(TASK)!.state).toBe('running')
  const begun = of('restore.started').length
  instance.tasks.get(TASK)!.mend('redis.evicted', 'third')
  await world.until('begin to rebuild', () => of('restore.started').length > begun)
  instance.tasks.get(TASK)!.mend('redis.evicted', 'while it is rebuilt')
  await world.untilAtRest()
  expect(of('restore.started').slice(begun)).toMatchObject([
    { task: TASK, rebuild: true },
    { task: TASK, rebuild: true },
  ])
})

test('nothing is found in a task that is busy', async () => {
  await begin(100)
  for (let round = 0; round < 200; round++) {
    send([CHARACTER, round % 10, (round % 7) + 20])
    await world.advance(50)
  }
  await world.untilAtRest()
  await world.advance(5_000)
  const passes = of('audit.pass')
  expect(passes.length).toBeGreaterThan(30)
  expect(passes.filter(({ result }) => result !== 'agreed')).toEqual([])
})
