/** What a group has committed, and what open transactions are about to commit. Owns both. */
import { codes } from '../../engine/core/kafka-errors.ts'
import type { Code, OffsetToCommit, ProducerIdentity, TopicPartition } from '../../engine/ports.ts'

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

interface Ordered {
  readonly offset: OffsetToCommit
  /** Place among all commits to the group, as they were asked for. */
  readonly place: number
}

export class GroupOffsets {
  readonly #committed = new Map<string, Ordered>()
  readonly #pending = new Map<bigint, { epoch: number; readonly offsets: Map<string, Ordered> }>()
  #commits = 0

  commit(offsets: readonly OffsetToCommit[]): void {
    for (const offset of offsets) this.#committed.set(nameOf(offset), { offset, place: this.#commits++ })
  }

  /** A later one of another producer does not have to wait for it, and wins, whichever transaction ends first. */
  pend({ producerId, epoch }: ProducerIdentity, offsets: readonly OffsetToCommit[]): void {
    const pending = this.#pending.get(producerId) ?? { epoch, offsets: new Map<string, Ordered>() }
    this.#pending.set(producerId, pending)
    pending.epoch = epoch
    for (const offset of offsets) pending.offsets.set(nameOf(offset), { offset, place: this.#commits++ })
  }

  /** Producers with offsets that are not decided, as of their last TxnOffsetCommit. */
  get pending(): readonly ProducerIdentity[] {
    return [...this.#pending].map(([producerId, { epoch }]) => ({ producerId, epoch }))
  }

  decided(producerId: bigint, commit: boolean): void {
    const pending = this.#pending.get(producerId)
    if (!pending) return
    this.#pending.delete(producerId)
    if (!commit) return
    for (const [name, ordered] of pending.offsets)
      if (ordered.place > (this.#committed.get(name)?.place ?? -1)) this.#committed.set(name, ordered)
  }

  fetch(
    partitions: readonly TopicPartition[],
    requireStable: boolean,
  ): { code: Code; offsets: readonly OffsetToCommit[] } {
    const names = partitions.map(nameOf)
    const pending = [...this.#pending.values()]
    const stable = names.filter((name) => !requireStable || !pending.some(({ offsets }) => offsets.has(name)))
    const code = stable.length < names.length ? codes.UNSTABLE_OFFSET_COMMIT : 0
    return { code, offsets: stable.flatMap((name) => this.#committed.get(name)?.offset ?? []) }
  }

  forget(): void {
    this.#committed.clear()
  }
}
