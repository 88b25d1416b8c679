/** Redis lost, emptied, slow, full, set back, edited by hand: a replica, which must be right again in the end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { goBack } from '../harness/snapshot.ts'
import type { Stage } from '../run/stage.ts'
import { type Expected, type Fault, nothingLost, type Scene } from './fault.ts'

const redis = (
  name: string,
  injects: string,
  inject: Fault['inject'],
  { when = 'outputs flow', expected = nothingLost }: { when?: string; expected?: Expected } = {},
): Fault => ({ name, group: 'redis', injects, when, expected, inject })

/** The path was taken when a task has had to recover. */
const recovering = (work: (stage: Stage) => Promise<unknown>) => (stage: Stage) =>
  stage.counted('task recovering', () => work(stage))

const keysOf = (stage: Stage, pattern = '*'): Promise<readonly string[]> =>
  stage.cluster.withRedis((client) => client.keys(`{${stage.application}:${pattern}`))

/** State keys: not the task's hash and not its label. */
const stateKeys = async (stage: Stage): Promise<readonly string[]> =>
  (await keysOf(stage)).filter((key) => !key.endsWith(':task') && !key.endsWith(':lease')).toSorted()

export async function goneBack(stage: Stage, meanwhile: () => Promise<unknown>): Promise<void> {
  await stage.cluster.withRedis((client) => goBack(client, stage.application, meanwhile))
}

const MENDED: Expected = { kind: 'mended', by: '`tributary verify` finds it; `DEL {<app>:<task>}:task`' }

/** At rest, so that nothing is decided on wrong values: harmed, found by verify, mended by the documented command. */
const harmedByHand =
  (harm: (stage: Stage) => Promise<number>) =>
  (stage: Stage): Promise<number> =>
    stage.quiet(async () => {
      const hits = await harm(stage)
      const found = await stage.app.verify()
      if (found.code !== 1) throw new Error(`verify does not find it: ${found.output}`)
      for (let task = 0; task < stage.app.tasks; task++) await stage.redis('DEL', stage.taskKey(task))
      // An idle task looks every ten seconds whether its state is there.
      const before = stage.count('restore.done')
      await stage.until(() => stage.count('restore.done') >= before + stage.app.tasks, 'every task is rebuilt')
      await stage.until(async () => (await stage.app.verify()).code === 0, 'verify says the same')
      return hits
    })

/** Longer than the service waits for an answer. */
const BUSY_MS = 6_000

/** A script cannot see a clock everywhere, and machines count at different speeds: the count grows until it takes so long. */
async function busy(stage: Stage): Promise<void> {
  for (let count = 20_000_000, tookMs = 0; tookMs < BUSY_MS; ) {
    const began = performance.now()
    await stage.redis('EVAL', `for i = 1, ${count} do end`, 0)
    tookMs = performance.now() - began
    count = Math.ceil(count * Math.min(10, Math.max(2, (1.3 * BUSY_MS) / tookMs)))
  }
}

async function frozenFor({ cluster }: Stage, ms: number): Promise<void> {
  cluster.redis.pause()
  await sleep(ms)
  cluster.redis.resume()
}

export const redisScene: Scene = {
  name: 'Redis',
  cluster: 'proxied',
  instances: 2,
  faults: [
    redis(
      'FLUSHALL',
      'FLUSHALL',
      recovering((s) => s.redis('FLUSHALL')),
    ),
    redis(
      'FLUSHALL in the middle of a transaction',
      'FLUSHALL',
      recovering(async (s) => {
        await s.openTransaction()
        await s.redis('FLUSHALL')
      }),
      { when: 'an open transaction' },
    ),
    redis(
      'checkpoint deleted',
      'HDEL of the checkpoint of every task',
      recovering(async (s) => {
        for (let task = 0; task < s.app.tasks; task++) await s.redis('HDEL', s.taskKey(task), 'checkpoint')
      }),
    ),
    redis(
      'wrong type of a task’s hash',
      'SET of a text in its place',
      recovering(async (s) => {
        await s.redis('SET', s.taskKey(s.below(s.app.tasks)), 'nonsense')
      }),
    ),
    {
      ...redis(
        'wrong type of half of the state',
        'SET of a text in the place of hashes and sorted sets',
        recovering(async (s) => {
          const before = s.count('task recovering')
          const keys = (await stateKeys(s)).filter((_, i) => i % 2 === 0)
          await s.cluster.withRedis((client) => client.mset(Object.fromEntries(keys.map((key) => [key, 'nonsense']))))
          await s.until(() => s.count('task recovering') > before, 'a record meets one of them')
          // Those that none has met would lie there for ever.
          for (let task = 0; task < s.app.tasks; task++) await s.redis('HDEL', s.taskKey(task), 'checkpoint')
        }),
      ),
      only: 'notes',
    },
    redis(
      'CLIENT KILL every 100 ms',
      'CLIENT KILL, 20 times',
      recovering(async (s) => {
        for (let i = 0; i < 20; i++) {
          await s.redis('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
          await sleep(100)
        }
      }),
    ),
    redis(
      'SCRIPT FLUSH',
      'SCRIPT FLUSH, three times',
      recovering(async (s) => {
        for (let i = 0; i < 3; i++) {
          await s.redis('SCRIPT', 'FLUSH')
          await s.flow(30)
        }
      }),
    ),
    redis(
      'a write is lost before it arrives',
      'the connection ends as EXEC leaves',
      recovering((s) =>
        s.seen(
          s.redisProxy.atWrite('request', s.application, () => true),
          'a write',
        ),
      ),
      { when: 'EXEC leaves' },
    ),
    redis(
      'the answer to a write is lost',
      'the connection ends as EXEC is answered',
      recovering((s) =>
        s.seen(
          s.redisProxy.atWrite('answer', s.application, () => true),
          'the answer to a write',
        ),
      ),
      { when: 'EXEC is answered' },
    ),
    redis(
      'killed, restarted with its data',
      'kill -9, started again',
      recovering(async (s) => {
        await s.cluster.redis.kill()
        await sleep(500)
        await s.cluster.redis.restart()
      }),
    ),
    redis(
      'killed, restarted empty',
      'kill -9, its files removed',
      recovering(async (s) => {
        await s.cluster.redis.kill()
        await s.cluster.redis.restart({ empty: true })
      }),
    ),
    redis(
      'frozen 4.5 s',
      'SIGSTOP, beyond the deadline of a command',
      recovering((s) => frozenFor(s, 4_500)),
    ),
    redis(
      'frozen 12 s',
      'SIGSTOP, beyond the session of the group',
      recovering((s) => frozenFor(s, 12_000)),
    ),
    redis('busy for seconds', 'a script that takes 6 s or more', recovering(busy)),
    redis(
      'older dump restored',
      'the state of 3 s ago put back',
      recovering((s) => goneBack(s, () => sleep(3_000))),
    ),
    redis('older dump restored while nothing runs', 'as before, between stop and start', async (s) => {
      await goneBack(s, async () => {
        await s.flow(200)
        await s.stopAll()
      })
      const restored = s.count('restore.started')
      await s.startAll()
      return s.count('restore.started') - restored
    }),
    redis(
      'maxmemory reached',
      'CONFIG SET maxmemory 1 for 2 s',
      recovering(async (s) => {
        await s.redis('CONFIG', 'SET', 'maxmemory', '1')
        await sleep(2_000)
        await s.redis('CONFIG', 'SET', 'maxmemory', '0')
      }),
    ),
    redis(
      'read-only',
      'REPLICAOF nobody that answers, for 2 s',
      recovering(async (s) => {
        await s.redis('REPLICAOF', '127.0.0.1', '1')
        await sleep(2_000)
        await s.redis('REPLICAOF', 'NO', 'ONE')
      }),
    ),
    redis(
      'half of the state deleted by hand',
      'DEL of every second state key',
      harmedByHand(async (s) => {
        const keys = (await stateKeys(s)).filter((_, i) => i % 2 === 0)
        return s.cluster.withRedis((client) => client.del(...keys))
      }),
      { when: 'at rest', expected: MENDED },
    ),
    redis(
      'values edited by hand',
      'HSET and SET of other values',
      harmedByHand(async (s) => {
        const keys = (await stateKeys(s)).filter((_, i) => i % 5 === 0)
        let edited = 0
        await s.cluster.withRedis(async (client) => {
          for (const key of keys) {
            const type = await client.type(key)
            const [field] = type === 'hash' ? await client.hkeys(key) : []
            if (type === 'string') await client.set(key, '123456')
            else if (field !== undefined)
              await client.hset(key, field, '{"senderId":1,"message":"forged","flag":0,"time":""}')
            else continue
            edited++
          }
        })
        return edited
      }),
      { when: 'at rest', expected: MENDED },
    ),
    redis(
      'eviction policy changed',
      'CONFIG SET maxmemory-policy allkeys-lru',
      async (s) => {
        const warned = (): number =>
          s.app.processes.flatMap((p) => p.warnings).filter((code) => code === 'redis.eviction_policy').length
        const before = warned()
        await s.redis('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
        await s.until(() => warned() > before, 'a warning redis.eviction_policy')
        await s.redis('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
        return warned() - before
      },
      { expected: { kind: 'mended', by: 'warning `redis.eviction_policy`; `CONFIG SET maxmemory-policy noeviction`' } },
    ),
    redis(
      'keys evicted',
      'maxmemory-policy allkeys-random below what is in use',
      (s) =>
        s.quiet(async () => {
          const warned = (): number =>
            s.app.processes.flatMap((p) => p.warnings).filter((code) => code === 'redis.evicted').length
          const before = warned()
          const info = String(await s.redis('INFO', 'memory'))
          const figure = (name: string): number => Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1])
          // A third of the keys must go, not all of them, and what is no key cannot.
          const bytes = Math.floor(figure('used_memory') - figure('used_memory_dataset') / 3)
          await s.redis('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random')
          await s.redis('CONFIG', 'SET', 'maxmemory', bytes)
          // Eviction is done by commands that write; this one may be refused behind it.
          await s.redis('SET', 'proof-evicts', 'x').catch(() => {})
          await s.until(() => warned() > before, 'a warning redis.evicted')
          await s.redis('CONFIG', 'SET', 'maxmemory', '0')
          await s.redis('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
          const stats = String(await s.redis('INFO', 'stats'))
          const evicted = Number(/evicted_keys:(\d+)/.exec(stats)?.[1])
          const rebuilt = s.count('restore.done')
          for (let task = 0; task < s.app.tasks; task++) await s.redis('DEL', s.taskKey(task))
          await s.until(() => s.count('restore.done') >= rebuilt + s.app.tasks, 'every task is rebuilt')
          await s.until(async () => (await s.app.verify()).code === 0, 'verify says the same')
          return evicted
        }),
      {
        when: 'at rest',
        expected: { kind: 'mended', by: 'warning `redis.evicted`; `CONFIG SET`, `DEL {<app>:<task>}:task`' },
      },
    ),
  ],
}
