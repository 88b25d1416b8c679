/** Records in and out of a real broker: a plain producer and a reader of what is committed, on the engine's own clients. */
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { type Position, position } from '../../engine/core/numbers.ts'
import type { FetchClient, Kafka, Publisher, TopicPartition } from '../../engine/ports.ts'
import { fetchEnd } from '../../engine/wire/fetch-end.ts'
import { FetchedRecords } from '../../engine/wire/fetched-records.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { OutputRecord } from '../../testing/output-record.ts'

export interface ProducedRecord extends TopicPartition {
  readonly key: Buffer | null
  readonly value: Buffer | string | null
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
  readonly timestampMs?: number
}

const DEADLINE_MS = 30_000
const NOT_LEADER_OR_FOLLOWER = 6
const FETCH = { maxWaitMs: 100, minBytes: 1, maxBytes: 8 * 1024 * 1024 }

/** Writes one record after the other, each acknowledged, so that they stand in this order. */
export async function produce(publisher: Publisher, records: readonly ProducedRecord[]): Promise<void> {
  for (const { topic, partition, key, value, headers, timestampMs } of records) {
    const builder = new RecordBatchBuilder()
    builder.add(timestampMs ?? Date.now(), key, value, encodeHeaders(headers))
    const stamp = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression: 'none' } as const
    const batch = { topic, partition, bytes: builder.finish(stamp) }
    const endMs = performance.now() + DEADLINE_MS
    for (;;) {
      const [answer] = await publisher.publish([batch])
      if (answer?.code === 0) break
      if (answer?.code !== NOT_LEADER_OR_FOLLOWER || performance.now() > endMs)
        throw new Error(`${topic}-${partition} refuses the record: code ${answer?.code}`)
      await sleep(20)
    }
  }
}

/** Reads topics from their beginning, read_committed, as any consumer would. */
export class CommittedReader {
  readonly #fetch: FetchClient
  readonly #positions: { readonly at: TopicPartition; position: Position }[] = []

  private constructor(fetch: FetchClient) {
    this.#fetch = fetch
  }

  static async open(kafka: Kafka, topics: readonly string[]): Promise<CommittedReader> {
    const reader = new CommittedReader(kafka.fetchClient())
    for (const { topic, partitions } of (await kafka.admin.topics(topics)).values())
      for (let partition = 0; partition < partitions; partition++)
        reader.#positions.push({ at: { topic, partition }, position: position(0) })
    return reader
  }

  /** What has become readable since the last call. */
  async poll(): Promise<readonly OutputRecord[]> {
    const asked = this.#positions.map(({ at, position }) => ({ ...at, position, maxBytes: 1024 * 1024 }))
    const records: OutputRecord[] = []
    for (const answer of await this.#fetch.fetch(asked, FETCH)) {
      const place = this.#positions.find(({ at }) => at.topic === answer.topic && at.partition === answer.partition)!
      // Leaders that are being elected; anything else shows as records that never come.
      if (answer.code !== 0) continue
      const found = new FetchedRecords(answer.records, answer.aborted, place.position)
      for (let view = found.next(); view; view = found.next())
        records.push(new OutputRecord(answer.topic, answer.partition, view))
      place.position = fetchEnd(answer.records, place.position)
    }
    return records
  }

  /** Reads until there are `count`, and once more: that shows the ones too many. */
  async read(count: number): Promise<readonly OutputRecord[]> {
    const records: OutputRecord[] = []
    const endMs = performance.now() + DEADLINE_MS
    while (records.length < count) {
      if (performance.now() > endMs) throw new Error(`${records.length} of ${count} records within ${DEADLINE_MS} ms`)
      records.push(...(await this.poll()))
    }
    records.push(...(await this.poll()))
    return records
  }

  async close(): Promise<void> {
    await this.#fetch.close()
  }
}
