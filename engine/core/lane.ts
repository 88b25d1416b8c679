/**
 * The lane: the transaction loop of a process, as a machine that a test can step. One transactional id, one transaction
 * at a time, which carries the batches of all tasks that have work (KIP-447). It decides what is sent next and what an
 * answer means; it sends nothing itself (engine/lane-driver.ts does) and knows no clock but the times it is given.
 *
 *   uninitialised → idle → offsets → producing → ending → idle
 *                             │          │          │
 *                             └──────────┴─→ aborting → idle        (a refused commit has opened a transaction, too)
 *            any of them → lost answer to EndTxn past its deadline, or a fence → uninitialised
 *                     idle → what hung was ended by a transaction of this id (lane-guard.ts) → initialising
 *
 * What makes it exactly once:
 * - EndTxn(commit) leaves only from `producing` with every partition of TxnOffsetCommit and Produce answered 0.
 * - No Produce leaves before TxnOffsetCommit has answered: what is pending makes a successor wait (design, takeover (c)).
 * - A lost answer to EndTxn is asked for again with the same EndTxn (v5: NONE = done, INVALID_TXN_STATE = the opposite);
 *   after that InitProducerId, and the tasks read from Kafka what was decided.
 */

import type { Code, GroupMembership, PartitionCode, ProducerIdentity } from '../ports.ts'
import { classify as classifyCode, type ErrorClass, nameOf } from './kafka-errors.ts'

/** Why a transaction's batches did not commit, and what their tasks must do. */
export type Outcome =
  /** Committed: apply to the store. */
  | { readonly kind: 'committed' }
  /** Aborted, nothing happened: go back and do the batch again. */
  | { readonly kind: 'redo'; readonly reason: string }
  /** Aborted because it would have lasted too long: do it again in smaller pieces. */
  | { readonly kind: 'shrink'; readonly reason: string }
  /** Aborted because the generation is over: send the same batch again once a newer ownership keeps the task. */
  | { readonly kind: 'regenerate'; readonly generation: number }
  /** Aborted because of these partitions' records: halve the batches that wrote to them, redo the others. */
  | { readonly kind: 'isolate'; readonly partitions: readonly PartitionCode[] }
  /** What was decided is not known here: take the tasks over again, Kafka knows. */
  | { readonly kind: 'recover'; readonly reason: string }

export type LanePhase =
  | 'uninitialised'
  | 'initialising'
  | 'idle'
  | 'offsets'
  | 'producing'
  | 'ending'
  | 'aborting'
  | 'stopped'

export type LaneCommand =
  | { readonly kind: 'init'; readonly delayMs: number }
  | {
      readonly kind: 'commit-offsets'
      readonly identity: ProducerIdentity
      readonly membership: GroupMembership
      readonly delayMs: number
    }
  /** Send the batches of this round; on a retry only those partitions. */
  | {
      readonly kind: 'produce'
      readonly identity: ProducerIdentity
      readonly round: number
      readonly only: readonly PartitionCode[] | null
      readonly delayMs: number
    }
  | { readonly kind: 'end'; readonly identity: ProducerIdentity; readonly commit: boolean; readonly delayMs: number }
  | { readonly kind: 'settle'; readonly outcome: Outcome }
  /** The coordinator says that another producer uses our id, or that our transaction timed out: ask the group. */
  | { readonly kind: 'fenced'; readonly code: Code }
  /** Unknown member: every task is lost. */
  | { readonly kind: 'member-lost'; readonly code: Code }
  | { readonly kind: 'stop'; readonly code: string; readonly message: string }

export interface LaneTimes {
  /** The broker aborts after this; we abort ourselves at half of it. */
  readonly transactionTimeoutMs: number
}

const CONCURRENT_TRANSACTIONS = 51
const INVALID_TXN_STATE = 48
const CONCURRENT_RETRY_MS = 1
const RETRY_MS = 20
/** A request that cannot get through is given up after this; only reads wait longer. */
const INIT_RETRY_MS = 100

export class LaneCore {
  phase: LanePhase = 'uninitialised'
  identity: ProducerIdentity | null = null
  readonly #times: LaneTimes
  #membership: GroupMembership | null = null
  #rounds = 0
  #round = 0
  #beganAtMs = 0
  #endingSinceMs = 0
  #afterAbort: Outcome | null = null
  /** Set by an unknown error code: a second one in a row stops. */
  #unknownCodes = 0
  #concurrentSinceMs: number | null = null

  constructor(times: LaneTimes) {
    this.#times = times
  }

  /** uninitialised: ask for a producer id. */
  start(): LaneCommand[] {
    this.#expect('uninitialised')
    this.phase = 'initialising'
    return [{ kind: 'init', delayMs: 0 }]
  }

  initialised(code: Code, identity: ProducerIdentity): LaneCommand[] {
    this.#expect('initialising')
    if (code === 0) {
      this.identity = identity
      this.phase = 'idle'
      return []
    }
    const kind = classify(code)
    if (kind === 'FATAL') return this.#stop('transaction.refused', `InitProducerId: ${nameOf(code)}`)
    return [{ kind: 'init', delayMs: code === CONCURRENT_TRANSACTIONS ? RETRY_MS : INIT_RETRY_MS }]
  }

  initLost(): LaneCommand[] {
    this.#expect('initialising')
    return [{ kind: 'init', delayMs: INIT_RETRY_MS }]
  }

  /** idle: one transaction of `rounds` Produce requests. */
  begin(membership: GroupMembership, rounds: number, nowMs: number): LaneCommand[] {
    this.#expect('idle')
    this.phase = 'offsets'
    this.#membership = membership
    this.#rounds = rounds
    this.#round = 0
    this.#beganAtMs = nowMs
    this.#concurrentSinceMs = null
    return [this.#commitOffsets(0)]
  }

  offsetsAnswered(codes: readonly PartitionCode[], nowMs: number): LaneCommand[] {
    this.#expect('offsets')
    const worst = worstOf(codes)
    if (worst.code === 0) {
      this.phase = 'producing'
      // The transaction is open from here: the half-way mark counts from now, not from the first refused try.
      this.#beganAtMs = nowMs
      return [this.#produce(null, 0)]
    }
    if (worst.code === CONCURRENT_TRANSACTIONS) {
      // The markers of the transaction before are still being written: nothing of ours is open, so waiting costs nothing.
      this.#concurrentSinceMs ??= nowMs
      if (nowMs - this.#concurrentSinceMs < this.#times.transactionTimeoutMs * 2)
        return [this.#commitOffsets(CONCURRENT_RETRY_MS)]
      return this.#reinitialise('CONCURRENT_TRANSACTIONS for too long')
    }
    const kind = classify(worst.code)
    if (kind === 'RETRY' && !this.#halfway(nowMs)) return [this.#commitOffsets(RETRY_MS)]
    return this.#failed(worst, kind, codes, nowMs)
  }

  produced(codes: readonly PartitionCode[], nowMs: number): LaneCommand[] {
    this.#expect('producing')
    const worst = worstOf(codes)
    const kind = classify(worst.code)
    if (kind === 'NONE') {
      this.#round++
      if (this.#halfway(nowMs))
        return this.#abort({ kind: 'shrink', reason: 'half of the transaction timeout has passed' }, nowMs)
      if (this.#round < this.#rounds) return [this.#produce(null, 0)]
      this.#unknownCodes = 0
      this.phase = 'ending'
      this.#endingSinceMs = nowMs
      return [this.#end(true, 0)]
    }
    if (kind === 'RETRY' && !this.#halfway(nowMs)) {
      const failed = codes.filter((c) => classify(c.code) === 'RETRY')
      if (failed.length === codes.filter((c) => classify(c.code) !== 'NONE').length)
        return [this.#produce(failed, RETRY_MS)]
    }
    return this.#failed(worst, kind, codes, nowMs)
  }

  ended(code: Code, identity: ProducerIdentity, nowMs: number): LaneCommand[] {
    this.#expect('ending', 'aborting')
    const commit = this.phase === 'ending'
    if (code === 0) {
      this.identity = identity
      this.phase = 'idle'
      return [{ kind: 'settle', outcome: commit ? { kind: 'committed' } : this.#afterAbort! }]
    }
    // Decided, markers being written; the answer comes with the next producer epoch.
    if (code === CONCURRENT_TRANSACTIONS) return this.#endAgain(CONCURRENT_RETRY_MS, nowMs)
    const kind = classifyCode(code, 'end')
    if (kind === 'RETRY') return this.#endAgain(RETRY_MS, nowMs)
    if (kind === 'FENCED') return this.#fenced(code)
    if (kind === 'FATAL') return this.#stop('transaction.refused', `EndTxn: ${nameOf(code)}`)
    // INVALID_TXN_STATE: the opposite was decided, by the coordinator's timeout or by a fence.
    return this.#reinitialise(
      code === INVALID_TXN_STATE ? 'the transaction was ended by another' : `EndTxn: ${nameOf(code)}`,
    )
  }

  /** No answer to TxnOffsetCommit or Produce: what arrived is unknown, so it must not be committed. */
  requestLost(nowMs: number): LaneCommand[] {
    this.#expect('offsets', 'producing')
    return this.#abort({ kind: 'redo', reason: 'no answer from the broker' }, nowMs)
  }

  /** No answer to EndTxn: the same again on a new connection, until the broker would have timed it out. */
  endLost(nowMs: number): LaneCommand[] {
    this.#expect('ending', 'aborting')
    return this.#endAgain(RETRY_MS, nowMs)
  }

  /** A fence was dealt with and we are still a member: begin anew. */
  restart(): LaneCommand[] {
    this.#expect('uninitialised')
    return this.start()
  }

  /** idle: the coordinator has another identity by now, because a hanging transaction of ours had to be ended. */
  renew(): LaneCommand[] {
    this.#expect('idle')
    this.phase = 'initialising'
    this.identity = null
    return [{ kind: 'init', delayMs: 0 }]
  }

  #failed(worst: PartitionCode, kind: ErrorClass, codes: readonly PartitionCode[], nowMs: number): LaneCommand[] {
    const reason = `${nameOf(worst.code)} for ${worst.topic}-${worst.partition}`
    switch (kind) {
      case 'REGENERATE':
        return this.#abort({ kind: 'regenerate', generation: this.#membership!.generation }, nowMs)
      case 'ISOLATE':
        return this.#abort({ kind: 'isolate', partitions: codes.filter((c) => classify(c.code) === 'ISOLATE') }, nowMs)
      case 'FENCED':
        return this.#fenced(worst.code)
      case 'LOST':
        return [...this.#abort({ kind: 'recover', reason }, nowMs), { kind: 'member-lost', code: worst.code }]
      case 'FATAL':
        return [
          ...this.#abort({ kind: 'recover', reason }, nowMs),
          ...[{ kind: 'stop', code: 'transaction.refused', message: reason } as const],
        ]
      case 'UNKNOWN':
        if (++this.#unknownCodes > 1) return this.#stop('kafka.unknown_error', reason)
        return this.#abort({ kind: 'redo', reason }, nowMs)
      default:
        return this.#abort({ kind: 'redo', reason }, nowMs)
    }
  }

  #abort(outcome: Outcome, nowMs: number): LaneCommand[] {
    this.phase = 'aborting'
    this.#afterAbort = outcome
    this.#endingSinceMs = nowMs
    return [this.#end(false, 0)]
  }

  #endAgain(delayMs: number, nowMs: number): LaneCommand[] {
    if (nowMs - this.#endingSinceMs < this.#times.transactionTimeoutMs)
      return [this.#end(this.phase === 'ending', delayMs)]
    return this.#reinitialise('EndTxn was not answered within the transaction timeout')
  }

  /** InitProducerId finishes or aborts what is open; the tasks then read what was decided. */
  #reinitialise(reason: string): LaneCommand[] {
    this.phase = 'initialising'
    this.identity = null
    return [
      { kind: 'settle', outcome: { kind: 'recover', reason } },
      { kind: 'init', delayMs: 0 },
    ]
  }

  #fenced(code: Code): LaneCommand[] {
    this.phase = 'uninitialised'
    this.identity = null
    return [
      { kind: 'settle', outcome: { kind: 'recover', reason: nameOf(code) } },
      { kind: 'fenced', code },
    ]
  }

  #stop(code: string, message: string): LaneCommand[] {
    const open =
      this.phase === 'offsets' || this.phase === 'producing' || this.phase === 'ending' || this.phase === 'aborting'
    this.phase = 'stopped'
    const settle: LaneCommand[] = open ? [{ kind: 'settle', outcome: { kind: 'recover', reason: message } }] : []
    return [...settle, { kind: 'stop', code, message }]
  }

  #commitOffsets(delayMs: number): LaneCommand {
    return { kind: 'commit-offsets', identity: this.identity!, membership: this.#membership!, delayMs }
  }

  #produce(only: readonly PartitionCode[] | null, delayMs: number): LaneCommand {
    return { kind: 'produce', identity: this.identity!, round: this.#round, only, delayMs }
  }

  #end(commit: boolean, delayMs: number): LaneCommand {
    return { kind: 'end', identity: this.identity!, commit, delayMs }
  }

  #halfway(nowMs: number): boolean {
    return nowMs - this.#beganAtMs > this.#times.transactionTimeoutMs / 2
  }

  #expect(...phases: LanePhase[]): void {
    if (!phases.includes(this.phase)) throw new Error(`the lane is ${this.phase}, not ${phases.join(' or ')}`)
  }
}

const classify = (code: Code): ErrorClass => classifyCode(code, 'transaction')

/** The answer that decides: anything but a retry before a retry, a retry before success. */
function worstOf(codes: readonly PartitionCode[]): PartitionCode {
  let worst: PartitionCode = { topic: '', partition: -1, code: 0 }
  for (const code of codes) {
    const kind = classify(code.code)
    if (kind === 'NONE') continue
    const worstKind = classify(worst.code)
    if (worstKind === 'NONE' || (worstKind === 'RETRY' && kind !== 'RETRY')) worst = code
  }
  return worst
}
