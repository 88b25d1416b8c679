/**
 * The way of one process's requests to the cluster: they take effect in the order in which they were sent, and an answer
 * arrives a turn of the clock later. Here they may be lost, refused, or cut off for good.
 */
import type { Clock } from '../../engine/clock.ts'
import { type Code, type ProduceBatch, RequestLost } from '../../engine/ports.ts'

export type MemoryApi =
  | 'init-producer-id'
  | 'txn-offset-commit'
  | 'produce'
  | 'end-txn'
  | 'join'
  | 'sync'
  | 'heartbeat'
  | 'leave'
  | 'offsets'
  | 'fetch'
  | 'admin'
  | 'transactions'

export interface MemoryCall {
  readonly api: MemoryApi
  /** Name of the connection. */
  readonly client: string
  /** Produce only: asked once per batch. */
  readonly batch?: ProduceBatch
}

/**
 * What becomes of a request: `null` it is carried out and answered; `before` it is lost on its way there; `after` it is
 * carried out and the answer is lost; a code is answered and nothing is done (requests that answer codes only).
 */
export type KafkaFault = (call: MemoryCall) => null | 'before' | 'after' | Code

export class Wire {
  readonly client: string
  readonly #clock: Clock
  readonly #fault: KafkaFault
  #alive = true

  constructor(client: string, clock: Clock, fault: KafkaFault) {
    this.client = client
    this.#clock = clock
    this.#fault = fault
  }

  /** The process is gone: nothing it sends arrives, nothing it waits for is answered. */
  kill(): void {
    this.#alive = false
  }

  /** `refused` makes the answer of an injected code. */
  async carry<T>(api: MemoryApi, work: () => T | Promise<T>, refused?: (code: Code) => T): Promise<T> {
    if (!this.#alive) return NEVER
    const fault = this.#fault({ api, client: this.client })
    if (fault === 'before') {
      await this.#turn()
      throw new RequestLost(api, true, new Error('cut'))
    }
    const answer = typeof fault === 'number' && refused ? refused(fault) : await work()
    await this.#turn()
    if (fault === 'after') throw new RequestLost(api, true, new Error('cut'))
    return answer
  }

  /** One request with several batches, each with a fault of its own; a lost one loses the answer to all. */
  async carryBatches<T>(
    batches: readonly ProduceBatch[],
    work: (batch: ProduceBatch) => T,
    refused: (batch: ProduceBatch, code: Code) => T,
  ): Promise<readonly T[]> {
    if (!this.#alive) return NEVER
    const faults = batches.map((batch) => this.#fault({ api: 'produce', client: this.client, batch }))
    const answers = faults.includes('before')
      ? null
      : batches.map((batch, i) => (typeof faults[i] === 'number' ? refused(batch, faults[i]) : work(batch)))
    await this.#turn()
    if (!answers || faults.includes('after')) throw new RequestLost('produce', true, new Error('cut'))
    return answers
  }

  async #turn(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.soon(resolve))
    if (!this.#alive) await NEVER
  }
}

const NEVER = new Promise<never>(() => {})
