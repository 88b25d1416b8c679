/**
 * What a batch writes to Kafka, as an interface: engine/wire encodes record batches behind it, the simulator keeps
 * objects. Records of one topic and partition keep their order.
 */
import type { OutputTopic } from './plan.ts'

export interface Outputs {
  /** Bytes that the record would take as the only one of a record batch: bound against messageBytesMax. */
  sizeAloneBytes(key: Buffer | null, value: string | Buffer | null, headers: Buffer): number
  /** The record must fit (sizeAloneBytes ≤ messageBytesMax). `headers` is the raw header section, which the caller may overwrite afterwards. */
  add(
    to: OutputTopic,
    partition: number,
    timestampMs: number,
    key: Buffer | null,
    value: string | Buffer | null,
    headers: Buffer,
  ): void
  /** Bytes added so far, over all partitions. */
  readonly sizeBytes: number
}
