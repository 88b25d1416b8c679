/**
 * Where the steps of a store are played: in a real Redis of the test's own, or in the one of the simulation. What lies in
 * them is told in one form. Owns what hands can do to a place behind the stores' backs.
 */
import { Redis } from 'ioredis'
import { taskKeys } from '../../stores/core/keys.ts'
import type { StoreFactory, StoreLayout } from '../../stores/ports.ts'
import { WRITE } from '../../stores/redis/scripts/write.ts'
import { openRedisStores } from '../../stores/redis/stores.ts'
import { RedisProxy } from '../integration/redis-proxy.ts'
import { ProcessClock, SimClock } from '../simulation/clock.ts'
import { SimRedis } from '../simulation/model/redis.ts'
import { Random } from '../simulation/random.ts'

/** Content of every key of a task, its name without the task's prefix. */
export type Content = Readonly<Record<string, unknown>>

export interface Place {
  readonly name: 'redis' | 'model'
  readonly factory: StoreFactory
  /** On the model nothing happens but here. */
  run<T>(work: Promise<T>): Promise<T>
  content(): Promise<Content>
  /** Whatever was there is a text now. */
  setText(key: string, text: string): Promise<void>
  setField(key: string, field: string, text: string): Promise<void>
  remove(key: string): Promise<void>
  flush(): Promise<void>
  save(): Promise<void>
  /** What was saved last is all there is; nothing when nothing was. */
  restore(): Promise<void>
  /** Every connection of a store is closed by the server. */
  killConnections(): Promise<void>
  /** The next write is carried out, and its answer is lost with the connection. */
  loseNextAnswer(): void
  /** No write came. */
  loseNone(): void
  close(): Promise<void>
}

export const TASK = 0

export async function redisPlace(url: string, layout: StoreLayout): Promise<Place> {
  const hands = new Redis(url)
  const proxy = await RedisProxy.before(new URL(url))
  const factory = openRedisStores({ url: proxy.url, layout, instance: 'conformance' })
  const { prefix } = taskKeys(layout.application, TASK)
  let saved: readonly (readonly [string, Buffer])[] | null = null
  const keys = (): Promise<string[]> => hands.keys(`${prefix}*`)
  return {
    name: 'redis',
    factory,
    run: (work) => work,
    async content() {
      const found: Record<string, unknown> = {}
      for (const key of (await keys()).sort()) found[key.slice(prefix.length)] = await contentOf(hands, key)
      return found
    },
    setText: async (key, text) => void (await hands.set(prefix + key, text)),
    setField: async (key, field, text) => void (await hands.hset(prefix + key, field, text)),
    remove: async (key) => void (await hands.del(prefix + key)),
    flush: async () => void (await hands.flushall()),
    async save() {
      saved = await Promise.all((await keys()).map(async (key) => [key, (await hands.dumpBuffer(key))!] as const))
    },
    async restore() {
      if (saved === null) return
      await hands.flushall()
      for (const [key, dump] of saved) await hands.restore(key, 0, dump)
    },
    async killConnections() {
      const own = Number(await hands.client('ID'))
      const clients = String(await hands.client('LIST'))
      const ids = [...clients.matchAll(/^id=(\d+) /gm)].map(([, id]) => Number(id)).filter((id) => id !== own)
      for (const id of ids) await hands.client('KILL', 'ID', id)
    },
    loseNextAnswer: () => proxy.loseAnswerTo(new RegExp(WRITE.sha)),
    loseNone: () => proxy.loseAnswerTo(/(?!)/),
    async close() {
      await factory.close()
      proxy.close()
      hands.disconnect()
    },
  }
}

async function contentOf(hands: Redis, key: string): Promise<unknown> {
  const kind = await hands.type(key)
  if (kind === 'string') return await hands.get(key)
  if (kind === 'hash') return sorted(Object.entries(await hands.hgetall(key)))
  const flat = await hands.zrange(key, '0', '-1', 'WITHSCORES')
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, Number(flat[2 * i + 1])])
}

export function modelPlace(layout: StoreLayout): Place {
  const clock = new SimClock(1_767_225_600_000)
  const redis = new SimRedis({
    clock,
    random: new Random(1),
    latencyMs: 0,
    note: () => {},
    claiming: () => {},
    written: () => {},
  })
  const { keyspace } = redis
  const { prefix } = taskKeys(layout.application, TASK)
  const keys = (): string[] => keyspace.keys(prefix)
  return {
    name: 'model',
    factory: redis.stores(layout, new ProcessClock(clock)),
    async run(work) {
      let done = false
      const settled = work.finally(() => {
        done = true
      })
      settled.catch(() => {})
      for (;;) {
        await clock.settle()
        if (done) return settled
        if (!clock.step()) throw new Error('nothing is planned, and what was asked for is not answered')
      }
    },
    async content() {
      const of = (key: string): unknown => {
        const kind = keyspace.kindOf(key)
        if (kind === 'string') return keyspace.getText(key)
        if (kind === 'hash') return sorted([...keyspace.fields(key)])
        return keyspace.members(key).map(({ member, score }) => [member, score])
      }
      return Object.fromEntries(
        keys()
          .sort()
          .map((key) => [key.slice(prefix.length), of(key)]),
      )
    },
    setText: async (key, text) => keyspace.setText(prefix + key, text),
    setField: async (key, field, text) => keyspace.setField(prefix + key, field, text),
    remove: async (key) => void keyspace.delete(prefix + key),
    flush: async () => redis.flush(),
    save: async () => redis.saveDump(),
    restore: async () => void redis.rollback(),
    killConnections: async () => redis.cut(),
    loseNextAnswer: () => redis.arm('write', 'after', 0, 1),
    loseNone: () => redis.heal(),
    close: async () => {},
  }
}

const sorted = (entries: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] =>
  entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
