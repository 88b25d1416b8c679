/**
 * Ends hanging transactions (engine/core/hanging.ts decides which, and how) by writing the marker that the broker has
 * lost. Asked by the lane for its own ones, before it writes; by takeovers that cannot read on; by the housekeeping for
 * output topics that stand still. Owns what it has warned of; keeps nothing else.
 *
 * How: WriteTxnMarkers, one request that the broker itself refuses unless the marker's epoch is above that of what is open
 * there, so it cannot touch a transaction that has begun meanwhile. It wants ClusterAction. Without that right an aborted
 * one is ended by a transaction of the same transactional id that is aborted: wherever this breaks off, an abort follows.
 * A committed one is never ended that way: broken off, it would be aborted.
 */

import { type Clock, sleep } from './clock.ts'
import {
  coordinatorPartition,
  decidedIn,
  hangingMessage,
  isOpenState,
  isSameOpen,
  judge,
  type Looking,
  OFFSETS_TOPIC,
  type Owner,
  TRANSACTIONS_TOPIC,
  type Verdict,
  writtenPartitions,
} from './core/hanging.ts'
import { classify, codes, nameOf } from './core/kafka-errors.ts'
import type { Ownership } from './core/ownership.ts'
import { type Plan, partitionName } from './core/plan.ts'
import type { Listener } from './events.ts'
import { type Kafka, type OpenTransaction, type ProducerIdentity, RequestLost, type TopicPartition } from './ports.ts'

export interface MenderContext {
  readonly plan: Plan
  readonly kafka: Pick<Kafka, 'transactions' | 'admin'>
  readonly clock: Clock
  readonly listener: Listener
  readonly transactionalId: string
  readonly ownership: () => Ownership | null
  /** One of our own hangs: the lane must look before it writes. */
  readonly suspectOwn: () => void
}

/**
 * `clean`: nothing of ours hangs. `renew`: nothing does, but the identity is used up. `unsettled`: a transaction of ours is
 * open at its coordinator. `wait`: ask again, something hangs or cannot be looked at.
 */
export type OwnState = 'clean' | 'renew' | 'unsettled' | 'wait'

type ToEnd = Extract<Verdict, { kind: 'end' }>
type Passed = Extract<Verdict, { kind: 'passed' }>
type Decided = Exclude<Verdict, Passed>

/** The same is said again after this. */
const WARN_EVERY_MS = 10_000
const WARN_AFTER_MS = 500
const SEEN_MAX = 1_000
/** What a coordinator's log did not tell is not looked up again before this. */
const PAST_AGAIN_MS = 60_000
/** AddPartitionsToTxn answers CONCURRENT_TRANSACTIONS while the coordinator has not quite finished. */
const CONCURRENT_TRIES = 50
const CONCURRENT_RETRY_MS = 20

export class Mender {
  readonly #context: MenderContext
  readonly #seen = new Map<string, { dueAtMs: number }>()
  /** Why the log of a coordinator did not tell. */
  readonly #untold = new Map<string, { readonly atMs: number; readonly why: string }>()
  #offsets: TopicPartition | null = null

  constructor(context: MenderContext) {
    this.#context = context
  }

  /** While the lane has no transaction open. `decided`: the lane's last transactions and how they ended. */
  async own(decided: Looking['decided']): Promise<OwnState> {
    const { kafka, transactionalId } = this.#context
    try {
      const partitions = await this.#partitions()
      // In this order: what is open before the coordinator says that all is complete, and still is afterwards, hangs.
      const open = await this.#open(partitions)
      const described = await kafka.transactions.describe(transactionalId)
      if (described.code === codes.TRANSACTIONAL_ID_NOT_FOUND) return 'clean'
      if (classify(described.code, 'read') === 'FATAL') {
        this.#unchecked(transactionalId, nameOf(described.code))
        return 'clean'
      }
      if (described.code !== 0) return 'wait'
      if (isOpenState(described.state)) return described.state === 'Ongoing' ? 'unsettled' : 'wait'
      if (open === null) return 'wait'
      const ours = open.filter((o) => o.producerId === described.producerId || decided(o) !== undefined)
      if (ours.length === 0) return 'clean'
      return await this.#end(await this.#still(ours), () => described, decided)
    } catch (error) {
      if (error instanceof RequestLost) return 'wait'
      throw error
    }
  }

  /** Whether this producer may write to these partitions; `later`: one of them cannot be looked at now. */
  async mayWrite(identity: ProducerIdentity, to: readonly TopicPartition[]): Promise<'yes' | 'no' | 'later'> {
    try {
      const open = await this.#open(to)
      if (open === null) return 'later'
      return open.some((o) => o.producerId === identity.producerId && o.epoch !== identity.epoch) ? 'no' : 'yes'
    } catch (error) {
      if (error instanceof RequestLost) return 'later'
      throw error
    }
  }

  /** The group's partition of __consumer_offsets; null when it cannot be known. */
  async offsetsPartition(): Promise<TopicPartition | null> {
    if (this.#offsets) return this.#offsets
    const { kafka, plan } = this.#context
    try {
      const count = (await kafka.admin.topics([OFFSETS_TOPIC])).get(OFFSETS_TOPIC)?.partitions
      if (count) this.#offsets = { topic: OFFSETS_TOPIC, partition: coordinatorPartition(plan.groupId, count) }
    } catch (error) {
      if (error instanceof RequestLost) throw error
      this.#unchecked(OFFSETS_TOPIC, error instanceof Error ? error.message : String(error))
    }
    return this.#offsets
  }

  /** What the dead have left in these partitions. Never touches a living member's; ours are the lane's. */
  async others(partitions: readonly TopicPartition[]): Promise<void> {
    // A transaction loses its markers everywhere at once, or nearly: whoever meets one ends all of it.
    if (await this.#others(partitions)) await this.#others(writtenPartitions(this.#context.plan))
  }

  /** True: something has hung there. */
  async #others(partitions: readonly TopicPartition[]): Promise<boolean> {
    const { transactionalId, suspectOwn } = this.#context
    try {
      const open = await this.#open(partitions)
      if (open === null || open.length === 0) return false
      const owners = new Map<bigint, Owner | null>()
      for (const { producerId } of open)
        if (!owners.has(producerId)) owners.set(producerId, await this.#ownerOf(producerId))
      const decided = open.filter(({ producerId }) => !isOpenState(owners.get(producerId)?.state ?? ''))
      const isOwn = ({ producerId }: OpenTransaction) => owners.get(producerId)?.transactionalId === transactionalId
      if (decided.some(isOwn)) suspectOwn()
      const hanging = await this.#still(decided.filter((o) => !isOwn(o)))
      await this.#end(
        hanging,
        (o) => owners.get(o.producerId) ?? null,
        () => undefined,
      )
      return hanging.length > 0
    } catch (error) {
      if (!(error instanceof RequestLost)) throw error
      return false
    }
  }

  async #ownerOf(producerId: bigint): Promise<Owner | null> {
    const { transactions } = this.#context.kafka
    const [listed] = await transactions.list({ producerIds: [producerId] })
    if (!listed) return null
    const described = await transactions.describe(listed.transactionalId)
    if (described.code === codes.TRANSACTIONAL_ID_NOT_FOUND) return null
    if (described.code !== 0) throw new RequestLost('DescribeTransactions', true, nameOf(described.code))
    return described
  }

  async #end(
    hanging: readonly OpenTransaction[],
    ownerOf: (open: OpenTransaction) => Owner | null,
    decided: Looking['decided'],
  ): Promise<OwnState> {
    const { plan, transactionalId, ownership } = this.#context
    const living = ownership()?.transactionalIds ?? null
    const looking: Looking = { application: plan.application, transactionalId, living, decided }
    const verdictOf = async (open: OpenTransaction): Promise<Decided> => {
      const verdict = judge(open, ownerOf(open), looking)
      return verdict.kind === 'passed' ? this.#lookUp(open, verdict) : verdict
    }
    let state: OwnState = 'clean'
    for (const open of hanging) {
      const verdict = await verdictOf(open)
      if (verdict.kind === 'living') continue
      if (verdict.kind === 'unknown') this.#hanging(open, { unknown: verdict.reason })
      if (verdict.kind === 'end') {
        const written = await this.#write(open, verdict)
        if (written === 'yes') continue
        if (written === 'not permitted' && (await this.#abortAll(open, verdict, verdictOf))) return 'renew'
      }
      state = 'wait'
    }
    return state
  }

  /** In what the coordinator has written of it, unless compaction has taken that. */
  async #lookUp(open: OpenTransaction, { owner, markerEpoch, reason }: Passed): Promise<Decided> {
    const { kafka, clock } = this.#context
    const key = keyOf(open)
    const known = this.#untold.get(key)
    if (known && clock.elapsedMs() < known.atMs + PAST_AGAIN_MS) return { kind: 'unknown', reason: known.why }
    const { code, entries } = await kafka.transactions.past(owner.transactionalId)
    const commit = code === 0 ? decidedIn(entries, open) : null
    if (commit !== null) return { kind: 'end', owner, commit, markerEpoch }
    const told = code === 0 ? 'does not tell any more' : `cannot be read: ${nameOf(code)}, allow Read on it first`
    const why = `${reason}; ${TRANSACTIONS_TOPIC} ${told}`
    if (this.#untold.size >= SEEN_MAX) this.#untold.clear()
    this.#untold.set(key, { atMs: clock.elapsedMs(), why })
    return { kind: 'unknown', reason: why }
  }

  async #write(open: OpenTransaction, { commit, markerEpoch }: ToEnd): Promise<'yes' | 'no' | 'not permitted'> {
    const { topic, partition, producerId } = open
    const code = await this.#context.kafka.transactions.writeMarker({
      topic,
      partition,
      producerId,
      epoch: markerEpoch,
      commit,
      coordinatorEpoch: Math.max(0, open.coordinatorEpoch),
    })
    if (code === 0) {
      this.#ended(open, commit)
      return 'yes'
    }
    if (code === codes.CLUSTER_AUTHORIZATION_FAILED || code === codes.UNSUPPORTED_VERSION) return 'not permitted'
    // Somebody was faster, or the leader is away: it is looked at again.
    return 'no'
  }

  /**
   * All of the producer's at once: the coordinator is an epoch further afterwards, and of what is left it would not be
   * known any more how it was decided.
   */
  async #abortAll(
    first: OpenTransaction,
    { commit, owner }: ToEnd,
    verdictOf: (open: OpenTransaction) => Promise<Decided>,
  ): Promise<boolean> {
    const { kafka, clock, plan } = this.#context
    if (commit) {
      this.#hanging(first, 'commit')
      return false
    }
    if (owner.producerId !== first.producerId) {
      this.#hanging(first, 'abort')
      return false
    }
    const all = (await this.#open(await this.#partitions()))?.filter((o) => o.producerId === first.producerId)
    if (!all) return false
    for (const open of all) {
      const verdict = await verdictOf(open)
      if (verdict.kind === 'end' && !verdict.commit) continue
      this.#hanging(open, verdict.kind === 'unknown' ? { unknown: verdict.reason } : 'commit')
      return false
    }
    const offsets = all.some(({ topic }) => topic === OFFSETS_TOPIC) ? plan.groupId : null
    const records = all.filter(({ topic }) => topic !== OFFSETS_TOPIC)
    for (let i = 0; i < CONCURRENT_TRIES; i++) {
      const code = await kafka.transactions.abortAs(owner.transactionalId, owner, records, offsets)
      if (code === 0) {
        for (const open of all) this.#ended(open, false)
        return true
      }
      if (code !== codes.CONCURRENT_TRANSACTIONS) return false
      await sleep(clock, CONCURRENT_RETRY_MS)
    }
    return false
  }

  async #partitions(): Promise<readonly TopicPartition[]> {
    const written = writtenPartitions(this.#context.plan)
    const offsets = await this.offsetsPartition()
    return offsets ? [...written, offsets] : written
  }

  /** Null: one of them cannot be looked at now. Those that may not be looked at are left out, and said. */
  async #open(partitions: readonly TopicPartition[]): Promise<readonly OpenTransaction[] | null> {
    if (partitions.length === 0) return []
    const answers = await this.#context.kafka.transactions.open(partitions)
    let missing = false
    for (const answer of answers) {
      if (answer.code === 0) continue
      if (classify(answer.code, 'read') === 'FATAL') this.#unchecked(answer.topic, nameOf(answer.code))
      else missing = true
    }
    return missing ? null : answers.flatMap(({ transactions }) => transactions)
  }

  /** Those that are still there. @throws RequestLost when one cannot be looked at now */
  async #still(before: readonly OpenTransaction[]): Promise<readonly OpenTransaction[]> {
    const partitions = new Map(before.map((o) => [partitionName(o), { topic: o.topic, partition: o.partition }]))
    const now = await this.#open([...partitions.values()])
    if (now === null) throw new RequestLost('DescribeProducers', true, 'a partition has no leader')
    return now.filter((open) => before.some((other) => isSameOpen(open, other)))
  }

  #ended(open: OpenTransaction, commit: boolean): void {
    this.#seen.delete(keyOf(open))
    this.#warn(
      'transaction.mended',
      `${partitionName(open)} was held from offset ${open.startOffset} on by a transaction of producer ${open.producerId} whose marker the broker had lost; it was ${commit ? 'committed' : 'aborted'}, and is ended so now`,
    )
  }

  #hanging(open: OpenTransaction, why: Parameters<typeof hangingMessage>[1]): void {
    if (this.#due(keyOf(open))) this.#warn('transaction.hanging', hangingMessage(open, why))
  }

  #unchecked(what: string, why: string): void {
    if (this.#due(what))
      this.#warn('transaction.unchecked', `${what}: ${why}; a transaction that hangs there is not noticed`)
  }

  /** What a coordinator does not know for a moment, while it is loading, is no news: said when it is met again. */
  #due(key: string): boolean {
    const nowMs = this.#context.clock.elapsedMs()
    const seen = this.#seen.get(key)
    if (!seen) {
      if (this.#seen.size >= SEEN_MAX) this.#seen.clear()
      this.#seen.set(key, { dueAtMs: nowMs + WARN_AFTER_MS })
      return false
    }
    if (nowMs < seen.dueAtMs) return false
    seen.dueAtMs = nowMs + WARN_EVERY_MS
    return true
  }

  #warn(code: string, message: string): void {
    this.#context.listener({ kind: 'warning', code, message })
  }
}

const keyOf = (open: OpenTransaction): string =>
  `${partitionName(open)}@${open.startOffset} ${open.producerId}/${open.epoch}`
