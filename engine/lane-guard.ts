/**
 * Keeps the lane from writing behind a hanging transaction of its own (engine/core/hanging.ts): the next one would give the
 * forgotten records its own decision. A broker cannot lose markers unless a partition has no leader for a moment, and that
 * is not missed: a request is not answered, or refused, or a connection is lost, be it one of the fetcher's or the group's:
 * those of transactions may stand unused, to a broker that has been replaced. After any of these the lane is *suspect*:
 * it looks before the next transaction, and before each request of one that is under way. Without, it costs nothing.
 *
 * Owns the suspicion, and what the lane has decided last.
 */
import { type Clock, sleep } from './clock.ts'
import type { Mender, OwnState } from './mender.ts'
import type { Code, ProducerIdentity, TopicPartition, TransactionClient } from './ports.ts'

export type LaneMender = Pick<Mender, 'own' | 'mayWrite' | 'offsetsPartition'>

/** More than can end between a disturbance and the look behind it. */
const DECIDED_MAX = 8
const WAIT_MS = 20
/** What an operator must end is not asked for again and again. */
const WAIT_MS_MAX = 1_000
/** Of an answer that is no reason to look: done, and the markers of the last transaction are still being written. */
const INNOCENT: ReadonlySet<Code> = new Set([0, 51])

export class LaneGuard {
  readonly #client: TransactionClient
  readonly #mender: LaneMender
  readonly #clock: Clock
  readonly #decided = new Map<string, boolean>()
  #suspicions = 0
  #looked = 0
  #waits = 0

  constructor(client: TransactionClient, mender: LaneMender, clock: Clock) {
    this.#client = client
    this.#mender = mender
    this.#clock = clock
  }

  get isSuspect(): boolean {
    return this.#suspicions + this.#client.interruptions !== this.#looked
  }

  suspect(): void {
    this.#suspicions++
  }

  noteCodes(answers: Iterable<{ readonly code: Code }>): void {
    for (const { code } of answers) if (!INNOCENT.has(code)) this.#suspicions++
  }

  /** EndTxn was answered 0. */
  decided(identity: ProducerIdentity, commit: boolean): void {
    this.#decided.set(keyOf(identity), commit)
    if (this.#decided.size > DECIDED_MAX) this.#decided.delete(this.#decided.keys().next().value!)
  }

  /** Before InitProducerId, behind which it is not known any more how the last transaction ended. */
  async mayInitialise(): Promise<boolean> {
    const state = await this.look()
    // InitProducerId ends what is open, and is asked again behind that.
    if (state === 'unsettled') this.suspect()
    return state !== 'wait'
  }

  /** While the lane has no transaction open, or does not know of one; waits a little when it is to be asked again. */
  async look(): Promise<OwnState> {
    const before = this.#suspicions + this.#client.interruptions
    const state = await this.#mender.own((identity) => this.#decided.get(keyOf(identity)))
    if (state === 'wait') {
      await sleep(this.#clock, Math.min(WAIT_MS * 2 ** this.#waits++, WAIT_MS_MAX))
      return state
    }
    this.#waits = 0
    this.#looked = before
    return state
  }

  /** The transaction before this one may have ended since it was begun, and its markers may be missing. */
  async mayCommitOffsets(identity: ProducerIdentity): Promise<boolean> {
    if (!this.isSuspect) return true
    const state = await this.look()
    if (state !== 'unsettled') return state === 'clean'
    this.suspect()
    const offsets = await this.#mender.offsetsPartition()
    return offsets === null || (await this.#mender.mayWrite(identity, [offsets])) === 'yes'
  }

  /** Inside a transaction that is open. `later`: a partition cannot be looked at now. */
  async mayProduce(identity: ProducerIdentity, to: readonly TopicPartition[]): Promise<'yes' | 'no' | 'later'> {
    return this.isSuspect ? this.#mender.mayWrite(identity, to) : 'yes'
  }

  /**
   * An abort takes the producer one epoch further though nothing was open: how the transaction before ended would not be
   * known any more, should this process die then.
   */
  async mayAbort(): Promise<boolean> {
    if (!this.isSuspect) return true
    const state = await this.look()
    this.suspect()
    return state !== 'wait'
  }
}

const keyOf = ({ producerId, epoch }: ProducerIdentity): string => `${producerId}/${epoch}`
