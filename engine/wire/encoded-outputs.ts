/**
 * Responsible for: a batch's outputs as record batches, and several tasks' outputs as the Produce rounds of one transaction.
 * Owns: the builders by topic and partition until the batch is settled; then they go back to the pool.
 * Does not: send, and does not choose partitions.
 */
import type { Outputs } from '../core/outputs.ts'
import type { OutputTopic } from '../core/plan.ts'
import { varintBytes } from '../core/varint.ts'
import type { ProduceBatch, ProducerIdentity } from '../ports.ts'
import { BuilderPool } from './builder-pool.ts'
import { type Compression, HEADER_BYTES } from './layout.ts'
import type { RecordBatchBuilder } from './record-batch-builder.ts'
import { RollingBatch, sequenceAfter } from './rolling-batch.ts'

/** What one topic and partition gets, in order. */
export interface PartitionOutput {
  readonly topic: string
  readonly partition: number
  readonly rolling: RollingBatch
}

export class EncodedOutputs implements Outputs {
  readonly #byTopic = new Map<string, (PartitionOutput | undefined)[]>()
  readonly #pool: BuilderPool
  #sizeBytes = 0

  constructor(pool: BuilderPool = new BuilderPool()) {
    this.#pool = pool
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get partitions(): readonly PartitionOutput[] {
    return [...this.#byTopic.values()].flatMap((list) => list.filter((p) => p !== undefined))
  }

  sizeAloneBytes(key: Buffer | null, value: string | Buffer | null, headers: Buffer): number {
    const keyBytes = key?.length ?? -1
    const valueBytes = value === null ? -1 : typeof value === 'string' ? Buffer.byteLength(value) : value.length
    const body =
      3 +
      varintBytes(keyBytes) +
      Math.max(keyBytes, 0) +
      varintBytes(valueBytes) +
      Math.max(valueBytes, 0) +
      headers.length
    return HEADER_BYTES + varintBytes(body) + body
  }

  add(
    to: OutputTopic,
    partition: number,
    timestampMs: number,
    key: Buffer | null,
    value: string | Buffer | null,
    headers: Buffer,
  ): void {
    this.#output(to, partition).rolling.add(timestampMs, key, value, headers)
    this.#sizeBytes += (key?.length ?? 0) + (value?.length ?? 0) + headers.length
  }

  /** Compresses on Node's thread pool what would else be compressed on the main thread. */
  async compressAhead(compression: Compression): Promise<void> {
    await Promise.all(
      this.partitions.flatMap((p) => p.rolling.batches.map((builder) => builder.compressAhead(compression))),
    )
  }

  /** The batch is settled: its builders go back, and nothing is left here. */
  release(): void {
    for (const { topic, rolling } of this.partitions)
      for (const builder of rolling.batches) this.#pool.give(topic, builder)
    this.#byTopic.clear()
    this.#sizeBytes = 0
  }

  #output(to: OutputTopic, partition: number): PartitionOutput {
    // Trap P10: the client would silently take the number modulo the partition count.
    if (partition >= to.partitions) throw new RangeError(`${to.topic} has no partition ${partition}`)
    let partitions = this.#byTopic.get(to.topic)
    if (!partitions) this.#byTopic.set(to.topic, (partitions = []))
    return (partitions[partition] ??= this.#begin(to, partition))
  }

  #begin({ topic, messageBytesMax }: OutputTopic, partition: number): PartitionOutput {
    return { topic, partition, rolling: new RollingBatch(messageBytesMax, () => this.#pool.take(topic)) }
  }
}

export interface EncodedBatch extends ProduceBatch {
  /** Index into the outputs that were given to encodeRounds: whose batch it is. */
  readonly owner: number
  readonly records: number
}

/**
 * The Produce requests of one transaction: each carries at most one batch per partition and at most `requestBytesMax`
 * bytes (one batch may be larger alone). Sequences start at 0 per partition, as every transaction has a new epoch.
 */
export function encodeRounds(
  outputs: readonly EncodedOutputs[],
  identity: ProducerIdentity,
  compression: Compression,
  requestBytesMax: number,
): readonly (readonly EncodedBatch[])[] {
  const sequences = new Map<string, number>()
  const rounds: { batches: EncodedBatch[]; partitions: Set<string>; bytes: number }[] = []
  const earliest = new Map<string, number>()
  outputs.forEach((output, owner) => {
    for (const { topic, partition, rolling } of output.partitions) {
      const name = `${topic}-${partition}`
      for (const builder of rolling.batches) {
        const baseSequence = sequences.get(name) ?? 0
        sequences.set(name, sequenceAfter(baseSequence, builder.count))
        const bytes = finish(builder, identity, baseSequence, compression)
        // Order within a partition: never before the round of the batch in front of it.
        let round = earliest.get(name) ?? 0
        while (
          rounds[round] &&
          (rounds[round]!.partitions.has(name) || rounds[round]!.bytes + bytes.length > requestBytesMax)
        )
          round++
        const target = (rounds[round] ??= { batches: [], partitions: new Set(), bytes: 0 })
        target.batches.push({ topic, partition, bytes, owner, records: builder.count })
        target.partitions.add(name)
        target.bytes += bytes.length
        earliest.set(name, round + 1)
      }
    }
  })
  return rounds.map((r) => r.batches)
}

const finish = (
  builder: RecordBatchBuilder,
  { producerId, epoch }: ProducerIdentity,
  baseSequence: number,
  compression: Compression,
): Buffer => builder.finish({ producerId, epoch, baseSequence, transactional: true, compression })
