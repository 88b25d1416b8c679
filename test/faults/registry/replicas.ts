/** Three brokers with three replicas: the one that matters is killed or frozen in the middle of a transaction. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker } from '../harness/brokers.ts'
import { placementOf } from '../harness/placement.ts'
import type { Stage } from '../run/stage.ts'
import { type Fault, nothingLost, type Scene } from './fault.ts'

const replicas = (name: string, injects: string, when: string, inject: Fault['inject']): Fault => ({
  name,
  group: 'broker',
  injects,
  when,
  expected: nothingLost,
  inject,
})

/** Leader of a partition, as the cluster says now. */
async function leaderOf(stage: Stage, topic: string, partition: number): Promise<Broker> {
  const placed = await placementOf(stage.cluster.nodes, [topic])
  const leader = placed.find((p) => p.partition === partition)?.leader
  const node = stage.cluster.nodes.find(({ id }) => id === leader)
  if (!node) throw new Error(`${topic}-${partition} has no leader that is known: ${leader}`)
  return node
}

/** Java's hash of a text, as Kafka takes it for the partition of a coordinator. */
function hashOf(text: string, partitions: number): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return (hash & 0x7fffffff) % partitions
}

const COORDINATOR_PARTITIONS = 8
const leaderOfChangelog = (stage: Stage): Promise<Broker> => leaderOf(stage, stage.app.internal.changelog, 0)
const groupCoordinator = (stage: Stage): Promise<Broker> =>
  leaderOf(stage, '__consumer_offsets', hashOf(stage.application, COORDINATOR_PARTITIONS))
const transactionCoordinator = (stage: Stage): Promise<Broker> =>
  leaderOf(stage, '__transaction_state', hashOf(stage.transactionalId(0), COORDINATOR_PARTITIONS))

/** Until every partition of the application has all its replicas in sync again: else the next fault breaks two at once. */
async function wholeAgain(stage: Stage): Promise<void> {
  const topics = [...stage.app.partitions.keys(), '__consumer_offsets', '__transaction_state']
  await stage.until(
    async () => {
      const placed = await placementOf(stage.cluster.nodes, topics).catch(() => [])
      return placed.length > 0 && placed.every(({ inSync }) => inSync === 3)
    },
    'all replicas are in sync',
    120_000,
  )
}

const killed = (name: string, whom: (stage: Stage) => Promise<Broker>): Fault =>
  replicas(name, 'kill -9, started again when the others have gone on', 'an open transaction', async (stage) => {
    const node = await whom(stage)
    const open = await stage.openTransaction()
    await node.kill()
    await stage.flow(100)
    await node.restart()
    await wholeAgain(stage)
    return open ? 1 : 0
  })

export const replicasScene: Scene = {
  name: 'three brokers',
  cluster: 'three',
  own: () => ({ brokers: 3 }),
  instances: 2,
  perSecond: 150,
  faults: [
    killed('leader of a changelog partition killed', leaderOfChangelog),
    killed('group coordinator killed', groupCoordinator),
    killed('transaction coordinator killed', transactionCoordinator),
    replicas(
      'a leader frozen: markers wait, CONCURRENT_TRANSACTIONS',
      'SIGSTOP 2 s, within the broker’s session',
      'an open transaction',
      async (stage) => {
        const node = await leaderOfChangelog(stage)
        const open = await stage.openTransaction()
        node.pause()
        await sleep(2_000)
        node.resume()
        return open ? 1 : 0
      },
    ),
    replicas(
      'a leader frozen beyond its session',
      'SIGSTOP 8 s; it wakes as a leader that is none',
      'an open transaction',
      async (stage) => {
        const node = await leaderOfChangelog(stage)
        const open = await stage.openTransaction()
        node.pause()
        await sleep(8_000)
        node.resume()
        await wholeAgain(stage)
        return open ? 1 : 0
      },
    ),
    replicas(
      'too few replicas in sync',
      'two of three brokers killed for 5 s',
      'an open transaction',
      async (stage) => {
        const [, second, third] = stage.cluster.nodes
        const open = await stage.openTransaction()
        await Promise.all([second!.kill(), third!.kill()])
        await sleep(5_000)
        await Promise.all([second!.restart(), third!.restart()])
        await wholeAgain(stage)
        return open ? 1 : 0
      },
    ),
    replicas(
      'rolling restart of the brokers',
      'SIGTERM and start, one after the other',
      'outputs flow',
      async (stage) => {
        for (const node of stage.cluster.nodes) {
          await node.restart()
          await wholeAgain(stage)
        }
        return stage.cluster.nodes.length
      },
    ),
  ],
}
