/**
 * The connections of one client for one purpose, one per broker. Owns them; two purposes never share one, because a
 * broker answers the requests of a connection one after the other (a JoinGroup of seconds would hold up a heartbeat).
 */
import { RequestLost } from '../ports.ts'
import { BrokerConnection } from './broker-connection.ts'
import { addressOf, type BrokerAddress, type KafkaConnectionOptions, type Losses } from './options.ts'
import type { Api } from './protocol/api.ts'

/** Addresses come from metadata and coordinator answers; a cluster has fewer brokers, so this bounds a sick one. */
const brokersMax = 1_000

export class Connections {
  readonly #options: KafkaConnectionOptions & { readonly losses?: Losses }
  readonly #byAddress = new Map<string, BrokerConnection>()
  #closed = false

  constructor(options: KafkaConnectionOptions & { readonly losses?: Losses }) {
    this.#options = options
  }

  /** @throws RequestLost */
  request<Request, Answer>(
    broker: BrokerAddress,
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    if (this.#closed) return Promise.reject(new RequestLost(api.name, false, 'the client is closed'))
    return this.#to(broker).request(api, request, timeoutMs)
  }

  isOpen(broker: BrokerAddress): boolean {
    return this.#byAddress.get(addressOf(broker))?.isOpen === true
  }

  warmUp(broker: BrokerAddress): void {
    if (!this.#closed) this.#to(broker).warmUp()
  }

  close(): void {
    this.#closed = true
    for (const connection of this.#byAddress.values()) connection.close()
    this.#byAddress.clear()
  }

  #to(broker: BrokerAddress): BrokerConnection {
    const address = addressOf(broker)
    let connection = this.#byAddress.get(address)
    if (connection === undefined) {
      if (this.#byAddress.size >= brokersMax) this.#evict()
      connection = new BrokerConnection(broker, this.#options, () => this.#lost())
      this.#byAddress.set(address, connection)
    }
    return connection
  }

  #lost(): void {
    if (this.#options.losses) this.#options.losses.count++
  }

  #evict(): void {
    const [address, connection] = this.#byAddress.entries().next().value!
    connection.close()
    this.#byAddress.delete(address)
  }
}
