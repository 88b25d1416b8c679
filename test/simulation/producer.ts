/** Writes inputs to the sources, plainly or in transactions that commit or abort a little later, and enters them in the ledger. */
import { NO_HEADERS } from '../../engine/core/headers.ts'
import type { ProducerIdentity } from '../../engine/ports.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import type { SimClock } from './clock.ts'
import type { HistoryEvent } from './history.ts'
import { type Ledger, messageOf, timestampOf } from './ledger.ts'
import type { SimKafka } from './model/kafka.ts'
import type { Random } from './random.ts'
import { SOURCES } from './topology.ts'

type Input = Extract<HistoryEvent, { kind: 'input' }>

const PLAIN: ProducerIdentity = { producerId: -1n, epoch: -1 }
const TIMEOUT_MS = 600_000
/** How long a transaction of a foreign producer stays open. */
const OPEN_MS = [0, 3, 80, 700] as const

export class Producer {
  /** Transactions that are still open. */
  open = 0
  readonly #kafka: SimKafka
  readonly #clock: SimClock
  readonly #random: Random
  readonly #ledger: Ledger
  #extra = 0

  constructor(kafka: SimKafka, clock: SimClock, random: Random, ledger: Ledger) {
    this.#kafka = kafka
    this.#clock = clock
    this.#random = random
    this.#ledger = ledger
  }

  write({ source, partition, mode, records }: Input): void {
    const to = { topic: SOURCES[source]!, partition }
    if (mode === 'plain') {
      this.#append(to, source, records, PLAIN, false)
      return
    }
    const { transactions } = this.#kafka
    const name = this.#idle(`outside-${source}-${partition}`)
    const { identity } = transactions.init(name, null, TIMEOUT_MS)
    transactions.enter(name, identity, to)
    this.#append(to, source, records, identity, mode === 'aborted')
    this.open++
    this.#clock.after(this.#random.pick(OPEN_MS), () => {
      const { code } = transactions.end(name, identity, mode === 'committed')
      if (code !== 0) throw new Error(`the simulation's own producer got code ${code}`)
      this.open--
    })
  }

  /** Mostly the same producer for a partition, so that it has several aborted transactions there. */
  #idle(name: string): string {
    const { state } = this.#kafka.transactions.describe(name)
    return state === 'Ongoing' || state.startsWith('Prepare') ? `${name}-${this.#extra++}` : name
  }

  #append(
    to: { topic: string; partition: number },
    source: number,
    records: Input['records'],
    { producerId, epoch }: ProducerIdentity,
    aborted: boolean,
  ): void {
    const builder = new RecordBatchBuilder(1_024)
    for (const record of records) {
      const message = messageOf(record)
      builder.add(
        timestampOf(record) ?? this.#clock.nowMs(),
        Buffer.from(message.k),
        JSON.stringify(message),
        NO_HEADERS,
      )
    }
    const transactional = producerId >= 0n
    const { code, baseOffset } = this.#kafka.cluster.append(
      to,
      builder.finish({ producerId, epoch, baseSequence: transactional ? 0 : -1, transactional, compression: 'none' }),
    )
    if (code !== 0) throw new Error(`${to.topic}-${to.partition} refuses the simulation's own records (code ${code})`)
    records.forEach((record, i) => {
      this.#ledger.add({ source, partition: to.partition, offset: baseOffset + i, record, aborted })
    })
  }
}
