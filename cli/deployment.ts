/**
 * The topology bound to the topics that are there, as engine/preparation.ts binds it, but looking only: creates and
 * changes nothing. Owns nothing.
 */
import type { Config } from '../config.ts'
import { internalTopics, type OutputTopic, type Plan, strideOf } from '../engine/core/plan.ts'
import type { Kafka } from '../engine/ports.ts'
import { topicNames } from '../service.ts'
import { noteTopology } from '../topology/notes/topology.ts'
import type { Sink } from '../topology/sinks.ts'
import { CliError, EXIT } from './errors.ts'

/** Nothing is written by this plan but checkpoint records, which are small. */
const MESSAGE_BYTES_MAX = 1_048_588

/** A source or sink that does not exist is left out. Throws CliError `deployment.missing`, RequestLost, KafkaRefused. */
export async function findDeployment(kafka: Kafka, config: Config): Promise<Plan> {
  const { clusterId } = await kafka.admin.cluster()
  const names = topicNames(config)
  const named = (topic: string): string => names[topic] ?? topic
  const internal = internalTopics(config.APPLICATION_ID)
  const declared = [...noteTopology.sources, ...noteTopology.sinks].map(({ topic }) => named(topic))
  const topics = await kafka.admin.topics([...declared, ...Object.values(internal)])
  const changelog = topics.get(internal.changelog)
  const repartition = topics.get(internal.repartition)
  if (!changelog || !repartition) {
    const missing = changelog ? internal.repartition : internal.changelog
    throw new CliError(
      'deployment.missing',
      EXIT.usage,
      `cluster ${clusterId} has no topic ${missing}: the service has never run there, or APPLICATION_ID is not ${config.APPLICATION_ID}`,
    )
  }
  const output = (topic: string): OutputTopic & { topicId: string } => ({
    topic,
    topicId: topics.get(topic)?.topicId ?? '',
    partitions: topics.get(topic)?.partitions ?? 0,
    messageBytesMax: MESSAGE_BYTES_MAX,
  })
  const sources = noteTopology.sources.flatMap((source) => {
    const info = topics.get(named(source.topic))
    return info ? [{ source, ...info }] : []
  })
  const tasks = changelog.partitions
  return {
    topology: noteTopology,
    application: config.APPLICATION_ID,
    groupId: config.KAFKA_CONSUMER_GROUP,
    clusterId,
    tasks,
    stride: config.NOTE_ID_STRIDE ?? strideOf(tasks),
    requireSpanContext: config.REQUIRE_SPAN_CONTEXT,
    sources,
    sinks: new Map<Sink, OutputTopic>(noteTopology.sinks.map((sink) => [sink, output(named(sink.topic))])),
    changelog: output(internal.changelog),
    repartition: output(internal.repartition),
    deadLetters: output(internal.deadLetters),
  }
}
