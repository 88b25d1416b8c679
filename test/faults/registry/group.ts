/** Membership that changes under load: members come and go, and answers arrive for owners that are none any more. */
import { setTimeout as sleep } from 'node:timers/promises'
import { API } from '../harness/kafka-proxy.ts'
import type { Stage } from '../run/stage.ts'
import { type Fault, nothingLost, type Scene } from './fault.ts'

const group = (name: string, injects: string, when: string, inject: Fault['inject']): Fault => ({
  name,
  group: 'group',
  injects,
  when,
  expected: nothingLost,
  inject,
})

/** A member comes, has tasks, and goes. */
async function visit(stage: Stage, name: string): Promise<void> {
  const visitor = await stage.another(name)
  await visitor.ready
  await visitor.terminate()
}

/**
 * Holds what `hold` stops on its way until a new member has been assigned tasks. Answers how many assignments there were
 * meanwhile.
 */
async function heldUntilJoined(
  stage: Stage,
  name: string,
  what: string,
  hold: (joined: Promise<void>) => Promise<void>,
): Promise<number> {
  const before = stage.count('group.assigned')
  const joined = Promise.withResolvers<void>()
  await stage.seen(hold(joined.promise), what)
  const guest = await stage.another(name)
  await stage.until(() => guest.count('group.assigned') > 0, 'the new member is assigned tasks')
  const hits = stage.count('group.assigned') - before
  joined.resolve()
  await guest.ready
  await guest.terminate()
  return hits
}

/** Loses the next request or answer of an API of the application, and makes the group ask it. */
const lossOf = (api: 'joinGroup' | 'syncGroup', way: 'request' | 'answer'): Fault =>
  group(
    `${api === 'joinGroup' ? 'JoinGroup' : 'SyncGroup'} ${way} lost`,
    'connection cut',
    'a member joins',
    async (stage) => {
      const before = stage.proxy.count(way, API[api])
      stage.proxy.lose(API[api], way, 1, stage.application)
      await visit(stage, `visitor-${api}-${way}`)
      return stage.proxy.count(way, API[api]) - before
    },
  )

export const groupScene: Scene = {
  name: 'membership',
  cluster: 'proxied',
  instances: 2,
  faults: [
    group('members join and leave', 'four members come and go', 'outputs flow', async (stage) => {
      const before = stage.count('group.assigned')
      for (let i = 0; i < 2; i++)
        await Promise.all([
          visit(stage, `guest-${i}-a`),
          sleep(stage.below(600)).then(() => visit(stage, `guest-${i}-b`)),
        ])
      return stage.count('group.assigned') - before
    }),
    group(
      'rebalance while a transaction is open',
      'a member joins; EndTxn is on its way until it has tasks',
      'EndTxn leaves',
      (stage) =>
        heldUntilJoined(stage, 'guest-open', 'EndTxn', (joined) =>
          stage.proxy.at(API.endTxn, 'request', stage.transactionalId(0), () => joined),
        ),
    ),
    group(
      'TxnOffsetCommit arrives a generation late',
      'a member joins; TxnOffsetCommit is on its way until it has tasks',
      'TxnOffsetCommit leaves',
      (stage) =>
        heldUntilJoined(stage, 'guest-late', 'TxnOffsetCommit', (joined) =>
          stage.proxy.at(API.txnOffsetCommit, 'request', stage.transactionalId(1), () => joined),
        ),
    ),
    group(
      'fetch answered after a rebalance',
      'a member joins; the answer to a Fetch is held until it has tasks',
      'the answer to a Fetch with records',
      (stage) =>
        heldUntilJoined(stage, 'guest-fetch', 'Fetch', (joined) =>
          stage.proxy.holdAnswer(API.fetch, stage.application, () => joined),
        ),
    ),
    group('restart of a member within its session', 'kill -9, started again at once', 'outputs flow', async (stage) => {
      const assigned = stage.count('group.assigned')
      await stage.killAndStart(0)
      await stage.until(() => stage.count('group.assigned') > assigned, 'it is a member again')
      return 1
    }),
    group('rolling restart', 'SIGTERM and start, one place after the other', 'outputs flow', async (stage) => {
      for (const place of stage.services.keys()) {
        await stage.at(place).terminate()
        const next = await stage.start(place)
        await next.ready
        await stage.flow(20)
      }
      return stage.services.length
    }),
    group('all members leave and come back', 'SIGTERM to all, started again', 'outputs flow', async (stage) => {
      await stage.stopAll()
      await stage.startAll()
      return stage.services.length
    }),
    lossOf('joinGroup', 'request'),
    lossOf('joinGroup', 'answer'),
    lossOf('syncGroup', 'request'),
    lossOf('syncGroup', 'answer'),
  ],
}
