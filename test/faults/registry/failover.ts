/** Redis with a replica that takes over; and an older dump behind which tombstones have been compacted away. */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis } from '../../../embedded/redis.ts'
import { dumpTopics } from '../../java/log-dump.ts'
import { TOOLS } from '../harness/cluster.ts'
import type { Stage } from '../run/stage.ts'
import { type Fault, nothingLost, type Scene } from './fault.ts'
import { goneBack } from './redis.ts'

const redis = (name: string, injects: string, when: string, inject: Fault['inject']): Fault => ({
  name,
  group: 'redis',
  injects,
  when,
  expected: nothingLost,
  inject,
})

/** `behind`: the replica is frozen before the end, so that it has not got the last writes. */
async function failedOver(stage: Stage, name: string, behind: boolean): Promise<number> {
  const replica = await startRedis({ progress: () => {}, dataDir: join(stage.folder, name) })
  const url = replica.redisUrl
  const call = (command: string, ...args: string[]): Promise<unknown> =>
    stage.cluster.withRedis((client) => client.call(command, ...args), url)
  try {
    await call('REPLICAOF', '127.0.0.1', String(stage.cluster.redis.port))
    const follows = async (): Promise<boolean> =>
      String(await call('INFO', 'replication')).includes('master_link_status:up')
    await stage.until(follows, 'the replica follows')
    await stage.flow(60)
    if (behind) {
      replica.pause()
      await stage.flow(200)
    }
    const recovering = stage.count('task recovering')
    await stage.cluster.redis.kill()
    replica.resume()
    await stage.until(async () => !(await follows()), 'the replica knows that it is alone')
    await call('REPLICAOF', 'NO', 'ONE')
    stage.redisProxy.leadTo(replica.port)
    stage.redisProxy.cut()
    await stage.until(() => stage.count('task recovering') > recovering, 'a task recovers')
    await stage.flow(60)
    // And back, so that the harness and its checker have one Redis again: an empty one, which is rebuilt.
    await stage.cluster.redis.restart({ empty: true })
    stage.redisProxy.leadTo(stage.cluster.redis.port)
    stage.redisProxy.cut()
    return stage.count('task recovering') - recovering
  } finally {
    await replica.stop()
  }
}

export const failoverScene: Scene = {
  name: 'Redis failover',
  cluster: 'proxied',
  instances: 2,
  faults: [
    redis('a replica takes over', 'kill -9 of the primary, REPLICAOF NO ONE', 'the replica follows', (s) =>
      failedOver(s, 'replica-1', false),
    ),
    redis(
      'a replica takes over that is behind',
      'as before; the replica lacks the last writes',
      'the replica is frozen',
      (s) => failedOver(s, 'replica-2', true),
    ),
  ],
}

const DELETE_RETENTION_MS = 1_000

export const compactionScene: Scene = {
  name: 'compaction',
  cluster: 'bare',
  own: () => ({ kafka: { 'log.cleaner.backoff.ms': '200', 'log.cleaner.min.cleanable.ratio': '0.01' } }),
  instances: 1,
  // The ledger deletes an account only when it is back at its opening balance: too few tombstones to wait for.
  faults: [
    redis(
      'older dump restored, its tombstones compacted away',
      'changelog compacted with delete.retention.ms 1 s, then the dump of before put back while nothing runs',
      'no tombstone is left of what was deleted since the dump',
      async (stage) => {
        const { changelog } = stage.app.internal
        await stage.cluster.tool(
          TOOLS.configs,
          '--alter',
          '--entity-type',
          'topics',
          '--entity-name',
          changelog,
          '--add-config',
          `delete.retention.ms=${DELETE_RETENTION_MS},segment.ms=1000,min.cleanable.dirty.ratio=0.01,segment.bytes=1048576`,
        )
        stage.app.compacted = true
        await stage.stopAll()
        await stage.startAll()
        await stage.flow(300)
        let gone = 0
        await goneBack(stage, async () => {
          await stage.flow(1_500)
          const deleted = await tombstones(stage, changelog)
          await stage.until(
            async () => {
              const left = await tombstones(stage, changelog)
              gone = [...deleted].filter((name) => !left.has(name)).length
              return gone > 20
            },
            'the cleaner removes tombstones',
            90_000,
          )
          await stage.stopAll()
        })
        const rebuilt = (): number => stage.count('restore.started', ({ rebuild }) => rebuild === true)
        const before = rebuilt()
        await stage.startAll()
        stage.say(`${gone} tombstones compacted away, ${rebuilt() - before} tasks rebuilt`)
        return rebuilt() > before ? gone : 0
      },
    ),
  ].map((fault) => ({ ...fault, only: 'notes' })),
}

/** `<partition>@<offset>` of deletions that are in the log. */
async function tombstones(stage: Stage, topic: string): Promise<ReadonlySet<string>> {
  await sleep(500)
  const dump = (await dumpTopics(stage.cluster.bootstrapServers, [topic])).get(topic)!
  return new Set(dump.committed.filter((r) => r.value === null).map((r) => `${r.partition}@${r.offset}`))
}
