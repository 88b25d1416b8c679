/**
 * One task's changelog as it was written, also what the cleaner has removed since: decided records in order. Owns the
 * fold over it; everything that is said of the store is compared with it.
 */
import { keyOf, valueOf } from '../../../engine/core/headers.ts'
import { position } from '../../../engine/core/numbers.ts'
import { FetchedRecords } from '../../../engine/wire/fetched-records.ts'
import { CHECKPOINT_KEY, type CheckpointRecord } from '../../../stores/core/changelog.ts'
import type { PartitionLog } from '../../../testing/kafka/partition-log.ts'
import type { SimKafka } from '../model/kafka.ts'
import { Violation } from './violation.ts'

export interface MirroredRecord {
  readonly offset: number
  readonly key: string
  readonly value: string | null
}

export class Mirror {
  readonly records: MirroredRecord[] = []
  readonly checkpoints: { readonly offset: number; readonly record: CheckpointRecord }[] = []
  readonly #task: number
  readonly #log: PartitionLog
  readonly #kafka: SimKafka
  #next = 0
  #folded = new Map<string, string>()
  #foldedUpTo = 0
  #foldedOffset = -1

  constructor(task: number, log: PartitionLog, kafka: SimKafka) {
    this.#task = task
    this.#log = log
    this.#kafka = kafka
  }

  /** Takes in what has been decided meanwhile, in order, up to the first transaction that is not. */
  update(): void {
    const log = this.#log
    let stable: number = log.end
    for (const [producerId, first] of log.openTransactions)
      if (!this.#kafka.isCommitting(producerId)) stable = Math.min(stable, first)
    if (stable <= this.#next) return
    const { records, aborted } = log.readAll(position(this.#next))
    const reader = new FetchedRecords(records, aborted, position(this.#next))
    for (let view = reader.next(); view && view.offset < stable; view = reader.next())
      this.#take(view.offset, String(keyOf(view)), valueOf(view)?.toString() ?? null)
    this.#next = stable
  }

  /** Name → JSON as of the checkpoint record at this offset; undefined when there is no such record. */
  stateAt(offset: number): ReadonlyMap<string, string> | undefined {
    if (offset >= 0 && !this.checkpoints.some((c) => c.offset === offset)) return undefined
    if (offset < this.#foldedOffset) {
      this.#folded = new Map()
      this.#foldedUpTo = 0
    }
    for (
      ;
      this.#foldedUpTo < this.records.length && this.records[this.#foldedUpTo]!.offset <= offset;
      this.#foldedUpTo++
    ) {
      const { key, value } = this.records[this.#foldedUpTo]!
      if (value === null) this.#folded.delete(key)
      else this.#folded.set(key, value)
    }
    this.#foldedOffset = offset
    return this.#folded
  }

  #take(offset: number, key: string, value: string | null): void {
    if (key !== CHECKPOINT_KEY) {
      this.records.push({ offset, key, value })
      return
    }
    const record = JSON.parse(value ?? 'null') as CheckpointRecord
    const before = this.checkpoints.at(-1)?.record
    if (record.batch !== (before?.batch ?? 0) + 1)
      throw new Violation('I8', `task ${this.#task}: batch ${record.batch} follows batch ${before?.batch ?? 0}`)
    for (const [topic, partitions] of Object.entries(before?.positions ?? {}))
      for (const [partition, at] of Object.entries(partitions))
        if ((record.positions[topic]?.[partition] ?? -1) < at)
          throw new Violation(
            'I4',
            `task ${this.#task}: ${topic}-${partition} goes back from ${at} to ${record.positions[topic]?.[partition]} at batch ${record.batch}`,
          )
    this.checkpoints.push({ offset, record })
  }
}
