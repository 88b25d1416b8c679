/**
 * What the transaction coordinator says of transactions, seen from outside the service: so that a kill inside an open one
 * is a fact and not a guess. One broker, so it coordinates all. Owns its connection.
 */
import { Connection, describeTransactionsV0, listTransactionsV1 } from '@platformatic/kafka'

export interface OpenTransaction {
  readonly transactionalId: string
  /** Ongoing, PrepareCommit, PrepareAbort, … */
  readonly state: string
  readonly topics: readonly string[]
}

export class TransactionWatch {
  readonly #port: number
  #connection: Connection | null = null

  constructor(port: number) {
    this.#port = port
  }

  /** Transactions that are Ongoing, of ids that begin so. */
  async ongoing(prefix: string): Promise<readonly string[]> {
    const connection = await this.#connected()
    const { transactionStates } = await listTransactionsV1.api.async(connection, ['Ongoing'], [], -1n, null)
    return transactionStates.map((t) => t.transactionalId).filter((id) => id.startsWith(prefix))
  }

  async describe(transactionalIds: readonly string[]): Promise<readonly OpenTransaction[]> {
    if (transactionalIds.length === 0) return []
    const connection = await this.#connected()
    const { transactionStates } = await describeTransactionsV0.api.async(connection, [...transactionalIds])
    return transactionStates.map(({ transactionalId, transactionState, topics }) => ({
      transactionalId,
      state: transactionState,
      topics: topics.map(({ topic }) => topic),
    }))
  }

  /** Resolves in the very turn in which an open transaction was seen, with its id; null at the deadline. */
  async untilOngoing(prefix: string, deadlineMs: number): Promise<string | null> {
    const end = performance.now() + deadlineMs
    while (performance.now() < end) {
      const [id] = await this.ongoing(prefix)
      if (id !== undefined) return id
    }
    return null
  }

  async close(): Promise<void> {
    await this.#connection?.close()
    this.#connection = null
  }

  async #connected(): Promise<Connection> {
    if (!this.#connection?.isConnected()) {
      this.#connection = new Connection('proof-watch')
      await this.#connection.connect('127.0.0.1', this.#port)
    }
    return this.#connection
  }
}
