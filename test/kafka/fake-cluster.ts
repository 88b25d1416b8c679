/** Two fake brokers, node ids 0 and 1, that answer Metadata and FindCoordinator; a test says the rest. */
import { Writer } from '@platformatic/kafka'
import {
  askedTopics,
  type FakeAnswer,
  FakeBroker,
  type FakeRequest,
  type FakeTopic,
  findCoordinatorAnswer,
  metadataAnswer,
} from './fake-broker.ts'

export const keys = { produce: 0, fetch: 1, metadata: 3, findCoordinator: 10, heartbeat: 12, endTxn: 26, commit: 28 }
const topicId = (n: number) => `00000000-0000-0000-0000-00000000000${n}`

export class FakeCluster {
  topics: FakeTopic[] = [{ name: 'a', topicId: topicId(1), leaders: [0, 1, 0, -1] }]
  /** Index of the broker that coordinates everything, or the code with which the look-up is answered. */
  coordinator: number | { code: number } = 0
  /** Which broker hangs when it is asked for metadata. */
  silentMetadata: number | 'both' | null = null
  answer: (broker: number, request: FakeRequest) => FakeAnswer = () => 'silent'
  readonly brokers: readonly [FakeBroker, FakeBroker]

  private constructor(brokers: readonly [FakeBroker, FakeBroker]) {
    this.brokers = brokers
    for (const [index, broker] of brokers.entries()) broker.answer = (request) => this.#answer(index, request)
  }

  static async start(): Promise<FakeCluster> {
    return new FakeCluster([await FakeBroker.start(), await FakeBroker.start()])
  }

  get bootstrapServers(): string {
    return this.brokers.map(({ address }) => address).join()
  }

  seen(key: number): number {
    return this.brokers.reduce((sum, broker) => sum + broker.seen(key).length, 0)
  }

  recreate(name: string): void {
    this.topics = this.topics.map((topic) => (topic.name === name ? { ...topic, topicId: topicId(9) } : topic))
  }

  async stop(): Promise<void> {
    for (const broker of this.brokers) await broker.stop().catch(() => {})
  }

  #answer(broker: number, request: FakeRequest): FakeAnswer {
    if (request.key === keys.metadata) {
      if (this.silentMetadata === 'both' || this.silentMetadata === broker) return 'silent'
      const ports = this.brokers.map(({ port }) => port)
      return metadataAnswer(ports, this.topics, askedTopics(request.body))
    }
    if (request.key === keys.findCoordinator) {
      const { coordinator } = this
      if (typeof coordinator !== 'number') return findCoordinatorAnswer(0, coordinator.code)
      return findCoordinatorAnswer(this.brokers[coordinator]!.port)
    }
    return this.answer(broker, request)
  }
}

/** A Produce v12 answer for one topic. */
export const produced = (topic: string, partitions: readonly (readonly [partition: number, code: number])[]): Writer =>
  Writer.create()
    .appendArray([topic], (writer) => {
      writer.appendString(topic).appendArray([...partitions], (writer, [partition, code]) => {
        writer
          .appendInt32(partition)
          .appendInt16(code)
          .appendInt64(100n + BigInt(partition))
        writer.appendInt64(-1n).appendInt64(0n)
        writer.appendArray([], () => {}).appendString(null)
      })
    })
    .appendInt32(0)
    .appendTaggedFields()

/** A Fetch v17 answer for one topic. */
export const fetched = (
  id: string,
  partitions: readonly (readonly [partition: number, code: number, records: string])[],
): Writer =>
  Writer.create()
    .appendInt32(0)
    .appendInt16(0)
    .appendInt32(0)
    .appendArray([id], (writer) => {
      writer.appendUUID(id).appendArray([...partitions], (writer, [partition, code, records]) => {
        writer.appendInt32(partition).appendInt16(code)
        for (let offset = 0; offset < 3; offset++) writer.appendInt64(5n)
        writer
          .appendArray([], () => {})
          .appendInt32(-1)
          .appendBytes(Buffer.from(records))
      })
    })
    .appendTaggedFields()
