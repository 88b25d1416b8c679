/**
 * What the transaction coordinator says of transactions, seen from outside the service: so that a kill inside an open one
 * is a fact and not a guess. Asks every broker, for each coordinates some. Owns its connections.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, describeProducersV0, describeTransactionsV0, listTransactionsV1 } from '@platformatic/kafka'

export interface OpenTransaction {
  readonly transactionalId: string
  /** Ongoing, PrepareCommit, PrepareAbort, … */
  readonly state: string
  readonly topics: readonly string[]
  readonly producerId: bigint
}

/** Open, and more than offsets written. */
export const holdsRecords = ({ state, topics }: OpenTransaction): boolean =>
  state === 'Ongoing' && topics.some((topic) => topic !== '__consumer_offsets')

const AWAY_MS = 30_000
/** With several brokers one that is frozen must not hold up the answers of the others. */
const SHORTLY_MS = 1_000
/** Longer than a marker is on its way. */
const SETTLE_MS = 2_000
const SETTLED = new Set(['Empty', 'CompleteCommit', 'CompleteAbort', 'Dead'])

export class TransactionWatch {
  readonly #ports: readonly number[]
  readonly #connections = new Map<number, Connection>()
  /** By transactional id: the broker that has told of it. */
  readonly #homes = new Map<string, number>()

  constructor(...ports: readonly number[]) {
    this.#ports = ports
  }

  /** Transactions that are Ongoing, of ids that begin so. */
  async ongoing(prefix: string): Promise<readonly string[]> {
    const found = await this.#everywhere(async (connection, port) => {
      const { transactionStates } = await listTransactionsV1.api.async(connection, ['Ongoing'], [], -1n, null)
      for (const { transactionalId } of transactionStates) this.#homes.set(transactionalId, port)
      return transactionStates.map((t) => t.transactionalId)
    })
    return found.filter((id) => id.startsWith(prefix))
  }

  async describe(transactionalIds: readonly string[]): Promise<readonly OpenTransaction[]> {
    if (transactionalIds.length === 0) return []
    return this.#everywhere(async (connection, port) => {
      const own = transactionalIds.filter((id) => this.#ports.length === 1 || this.#homes.get(id) === port)
      if (own.length === 0) return []
      const { transactionStates } = await describeTransactionsV0.api.async(connection, [...own])
      return transactionStates.map(({ transactionalId, transactionState, topics, producerId }) => ({
        transactionalId,
        state: transactionState,
        producerId,
        topics: topics.map(({ topic }) => topic),
      }))
    })
  }

  /** Of an id, whatever its state; undefined when nobody knows it. */
  async producerIdOf(transactionalId: string): Promise<bigint | undefined> {
    const states = await this.#everywhere(async (c) => {
      const { transactionStates } = await listTransactionsV1.api.async(c, [], [], -1n, null)
      return transactionStates
    })
    return states.find((t) => t.transactionalId === transactionalId)?.producerId
  }

  /** Resolves in the very turn in which an open transaction was seen, with or without records; false at the deadline. */
  async untilOpen(prefix: string, withRecords: boolean, deadlineMs: number): Promise<boolean> {
    const end = performance.now() + deadlineMs
    while (performance.now() < end) if (await this.isOpen(prefix, withRecords)) return true
    return false
  }

  async isOpen(prefix: string, withRecords: boolean): Promise<boolean> {
    const ids = await this.ongoing(prefix)
    return ids.length > 0 && (!withRecords || (await this.describe(ids)).some(holdsRecords))
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

  /** Every transaction that the coordinators know, one a line, for whoever must find out why nothing goes on. */
  async known(): Promise<string> {
    const states = await this.#everywhere(async (c) => {
      const { transactionStates } = await listTransactionsV1.api.async(c, [], [], -1n, null)
      return transactionStates
    })
    return states.map((t) => `${t.transactionalId} (producer ${t.producerId}): ${t.transactionState}`).join('\n')
  }

  /** One broker only: with several, markers that are missing on one are brought by its coordinator again. */
  async #held(partitions: ReadonlyMap<string, number>): Promise<ReadonlySet<string>> {
    const states = await this.#everywhere(async (c) => {
      const { transactionStates } = await listTransactionsV1.api.async(c, [], [], -1n, null)
      return transactionStates
    })
    const open = new Set(states.filter((t) => !SETTLED.has(t.transactionState)).map((t) => t.producerId))
    const asked = [...partitions].map(([name, count]) => ({
      name,
      partitionIndexes: Array.from({ length: count }, (_, i) => i),
    }))
    const held = await this.#everywhere(async (c) => {
      const { topics } = await describeProducersV0.api.async(c, asked)
      return topics.flatMap((topic) =>
        topic.partitions.flatMap(({ partitionIndex, activeProducers }) =>
          activeProducers
            .filter((p) => p.currentTxnStartOffset >= 0n && !open.has(p.producerId))
            .map((p) => `${topic.name}-${partitionIndex}@${p.currentTxnStartOffset}`),
        ),
      )
    })
    return new Set(held)
  }

  async close(): Promise<void> {
    for (const connection of this.#connections.values()) await connection.close()
    this.#connections.clear()
  }

  /** The answers of all brokers; with several, those that are away or refuse have none. */
  async #everywhere<T>(ask: (connection: Connection, port: number) => Promise<readonly T[]>): Promise<readonly T[]> {
    const [only] = this.#ports
    if (this.#ports.length === 1) return this.#asked(only!, ask)
    const answers = await Promise.all(
      this.#ports.map(async (port) => {
        try {
          return await within(
            SHORTLY_MS,
            this.#connected(port).then((connection) => ask(connection, port)),
          )
        } catch {
          this.#connections.delete(port)
          return []
        }
      }),
    )
    return answers.flat()
  }

  /** A broker that was killed is away for a while, and then loads its transactions. */
  async #asked<T>(port: number, ask: (connection: Connection, port: number) => Promise<T>): Promise<T> {
    const end = performance.now() + AWAY_MS
    for (;;) {
      try {
        return await ask(await this.#connected(port), port)
      } catch (error) {
        if (performance.now() > end) throw error
        this.#connections.delete(port)
        await sleep(100)
      }
    }
  }

  async #connected(port: number): Promise<Connection> {
    const there = this.#connections.get(port)
    if (there?.isConnected()) return there
    const connection = new Connection('proof-watch')
    await connection.connect('127.0.0.1', port)
    this.#connections.set(port, connection)
    return connection
  }
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
  work.catch(() => {})
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
