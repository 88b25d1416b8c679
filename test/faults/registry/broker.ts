/** The only broker killed, frozen, restarted; and producer ids that run out. */
import { setTimeout as sleep } from 'node:timers/promises'
import { useUpEpochs } from '../harness/epochs.ts'
import { API } from '../harness/kafka-proxy.ts'
import { type Fault, nothingLost, type Scene } from './fault.ts'

const broker = (name: string, injects: string, when: string, inject: Fault['inject']): Fault => ({
  name,
  group: 'broker',
  injects,
  when,
  expected: nothingLost,
  inject,
})

const FROZEN_MS = 40_000

export const frozenBrokerScene: Scene = {
  name: 'broker frozen',
  cluster: 'bare',
  instances: 2,
  perSecond: 200,
  faults: [
    broker(
      'broker frozen 8 s',
      'SIGSTOP, beyond session and transaction timeout',
      'an open transaction',
      async (stage) => {
        const open = await stage.openTransaction()
        stage.cluster.kafka.pause()
        await sleep(8_000)
        stage.cluster.kafka.resume()
        return open ? 1 : 0
      },
    ),
    broker('broker frozen 40 s', 'SIGSTOP', 'an open transaction', async (stage) => {
      const open = await stage.openTransaction()
      stage.cluster.kafka.pause()
      await sleep(FROZEN_MS)
      stage.cluster.kafka.resume()
      return open ? 1 : 0
    }),
    broker(
      'broker frozen while Redis loses its connections',
      'SIGSTOP up to 1.5 s and CLIENT KILL, six times',
      'outputs flow',
      (stage) =>
        stage.counted('task recovering', async () => {
          for (let i = 0; i < 6; i++) {
            stage.cluster.kafka.pause()
            await stage.redis('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
            await sleep(stage.below(1_500))
            stage.cluster.kafka.resume()
            await stage.flow(60)
          }
        }),
    ),
  ],
}

/** Alone on its broker: what it breaks for good is nobody else's. */
export const killedBrokerScene: Scene = {
  name: 'broker killed',
  cluster: 'bare',
  own: () => ({}),
  instances: 2,
  perSecond: 200,
  faults: [
    broker('broker restarted in order', 'SIGTERM, started again', 'an open transaction', async (stage) => {
      const open = await stage.openTransaction()
      await stage.cluster.kafka.restart()
      return open ? 1 : 0
    }),
    broker(
      'broker killed in the middle of a transaction',
      'kill -9, started again',
      'an open transaction',
      async (stage) => {
        const open = await stage.openTransaction()
        await stage.cluster.kafka.kill()
        await stage.cluster.kafka.restart()
        return open ? 1 : 0
      },
    ),
    broker(
      'broker and all instances killed in the middle of a transaction',
      'kill -9 of all, started again',
      'an open transaction',
      async (stage) => {
        const open = await stage.openTransaction()
        await Promise.all([stage.cluster.kafka.kill(), ...stage.services.map((s) => s.kill())])
        await stage.cluster.kafka.restart()
        for (const place of stage.services.keys()) await stage.start(place)
        return open ? 1 : 0
      },
    ),
  ],
}

export const epochScene: Scene = {
  name: 'producer ids',
  cluster: 'proxied',
  instances: 1,
  perSecond: 150,
  faults: [
    broker(
      'producer id rolls over',
      'the epoch of the transactional id is used up but for a few, then the service goes on with it',
      'the process has ended',
      async (stage) => {
        await stage.stopAll()
        const id = stage.transactionalId(0)
        const before = await useUpEpochs(stage.cluster.kafka.port, id)
        await stage.startAll()
        await stage.until(
          async () => (await stage.cluster.transactions.producerIdOf(id)) !== before,
          'another producer id',
        )
        return 1
      },
    ),
    broker(
      'producer id rolls over while answers of EndTxn are lost',
      'as before, and every answer to EndTxn is lost with its connection until it has happened',
      'the process has ended',
      async (stage) => {
        await stage.stopAll()
        const id = stage.transactionalId(0)
        const before = await useUpEpochs(stage.cluster.kafka.port, id)
        const lost = stage.proxy.count('answer', API.endTxn)
        await stage.startAll()
        stage.proxy.lose(API.endTxn, 'answer', 100, stage.application)
        await stage.until(
          async () => (await stage.cluster.transactions.producerIdOf(id)) !== before,
          'another producer id',
        )
        stage.proxy.lose(API.endTxn, 'answer', 0)
        return stage.proxy.count('answer', API.endTxn) - lost
      },
    ),
  ],
}
