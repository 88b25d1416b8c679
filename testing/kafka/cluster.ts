/**
 * The cluster in memory: its topics and their logs, its clock, and the order in which records arrived. What a coordinator
 * knows is in transactions.ts and groups.ts; how a client reaches them is in memory-kafka.ts.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../engine/clock.ts'
import { codes } from '../../engine/core/kafka-errors.ts'
import { offset } from '../../engine/core/numbers.ts'
import type { Code, TopicInfo, TopicPartition, TopicToCreate } from '../../engine/ports.ts'
import { type Appended, PartitionLog } from './partition-log.ts'

export interface MemoryTopic {
  readonly info: TopicInfo
  readonly configs: Map<string, string>
  readonly logs: readonly PartitionLog[]
}

const TOPIC_NAME = /^[\w.-]{1,249}$/
/** What a broker answers for a topic that says nothing else. */
const DEFAULT_CONFIGS = {
  'cleanup.policy': 'delete',
  'delete.retention.ms': '86400000',
  'max.message.bytes': '1048588',
  'min.insync.replicas': '1',
}

export class Cluster {
  readonly clusterId: string
  readonly clock: Clock
  readonly topics = new Map<string, MemoryTopic>()
  /** Names of partitions that have no leader: nothing is written to them, and a marker for one of them is lost for good. */
  readonly leaderless = new Set<string>()
  #arrivals = 0
  #created = 0
  #waiting: (() => void)[] = []

  constructor(clusterId: string, clock: Clock) {
    this.clusterId = clusterId
    this.clock = clock
  }

  create({ topic, partitions, replicationFactor, configs }: TopicToCreate): Code {
    if (!TOPIC_NAME.test(topic)) return codes.INVALID_TOPIC_EXCEPTION
    if (this.topics.has(topic)) return codes.TOPIC_ALREADY_EXISTS
    if (partitions < 1) return codes.INVALID_PARTITIONS
    if (replicationFactor > 1) return codes.INVALID_REPLICATION_FACTOR
    this.topics.set(topic, {
      info: { topic, topicId: topicIdOf(`${this.clusterId}/${topic}/${this.#created++}`), partitions },
      configs: new Map(Object.entries({ ...DEFAULT_CONFIGS, ...configs })),
      logs: Array.from({ length: partitions }, () => new PartitionLog()),
    })
    return 0
  }

  delete(topic: string): void {
    this.topics.delete(topic)
    this.changed()
  }

  hasLeader({ topic, partition }: TopicPartition): boolean {
    return !this.leaderless.has(`${topic}-${partition}`)
  }

  log({ topic, partition }: TopicPartition): PartitionLog | undefined {
    return this.topics.get(topic)?.logs[partition]
  }

  append(to: TopicPartition, batch: Buffer): Appended {
    const topic = this.topics.get(to.topic)
    const log = topic?.logs[to.partition]
    if (!topic || !log) return { code: codes.UNKNOWN_TOPIC_OR_PARTITION, baseOffset: offset(-1) }
    const appended = log.append(batch, Number(topic.configs.get('max.message.bytes')), this.#arrivals++)
    this.changed()
    return appended
  }

  /** The marker of a transaction that has ended. */
  complete(where: TopicPartition, producerId: bigint, epoch: number, commit: boolean): void {
    this.log(where)?.complete(producerId, epoch, commit, this.clock.nowMs(), this.#arrivals++)
    this.changed()
  }

  /** Resolves at the next change of any log, or after the time; those that wait are told in the order in which they came. */
  change(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.after(waitMs, resolve)
      this.#waiting.push(() => {
        cancel()
        resolve()
      })
    })
  }

  changed(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

/** UUID text that depends on the name alone, so that a run can be repeated. */
function topicIdOf(name: string): string {
  const hex = createHash('sha1').update(name).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
