/**
 * What the transaction coordinator says of transactions, seen from outside the service: so that a kill inside an open one
 * is a fact and not a guess. One broker, so it coordinates all. Owns its connection.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, describeTransactionsV0, listTransactionsV1 } from '@platformatic/kafka'

export interface OpenTransaction {
  readonly transactionalId: string
  /** Ongoing, PrepareCommit, PrepareAbort, … */
  readonly state: string
  readonly topics: readonly string[]
}

/** Open, and more than offsets written. */
export const holdsRecords = ({ state, topics }: OpenTransaction): boolean =>
  state === 'Ongoing' && topics.some((topic) => topic !== '__consumer_offsets')

const AWAY_MS = 30_000

export class TransactionWatch {
  readonly #port: number
  #connection: Connection | null = null

  constructor(port: number) {
    this.#port = port
  }

  /** Transactions that are Ongoing, of ids that begin so. */
  async ongoing(prefix: string): Promise<readonly string[]> {
    const { transactionStates } = await this.#asked((connection) =>
      listTransactionsV1.api.async(connection, ['Ongoing'], [], -1n, null),
    )
    return transactionStates.map((t) => t.transactionalId).filter((id) => id.startsWith(prefix))
  }

  async describe(transactionalIds: readonly string[]): Promise<readonly OpenTransaction[]> {
    if (transactionalIds.length === 0) return []
    const { transactionStates } = await this.#asked((connection) =>
      describeTransactionsV0.api.async(connection, [...transactionalIds]),
    )
    return transactionStates.map(({ transactionalId, transactionState, topics }) => ({
      transactionalId,
      state: transactionState,
      topics: topics.map(({ topic }) => topic),
    }))
  }

  /** Resolves in the very turn in which an open transaction was seen, with or without records; false at the deadline. */
  async untilOpen(prefix: string, withRecords: boolean, deadlineMs: number): Promise<boolean> {
    const end = performance.now() + deadlineMs
    while (performance.now() < end) {
      const ids = await this.ongoing(prefix)
      if (ids.length > 0 && (!withRecords || (await this.describe(ids)).some(holdsRecords))) return true
    }
    return false
  }

  async close(): Promise<void> {
    await this.#connection?.close()
    this.#connection = null
  }

  /** A broker that was killed is away for a while, and then loads its transactions. */
  async #asked<T>(ask: (connection: Connection) => Promise<T>): Promise<T> {
    const end = performance.now() + AWAY_MS
    for (;;) {
      try {
        return await ask(await this.#connected())
      } catch (error) {
        if (performance.now() > end) throw error
        this.#connection = null
        await sleep(100)
      }
    }
  }

  async #connected(): Promise<Connection> {
    if (!this.#connection?.isConnected()) {
      this.#connection = new Connection('proof-watch')
      await this.#connection.connect('127.0.0.1', this.#port)
    }
    return this.#connection
  }
}
