/**
 * Hanging transactions: records without a marker behind them, in a transaction that its coordinator has as ended. A broker
 * loses markers when a partition has no leader at the moment (KAFKA-20734: Kafka 4.1 to 4.3.1 then take the partition for
 * a deleted one, and complete the transaction). Nothing behind such records is readable, and the next transaction of the
 * same producer would give them its own decision: an aborted batch becomes visible, a committed one is lost.
 *
 * Decides what must become of each, from what was described. What is not proven is left alone.
 */
import type { CoordinatorEntry, OpenTransaction, ProducerIdentity, TopicPartition } from '../ports.ts'
import { everyPartition, type Plan, partitionName } from './plan.ts'
import { mayBeOurs } from './transactional-id.ts'

/** The transactional id of a producer, as its coordinator describes it, asked *after* the partition was. */
export interface Owner extends ProducerIdentity {
  readonly transactionalId: string
  readonly state: string
}

export interface Looking {
  readonly application: string
  readonly transactionalId: string
  /** Transactional ids of the members of the current generation; null: not known. */
  readonly living: ReadonlySet<string> | null
  /** What this process itself has decided, and heard confirmed; undefined: nothing is known. */
  readonly decided: (identity: ProducerIdentity) => boolean | undefined
}

export type Verdict =
  /** Its coordinator will end it. */
  | { readonly kind: 'open' }
  /** A living member's, who looks before it writes. */
  | { readonly kind: 'living' }
  /** Ours: the lane ends it, between two transactions. */
  | { readonly kind: 'end'; readonly owner: Owner; readonly commit: boolean; readonly markerEpoch: number }
  /** Its coordinator has gone on since: only its log may still tell how this one was decided. */
  | { readonly kind: 'passed'; readonly owner: Owner; readonly markerEpoch: number; readonly reason: string }
  /** It hangs, and how it was decided is not proven, or it is not ours to end. */
  | { readonly kind: 'unknown'; readonly reason: string }

const DECIDED = /^Complete(Commit|Abort)$/

/** States in which a coordinator still has something to write. */
export const isOpenState = (state: string): boolean => state === 'Ongoing' || state.startsWith('Prepare')

/**
 * Every end of a transaction takes the producer one epoch further, whoever ends it: EndTxn of protocol version 2, a fence,
 * the timeout; so does InitProducerId, which leaves the state Empty. So of a coordinator that has *completed*, and is
 * *one* epoch above the records, it is known that it completed the transaction of these records and no other.
 */
export function judge(open: OpenTransaction, owner: Owner | null, looking: Looking): Verdict {
  const known = looking.decided(open)
  if (owner === null) return { kind: 'unknown', reason: 'no coordinator knows the producer id' }
  const { transactionalId, state, producerId, epoch } = owner
  const isOwn = transactionalId === looking.transactionalId
  const isSame = producerId === open.producerId
  if (isSame && isOpenState(state)) return { kind: 'open' }
  if (!isOwn && !mayBeOurs(looking.application, transactionalId))
    return { kind: 'unknown', reason: `${transactionalId} is not of this application` }
  if (!isOwn && looking.living?.has(transactionalId) !== false) return { kind: 'living' }
  // The producer id is another one when its epochs had run out; then only our own memory tells.
  if (isOwn && known !== undefined && (!isSame || epoch > open.epoch))
    return { kind: 'end', owner, commit: known, markerEpoch: isSame ? epoch : open.epoch + 1 }
  if (!isSame) {
    const reason = `${transactionalId} has another producer id by now`
    return { kind: 'passed', owner, markerEpoch: open.epoch + 1, reason }
  }
  const decided = DECIDED.exec(state)
  if (decided && epoch === open.epoch + 1)
    return { kind: 'end', owner, commit: decided[1] === 'Commit', markerEpoch: epoch }
  if (epoch <= open.epoch)
    return {
      kind: 'unknown',
      reason: `${transactionalId} (${state}) has not opened a transaction with epoch ${open.epoch}`,
    }
  const reason = `${transactionalId} (${state}) is at epoch ${epoch} by now, the records are of epoch ${open.epoch}`
  return { kind: 'passed', owner, markerEpoch: epoch, reason }
}

/**
 * How the coordinator has decided this transaction, as it wrote it down; null: it does not tell. Whatever is decided one
 * epoch above the records is the end of their transaction: that of the next one is two above.
 */
export function decidedIn(past: readonly CoordinatorEntry[], open: ProducerIdentity): boolean | null {
  const found = new Set<boolean>()
  for (const { producerId, epoch, state } of past) {
    if (producerId !== open.producerId || epoch !== open.epoch + 1) continue
    const decided = /^(?:Prepare|Complete)(Commit|Abort)$/.exec(state)
    if (decided) found.add(decided[1] === 'Commit')
  }
  const [commit = null] = found
  return found.size === 1 ? commit : null
}

/** The same transaction at the same place. */
export const isSameOpen = (a: OpenTransaction, b: OpenTransaction): boolean =>
  partitionName(a) === partitionName(b) &&
  a.producerId === b.producerId &&
  a.epoch === b.epoch &&
  a.startOffset === b.startOffset

/** Every partition that the application's transactions write to, but for the group's of __consumer_offsets. */
export function writtenPartitions(plan: Plan): readonly TopicPartition[] {
  const counts = new Map<string, number>()
  for (const { topic, partitions } of [...plan.sinks.values(), plan.changelog, plan.repartition, plan.deadLetters])
    counts.set(topic, partitions)
  return [...counts].flatMap(([topic, partitions]) => everyPartition({ topic, partitions }))
}

export const OFFSETS_TOPIC = '__consumer_offsets'
export const TRANSACTIONS_TOPIC = '__transaction_state'

/**
 * Kafka's rule: which partition of __consumer_offsets holds a group, and which of __transaction_state a transactional id
 * (Java's hash of the id, its sign dropped).
 */
export function coordinatorPartition(id: string, partitions: number): number {
  let hash = 0
  for (let i = 0; i < id.length; i++) hash = (Math.imul(31, hash) + id.charCodeAt(i)) | 0
  return (hash === -0x80000000 ? 0 : Math.abs(hash)) % partitions
}

/** What an operator must know of one that cannot be ended here. */
export function hangingMessage(open: OpenTransaction, why: { readonly unknown: string } | 'commit' | 'abort'): string {
  const { topic, partition, producerId, epoch, startOffset } = open
  const what = `${topic}-${partition} is held from offset ${startOffset} on by producer ${producerId} (epoch ${epoch}), whose transaction no coordinator has as open`
  const abort = `kafka-transactions.sh --bootstrap-server … abort --topic ${topic} --partition ${partition} --start-offset ${startOffset}`
  const grant = 'kafka-acls.sh --bootstrap-server … --add --allow-principal User:… --operation ClusterAction --cluster'
  if (why === 'commit')
    return `${what}; it was committed, and without ClusterAction its marker may not be written: ${grant}; it is written by itself then. Never abort it: its records would be lost`
  if (why === 'abort') return `${what}; it was aborted; remedy: ${abort}`
  return `${what}, and how it was decided is not known (${why.unknown}); remedy: when nothing of it may count, ${abort}`
}
