/** Reads topics from their beginning as they grow, committed records only: what any consumer of the service sees. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordView } from '../engine/core/headers.ts'
import { type Position, position } from '../engine/core/numbers.ts'
import { partitionName } from '../engine/core/plan.ts'
import type { FetchClient, Kafka, TopicPartition } from '../engine/ports.ts'
import { FetchedRecords } from '../engine/wire/fetched-records.ts'

const FETCH = { maxWaitMs: 100, minBytes: 1, maxBytes: 8 * 1024 * 1024 }
const PARTITION_BYTES_MAX = 1024 * 1024
const PAUSE_MS = 20

export class Listener {
  readonly #fetch: FetchClient
  readonly #positions = new Map<string, TopicPartition & { at: Position }>()
  readonly #take: (from: TopicPartition, view: RecordView) => void
  readonly #running: Promise<void>
  #closed = false

  /** `take` is called for each record; its bytes are only valid during the call. */
  constructor(
    kafka: Kafka,
    partitions: readonly TopicPartition[],
    take: (from: TopicPartition, view: RecordView) => void,
  ) {
    this.#fetch = kafka.fetchClient()
    this.#take = take
    for (const at of partitions) this.#positions.set(partitionName(at), { ...at, at: position(0) })
    this.#running = this.#run()
  }

  /** Rejects when reading failed for good; else never settles. */
  get failure(): Promise<never> {
    return this.#running.then(() => new Promise<never>(() => {}))
  }

  /** Offset that is read next. */
  position(name: string): number {
    return this.#positions.get(name)?.at ?? 0
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#running.catch(() => {})
    await this.#fetch.close()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const requests = [...this.#positions.values()].map(({ topic, partition, at }) => ({
        topic,
        partition,
        position: at,
        maxBytes: PARTITION_BYTES_MAX,
      }))
      const answers = await this.#fetch.fetch(requests, FETCH)
      for (const { topic, partition, code, records, aborted, asked } of answers) {
        if (code !== 0) continue
        const fetched = new FetchedRecords(records, aborted, asked)
        for (let view = fetched.next(); view; view = fetched.next()) this.#take({ topic, partition }, view)
        this.#positions.get(partitionName({ topic, partition }))!.at = fetched.position
      }
      if (answers.every(({ code }) => code !== 0)) await sleep(PAUSE_MS)
    }
  }
}
