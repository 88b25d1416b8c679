/**
 * One connection to Redis that never reconnects: once it is lost, every command is refused, and its owner opens another.
 * Owns the socket's life, the deadline of a command and the translation of errors. Knows no scripts and no keys.
 *
 * Why nothing is left to ioredis: it would run EXEC after a reconnection without what came before, and send a MULTI
 * again whose reply was lost (both measured).
 */
import type { ConnectionOptions } from 'node:tls'
import { Redis } from 'ioredis'
import { StoreLost } from '../ports.ts'
import { toStoreLost } from './errors.ts'
import { ScriptCommand } from './request.ts'

/** A command without an answer for this long has an unknown outcome, and its connection is destroyed. */
export const COMMAND_DEADLINE_MS = 3_000
export const CONNECT_DEADLINE_MS = 3_000
const NAME_CHARACTERS_MAX = 100

export interface RedisAddress {
  /** `redis://user:password@host:port/database`, `rediss://` for TLS. */
  readonly url: string
  readonly tls?: ConnectionOptions | undefined
  readonly commandDeadlineMs?: number | undefined
  /** For the socket; as much again for the greeting. */
  readonly connectDeadlineMs?: number | undefined
}

export type RedisArgument = string | number

export class RedisConnection {
  readonly #redis: Redis
  readonly #deadlineMs: number
  #lost: StoreLost | null = null
  #lastError: Error | null = null

  /** `name` is shown by CLIENT LIST. Throws StoreLost. */
  static async open(address: RedisAddress, name: string): Promise<RedisConnection> {
    // What the client throws for an address that is none quotes it, password and all.
    if (!URL.canParse(address.url)) throw new StoreLost('redis.connection', 'the address of Redis is no URL')
    const connection = new RedisConnection(address, name)
    await connection.#connect(2 * (address.connectDeadlineMs ?? CONNECT_DEADLINE_MS))
    return connection
  }

  private constructor(address: RedisAddress, name: string) {
    this.#deadlineMs = address.commandDeadlineMs ?? COMMAND_DEADLINE_MS
    this.#redis = new Redis(address.url, {
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      enableReadyCheck: false,
      disableClientInfo: true,
      protocol: 2,
      connectTimeout: address.connectDeadlineMs ?? CONNECT_DEADLINE_MS,
      connectionName: name.replace(/[^!-~]+/g, '-').slice(0, NAME_CHARACTERS_MAX),
      ...(address.tls === undefined ? {} : { tls: address.tls }),
    })
    this.#redis.on('error', (error: Error) => {
      this.#lastError = error
    })
    this.#redis.on('end', () => this.#lose(toStoreLost(this.#lastError ?? new Error('it was closed'))))
  }

  get lost(): StoreLost | null {
    return this.#lost
  }

  async call(command: string, args: readonly RedisArgument[]): Promise<unknown> {
    this.#assertOpen()
    return this.#answered(this.#redis.call(command, args as RedisArgument[]))
  }

  /** One script call: its reply. Throws StoreLost, also when the script is not loaded. */
  async script(sha: string, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    this.#assertOpen()
    return this.#answered(this.#evalsha(sha, keys, args))
  }

  /** MULTI, one script, EXEC in one packet; every reply is checked. The script's reply. */
  async transaction(sha: string, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    this.#assertOpen()
    const stream = this.#redis.stream
    stream.cork()
    const replies = [this.#redis.call('MULTI'), this.#evalsha(sha, keys, args), this.#redis.call('EXEC')]
    stream.uncork()
    const [opened, queued, executed] = await this.#answered(firstErrorOf(replies))
    if (opened !== 'OK' || queued !== 'QUEUED' || !Array.isArray(executed) || executed.length !== 1) {
      throw new StoreLost('redis.reply', 'MULTI, script, EXEC were not answered by OK, QUEUED and one reply')
    }
    const reply: unknown = executed[0]
    if (reply instanceof Error) throw toStoreLost(reply)
    return reply
  }

  /** Ends it at once; commands under way have an unknown outcome. Never throws. */
  close(): void {
    this.#lose(new StoreLost('redis.closed', 'the connection was closed by this process'))
  }

  /** A server that is frozen takes the connection and answers nothing: the client's own deadline ends with the former. */
  async #connect(deadlineMs: number): Promise<void> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      this.#lastError ??= new StoreLost('redis.timeout', `no connection within ${deadlineMs} ms`)
      late.reject(this.#lastError)
    }, deadlineMs)
    try {
      const connecting = this.#redis.connect()
      connecting.catch(() => {})
      await Promise.race([connecting, late.promise])
    } catch (error) {
      const lost = toStoreLost(this.#lastError ?? error)
      this.#lose(lost)
      throw lost
    } finally {
      clearTimeout(timer)
    }
  }

  #evalsha(sha: string, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    const command = new ScriptCommand(sha, keys, args)
    this.#redis.sendCommand(command)
    return command.promise
  }

  #answered<T>(reply: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const lost = new StoreLost('redis.timeout', `no answer within ${this.#deadlineMs} ms`)
        this.#lose(lost)
        reject(lost)
      }, this.#deadlineMs)
      reply.then(
        (value) => {
          clearTimeout(timer)
          resolve(value)
        },
        (error: unknown) => {
          clearTimeout(timer)
          const lost = toStoreLost(error)
          reject(lost.code === 'redis.connection' ? (this.#lost ?? toStoreLost(this.#lastError ?? error)) : lost)
        },
      )
    })
  }

  #assertOpen(): void {
    if (this.#lost !== null) throw this.#lost
  }

  #lose(lost: StoreLost): void {
    if (this.#lost !== null) return
    this.#lost = lost
    this.#redis.disconnect()
    this.#redis.stream?.destroy()
  }
}

/** All replies; with errors the first of them, which names the cause (EXEC itself then only says that it was aborted). */
async function firstErrorOf(replies: readonly Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(replies)
  return settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}
