/**
 * The plan: a topology bound to one cluster's topics. Which partitions a task has, where its outputs go, and how large
 * a record may be. A plain value, computed once at start; nothing in it changes while the process runs.
 */

import type { Topology } from '../../topology/define.ts'
import type { Sink } from '../../topology/sinks.ts'
import type { Source } from '../../topology/sources.ts'
import type { TopicPartition } from '../ports.ts'

/** A topic that the plan writes to. */
export interface OutputTopic {
  readonly topic: string
  readonly partitions: number
  /** The topic's max.message.bytes: bound of one record batch after its compression. */
  readonly messageBytesMax: number
}

export interface SourceTopic {
  readonly source: Source
  readonly topic: string
  readonly topicId: string
  readonly partitions: number
}

export interface Plan {
  readonly topology: Topology
  readonly application: string
  readonly groupId: string
  readonly clusterId: string
  /** Number of tasks = partitions of changelog and repartition topic. */
  readonly tasks: number
  readonly stride: number
  readonly requireSpanContext: boolean
  readonly sources: readonly SourceTopic[]
  readonly sinks: ReadonlyMap<Sink, OutputTopic>
  readonly changelog: OutputTopic & { readonly topicId: string }
  readonly repartition: OutputTopic & { readonly topicId: string }
  readonly deadLetters: OutputTopic
}

export const internalTopics = (application: string) => ({
  changelog: `${application}-changelog`,
  repartition: `${application}-repartition`,
  deadLetters: `${application}-dead-letters`,
})

/** The name of a partition in texts and as a key, as Kafka's own log directories have it: `topic-partition`. */
export const partitionName = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

export const everyPartition = ({
  topic,
  partitions,
}: Pick<OutputTopic, 'topic' | 'partitions'>): readonly TopicPartition[] =>
  Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))

/** Partitions that a task reads: of every source those with i mod tasks = task, and its repartition partition, last. */
export function partitionsOf(plan: Plan, task: number): readonly TopicPartition[] {
  const partitions: TopicPartition[] = []
  for (const source of plan.sources)
    for (let partition = task; partition < source.partitions; partition += plan.tasks)
      partitions.push({ topic: source.topic, partition })
  partitions.push({ topic: plan.repartition.topic, partition: task })
  return partitions
}

/** Every topic the group reads, for the subscription. */
export const readTopics = (plan: Plan): readonly string[] => [
  ...plan.sources.map((s) => s.topic),
  plan.repartition.topic,
]

/** Of every topic the application reads: the plan's positions and states mean these, and no others of their names. */
export const topicIdsOf = ({ sources, repartition, changelog }: Plan): ReadonlyMap<string, string> =>
  new Map([...sources, repartition, changelog].map(({ topic, topicId }) => [topic, topicId]))

/** STRIDE: the number of tasks rounded up to a power of two. */
export function strideOf(tasks: number): number {
  let stride = 1
  while (stride < tasks) stride *= 2
  return stride
}
