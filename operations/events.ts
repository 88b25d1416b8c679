/** Status events as they lie in their topic, up to now: committed ones only. Those that are to come: subscribe/. */
import { type RecordView, readHeaders, valueOf as valueBytesOf } from '../engine/core/headers.ts'
import { position } from '../engine/core/numbers.ts'
import { everyPartition, partitionName } from '../engine/core/plan.ts'
import type { TopicPartition } from '../engine/ports.ts'
import { noteStatus } from '../topology/notes/events.ts'
import type { KafkaContext } from './context.ts'
import { OperationError } from './errors.ts'
import { logRanges, readRecords } from './records.ts'

export interface SeenEvent {
  /** `topic:partition:offset`. */
  readonly position: string
  readonly timestampMs: number
  readonly tenant: string | null
  /** What lies there: a status event, unless somebody else has written to the topic. */
  readonly value: unknown
}

/** Null in every field: all of them. */
export interface EventFilter {
  readonly tenant: string | null
  readonly character: number | null
  readonly type: string | null
}

export function passes(filter: EventFilter, { tenant, value }: Pick<SeenEvent, 'tenant' | 'value'>): boolean {
  const { type, characterId } = (value ?? {}) as { type?: unknown; characterId?: unknown }
  return (
    (filter.tenant === null || filter.tenant === tenant) &&
    (filter.character === null || filter.character === characterId) &&
    (filter.type === null || filter.type === type)
  )
}

/** Value of a record: JSON where it is, else its text. */
export function decodeLeniently(bytes: Buffer | null): unknown {
  if (bytes === null) return null
  const text = bytes.toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Partition after partition, each in order. Throws OperationError. */
export async function storedEvents(
  { plan, kafka }: KafkaContext,
  filter: EventFilter,
  take: (event: SeenEvent) => void,
): Promise<void> {
  const topic = plan.sinks.get(noteStatus)
  if (!topic || topic.partitions === 0)
    throw new OperationError('deployment.missing', 'usage', `topic ${topic?.topic ?? noteStatus.topic} does not exist`)
  const partitions = everyPartition(topic)
  const logs = await logRanges(kafka, partitions)
  const fetch = kafka.fetchClient()
  try {
    for (const at of partitions) {
      const { start, end } = logs.get(partitionName(at))!
      await readRecords(fetch, at, position(start), position(end), 'stop', (view) => {
        const event = eventOf(at, view)
        if (passes(filter, event)) take(event)
      })
    }
  } finally {
    await fetch.close()
  }
}

function eventOf({ topic, partition }: TopicPartition, view: RecordView): SeenEvent {
  const tenant =
    readHeaders(view)
      .findLast(({ name }) => name === 'TENANT_ID')
      ?.value?.toString('utf8') ?? null
  return {
    position: `${topic}:${partition}:${view.offset}`,
    timestampMs: view.timestampMs,
    tenant: tenant?.toLowerCase() ?? null,
    value: decodeLeniently(valueBytesOf(view)),
  }
}
