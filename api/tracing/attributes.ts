/**
 * Names of span attributes, all in this file. `messaging.*`, `error.*` and `service.*` are OpenTelemetry's semantic conventions
 * (messaging spans, status: development; as of semantic conventions 1.37); the rest is this service's own.
 */
export const ATTRIBUTES = {
  system: 'messaging.system',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  destinationPartition: 'messaging.destination.partition.id',
  consumerGroup: 'messaging.consumer.group.name',
  batchMessages: 'messaging.batch.message_count',
  application: 'tributary.application',
  task: 'tributary.task',
  batch: 'tributary.batch',
  /** Sampled records of the batch that have no span: a span has at most 128 links. */
  untraced: 'tributary.batch.untraced_records',
  deadLetters: 'tributary.batch.dead_letters',
  forwarded: 'tributary.batch.forwarded_records',
} as const

export const KAFKA = 'kafka'
