/** Requests and answers between service and broker that are late, lost or refused, one API at a time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Forgery, identityRefused, offsetsRefused } from '../harness/kafka-frames.ts'
import { API } from '../harness/kafka-proxy.ts'
import type { Stage } from '../run/stage.ts'
import { type Fault, nothingLost, type Scene } from './fault.ts'

const network = (name: string, injects: string, when: string, inject: Fault['inject']): Fault => ({
  name,
  group: 'broker',
  injects,
  when,
  expected: nothingLost,
  inject,
})

const NAMES = {
  endTxn: 'EndTxn',
  txnOffsetCommit: 'TxnOffsetCommit',
  produce: 'Produce',
  heartbeat: 'Heartbeat',
  fetch: 'Fetch',
  offsetFetch: 'OffsetFetch',
  initProducerId: 'InitProducerId',
} as const
type Name = keyof typeof NAMES
/** Asked only when a process starts or a task moves. */
const RARE: ReadonlySet<Name> = new Set(['offsetFetch', 'initProducerId'])

async function visit(stage: Stage, name: string): Promise<void> {
  const visitor = await stage.another(name)
  await visitor.ready
  await visitor.terminate()
}

const lossOf = (api: Name, way: 'request' | 'answer'): Fault =>
  network(
    `${NAMES[api]} ${way} lost`,
    'the connection is cut with it',
    `a ${NAMES[api]} of the service`,
    async (stage) => {
      const before = stage.proxy.count(way, API[api])
      stage.proxy.lose(API[api], way, 1, stage.application)
      if (RARE.has(api)) await visit(stage, `visitor-${api}-${way}`)
      await stage.until(() => stage.proxy.count(way, API[api]) > before, `a ${way} of ${NAMES[api]} is lost`)
      return stage.proxy.count(way, API[api]) - before
    },
  )

/** Longer than the transaction may take, so that the coordinator's clock ends it. */
const lateBeyond = (api: 'endTxn' | 'txnOffsetCommit' | 'produce', ms: number, name: string): Fault =>
  network(name, `${NAMES[api]} on its way for ${ms / 1_000} s`, `${NAMES[api]} leaves`, async (stage) => {
    const arrived = Promise.withResolvers<void>()
    const passed = stage.proxy.at(API[api], 'request', stage.transactionalId(0), async () => {
      await sleep(ms)
      arrived.resolve()
    })
    await stage.seen(passed, NAMES[api])
    await arrived.promise
    return 1
  })

const CONCURRENT_TRANSACTIONS = 51
const NOT_COORDINATOR = 16
const COORDINATOR_LOAD_IN_PROGRESS = 14

const forged = (
  name: string,
  code: number,
  api: 'endTxn' | 'initProducerId' | 'txnOffsetCommit',
  times: number,
): Fault =>
  network(
    name,
    `the proxy answers ${NAMES[api]} ${times} times with code ${code}`,
    `${NAMES[api]} leaves`,
    async (stage) => {
      const forge: (code: number) => Forgery = api === 'txnOffsetCommit' ? offsetsRefused : identityRefused
      const before = stage.proxy.count('forged', API[api])
      stage.proxy.forge(API[api], times, forge(code), stage.application)
      // Ready is who has tasks; its transactions may still have to wait.
      const visitor = api === 'initProducerId' ? await stage.another(`visitor-forged-${code}`) : null
      await stage.until(() => stage.proxy.count('forged', API[api]) >= before + times, `${times} answers of the proxy`)
      await visitor?.ready
      await visitor?.terminate()
      return stage.proxy.count('forged', API[api]) - before
    },
  )

export const networkScene: Scene = {
  name: 'network',
  cluster: 'proxied',
  instances: 2,
  faults: [
    ...(Object.keys(NAMES) as Name[]).flatMap((api) => (['request', 'answer'] as const).map((way) => lossOf(api, way))),
    lateBeyond('endTxn', 20_000, 'EndTxn delayed 20 s'),
    lateBeyond('produce', 9_000, 'transaction timeout: Produce on its way beyond it'),
    lateBeyond('txnOffsetCommit', 9_000, 'TxnOffsetCommit on its way beyond the transaction timeout'),
    network('every request of the transaction late', '120 ms each for 2 s', 'outputs flow', async (stage) => {
      const apis: readonly number[] = [API.endTxn, API.txnOffsetCommit, API.produce]
      const delayed = (): number => apis.reduce((sum, api) => sum + stage.proxy.count('delayed', api), 0)
      const before = delayed()
      for (const api of apis) stage.proxy.delay(api, 120, stage.application)
      await stage.until(() => delayed() >= before + 12, 'twelve late requests')
      for (const api of apis) stage.proxy.delay(api, 0)
      return delayed() - before
    }),
    network(
      'offsets on their way while Redis loses its connections',
      'TxnOffsetCommit 250 ms late, CLIENT KILL six times',
      'outputs flow',
      async (stage) => {
        const before = stage.proxy.count('delayed', API.txnOffsetCommit)
        stage.proxy.delay(API.txnOffsetCommit, 250, stage.application)
        for (let i = 0; i < 6; i++) {
          await stage.redis('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
          await stage.flow(30)
        }
        stage.proxy.delay(API.txnOffsetCommit, 0)
        return stage.proxy.count('delayed', API.txnOffsetCommit) - before
      },
    ),
    forged('CONCURRENT_TRANSACTIONS storm at TxnOffsetCommit', CONCURRENT_TRANSACTIONS, 'txnOffsetCommit', 200),
    forged('CONCURRENT_TRANSACTIONS storm at EndTxn', CONCURRENT_TRANSACTIONS, 'endTxn', 50),
    forged('CONCURRENT_TRANSACTIONS storm at InitProducerId', CONCURRENT_TRANSACTIONS, 'initProducerId', 50),
    forged('coordinator moves: TxnOffsetCommit refused', NOT_COORDINATOR, 'txnOffsetCommit', 3),
    forged('coordinator moves: EndTxn refused', NOT_COORDINATOR, 'endTxn', 3),
    forged('coordinator loads: EndTxn refused', COORDINATOR_LOAD_IN_PROGRESS, 'endTxn', 10),
    network('all connections cut, ten times', 'the proxy ends every connection', 'outputs flow', async (stage) => {
      let cut = 0
      for (let i = 0; i < 10; i++) {
        cut += stage.proxy.cut()
        await sleep(200)
      }
      return cut
    }),
    network('heartbeats late beyond the session', 'Heartbeat 7 s late', 'outputs flow', async (stage) => {
      const before = stage.count('group.evicted')
      stage.proxy.delay(API.heartbeat, 7_000, stage.application)
      try {
        await stage.until(() => stage.count('group.evicted') > before, 'somebody is out of the group')
      } finally {
        stage.proxy.delay(API.heartbeat, 0)
      }
      return stage.count('group.evicted') - before
    }),
    network(
      'network partition for 8 s',
      'nothing passes between clients and broker',
      'an open transaction',
      async (stage) => {
        await stage.openTransaction()
        const before = stage.count('group.evicted') + stage.count('lane.fenced') + stage.count('transaction')
        const go = stage.proxy.stall()
        await sleep(8_000)
        go()
        await stage.until(
          () => stage.count('group.evicted') + stage.count('lane.fenced') + stage.count('transaction') > before,
          'somebody has noticed',
        )
        return stage.count('group.evicted') + stage.count('lane.fenced') + stage.count('transaction') - before
      },
    ),
  ],
}
