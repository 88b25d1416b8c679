/**
 * What the configuration means to Kafka's clients and to the engine. Apart from the service, so that a command which only
 * looks does not load it.
 */
import type { Config } from './config.ts'
import type { KafkaConnectionOptions } from './engine/kafka/kafka.ts'
import type { PreparationOptions } from './engine/preparation.ts'
import { noteTopology } from './topology/notes/topology.ts'

/** The topics and their settings, for the service itself and for the commands that look for what it has made. */
export const preparationOf = (config: Config, patienceMs = 0): PreparationOptions => ({
  topology: noteTopology,
  application: config.APPLICATION_ID,
  groupId: config.KAFKA_CONSUMER_GROUP,
  topicNames: topicNames(config),
  topicPartitions: config.TOPIC_PARTITIONS,
  createTopics: config.CREATE_TOPICS,
  requireSpanContext: config.REQUIRE_SPAN_CONTEXT,
  stride: config.NOTE_ID_STRIDE ?? null,
  patienceMs,
})

export const topicNames = (config: Config): Readonly<Record<string, string>> => ({
  COMMAND_TOPIC_NOTE: config.COMMAND_TOPIC_NOTE,
  EVENT_TOPIC_CHARACTER_STATUS: config.EVENT_TOPIC_CHARACTER_STATUS,
  EVENT_TOPIC_NOTE_STATUS: config.EVENT_TOPIC_NOTE_STATUS,
  COMMAND_TOPIC_SAGA: config.COMMAND_TOPIC_SAGA,
})

export function kafkaOptions(config: Config & { BOOTSTRAP_SERVERS: string }): KafkaConnectionOptions {
  const { KAFKA_SECURITY_PROTOCOL: protocol, KAFKA_SASL_MECHANISM: mechanism } = config
  return {
    bootstrapServers: config.BOOTSTRAP_SERVERS,
    clientId: config.APPLICATION_ID,
    ...(protocol.endsWith('SSL')
      ? { tls: { ...ca(config.KAFKA_SSL_CA), ...pair(config.KAFKA_SSL_CERT, config.KAFKA_SSL_KEY) } }
      : {}),
    ...(protocol.startsWith('SASL_') && mechanism
      ? { sasl: { mechanism, username: config.KAFKA_SASL_USERNAME ?? '', password: config.KAFKA_SASL_PASSWORD ?? '' } }
      : {}),
  }
}

const ca = (pem: string | undefined) => (pem === undefined ? {} : { ca: pem })
const pair = (cert: string | undefined, key: string | undefined) =>
  cert === undefined || key === undefined ? {} : { cert, key }
