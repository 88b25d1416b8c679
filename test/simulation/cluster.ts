/** The cluster a history begins with: its topics, and the topology bound to them as at a first start. */
import type { Plan } from '../../engine/core/plan.ts'
import { prepare } from '../../engine/preparation.ts'
import type { SimClock } from './clock.ts'
import type { History } from './history.ts'
import { SimKafka } from './model/kafka.ts'
import type { Random } from './random.ts'
import { SOURCES, simTopology } from './topology.ts'

export const APPLICATION = 'sim'
export const GROUP = 'sim-group'

export function createCluster(history: History, clock: SimClock, random: Random): { kafka: SimKafka; plan: Plan } {
  const { markerMs, tasks, partitions } = history
  const kafka = new SimKafka(clock, { markerDelayMs: () => (markerMs === 0 ? 0 : random.below(markerMs + 1)) })
  // Of a producer that got another id *and* died it is not known how its last transaction ended: once in 32,766 of a kind.
  if (history.events.some(({ kind }) => kind === 'broker-restart')) kafka.transactions.epochMax = 32_766
  const counts = new Map([
    ...SOURCES.map((topic, i) => [topic, partitions[i]!] as const),
    ['out', tasks],
    ['ids', tasks],
  ])
  for (const [topic, count] of counts)
    kafka.cluster.create({ topic, partitions: count, replicationFactor: 1, configs: {} })
  kafka.cluster.create({
    topic: `${APPLICATION}-changelog`,
    partitions: tasks,
    replicationFactor: 1,
    configs: { 'cleanup.policy': 'compact', 'delete.retention.ms': String(history.deleteRetentionMs) },
  })
  let plan: Plan | null = null
  let failure: unknown = null
  prepare(kafka.connect('preparation'), clock, () => {}, {
    topology: simTopology,
    application: APPLICATION,
    groupId: GROUP,
    topicNames: {},
    topicPartitions: tasks,
    createTopics: false,
    requireSpanContext: false,
    stride: null,
    patienceMs: 1_000,
  }).then(
    (prepared) => {
      plan = prepared.plan
    },
    (error: unknown) => {
      failure = error
    },
  )
  if (!clock.run(() => plan !== null || failure !== null, clock.nowMs() + 60_000, 10_000) || plan === null)
    throw failure ?? new Error('the cluster was not prepared')
  return { kafka, plan }
}
