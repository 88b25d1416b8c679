/**
 * Feeds transfers of many branches, paced, and follows the committed outcomes. A branch always goes to the same partition,
 * its home or not, so that its order, and with it everything that must come out, is decided by the log alone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogRecord } from '../../java/log-record.ts'
import type { Message } from '../feed/message.ts'
import { below, type Random, seeded } from '../feed/random.ts'
import type { Sender } from '../feed/sender.ts'
import { branchKey } from './topology.ts'
import type { Transfer } from './transfer.ts'

export interface LedgerFeedOptions {
  readonly seed: number
  readonly topic: string
  readonly partitions: number
  readonly perSecond: number
}

const TICK_MS = 10
const BRANCHES = 60
const ACCOUNTS = 8
const AMOUNT_MAX = 400

export class LedgerFeed {
  sent = 0
  readonly #options: LedgerFeedOptions
  readonly #sender: Sender
  readonly #random: Random
  readonly #run: number
  readonly #awaited = new Set<number>()

  constructor(options: LedgerFeedOptions, sender: Sender) {
    this.#options = options
    this.#sender = sender
    this.#random = seeded(options.seed)
    // Ids of several feeds of one application must not meet.
    this.#run = below(this.#random, 1_000_000) * 1_000_000
  }

  get awaited(): number {
    return this.#awaited.size
  }

  heard(record: LogRecord): void {
    this.#awaited.delete(Number(JSON.parse(record.value!.toString('utf8')).id))
  }

  async run(enough: () => boolean): Promise<void> {
    const beganMs = performance.now()
    while (!enough()) {
      const due = Math.floor(((performance.now() - beganMs) / 1_000) * this.#options.perSecond) - this.sent
      const batch = Array.from({ length: Math.max(0, Math.min(due, 500)) }, () => this.#next())
      for (const { id } of batch) this.#awaited.add(id)
      if (batch.length > 0 && !(await this.#sender.send(batch.map((t) => this.#messageOf(t)))))
        for (const { id } of batch) this.#awaited.delete(id)
      await sleep(TICK_MS)
    }
  }

  #next(): Transfer {
    const random = this.#random
    const amount = (1 + below(random, AMOUNT_MAX)) * (random() < 0.5 ? -1 : 1)
    return {
      type: 'TRANSFER',
      id: this.#run + this.sent++,
      branch: 1 + below(random, BRANCHES),
      checking: below(random, ACCOUNTS),
      savings: below(random, ACCOUNTS),
      amount,
    }
  }

  #messageOf(transfer: Transfer): Message {
    const { topic, partitions } = this.#options
    return {
      topic,
      partition: transfer.branch % partitions,
      key: branchKey(transfer.branch),
      value: Buffer.from(JSON.stringify(transfer)),
      headers: {},
      timestampMs: Date.now(),
    }
  }
}
