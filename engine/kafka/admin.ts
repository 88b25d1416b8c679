/**
 * Topics, their settings and ends, and what the cluster can do. Owns its connections to leaders; everything that any
 * broker can answer goes over the metadata's.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { classify, codes } from '../core/kafka-errors.ts'
import { type Position, position } from '../core/numbers.ts'
import { everyPartition } from '../core/plan.ts'
import {
  type Code,
  type KafkaAdmin,
  type OffsetToCommit,
  type PartitionCode,
  RequestLost,
  type TopicInfo,
  type TopicPartition,
  type TopicToCreate,
} from '../ports.ts'
import { Connections } from './connections.ts'
import { askLeaders } from './leaders.ts'
import type { Metadata } from './metadata.ts'
import { adminWaitMs, answerGraceMs, type KafkaConnectionOptions, requestTimeoutsMs } from './options.ts'
import { apiVersionsApi } from './protocol/api-versions.ts'
import { createTopicsApi } from './protocol/create-topics.ts'
import { deleteRecordsApi } from './protocol/delete-records.ts'
import { describeConfigsApi } from './protocol/describe-configs.ts'
import { listOffsetsApi } from './protocol/list-offsets.ts'
import { expectNone } from './refused.ts'

/** How long a created topic may take to show up with leaders on the broker that is asked. */
const topicVisibleMaxMs = 30_000
const topicVisiblePollMs = 20
/** What the brokers write in their request logs. Letters, digits, dots and dashes only, or they refuse it. */
const software = { name: 'tributary', version: '1' }

export class Admin implements KafkaAdmin {
  readonly #metadata: Metadata
  readonly #quick: Connections
  /** CreateTopics and DeleteRecords wait in the broker; a takeover's ListOffsets must not stand behind them. */
  readonly #slow: Connections

  constructor(connection: KafkaConnectionOptions, metadata: Metadata) {
    this.#metadata = metadata
    this.#quick = new Connections(connection)
    this.#slow = new Connections(connection)
  }

  async cluster(): Promise<{ clusterId: string; brokers: number }> {
    await this.#metadata.refresh()
    return { clusterId: this.#metadata.clusterId, brokers: this.#metadata.brokers().length }
  }

  async finalizedFeatures(): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#metadata.askAny(apiVersionsApi, software, requestTimeoutsMs.apiVersions, this.#quick)
    expectNone('ApiVersions', answer.code, 'read')
    return answer.finalized
  }

  topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicInfo>> {
    return this.#metadata.describe(names)
  }

  /** @throws RequestLost, KafkaRefused */
  async configs(topic: string): Promise<ReadonlyMap<string, string>> {
    const answer = await this.#metadata.askAny(describeConfigsApi, { topic }, requestTimeoutsMs.configs, this.#quick)
    expectNone('DescribeConfigs', answer?.code ?? codes.UNKNOWN_SERVER_ERROR, 'read', answer?.message ?? null)
    return answer?.configs ?? new Map()
  }

  /** Waits for topics that exist already too: another process may just have created them. @throws RequestLost */
  async createTopics(topics: readonly TopicToCreate[]): Promise<ReadonlyMap<string, Code>> {
    const request = { topics, timeoutMs: adminWaitMs }
    const answer = await this.#metadata.askAny(createTopicsApi, request, adminWaitMs + answerGraceMs, this.#slow)
    const result = new Map(answer.map(({ topic, code }) => [topic, code]))
    const wanted = [...result].filter(([, code]) => code === 0 || code === codes.TOPIC_ALREADY_EXISTS)
    await this.#untilLeaders(wanted.map(([topic]) => topic))
    return result
  }

  deleteRecords(before: readonly OffsetToCommit[]): Promise<readonly PartitionCode[]> {
    return askLeaders<OffsetToCommit, PartitionCode>(
      this.#metadata,
      before,
      (broker, entries) => {
        const request = { before: entries, timeoutMs: adminWaitMs }
        return this.#slow.request(broker, deleteRecordsApi, request, adminWaitMs + answerGraceMs)
      },
      ({ topic, partition }, code) => ({ topic, partition, code }),
    )
  }

  listOffsets(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest',
  ): Promise<readonly (PartitionCode & { position: Position })[]> {
    return askLeaders<TopicPartition, PartitionCode & { position: Position }>(
      this.#metadata,
      partitions,
      (broker, entries) => {
        const request = { at, partitions: entries }
        return this.#quick.request(broker, listOffsetsApi, request, requestTimeoutsMs.listOffsets)
      },
      ({ topic, partition }, code) => ({ topic, partition, code, position: position(-1) }),
    )
  }

  async close(): Promise<void> {
    this.#quick.close()
    this.#slow.close()
  }

  /** Metadata names a leader a moment before that broker serves the partition, so the leaders are asked as well. */
  async #untilLeaders(names: readonly string[]): Promise<void> {
    const deadline = performance.now() + topicVisibleMaxMs
    while (names.length > 0) {
      const found = await this.#metadata.describe(names)
      if (names.every((name) => this.#metadata.hasLeaders(name)) && (await this.#serve([...found.values()]))) return
      if (performance.now() > deadline) {
        throw new RequestLost('CreateTopics', true, `created, but without leaders after ${topicVisibleMaxMs} ms`)
      }
      await sleep(topicVisiblePollMs)
    }
  }

  async #serve(topics: readonly TopicInfo[]): Promise<boolean> {
    const ends = await this.listOffsets(topics.flatMap(everyPartition), 'earliest')
    return ends.every(({ code }) => classify(code, 'read') !== 'RETRY')
  }
}
