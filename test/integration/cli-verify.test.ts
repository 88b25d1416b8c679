/** What `verify` finds, and that a busy service gives it nothing to find. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { position } from '../../engine/core/numbers.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { CliWorld, create, discard, TASKS, TENANT_A } from './cli-support.ts'

let world: CliWorld
const CHARACTER = 7
const task = partitionFor(characterKey(CHARACTER), TASKS)
/** Of the same task. */
const CROWDED = [...Array(100).keys()].find((id) => id > 10 && partitionFor(characterKey(id), TASKS) === task)!

beforeAll(async () => {
  world = await CliWorld.open()
  await world.start()
  await world.send(Array.from({ length: 20 }, (_, at) => create((at % 10) + 1, 50, `note ${at}`)))
  // So many that their order is kept.
  await world.send(Array.from({ length: 300 }, (_, at) => create(CROWDED, 50, `note ${at}`)))
  await world.settled()
})

afterAll(() => world.close())

const version = async (): Promise<string> => {
  const checkpoint = await world.redis.hget(`{${world.application}:${task}}:task`, 'checkpoint')
  return JSON.parse(checkpoint!).stateVersion
}
const key = async (name: string): Promise<string> => `{${world.application}:${task}}:${await version()}:${name}`
const owner = `${TENANT_A}:${CHARACTER}`
const crowd = `${TENANT_A}:${CROWDED}`

describe('what was done by hand', () => {
  let undo: () => Promise<unknown> = async () => {}

  afterEach(async () => {
    await undo()
    expect((await world.cli('verify')).exit).toBe(0)
  })

  async function found() {
    const { exit, value } = await world.json('verify')
    expect(exit).toBe(1)
    expect(value.same).toBe(false)
    return value.tasks[task].listed
  }

  test('a changed value', async () => {
    const notes = await key(`notes:${owner}`)
    const [field, json] = Object.entries(await world.redis.hgetall(notes))[0]!
    await world.redis.hset(notes, field, '{"edited":true}')
    undo = () => world.redis.hset(notes, field, json)
    expect(await found()).toEqual([
      { kind: 'value', what: `notes/${owner}/${field}`, expected: json, found: '{"edited":true}' },
    ])
    const { out } = await world.cli('verify')
    expect(out).toContain(`task ${task}: value notes/${owner}/${field}: expected {"senderId":50,`)
    expect(out).toMatch(/^1 difference$/m)
  })

  test('a missing field, of which the indexes still tell', async () => {
    const notes = await key(`notes:${owner}`)
    const [field, json] = Object.entries(await world.redis.hgetall(notes))[0]!
    await world.redis.hdel(notes, field)
    undo = () => world.redis.hset(notes, field, json)
    expect(await found()).toEqual([{ kind: 'missing', what: `notes/${owner}/${field}`, expected: json, found: null }])
  })

  test('an extra key, and one of an older version that is none of the state', async () => {
    const notes = await key(`notes:${TENANT_A}:4711`)
    const old = `{${world.application}:${task}}:v000000000000000a:notes:${owner}`
    await world.redis.hset(notes, '5', '{}')
    await world.redis.hset(old, '5', '{}')
    undo = () => world.redis.del(notes, old)
    expect(await found()).toEqual([{ kind: 'extra', what: `notes/${TENANT_A}:4711/5`, expected: null, found: '{}' }])
  })

  test.each([
    ['notes-by-tenant', TENANT_A, 'nobody:99999'],
    ['note-order', crowd, '99999'],
  ])('an entry of %s too many, one too few, one at the wrong place', async (name, group, stranger) => {
    const index = await key(`${name}:${group}`)
    const [member, score] = await world.redis.zrange(index, '0', '0', 'WITHSCORES')
    await world.redis.zadd(index, 99_999, stranger)
    undo = () => world.redis.zrem(index, stranger)
    expect(await found()).toEqual([
      { kind: 'index.extra', what: `${name}/${group}/${stranger}`, expected: null, found: '99999' },
    ])
    await undo()
    await world.redis.zrem(index, member!)
    undo = () => world.redis.zadd(index, Number(score), member!)
    const what = `${name}/${group}/${member}`
    expect(await found()).toEqual([{ kind: 'index.missing', what, expected: score, found: null }])
    await world.redis.zadd(index, 12.5, member!)
    expect(await found()).toEqual([{ kind: 'index.score', what, expected: score, found: '12.5' }])
  })

  test('a key of the wrong type', async () => {
    const notes = await key(`notes:${TENANT_A}:4712`)
    await world.redis.set(notes, 'text')
    undo = () => world.redis.del(notes)
    expect(await found()).toMatchObject([{ kind: 'store' }])
  })

  test('more than the limit: counted, not listed', async () => {
    const notes = await key(`notes:${TENANT_A}:4713`)
    await world.redis.hset(notes, { 1: '{}', 2: '{}', 3: '{}' })
    undo = () => world.redis.del(notes)
    const { value } = await world.json('verify', '--limit', '2', '--task', String(task))
    expect(value).toMatchObject({ differences: 3, tasks: [{ task, differences: 3 }] })
    expect(value.tasks[0].listed).toHaveLength(2)
    expect((await world.cli('verify', '--limit', '2')).out).toContain(`task ${task}: and 1 more (--limit)`)
  })
})

test('a task that does not exist: exit 2', async () => {
  expect(await world.cli('verify', '--task', '2')).toMatchObject({ exit: 2, out: '' })
})

describe('while the service works', () => {
  test('nothing differs, though much changes; and what does differ is found', async () => {
    let sending = true
    const busy = (async () => {
      for (let round = 0; sending; round++) {
        await world.send(Array.from({ length: 40 }, (_, at) => create(100 + (at % 20), 50, `round ${round}`)))
        const character = 100 + (round % 20)
        const { value } = await world.json('state', 'get', 'character', String(character), '--tenant', TENANT_A)
        const ids = value.notes.map(({ noteId }: { noteId: number }) => noteId)
        if (ids.length > 0) await world.send([discard(character, ids)])
      }
    })()
    try {
      let changed = 0
      for (let round = 0; changed === 0 || round < 10; round++) {
        const { exit, value } = await world.json('verify')
        expect(value).toMatchObject({ same: true, differences: 0 })
        expect(exit).toBe(0)
        changed += value.tasks.reduce((sum: number, report: { changed: number }) => sum + report.changed, 0)
        expect(round).toBeLessThan(200)
      }
      const notes = await key(`notes:${owner}`)
      const [field, json] = Object.entries(await world.redis.hgetall(notes))[0]!
      await world.redis.hset(notes, field, '"edited"')
      const { value } = await world.json('verify')
      expect(value.tasks[task].listed).toEqual([
        { kind: 'value', what: `notes/${owner}/${field}`, expected: json, found: '"edited"' },
      ])
      await world.redis.hset(notes, field, json)
    } finally {
      sending = false
      await busy
    }
  })
})

describe('at rest', () => {
  test('a committed offset that was moved, a counter, a position, a batch', async () => {
    await world.settled()
    await world.stop()
    expect((await world.cli('verify')).exit).toBe(0)

    const topic = world.config.COMMAND_TOPIC_NOTE
    const row = (await world.json('offsets', 'show')).value.partitions.find(
      (at: { topic: string; partition: number }) => at.topic === topic && at.partition === task,
    )
    const admin = world.kafka.groupAdmin(world.application)
    const move = (to: number) => admin.commit([{ topic, partition: task, position: position(to) }])
    expect(await move(row.committed - 1)).toEqual([{ topic, partition: task, code: 0 }])
    const moved = (await world.json('verify')).value.tasks[task].listed
    expect(moved).toEqual([
      { kind: 'offset', what: `${topic}-${task}`, expected: String(row.committed), found: String(row.committed - 1) },
    ])
    await move(row.committed)
    await admin.close()

    const hash = `{${world.application}:${task}}:task`
    const text = (await world.redis.hget(hash, 'checkpoint'))!
    const checkpoint = JSON.parse(text)
    const withCheckpoint = async (change: object) => {
      await world.redis.hset(hash, 'checkpoint', JSON.stringify({ ...checkpoint, ...change }))
      const { value } = await world.json('verify')
      await world.redis.hset(hash, 'checkpoint', text)
      return value.tasks[task].listed.map(({ kind }: { kind: string }) => kind)
    }
    expect(await withCheckpoint({ counters: { 'note-sequence': 1 } })).toEqual(['counter'])
    expect(await withCheckpoint({ positions: { ...checkpoint.positions, [topic]: { [task]: 1 } } })).toEqual([
      'position',
    ])
    expect(await withCheckpoint({ batch: checkpoint.batch + 1 })).toEqual(['checkpoint'])
    expect(await withCheckpoint({ offset: checkpoint.offset + 1_000 })).toEqual(['checkpoint'])
    expect(await withCheckpoint({ clusterId: 'another' })).toEqual(['checkpoint'])
    await world.redis.hdel(hash, 'checkpoint')
    const lost = (await world.json('verify')).value.tasks[task]
    expect(lost.listed.map(({ kind }: { kind: string }) => kind)).toContain('checkpoint')
    await world.redis.hset(hash, 'checkpoint', text)
    expect((await world.cli('verify')).exit).toBe(0)
  })
})
