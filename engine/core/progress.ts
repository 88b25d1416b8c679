/** How far a task has come: batch number, next offset of every partition it reads, counters. Immutable. */
import type { OffsetToCommit } from '../ports.ts'
import { type Position, position } from './numbers.ts'

export class Progress {
  /** Number of the last batch; 0 before the first. */
  readonly batch: number
  readonly positions: ReadonlyMap<string, ReadonlyMap<number, Position>>
  readonly counters: ReadonlyMap<string, number>

  constructor(
    batch: number,
    positions: ReadonlyMap<string, ReadonlyMap<number, Position>>,
    counters: ReadonlyMap<string, number>,
  ) {
    this.batch = batch
    this.positions = positions
    this.counters = counters
  }

  position(topic: string, partition: number): Position | undefined {
    return this.positions.get(topic)?.get(partition)
  }

  /** All partitions of the task, as TxnOffsetCommit wants them. */
  offsets(): readonly OffsetToCommit[] {
    const offsets: OffsetToCommit[] = []
    for (const [topic, partitions] of this.positions)
      for (const [partition, at] of partitions) offsets.push({ topic, partition, position: at })
    return offsets
  }

  positionsByName(): Record<string, Record<string, number>> {
    return Object.fromEntries([...this.positions].map(([topic, partitions]) => [topic, Object.fromEntries(partitions)]))
  }
}

export function progressAfter(
  before: Progress,
  moved: ReadonlyMap<string, ReadonlyMap<number, number>>,
  counters: ReadonlyMap<string, number>,
): Progress {
  const positions = new Map<string, ReadonlyMap<number, Position>>(before.positions)
  for (const [topic, partitions] of moved) {
    const merged = new Map(before.positions.get(topic))
    for (const [partition, at] of partitions) merged.set(partition, position(at))
    positions.set(topic, merged)
  }
  return new Progress(before.batch + 1, positions, new Map(counters))
}
