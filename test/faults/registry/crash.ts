/** Processes that die: at each point of a batch, of a takeover, all at once, again and again, and in order. */
import { setTimeout as sleep } from 'node:timers/promises'
import { API } from '../harness/kafka-proxy.ts'
import { type Kill, killAtRandom, killInTransaction, killNow } from '../harness/kills.ts'
import type { Stage } from '../run/stage.ts'
import { type Fault, nothingLost, type Scene } from './fault.ts'

const crash = (name: string, injects: string, when: string, inject: Fault['inject']): Fault => ({
  name,
  group: 'crash',
  injects,
  when,
  expected: nothingLost,
  inject,
})

/** SIGKILL in the moment in which a request leaves, or its answer comes. */
const atRequest = (name: string, api: keyof typeof API, way: 'request' | 'answer', when: string): Fault =>
  crash(name, 'kill -9', when, async (stage) => {
    const service = stage.at(0)
    // A fetch does not name a transactional id; every request names the client, which is the application.
    const mark = api === 'fetch' ? stage.application : stage.transactionalId(0)
    await stage.seen(
      stage.proxy.at(API[api], way, mark, () => service.signal('SIGKILL')),
      `${api} ${way}`,
    )
    await service.exited
    await stage.start(0)
    return 1
  })

const atWrite = (name: string, way: 'request' | 'answer', when: string): Fault =>
  crash(name, 'kill -9', when, async (stage) => {
    const service = stage.at(0)
    await stage.seen(
      stage.redisProxy.atWrite(way, stage.application, () => service.signal('SIGKILL')),
      `write ${way}`,
    )
    await service.exited
    await stage.start(0)
    return 1
  })

const REBUILDS_MAX = 5

/** A rebuild that has begun may be over when the signal comes: the next one is killed then. */
async function killedInRebuild(stage: Stage): Promise<number> {
  for (let tries = 0; tries < REBUILDS_MAX; tries++) {
    const service = stage.at(0)
    await service.ready
    const begun = (): number =>
      service.log.filter(({ fields }) => fields['msg'] === 'restore.started' && fields['rebuild'] === true).length
    const done = service.count('restore.done')
    const before = begun()
    await stage.redis('FLUSHALL')
    await stage.until(() => begun() > before, 'a rebuild begins')
    await service.kill()
    await stage.start(0)
    if (begun() - before > service.count('restore.done') - done) return 1
  }
  return 0
}

async function killedInRestore(stage: Stage): Promise<number> {
  await stage.at(0).kill()
  const next = await stage.start(0)
  // The first thing that a new process writes is what it restores.
  await stage.seen(
    stage.redisProxy.atWrite('request', stage.application, () => next.signal('SIGKILL')),
    'a restore',
  )
  await next.exited
  const hit = next.count('restore.started') > next.count('restore.done') ? 1 : 0
  await stage.start(0)
  return hit
}

export const pointsScene: Scene = {
  name: 'points of a batch',
  cluster: 'proxied',
  instances: 1,
  faults: [
    atRequest('kill after poll', 'fetch', 'answer', 'the answer to a Fetch'),
    atRequest('kill before TxnOffsetCommit', 'txnOffsetCommit', 'request', 'TxnOffsetCommit leaves'),
    atRequest('kill after TxnOffsetCommit', 'txnOffsetCommit', 'answer', 'the answer to TxnOffsetCommit'),
    atRequest('kill before Produce', 'produce', 'request', 'Produce leaves'),
    atRequest('kill after Produce', 'produce', 'answer', 'the answer to Produce'),
    atRequest('kill after EndTxn is sent', 'endTxn', 'request', 'EndTxn leaves'),
    atRequest('kill when the commit is known', 'endTxn', 'answer', 'the answer to EndTxn'),
    atWrite('kill after EXEC is sent', 'request', 'a write to Redis leaves'),
    atWrite('kill after EXEC is done', 'answer', 'the answer of Redis'),
    crash('kill in the middle of a restore', 'kill -9', 'a new process writes what it restores', killedInRestore),
    crash('kill in the middle of a rebuild', 'FLUSHALL, then kill -9', 'a rebuild has begun', killedInRebuild),
    crash('kill -9 twice in a row', 'kill -9, kill -9 of the successor', 'an open transaction', async (stage) => {
      // The answer is held until the process is gone: it cannot have ended the transaction.
      let first: Kill | undefined
      await stage.seen(
        stage.proxy.holdAnswer(API.produce, stage.transactionalId(0), async () => {
          first = await killNow(stage.cluster, stage.app, stage.at(0))
        }),
        'the answer to Produce',
      )
      await stage.at(0).exited
      await stage.until(() => first !== undefined, 'the first one is gone')
      await stage.start(0)
      await killAtRandom(stage.cluster, stage.app, stage.at(0), stage.random, 1_500)
      await stage.start(0)
      return first?.insideTransaction === true ? 2 : 0
    }),
    crash('SIGTERM under load', 'SIGTERM', 'outputs flow', async (stage) => {
      const { code } = await stage.at(0).terminate()
      await stage.start(0)
      return code === 0 ? 1 : 0
    }),
    crash('SIGTERM twice under load', 'SIGTERM, and again while it drains', 'outputs flow', async (stage) => {
      const service = stage.at(0)
      service.signal('SIGTERM')
      await stage.until(() => service.count('stopping') > 0 || !service.running, 'it drains')
      service.signal('SIGTERM')
      const { code } = await service.exited
      await stage.start(0)
      // 130: it did not wait. 0: it had been quicker than the second signal, which then was none.
      return code === 130 || code === 0 ? 1 : 0
    }),
  ],
}

export const crowdScene: Scene = {
  name: 'three instances',
  cluster: 'proxied',
  instances: 3,
  faults: [
    crash('kill -9 of all instances at once', 'kill -9', 'an open transaction', async (stage) => {
      const open = await stage.openTransaction()
      for (const service of stage.services) service.signal('SIGKILL')
      for (const [place, service] of stage.services.entries()) {
        await killNow(stage.cluster, stage.app, service)
        await stage.start(place)
      }
      return open ? 3 : 0
    }),
    crash('random kill loop', 'kill -9, six times', 'at random, or an open transaction', async (stage) => {
      let kills = 0
      for (; kills < 6; kills++) {
        const place = stage.anyPlace()
        const service = stage.at(place)
        if (stage.random() < 0.6) await killInTransaction(stage.cluster, stage.app, service)
        else await killAtRandom(stage.cluster, stage.app, service, stage.random, 1_000)
        await stage.start(place)
        await sleep(stage.below(800))
      }
      return kills
    }),
  ],
}
