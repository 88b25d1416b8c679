/** A topic in memory with a producer that commits and aborts, and events as the note service writes them. */
import type { Clock } from '../../engine/clock.ts'
import { systemClock } from '../../engine/clock.ts'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { position } from '../../engine/core/numbers.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import type { MemoryConnection } from '../../testing/kafka/memory-kafka.ts'
import { MemoryKafka } from '../../testing/kafka/memory-kafka.ts'
import { PartitionLog } from '../../testing/kafka/partition-log.ts'
import { characterKey } from '../../topology/notes/key.ts'

export const TOPIC = 'status'
export const TENANT_A = '083839c6-c47c-42a6-9585-76492795d123'
export const TENANT_B = '447d0baa-7661-4ee2-9e50-d0b02dc71999'

/** mulberry32 */
export function randomOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface TestEvent {
  readonly tenant: string
  readonly characterId: number
  readonly type: string
  /** Different for every event. */
  readonly number: number
}

export const valueOfEvent = ({ characterId, type, number }: TestEvent): string =>
  JSON.stringify({ transactionId: '00000000-0000-0000-0000-000000000000', characterId, type, body: { noteId: number } })

export class TestTopic {
  readonly kafka: MemoryKafka
  readonly connection: MemoryConnection
  partitions: number
  #epoch = 0
  #open = new Set<number>()
  #sequences = new Map<number, number>()

  constructor(partitions: number, clock: Clock = systemClock) {
    this.kafka = new MemoryKafka(clock)
    this.connection = this.kafka.connect('subscriber')
    this.partitions = partitions
    this.create()
  }

  create(): void {
    this.kafka.cluster.create({ topic: TOPIC, partitions: this.partitions, replicationFactor: 1, configs: {} })
    this.#epoch++
    this.#sequences.clear()
  }

  /** Partitions are added, empty ones. */
  grow(partitions: number): void {
    const { topics } = this.kafka.cluster
    const before = topics.get(TOPIC)!
    const added = Array.from({ length: partitions - this.partitions }, () => new PartitionLog())
    topics.set(TOPIC, { ...before, info: { ...before.info, partitions }, logs: [...before.logs, ...added] })
    this.partitions = partitions
  }

  /** Writes events in the open transaction, each to the home partition of its character. */
  write(events: readonly TestEvent[], timestampMs = Date.now()): void {
    for (const event of events) {
      const key = characterKey(event.characterId)
      const partition = partitionFor(key, this.partitions)
      const builder = new RecordBatchBuilder()
      builder.add(timestampMs, key, valueOfEvent(event), encodeHeaders([['TENANT_ID', Buffer.from(event.tenant)]]))
      const baseSequence = this.#sequences.get(partition) ?? 0
      this.#sequences.set(partition, baseSequence + 1)
      this.#open.add(partition)
      const stamp = {
        producerId: 7n,
        epoch: this.#epoch,
        baseSequence,
        transactional: true,
        compression: 'none',
      } as const
      const { code } = this.kafka.cluster.append({ topic: TOPIC, partition }, builder.finish(stamp))
      if (code !== 0) throw new Error(`not written: ${code}`)
    }
  }

  /** A commit or an abort in every partition written to. */
  end(commit: boolean): void {
    for (const partition of this.#open)
      this.kafka.cluster.complete({ topic: TOPIC, partition }, 7n, this.#epoch, commit)
    this.#open.clear()
    this.#sequences.clear()
    this.#epoch++
  }

  commit(...events: readonly TestEvent[]): void {
    this.write(events)
    this.end(true)
  }

  logEnd(partition: number): number {
    return this.kafka.cluster.log({ topic: TOPIC, partition })!.end
  }

  deleteBefore(partition: number, to: number): void {
    this.kafka.cluster.log({ topic: TOPIC, partition })!.deleteBefore(position(to))
  }
}

/** Waits for a condition, with a deadline. */
export async function until(what: string, holds: () => boolean, deadlineMs = 10_000): Promise<void> {
  const endMs = performance.now() + deadlineMs
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
