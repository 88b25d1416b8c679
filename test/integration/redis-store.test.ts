import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { taskKeys } from '../../stores/core/keys.ts'
import { createLease } from '../../stores/lease.ts'
import { StoreLost } from '../../stores/ports.ts'
import { RedisConnection } from '../../stores/redis/connection.ts'
import { WRITE } from '../../stores/redis/scripts/write.ts'
import { openRedisStores, openStateReader } from '../../stores/redis/stores.ts'
import { RedisTaskCommands } from '../../stores/redis/task-commands.ts'
import { fieldOrderContract } from '../stores/field-order-contract.ts'
import { checkpointOf, layoutOf, manyNotes, note, ownerOf, total } from '../stores/layout-fixture.ts'
import { type StoreWorld, taskStoreContract } from '../stores/task-store-contract.ts'
import { RedisProxy, testRedisUrl } from './redis-proxy.ts'

const hands = new Redis(testRedisUrl().href)

afterAll(() => hands.disconnect())

interface RedisWorld extends StoreWorld {
  readonly application: string
  readonly proxy: RedisProxy
}

async function openWorld(commandDeadlineMs?: number): Promise<RedisWorld> {
  const application = `store-test-${randomBytes(6).toString('hex')}`
  const proxy = await RedisProxy.before(testRedisUrl())
  const layout = layoutOf(application)
  const factory = openRedisStores({ url: proxy.url, layout, instance: 'i-1', commandDeadlineMs })
  const reader = openStateReader({ url: testRedisUrl().href, layout, instance: 'i-1' })
  const prefix = (task: number) => `{${application}:${task}}:`
  const keys = async (task: number) =>
    (await hands.keys(`${prefix(task)}*`)).map((key) => key.slice(prefix(task).length)).sort()
  return {
    application,
    proxy,
    factory,
    reader,
    hands: {
      keys,
      setText: async (task, key, text) => void (await hands.set(prefix(task) + key, text)),
      remove: async (task, key) => void (await hands.del(prefix(task) + key)),
      setField: async (task, key, field, text) => void (await hands.hset(prefix(task) + key, field, text)),
    },
    commands: async (task) =>
      RedisTaskCommands.on(await RedisConnection.open({ url: proxy.url }, 'commands'), taskKeys(application, task)),
    loseNextAnswer: async () => proxy.loseAnswerTo(new RegExp(WRITE.sha)),
    close: async () => {
      await factory.close()
      await reader.close()
      proxy.close()
      const left = await keys(0)
      if (left.length > 0) await hands.unlink(left.map((key) => prefix(0) + key))
    },
  }
}

taskStoreContract('redis', () => openWorld())
fieldOrderContract('redis', () => openWorld())

describe('a connection to Redis', () => {
  it('is never opened again by itself after CLIENT KILL', async () => {
    const world = await openWorld()
    const store = await world.factory.open(0)
    await store.claim(ownerOf('a'))
    const version = await store.beginRebuild()
    await store.switchTo(checkpointOf(1, version))
    const clients = String(await hands.client('LIST'))
    const id = new RegExp(`^id=(\\d+) .*name=${world.application}:0:i-1 `, 'm').exec(clients)?.[1]
    expect(id).toBeDefined()
    const busy = store.apply(
      Array.from({ length: 20_000 }, (_, n) => note(String(n), '1', '{}')),
      checkpointOf(2, version),
    )
    // Expected before it happens: the refusal may come before KILL's own answer, and would be nobody's.
    const refused = expect(busy).rejects.toMatchObject({ name: 'StoreLost', code: 'redis.connection' })
    await hands.client('KILL', 'ID', Number(id))
    await refused
    await expect(store.read([])).rejects.toMatchObject({ code: 'store.ended' })
    expect(world.proxy.accepted).toBe(1)
    expect((await world.reader.task(0))?.checkpoint).toEqual(checkpointOf(1, version))
    await store.close()
    await world.close()
  })

  it('is given up when no answer comes within the deadline', async () => {
    const world = await openWorld(1_000)
    const store = await world.factory.open(0)
    await store.claim(ownerOf('a'))
    world.proxy.stall()
    await expect(store.beginRebuild()).rejects.toMatchObject({ name: 'StoreLost', code: 'redis.timeout' })
    await expect(store.beginRebuild()).rejects.toMatchObject({ code: 'store.ended' })
    await world.close()
  })

  it('names what is wrong when there is no server or no right, without secrets', async () => {
    const layout = layoutOf('none')
    const nowhere = openRedisStores({ url: 'redis://user:secret@127.0.0.1:1', layout, instance: 'i' })
    const refused = await nowhere.open(0).then(
      () => null,
      (error: unknown) => error,
    )
    expect(refused).toMatchObject({ name: 'StoreLost', code: 'redis.connection' })
    const address = testRedisUrl()
    const stranger = openRedisStores({ url: `redis://nobody:secret@${address.host}`, layout, instance: 'i' })
    const unknown = await stranger.open(0).then(
      () => null,
      (error: unknown) => error,
    )
    expect(unknown).toMatchObject({ name: 'StoreLost', code: 'redis.auth' })
    for (const error of [refused, unknown]) {
      expect((error as StoreLost).cause).toBeUndefined()
      expect(JSON.stringify(error) + String((error as StoreLost).stack)).not.toContain('secret')
    }
    await nowhere.close()
    await stranger.close()
  })

  it('needs no more rights than stores/README.md lists', async () => {
    const readme = await readFile(new URL('../../stores/README.md', import.meta.url), 'utf8')
    const rights = /^~\{<app>:\* (resetchannels .*)$/m.exec(readme)?.[1]?.split(' ') ?? []
    expect(rights.length).toBeGreaterThan(10)
    const world = await openWorld()
    const user = world.application
    await hands.call('ACL', ['SETUSER', user, 'on', '>word', `~{${user}:*`, ...rights])
    const url = `redis://${user}:word@${testRedisUrl().host}`
    const layout = layoutOf(world.application)
    const factory = openRedisStores({ url, layout, instance: 'i' })
    const reader = openStateReader({ url, layout, instance: 'i' })
    const problems: unknown[] = []
    const lease = createLease(url, { application: user, onProblem: (problem) => problems.push(problem) })
    const store = await factory.open(0)
    await store.claim(ownerOf('a'))
    await lease.acquire(0, 'i')
    const version = await store.beginRebuild()
    await store.replay(manyNotes(12_000, 1), null)
    await store.switchTo(checkpointOf(1, version))
    await store.apply(
      [note('1', '1', '1'), note('0', '1', null), total('t', '1'), total('u', null)],
      checkpointOf(2, version),
    )
    await store.read([
      { kind: 'all', store: 'notes', key: '0' },
      { kind: 'entry', store: 'notes', key: '1', field: '1' },
      { kind: 'entry', store: 'notes', key: '1', field: '2' },
      { kind: 'entry', store: 'totals', key: 't', field: null },
    ])
    await store.switchTo(checkpointOf(3, await store.beginRebuild()))
    for (let done = false; !done; ) done = await store.sweep()
    await reader.page(0, 'by-tenant', 'tenant', 0, 1)
    await reader.byScore(0, 'by-tenant', 'tenant', 1)
    await reader.members(0, 'by-tenant', 'tenant', 0, 1)
    await reader.span(0, 'by-tenant', 'tenant')
    await reader.countBelow(0, 'by-tenant', 'tenant', 1)
    await reader.membersFrom(0, 'by-tenant', 'tenant', 1, 1)
    await reader.entries(0, [
      { store: 'notes', key: '1', field: '1' },
      { store: 'totals', key: 't', field: null },
    ])
    await reader.get(0, 'totals', 't', null)
    expect(await Array.fromAsync(reader.dump(0))).toEqual([])
    expect((await factory.policy()).maxmemoryPolicy).not.toBe('unknown')
    await lease.close()
    expect(problems).toEqual([])
    await store.close()
    await factory.close()
    await reader.close()
    await hands.call('ACL', ['DELUSER', user])
    await world.close()
  })

  it('is opened again for readers, who need no guard', async () => {
    const world = await openWorld()
    const reader = openStateReader({ url: world.proxy.url, layout: layoutOf(world.application), instance: 'r' })
    expect(await reader.task(0)).toBeNull()
    world.proxy.loseAnswerTo(/HMGET/)
    await expect(reader.task(0)).rejects.toThrow(StoreLost)
    expect(await reader.task(0)).toBeNull()
    await reader.close()
    await expect(reader.task(0)).rejects.toMatchObject({ code: 'redis.closed' })
    await world.close()
  })

  it('is not waited for when the server takes it and is silent', async () => {
    const world = await openWorld()
    world.proxy.stall()
    const reader = openStateReader({
      url: world.proxy.url,
      layout: layoutOf(world.application),
      instance: 'r',
      connectDeadlineMs: 250,
    })
    await expect(reader.task(0)).rejects.toMatchObject({ code: 'redis.timeout' })
    await expect(reader.task(0)).rejects.toMatchObject({ code: 'redis.timeout' })
    await reader.close()
    await world.close()
  })
})
