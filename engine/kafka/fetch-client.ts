/**
 * Fetches rounds of partitions from their leaders, read_committed, without fetch sessions. Owns one connection per broker
 * and the topic ids it was given or began with: a topic that was created again answers UNKNOWN_TOPIC_ID for ever, it is
 * never read as if it were the old one. Positions, filtering and decoding are the caller's.
 */

import { codes } from '../core/kafka-errors.ts'
import { position } from '../core/numbers.ts'
import { type Code, type FetchClient, type FetchedPartition, type FetchRequest, RequestLost } from '../ports.ts'
import { Connections } from './connections.ts'
import { splitByLeader } from './leaders.ts'
import type { Metadata } from './metadata.ts'
import { addressOf, type BrokerAddress, fetchGraceMs, type KafkaConnectionOptions } from './options.ts'
import { byTopic } from './protocol/api.ts'
import { type FetchApiPartition, fetchApi } from './protocol/fetch.ts'

export interface FetchOptions {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
}

const nothing = position(-1)
const noRecords = Buffer.alloc(0)

export class KafkaFetchClient implements FetchClient {
  readonly #metadata: Metadata
  readonly #connections: Connections
  /** Topic ids as given, else as first seen by this client. */
  readonly #topicIds: Map<string, string>
  /** Brokers whose last fetch was lost: they do not delay the others until a connection to them stands again. */
  readonly #away = new Set<string>()

  constructor(
    connection: KafkaConnectionOptions,
    metadata: Metadata,
    topicIds: ReadonlyMap<string, string> = new Map(),
  ) {
    this.#metadata = metadata
    this.#topicIds = new Map(topicIds)
    this.#connections = new Connections(connection)
  }

  async fetch(partitions: readonly FetchRequest[], options: FetchOptions): Promise<readonly FetchedPartition[]> {
    await this.#metadata.ensure(new Set(partitions.map(({ topic }) => topic)))
    const changed = partitions.filter(({ topic }) => !this.#isSameTopic(topic))
    const same = changed.length === 0 ? partitions : partitions.filter(({ topic }) => this.#isSameTopic(topic))
    const { byBroker, withoutLeader } = splitByLeader(this.#metadata, same)
    const present = byBroker.filter(({ broker }) => this.#isPresent(broker))
    // With nobody present this round is the one that tries again, at the pace of the connection attempt.
    const asked = present.length > 0 ? present : byBroker
    const skipped = present.length > 0 ? byBroker.filter((group) => !present.includes(group)) : []
    const rounds = await Promise.all(asked.map((group) => this.#fetchFrom(group.broker, group.partitions, options)))
    const answers = rounds.flat()
    this.#metadata.noteCodes(answers)
    for (const partition of changed) answers.push(failed(partition, codes.UNKNOWN_TOPIC_ID))
    for (const { partition, code } of withoutLeader) answers.push(failed(partition, code))
    for (const group of skipped)
      answers.push(...group.partitions.map((entry) => failed(entry, codes.NETWORK_EXCEPTION)))
    if (skipped.length > 0) this.#metadata.markStale()
    return answers
  }

  async close(): Promise<void> {
    this.#connections.close()
  }

  #isSameTopic(topic: string): boolean {
    const current = this.#metadata.topic(topic)?.topicId
    if (current === undefined) return true // unknown: answered as such
    const first = this.#topicIds.get(topic)
    if (first === undefined) this.#topicIds.set(topic, current)
    return first === undefined || first === current
  }

  #isPresent(broker: BrokerAddress): boolean {
    if (!this.#away.has(addressOf(broker))) return true
    if (this.#connections.isOpen(broker)) return true
    this.#connections.warmUp(broker)
    return false
  }

  async #fetchFrom(
    broker: BrokerAddress,
    partitions: readonly FetchRequest[],
    options: FetchOptions,
  ): Promise<FetchedPartition[]> {
    const topics = byTopic(partitions).map((topic) => ({ topicId: this.#topicIds.get(topic.name)!, ...topic }))
    let answer: { readonly code: Code; readonly partitions: readonly FetchApiPartition[] }
    try {
      const request = { maxWaitMs: options.maxWaitMs, minBytes: options.minBytes, maxBytes: options.maxBytes, topics }
      answer = await this.#connections.request(broker, fetchApi, request, options.maxWaitMs + fetchGraceMs)
    } catch (error) {
      if (!(error instanceof RequestLost)) throw error
      this.#away.add(addressOf(broker))
      this.#metadata.markStale()
      return partitions.map((partition) => failed(partition, codes.NETWORK_EXCEPTION))
    }
    this.#away.delete(addressOf(broker))
    const found = new Map(answer.partitions.map((entry) => [`${entry.topicId}-${entry.partition}`, entry]))
    return partitions.map((partition) => {
      const entry = found.get(`${this.#topicIds.get(partition.topic)}-${partition.partition}`)
      if (entry === undefined) return failed(partition, answer.code || codes.UNKNOWN_SERVER_ERROR)
      const { topicId: _, ...rest } = entry
      // The broker may just not have heard of a new topic yet. That the id changed is for fresh metadata to say.
      const code = entry.code === codes.UNKNOWN_TOPIC_ID ? codes.UNKNOWN_TOPIC_OR_PARTITION : entry.code
      return { ...rest, topic: partition.topic, asked: partition.position, code }
    })
  }
}

function failed(partition: FetchRequest, code: Code): FetchedPartition {
  return {
    topic: partition.topic,
    partition: partition.partition,
    code,
    asked: partition.position,
    highWatermark: nothing,
    lastStableOffset: nothing,
    logStart: nothing,
    aborted: [],
    records: noRecords,
  }
}
