/**
 * What the cluster looks like: brokers, topics, ids, leaders. Owns that knowledge and the connection it is asked over.
 * Answers and lost connections elsewhere call `markStale`; the next `ensure` then asks again, one request at a time,
 * every known broker and every bootstrap server in turn.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { classify, codes } from '../core/kafka-errors.ts'
import { type Code, RequestLost, type TopicInfo, type TopicPartition } from '../ports.ts'
import { Connections } from './connections.ts'
import {
  addressOf,
  type BrokerAddress,
  type KafkaConnectionOptions,
  metadataPatienceMs,
  metadataRefreshMinMs,
  parseBootstrapServers,
  requestTimeoutsMs,
} from './options.ts'
import type { Api } from './protocol/api.ts'
import { type MetadataAnswer, type MetadataTopic, metadataApi } from './protocol/metadata.ts'
import { KafkaRefused } from './refused.ts'

/** Topics that are remembered, and so asked for at every refresh. */
const topicsMax = 10_000

/** Codes that say "you asked the wrong broker, or about something that changed". */
const staleCodes: ReadonlySet<Code> = new Set([
  codes.UNKNOWN_TOPIC_OR_PARTITION,
  codes.LEADER_NOT_AVAILABLE,
  codes.NOT_LEADER_OR_FOLLOWER,
  codes.BROKER_NOT_AVAILABLE,
  codes.NETWORK_EXCEPTION,
  codes.KAFKA_STORAGE_ERROR,
  codes.FENCED_LEADER_EPOCH,
  codes.UNKNOWN_LEADER_EPOCH,
  codes.UNKNOWN_TOPIC_ID,
  codes.INCONSISTENT_TOPIC_ID,
])

export class Metadata {
  readonly #bootstrap: readonly BrokerAddress[]
  readonly #connections: Connections
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map()
  #clusterId = ''
  /** Known topics, and those that were asked for and do not exist (code 3, no leaders). */
  readonly #topics = new Map<string, MetadataTopic>()
  /** Addresses that did not answer last time: asked after the others. */
  readonly #suspects = new Set<string>()
  #stale = false
  #askedAtMs = Number.NEGATIVE_INFINITY
  #refreshing: Promise<void> | null = null

  /** @throws KafkaOptionsError */
  constructor(options: KafkaConnectionOptions) {
    this.#bootstrap = parseBootstrapServers(options.bootstrapServers)
    this.#connections = new Connections(options)
  }

  get clusterId(): string {
    return this.#clusterId
  }

  brokers(): readonly BrokerAddress[] {
    return [...this.#brokers.values()]
  }

  /** The topic as last seen; undefined when it was never asked for, or does not exist. */
  topic(name: string): TopicInfo | undefined {
    const topic = this.#topics.get(name)
    if (topic === undefined || topic.leaders.length === 0) return undefined
    return { topic: topic.name, topicId: topic.topicId, partitions: topic.leaders.length }
  }

  /** Why a topic is not known: the code with which Metadata answered; 0 for one that is. */
  codeOf(name: string): Code {
    return this.#topics.get(name)?.code ?? codes.UNKNOWN_TOPIC_OR_PARTITION
  }

  leader(partition: TopicPartition): BrokerAddress | undefined {
    const nodeId = this.#topics.get(partition.topic)?.leaders[partition.partition]
    return nodeId === undefined ? undefined : this.#brokers.get(nodeId)
  }

  /** True when every partition of the topic has a leader that is a known broker. */
  hasLeaders(name: string): boolean {
    const leaders = this.#topics.get(name)?.leaders ?? []
    return leaders.length > 0 && leaders.every((nodeId) => this.#brokers.has(nodeId))
  }

  markStale(): void {
    this.#stale = true
  }

  /** Marks the metadata stale if one of the codes says so. */
  noteCodes(answers: Iterable<{ readonly code: Code }>): void {
    for (const { code } of answers) if (code !== 0 && staleCodes.has(code)) this.#stale = true
  }

  /**
   * Makes sure that the topics were asked for, and that nothing is known to be stale. What is stale or has no leaders is
   * asked for again at most every 100 ms; in between, and while no broker answers, what is known serves.
   * @throws RequestLost when a topic was never asked for and no broker answers
   */
  async ensure(topics: ReadonlySet<string>): Promise<void> {
    const unseen: string[] = []
    let wanting = this.#stale
    for (const name of topics) {
      const known = this.#topics.get(name)
      if (known === undefined) unseen.push(name)
      else wanting ||= known.leaders.length === 0
    }
    if (unseen.length > 0) this.#take(await this.#request(unseen))
    else if (wanting && (this.#refreshing || performance.now() - this.#askedAtMs >= metadataRefreshMinMs)) {
      const refreshed = this.refresh().catch(() => {})
      // A broker that hangs must not hold up what goes to the others; the refresh goes on behind.
      await Promise.race([refreshed, sleep(metadataPatienceMs, undefined, { ref: false })])
    }
  }

  /** Fresh metadata of every remembered topic. @throws RequestLost when no broker answers. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#ask([...this.#topics.keys()]).finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  /** Fresh metadata of these topics; those that do not exist are absent. @throws RequestLost, KafkaRefused */
  async describe(names: readonly string[]): Promise<ReadonlyMap<string, TopicInfo>> {
    const answer = await this.#request(names)
    this.#take(answer)
    const found = new Map<string, TopicInfo>()
    for (const name of names) {
      const code = this.codeOf(name)
      // Forbidden is not absent: absent topics get created.
      if (classify(code, 'read') === 'FATAL') throw new KafkaRefused('Metadata', code, name)
      const info = this.topic(name)
      if (info) found.set(name, info)
    }
    return found
  }

  /**
   * Sends a request that any broker can answer, to one after the other until one does.
   * @throws RequestLost of the last one tried; `sent` if any of them may have acted on it
   */
  async askAny<Request, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs: number,
    connections = this.#connections,
  ): Promise<Answer> {
    let sent = false
    let last: unknown
    for (const broker of this.#candidates()) {
      try {
        const answer = await connections.request(broker, api, request, timeoutMs)
        this.#suspects.delete(addressOf(broker))
        return answer
      } catch (error) {
        if (!(error instanceof RequestLost)) throw error
        this.#suspects.add(addressOf(broker))
        sent ||= error.sent
        last = error.cause
      }
    }
    throw new RequestLost(api.name, sent, last)
  }

  close(): void {
    this.#connections.close()
  }

  #candidates(): readonly BrokerAddress[] {
    const byAddress = new Map<string, BrokerAddress>()
    for (const broker of [...this.#brokers.values(), ...this.#bootstrap]) byAddress.set(addressOf(broker), broker)
    for (const address of this.#suspects) if (!byAddress.has(address)) this.#suspects.delete(address)
    const isSuspect = (broker: BrokerAddress) => Number(this.#suspects.has(addressOf(broker)))
    return [...byAddress.values()].sort((a, b) => isSuspect(a) - isSuspect(b))
  }

  async #ask(topics: readonly string[]): Promise<void> {
    this.#askedAtMs = performance.now()
    this.#stale = false
    try {
      this.#take(await this.#request(topics))
    } catch (error) {
      this.#stale = true
      throw error
    }
  }

  #request(topics: readonly string[]): Promise<MetadataAnswer> {
    return this.askAny(metadataApi, { topics }, requestTimeoutsMs.metadata)
  }

  #take(answer: MetadataAnswer): void {
    this.#clusterId = answer.clusterId
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    for (const topic of answer.topics) this.#remember(topic)
  }

  #remember(topic: MetadataTopic): void {
    if (this.#topics.size >= topicsMax && !this.#topics.has(topic.name)) {
      throw new RangeError(`more than ${topicsMax} topics are in use`)
    }
    this.#topics.set(topic.name, topic)
  }
}
