/**
 * What one Kafka request in one version is: its number, its request layout and its answer layout. Owns no connection.
 * Every layout here answers error codes as values; decode throws MalformedAnswer only.
 */
import type { Writer } from '@platformatic/kafka'
import type { TopicPartition } from '../../ports.ts'
import type { AnswerReader } from './answer-reader.ts'

export interface Api<Request, Answer> {
  readonly name: string
  readonly key: number
  readonly version: number
  /** ApiVersions alone is answered with an untagged header, so that any client can read it. */
  readonly plainAnswerHeader?: true
  encode(request: Request): Writer
  decode(answer: AnswerReader): Answer
}

/** Kafka nests partitions in topics. Order of first appearance is kept, so that answers can be told apart in tests. */
export interface TopicGroup<T> {
  readonly name: string
  readonly partitions: T[]
}

export function byTopic<T extends TopicPartition>(entries: readonly T[]): TopicGroup<T>[] {
  const groups = new Map<string, TopicGroup<T>>()
  for (const entry of entries) {
    const group = groups.get(entry.topic)
    if (group) group.partitions.push(entry)
    else groups.set(entry.topic, { name: entry.topic, partitions: [entry] })
  }
  return [...groups.values()]
}
