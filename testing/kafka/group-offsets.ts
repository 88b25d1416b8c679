/** What a group has committed, and what open transactions are about to commit. Owns both. */
import { codes } from '../../engine/core/kafka-errors.ts'
import type { Code, OffsetToCommit, TopicPartition } from '../../engine/ports.ts'

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

export class GroupOffsets {
  readonly #committed = new Map<string, OffsetToCommit>()
  readonly #pending = new Map<bigint, Map<string, OffsetToCommit>>()

  commit(offsets: readonly OffsetToCommit[]): void {
    for (const offset of offsets) this.#committed.set(nameOf(offset), offset)
  }

  /** A later one of another producer does not have to wait for it, and wins. */
  pend(producerId: bigint, offsets: readonly OffsetToCommit[]): void {
    const pending = this.#pending.get(producerId) ?? new Map<string, OffsetToCommit>()
    this.#pending.set(producerId, pending)
    for (const offset of offsets) pending.set(nameOf(offset), offset)
  }

  decided(producerId: bigint, commit: boolean): void {
    const pending = this.#pending.get(producerId)
    if (!pending) return
    this.#pending.delete(producerId)
    if (commit) this.commit([...pending.values()])
  }

  fetch(
    partitions: readonly TopicPartition[],
    requireStable: boolean,
  ): { code: Code; offsets: readonly OffsetToCommit[] } {
    const names = partitions.map(nameOf)
    const unstable = [...this.#pending.values()].some((pending) => names.some((name) => pending.has(name)))
    if (requireStable && unstable) return { code: codes.UNSTABLE_OFFSET_COMMIT, offsets: [] }
    return { code: 0, offsets: names.flatMap((name) => this.#committed.get(name) ?? []) }
  }

  forget(): void {
    this.#committed.clear()
  }
}
