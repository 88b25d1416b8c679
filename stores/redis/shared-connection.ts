/**
 * One connection for several callers who need no guard. Owns opening it on first use and again after it was lost; a
 * command under way when it is lost fails, it is never sent twice.
 */
import { StoreLost } from '../ports.ts'
import { type RedisAddress, type RedisArgument, RedisConnection } from './connection.ts'

export class SharedConnection {
  readonly #address: RedisAddress
  readonly #name: string
  #opening: Promise<RedisConnection> | null = null
  #current: RedisConnection | null = null
  #closed = false

  constructor(address: RedisAddress, name: string) {
    this.#address = address
    this.#name = name
  }

  /** Throws StoreLost. */
  async call(command: string, args: readonly RedisArgument[]): Promise<unknown> {
    const current = this.#current
    const connection = current !== null && current.lost === null ? current : await this.#open()
    return connection.call(command, args)
  }

  /** Never throws. */
  async close(): Promise<void> {
    this.#closed = true
    this.#current?.close()
    await this.#opening?.then(
      (connection) => connection.close(),
      () => undefined,
    )
  }

  #open(): Promise<RedisConnection> {
    if (this.#closed) throw new StoreLost('redis.closed', 'the connection was closed by this process')
    this.#opening ??= RedisConnection.open(this.#address, this.#name)
      .then((connection) => {
        this.#current = connection
        return connection
      })
      .finally(() => {
        this.#opening = null
      })
    return this.#opening
  }
}
