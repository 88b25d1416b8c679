/**
 * One process's connections to the cluster in a simulation: requests and answers take their time, overtake each other and
 * get lost; one that its sender has given up may still arrive. What a process has sent arrives although it dies.
 */

import { codes } from '../../../engine/core/kafka-errors.ts'
import { type Code, type ProduceBatch, RequestLost } from '../../../engine/ports.ts'
import { type MemoryApi, Wire } from '../../../testing/kafka/wire.ts'
import type { ProcessClock, SimClock } from '../clock.ts'
import { POISON } from '../topology.ts'
import type { Network, Passage } from './network.ts'

export interface SimWireParts {
  readonly client: string
  readonly network: Network
  /** The cluster's. */
  readonly clock: SimClock
  readonly process: ProcessClock
  /** Ends the process now. */
  readonly kill: (restartMs: number | null) => void
  /** An answer has come. */
  readonly answered: (api: MemoryApi, answer: unknown) => void
  /** A batch of records has arrived at its broker. */
  readonly producing: (batch: ProduceBatch) => void
}

/** After these the real clients give up. */
const PATIENCE_MS = 10_000
const JOIN_PATIENCE_MS = 16_000
/** A takeover and a batch of another fit into this. */
const LOST_LONG_MS = 2_000
/** A new one each time: who waits for a shared one is kept for ever. */
const never = (): Promise<never> => new Promise(() => {})
/** Only these may be sent twice: whatever else a connection repeats is asked for by the engine itself. */
const TWICE: ReadonlySet<MemoryApi> = new Set([
  'produce',
  'txn-offset-commit',
  'end-txn',
  'offsets',
  'heartbeat',
  'admin',
  'transactions',
])

export class SimWire extends Wire {
  readonly #parts: SimWireParts

  constructor(parts: SimWireParts) {
    super(parts.client, parts.process, () => null)
    this.#parts = parts
  }

  override carry<T>(api: MemoryApi, work: () => T | Promise<T>, refused?: (code: Code) => T): Promise<T> {
    const { network, process } = this.#parts
    if (!process.alive) return never()
    const passage = network.passage(api)
    const code = typeof passage.fate === 'number' ? passage.fate : null
    return this.#send(api, passage, code !== null && refused ? () => refused(code) : work)
  }

  /** A code concerns one batch of the request; the others are written. */
  override carryBatches<T>(
    batches: readonly ProduceBatch[],
    work: (batch: ProduceBatch) => T,
    refused: (batch: ProduceBatch, code: Code) => T,
  ): Promise<readonly T[]> {
    const { network, process, producing } = this.#parts
    if (!process.alive) return never()
    const passage = network.passage('produce')
    const { fate } = passage
    const victim = typeof fate === 'number' ? passage.requestMs % batches.length : -1
    return this.#send('produce', passage, () =>
      batches.map((batch, i) => {
        producing(batch)
        if (batch.topic === 'out' && batch.bytes.includes(POISON)) return refused(batch, codes.INVALID_RECORD)
        if (i !== victim) return work(batch)
        // NOT_ENOUGH_REPLICAS_AFTER_APPEND and a timeout may come when it is written.
        if (fate === 7 && passage.answerMs % 2 === 0) work(batch)
        return refused(batch, fate as Code)
      }),
    )
  }

  #send<T>(api: MemoryApi, passage: Passage, work: () => T | Promise<T>): Promise<T> {
    const { network, clock, process, kill } = this.#parts
    const { fate, restartMs, requestMs, answerMs } = passage
    if (fate === 'kill-before') {
      kill(restartMs)
      return never()
    }
    return new Promise<T>((resolve, reject) => {
      const giveUp = (afterMs: number): (() => void) =>
        process.after(afterMs, () => reject(new RequestLost(api, true, new Error(String(fate)))))
      if (fate === 'drop') {
        giveUp(network.timeoutMs())
        return
      }
      if (fate === 'late') {
        const timeoutMs = network.timeoutMs()
        giveUp(timeoutMs)
        clock.after(timeoutMs + network.lateMs(), () => void work())
        return
      }
      const answered = api === 'fetch' ? null : giveUp(api === 'join' ? JOIN_PATIENCE_MS : PATIENCE_MS)
      const { outages } = network
      clock.after(requestMs, async () => {
        if (network.outages !== outages) {
          answered?.()
          giveUp(network.timeoutMs())
          return
        }
        const answer = await work()
        answered?.()
        if (fate === 'kill-after') kill(restartMs)
        else if (fate === 'lost-long') giveUp(LOST_LONG_MS)
        else if (fate === 'lost-answer' || network.isDown) giveUp(network.timeoutMs())
        else
          process.after(answerMs, () => {
            this.#parts.answered(api, answer)
            resolve(answer)
          })
      })
      if (fate === 'twice' && TWICE.has(api)) clock.after(requestMs + network.lateMs(), () => void work())
    })
  }
}
