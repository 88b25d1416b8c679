/** Processes that sleep and wake: they remember being owners, and somebody else has taken over. */
import { setTimeout as sleep } from 'node:timers/promises'
import { API } from '../harness/kafka-proxy.ts'
import { BEYOND_SESSION_MS, type Stage } from '../run/stage.ts'
import { type Fault, nothingLost, type Scene } from './fault.ts'

const zombie = (name: string, injects: string, when: string, inject: Fault['inject']): Fault => ({
  name,
  group: 'zombie',
  injects,
  when,
  expected: nothingLost,
  inject,
})

const POINTS = [
  ['TxnOffsetCommit', 'txnOffsetCommit'],
  ['Produce', 'produce'],
  ['EndTxn', 'endTxn'],
] as const

/** Until the group has told it that it was out: how often. */
async function woken(stage: Stage, place: number, before: number): Promise<number> {
  const service = stage.at(place)
  service.signal('SIGCONT')
  await stage.until(() => service.count('group.evicted') > before, 'the woken one learns that it is out')
  return service.count('group.evicted') - before
}

async function frozen(stage: Stage, place: number, ms: number): Promise<number> {
  const service = stage.at(place)
  const before = service.count('group.evicted')
  service.signal('SIGSTOP')
  await sleep(ms)
  return woken(stage, place, before)
}

const frozenAt = ([name, api]: (typeof POINTS)[number], place: number): Fault =>
  zombie(`frozen as ${name} leaves`, 'SIGSTOP beyond the session', `${name} leaves`, async (stage) => {
    const service = stage.at(place)
    const before = service.count('group.evicted')
    const passed = stage.proxy.at(API[api], 'request', stage.transactionalId(place), () => service.signal('SIGSTOP'))
    await stage.seen(passed, name)
    await sleep(BEYOND_SESSION_MS)
    return woken(stage, place, before)
  })

/** It leaves, and arrives when its sender, frozen, has lost its tasks. */
const lateAt = ([name, api]: (typeof POINTS)[number], place: number): Fault =>
  zombie(
    `${name} of a zombie arrives behind the takeover`,
    'SIGSTOP beyond the session; the request on its way for as long',
    `${name} leaves`,
    async (stage) => {
      const service = stage.at(place)
      const before = service.count('group.evicted')
      const arrived = Promise.withResolvers<void>()
      const passed = stage.proxy.at(API[api], 'request', stage.transactionalId(place), async () => {
        service.signal('SIGSTOP')
        await sleep(BEYOND_SESSION_MS + 1_000)
        arrived.resolve()
      })
      await stage.seen(passed, name)
      await arrived.promise
      await stage.flow(40)
      return woken(stage, place, before)
    },
  )

export const zombieScene: Scene = {
  name: 'zombies',
  cluster: 'proxied',
  instances: 2,
  faults: [
    zombie('frozen beyond the session', 'SIGSTOP 7.5 s', 'an open transaction', async (stage) => {
      await stage.openTransaction()
      return frozen(stage, 0, BEYOND_SESSION_MS)
    }),
    zombie(
      'frozen beyond the transaction timeout, within the session',
      'SIGSTOP 5.3 s',
      'its EndTxn leaves',
      async (stage) => {
        const service = stage.at(1)
        await stage.seen(
          stage.proxy.at(API.produce, 'answer', stage.transactionalId(1), () => service.signal('SIGSTOP')),
          'Produce',
        )
        const evicted = service.count('group.evicted')
        await sleep(5_300)
        const open = (await stage.cluster.transactions.ongoing(stage.transactionalId(1))).length
        service.signal('SIGCONT')
        // It was asleep in its own open transaction, and the group still has it.
        await stage.flow(20)
        return service.count('group.evicted') === evicted ? Math.max(open, 1) : open
      },
    ),
    zombie('event loop held beyond the session', 'the process computes for 8 s', 'outputs flow', async (stage) => {
      const service = stage.at(0)
      const before = service.count('group.evicted')
      const held = service.count('preload')
      service.command({ blockMs: BEYOND_SESSION_MS })
      await stage.until(() => service.count('preload') > held, 'it is held and let go')
      await stage.until(() => service.count('group.evicted') > before, 'it learns that it is out')
      return service.count('group.evicted') - before
    }),
    zombie(
      'event loop held for 3 s',
      'the process computes beyond half of a transaction',
      'outputs flow',
      async (stage) => {
        const service = stage.at(1)
        const held = service.count('preload')
        service.command({ blockMs: 3_000 })
        await stage.until(() => service.count('preload') > held, 'it is held and let go')
        return service.count('preload') - held
      },
    ),
    ...POINTS.map((point, i) => frozenAt(point, i % 2)),
    ...POINTS.map((point, i) => lateAt(point, (i + 1) % 2)),
    {
      name: 'two processes with one instance id',
      group: 'zombie',
      injects: 'a second process with the GROUP_INSTANCE_ID of one that runs',
      when: 'outputs flow',
      expected: { kind: 'stops', code: 'instance.duplicate', by: 'end one of the two' },
      inject: async (stage) => {
        const first = stage.at(1)
        const second = await stage.app.start(stage.environment(1))
        for (const service of [first, second]) service.expected.add('instance.duplicate')
        const stopped = (): number =>
          [first, second].filter((s) => s.stopCodes.includes('instance.duplicate') || !s.running).length
        await stage.until(() => stopped() > 0, 'one of the two stops', 90_000)
        const hits = [first, second].filter((s) => s.stopCodes.includes('instance.duplicate')).length
        for (const service of [first, second]) if (service.running && hits === 0) await service.terminate()
        if (first.running) stage.services[1] = first
        else if (second.running) stage.services[1] = second
        else await stage.start(1)
        return hits
      },
    },
  ],
}
