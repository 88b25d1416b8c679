/**
 * What the transaction coordinator says of transactions, seen from outside the service: so that a kill inside an open one
 * is a fact and not a guess. One broker, so it coordinates all. Owns its connection.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, describeProducersV0, describeTransactionsV0, listTransactionsV1 } from '@platformatic/kafka'

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
/** Longer than a marker is on its way. */
const SETTLE_MS = 2_000
const SETTLED = new Set(['Empty', 'CompleteCommit', 'CompleteAbort', 'Dead'])

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

  /**
   * Partitions held by a transaction that its coordinator does not have as open, by `<topic>-<partition>@<offset>`: the
   * broker has lost the markers of a decided transaction and will never write them. Kafka 4.3.1 does so at times when its
   * only broker is killed: a marker whose partition has no leader at that moment is given up, as if the topic were gone.
   */
  async hanging(partitions: ReadonlyMap<string, number>): Promise<readonly string[]> {
    const before = await this.#held(partitions)
    if (before.size === 0) return []
    await sleep(SETTLE_MS)
    const still = await this.#held(partitions)
    return [...before].filter((place) => still.has(place))
  }

  /** Every transaction that the coordinator knows, one a line, for whoever must find out why nothing goes on. */
  async known(): Promise<string> {
    const { transactionStates } = await this.#asked((c) => listTransactionsV1.api.async(c, [], [], -1n, null))
    return transactionStates
      .map((t) => `${t.transactionalId} (producer ${t.producerId}): ${t.transactionState}`)
      .join('\n')
  }

  async #held(partitions: ReadonlyMap<string, number>): Promise<ReadonlySet<string>> {
    const { transactionStates } = await this.#asked((c) => listTransactionsV1.api.async(c, [], [], -1n, null))
    const open = new Set(transactionStates.filter((t) => !SETTLED.has(t.transactionState)).map((t) => t.producerId))
    const asked = [...partitions].map(([name, count]) => ({
      name,
      partitionIndexes: Array.from({ length: count }, (_, i) => i),
    }))
    const { topics } = await this.#asked((c) => describeProducersV0.api.async(c, asked))
    return new Set(
      topics.flatMap((topic) =>
        topic.partitions.flatMap(({ partitionIndex, activeProducers }) =>
          activeProducers
            .filter((p) => p.currentTxnStartOffset >= 0n && !open.has(p.producerId))
            .map((p) => `${topic.name}-${partitionIndex}@${p.currentTxnStartOffset}`),
        ),
      ),
    )
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
