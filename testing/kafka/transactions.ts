/**
 * The transaction coordinator of protocol version 2 (KIP-890) in memory: an epoch per transaction, a late request of one
 * before is fenced. Markers are written at once unless a delay is given: until the last is written, CONCURRENT_TRANSACTIONS
 * is answered.
 *
 *   Empty, Complete… ──first offset or record──▶ Ongoing ──EndTxn, timeout, fence──▶ Prepare… ──all markers──▶ Complete…
 */
import { codes } from '../../engine/core/kafka-errors.ts'
import type {
  Code,
  CoordinatorEntry,
  ProducerIdentity,
  TopicPartition,
  TransactionDescription,
  TransactionListing,
} from '../../engine/ports.ts'
import type { Cluster } from './cluster.ts'

type State = 'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort'

interface Transaction {
  readonly transactionalId: string
  producerId: bigint
  epoch: number
  /** The epoch before, of an InitProducerId that named it or of the transaction before: who asks with it is answered again; -1: none. */
  lastEpoch: number
  /** Of the transaction that ended last: its EndTxn may come again, and the producer id may be another since. */
  ended: ProducerIdentity
  state: State
  timeoutMs: number
  startedAtMs: number
  /** By name. */
  readonly partitions: Map<string, TopicPartition>
  cancelTimeout: () => void
}

/** Whoever keeps pending offsets hears how their transaction ended. */
export type OffsetsDecided = (producerId: bigint, commit: boolean) => void

/** How long after the decision a partition gets its marker, ms; 0: at once. */
export type MarkerDelay = (partition: TopicPartition) => number

/** What a transaction holds while it has offsets of a group: as a broker calls it. */
export const OFFSETS_TOPIC = '__consumer_offsets'
export const OFFSETS_PARTITION: TopicPartition = { topic: OFFSETS_TOPIC, partition: 0 }
const EPOCH_MAX = 32_766
/** A broker looks for transactions that have timed out only this often (transaction.abort.timed.out.transaction.cleanup.interval.ms). */
const TIMEOUT_LOOK_MS = 10_000
const NO_IDENTITY: ProducerIdentity = { producerId: -1n, epoch: -1 }

export class Transactions {
  readonly #cluster: Cluster
  readonly #decided: OffsetsDecided
  readonly #byId = new Map<string, Transaction>()
  readonly #markerDelayMs: MarkerDelay
  /** As __transaction_state before any compaction, by transactional id. */
  readonly #past = new Map<string, CoordinatorEntry[]>()
  #producerIds = 1000n
  markersLost = 0
  /** Behind it a producer gets another id. */
  epochMax = EPOCH_MAX

  constructor(cluster: Cluster, decided: OffsetsDecided, markerDelayMs: MarkerDelay = () => 0) {
    this.#cluster = cluster
    this.#decided = decided
    this.#markerDelayMs = markerDelayMs
  }

  init(
    transactionalId: string,
    current: ProducerIdentity | null,
    timeoutMs: number,
  ): { code: Code; identity: ProducerIdentity } {
    let transaction = this.#byId.get(transactionalId)
    if (!transaction) {
      const partitions = new Map<string, TopicPartition>()
      transaction = {
        transactionalId,
        producerId: this.#producerIds++,
        epoch: -1,
        lastEpoch: -1,
        ended: NO_IDENTITY,
        state: 'Empty',
        timeoutMs,
        startedAtMs: -1,
        partitions,
        cancelTimeout() {},
      }
      this.#byId.set(transactionalId, transaction)
    } else if (current && current.producerId !== transaction.producerId)
      return { code: codes.PRODUCER_FENCED, identity: NO_IDENTITY }
    // Whatever the epoch: what is open is ended for anyone who knows the producer id.
    if (transaction.state === 'Ongoing') {
      this.#end(transaction, false)
      return { code: codes.CONCURRENT_TRANSACTIONS, identity: NO_IDENTITY }
    }
    if (transaction.state.startsWith('Prepare')) return { code: codes.CONCURRENT_TRANSACTIONS, identity: NO_IDENTITY }
    if (current && transaction.epoch >= 0 && current.epoch !== transaction.epoch) {
      // A call that was carried out and is repeated: nothing is bumped, nobody is fenced.
      if (current.epoch !== transaction.lastEpoch) return { code: codes.PRODUCER_FENCED, identity: NO_IDENTITY }
    } else {
      const before = transaction.epoch
      this.#nextEpoch(transaction)
      transaction.lastEpoch = current ? before : -1
    }
    transaction.timeoutMs = timeoutMs
    transaction.state = 'Empty'
    transaction.startedAtMs = -1
    this.#write(transaction)
    return { code: 0, identity: identityOf(transaction) }
  }

  /** What was written of it, oldest first. */
  past(transactionalId: string): readonly CoordinatorEntry[] {
    return [...(this.#past.get(transactionalId) ?? [])]
  }

  /** Adds the partition to the producer's transaction and begins one if there is none. */
  enter(transactionalId: string, identity: ProducerIdentity, partition: TopicPartition): Code {
    const transaction = this.#byId.get(transactionalId)
    if (!transaction || transaction.producerId !== identity.producerId) return codes.INVALID_PRODUCER_ID_MAPPING
    if (transaction.epoch !== identity.epoch) return codes.INVALID_PRODUCER_EPOCH
    if (transaction.state.startsWith('Prepare')) return codes.CONCURRENT_TRANSACTIONS
    if (transaction.state !== 'Ongoing') {
      transaction.state = 'Ongoing'
      const nowMs = this.#cluster.clock.nowMs()
      transaction.startedAtMs = nowMs
      const lookMs = Math.ceil((nowMs + transaction.timeoutMs) / TIMEOUT_LOOK_MS) * TIMEOUT_LOOK_MS
      transaction.cancelTimeout = this.#cluster.clock.after(lookMs - nowMs, () => this.#end(transaction, false))
      this.#write(transaction)
    }
    transaction.partitions.set(`${partition.topic}-${partition.partition}`, partition)
    return 0
  }

  end(
    transactionalId: string,
    identity: ProducerIdentity,
    commit: boolean,
  ): { code: Code; identity: ProducerIdentity } {
    const transaction = this.#byId.get(transactionalId)
    const refused = (code: Code) => ({ code, identity: NO_IDENTITY })
    if (!transaction || (transaction.producerId !== identity.producerId && !isSame(transaction.ended, identity)))
      return refused(codes.INVALID_PRODUCER_ID_MAPPING)
    const decided = /^(Prepare|Complete)(Commit|Abort)$/.exec(transaction.state)
    if (isSame(transaction.ended, identity) && decided) {
      // The same EndTxn again: its answer was lost.
      if ((decided[2] === 'Commit') !== commit) return refused(codes.INVALID_TXN_STATE)
      return decided[1] === 'Prepare'
        ? refused(codes.CONCURRENT_TRANSACTIONS)
        : { code: 0, identity: identityOf(transaction) }
    }
    if (transaction.epoch !== identity.epoch) return refused(codes.PRODUCER_FENCED)
    if (transaction.state.startsWith('Prepare')) return refused(codes.CONCURRENT_TRANSACTIONS)
    if (transaction.state !== 'Ongoing' && commit) return refused(codes.INVALID_TXN_STATE)
    this.#end(transaction, commit)
    return { code: 0, identity: identityOf(transaction) }
  }

  /** Whether the transaction that this producer id had last is decided as committed, with markers to come or lost. */
  isCommitting(producerId: bigint): boolean {
    return [...this.#byId.values()].some(
      (t) => t.ended.producerId === producerId && (t.state === 'PrepareCommit' || t.state === 'CompleteCommit'),
    )
  }

  list(filter: { states?: readonly string[]; producerIds?: readonly bigint[] }): readonly TransactionListing[] {
    return [...this.#byId.values()]
      .filter((t) => !filter.states?.length || filter.states.includes(t.state))
      .filter((t) => !filter.producerIds?.length || filter.producerIds.includes(t.producerId))
      .map(({ transactionalId, producerId, state }) => ({ transactionalId, producerId, state }))
  }

  describe(transactionalId: string): TransactionDescription {
    const transaction = this.#byId.get(transactionalId)
    if (!transaction)
      return {
        code: codes.TRANSACTIONAL_ID_NOT_FOUND,
        transactionalId,
        state: '',
        startedAtMs: -1,
        partitions: [],
        ...NO_IDENTITY,
      }
    const { state, startedAtMs, partitions } = transaction
    return {
      code: 0,
      transactionalId,
      state,
      startedAtMs,
      partitions: [...partitions.values()],
      ...identityOf(transaction),
    }
  }

  #end(transaction: Transaction, commit: boolean): void {
    transaction.cancelTimeout()
    const { producerId, epoch, partitions } = transaction
    const touched = [...partitions.values()]
    transaction.state = commit ? 'PrepareCommit' : 'PrepareAbort'
    transaction.ended = { producerId, epoch }
    transaction.lastEpoch = epoch
    // Still of this producer id, also when the next transaction has another one.
    this.#write(transaction, { producerId, epoch: epoch + 1 })
    // The marker carries the next epoch, so that nothing late of this one can follow it.
    this.#nextEpoch(transaction)
    let left = touched.length
    const mark = (partition: TopicPartition): void => {
      // KAFKA-20734: a partition without a leader is taken for a deleted one.
      if (!this.#cluster.hasLeader(partition)) this.markersLost++
      else if (partition.topic === OFFSETS_TOPIC) this.#decided(producerId, commit)
      else this.#cluster.complete(partition, producerId, epoch + 1, commit)
      if (--left === 0) this.#complete(transaction, commit)
    }
    for (const partition of touched) {
      const delayMs = this.#markerDelayMs(partition)
      if (delayMs > 0) this.#cluster.clock.after(delayMs, () => mark(partition))
      else mark(partition)
    }
    if (touched.length === 0) this.#complete(transaction, commit)
  }

  #complete(transaction: Transaction, commit: boolean): void {
    transaction.partitions.clear()
    transaction.state = commit ? 'CompleteCommit' : 'CompleteAbort'
    this.#write(transaction)
  }

  #write({ transactionalId, state, ...now }: Transaction, { producerId, epoch }: ProducerIdentity = now): void {
    const past = this.#past.get(transactionalId) ?? []
    this.#past.set(transactionalId, past)
    past.push({ producerId, epoch, state })
  }

  #nextEpoch(transaction: Transaction): void {
    if (transaction.epoch < this.epochMax) {
      transaction.epoch++
      return
    }
    transaction.producerId = this.#producerIds++
    transaction.epoch = 0
  }
}

const identityOf = ({ producerId, epoch }: Transaction): ProducerIdentity => ({ producerId, epoch })

const isSame = (a: ProducerIdentity, b: ProducerIdentity): boolean =>
  a.producerId === b.producerId && a.epoch === b.epoch
