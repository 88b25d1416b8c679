/**
 * The topology bound to the topics that are there, as engine/preparation.ts binds it, but looking only: creates and
 * changes nothing. Owns nothing.
 */
import { internalTopics, type OutputTopic, type Plan, strideOf } from '../engine/core/plan.ts'
import type { Kafka } from '../engine/ports.ts'
import type { Topology } from '../topology/define.ts'
import type { Sink } from '../topology/sinks.ts'
import { OperationError } from './errors.ts'

/** Nothing is written by this plan but checkpoint records, which are small. */
const MESSAGE_BYTES_MAX = 1_048_588

export interface DeploymentOptions {
  readonly topology: Topology
  readonly application: string
  readonly groupId: string
  /** Real name by declared name; a topic that is not in it has its declared name. */
  readonly topicNames: Readonly<Record<string, string>>
  readonly requireSpanContext: boolean
  /** NOTE_ID_STRIDE; null: the number of tasks rounded up to a power of two. */
  readonly stride: number | null
  /** For what mends it: a repartition topic that is missing is in the plan, with an empty id and no partitions. */
  readonly repartitionMayMiss?: boolean
  /** For what makes it anew: it is in the plan as it is, or with an empty id; there are as many tasks as the other one has. */
  readonly changelogMayMiss?: boolean
}

/** A source or sink that does not exist is left out. Throws OperationError `deployment.missing`, RequestLost, KafkaRefused. */
export async function findDeployment(kafka: Kafka, options: DeploymentOptions): Promise<Plan> {
  const { clusterId } = await kafka.admin.cluster()
  const { topology, application, groupId, requireSpanContext } = options
  const named = (topic: string): string => options.topicNames[topic] ?? topic
  const internal = internalTopics(application)
  const declared = [...topology.sources, ...topology.sinks].map(({ topic }) => named(topic))
  const topics = await kafka.admin.topics([...declared, ...Object.values(internal)])
  const changelog = topics.get(internal.changelog)
  const repartition = topics.get(internal.repartition)
  const tasks = options.changelogMayMiss ? repartition?.partitions : changelog?.partitions
  if (tasks === undefined || !(repartition || options.repartitionMayMiss)) {
    const missing = changelog || options.changelogMayMiss ? internal.repartition : internal.changelog
    throw new OperationError(
      'deployment.missing',
      'usage',
      `cluster ${clusterId} has no topic ${missing}: the service has never run there, or APPLICATION_ID is not ${application}`,
    )
  }
  const output = (topic: string): OutputTopic & { topicId: string } => ({
    topic,
    topicId: topics.get(topic)?.topicId ?? '',
    partitions: topics.get(topic)?.partitions ?? 0,
    messageBytesMax: MESSAGE_BYTES_MAX,
  })
  const sources = topology.sources.flatMap((source) => {
    const info = topics.get(named(source.topic))
    return info ? [{ source, ...info }] : []
  })
  return {
    topology,
    application,
    groupId,
    clusterId,
    tasks,
    stride: options.stride ?? strideOf(tasks),
    requireSpanContext,
    sources,
    sinks: new Map<Sink, OutputTopic>(topology.sinks.map((sink) => [sink, output(named(sink.topic))])),
    changelog: output(internal.changelog),
    repartition: output(internal.repartition),
    deadLetters: output(internal.deadLetters),
  }
}

/** Sources of the topology that do not exist, by their real names. */
export function missingSources(
  plan: Plan,
  { topology, topicNames }: Pick<DeploymentOptions, 'topology' | 'topicNames'>,
): ReadonlySet<string> {
  const there = new Set(plan.sources.map(({ topic }) => topic))
  return new Set(topology.sources.map(({ topic }) => topicNames[topic] ?? topic).filter((topic) => !there.has(topic)))
}
