/**
 * One connection to one broker for one purpose: opened on first use, thrown away on any error, opened anew on the next
 * use. Owns the socket, the request timers and the answer to "did it leave this process?". Retries nothing.
 *
 *   closed --request--> opening --connected--> open --error, timeout, bad answer--> closed
 */
import { isIP } from 'node:net'
import { Connection, ConnectionStatuses } from '@platformatic/kafka'
import { RequestLost } from '../ports.ts'
import { addressOf, type BrokerAddress, connectTimeoutMs, inflightMax, type KafkaConnectionOptions } from './options.ts'
import { AnswerReader } from './protocol/answer-reader.ts'
import type { Api } from './protocol/api.ts'

/** The client's own request timer, one for all requests of a connection. Ours, one per request, always fires first. */
const clientTimeoutMs = 3_600_000

export class BrokerConnection {
  readonly #broker: BrokerAddress
  readonly #options: KafkaConnectionOptions
  readonly #lost: () => void
  #open: Connection | null = null
  #opening: Promise<Connection> | null = null
  #inflight = 0
  #closed = false

  /** `lost` is told of every connection that stood and went, but for `close`. */
  constructor(broker: BrokerAddress, options: KafkaConnectionOptions, lost: () => void = () => {}) {
    this.#broker = broker
    this.#options = options
    this.#lost = lost
  }

  get isOpen(): boolean {
    return this.#usable() !== null
  }

  /**
   * Sends one request and waits for its answer, at most `timeoutMs` from now, connecting included.
   * @throws RequestLost; then the connection is gone as well, with every other request on it.
   */
  async request<Request, Answer>(api: Api<Request, Answer>, request: Request, timeoutMs: number): Promise<Answer> {
    const deadline = performance.now() + timeoutMs
    let connection = this.#usable()
    if (connection === null) {
      try {
        connection = await within(this.#connect(), timeoutMs, `no connection to ${addressOf(this.#broker)}`)
      } catch (error) {
        throw new RequestLost(api.name, false, readable(error))
      }
      if (this.#usable() !== connection) throw new RequestLost(api.name, false, 'the connection was closed at once')
    }
    if (this.#inflight >= inflightMax) throw new RequestLost(api.name, false, `${inflightMax} requests are in flight`)
    return this.#send(connection, api, request, Math.max(1, deadline - performance.now()))
  }

  /** Starts connecting, if it is not connected; failure shows at the next request. */
  warmUp(): void {
    if (this.#usable() === null) this.#connect().catch(() => {})
  }

  close(): void {
    this.#closed = true
    const connection = this.#open
    this.#open = null
    if (connection) discard(connection)
  }

  #usable(): Connection | null {
    const connection = this.#open
    if (connection === null) return null
    const status = connection.status
    const alive = status === ConnectionStatuses.CONNECTED || status === ConnectionStatuses.REAUTHENTICATING
    if (alive && !connection.socket.destroyed) return connection
    this.#drop(connection)
    return null
  }

  #drop(connection: Connection): void {
    if (this.#open === connection) {
      this.#open = null
      this.#lost()
    }
    discard(connection)
  }

  #connect(): Promise<Connection> {
    if (this.#closed) return Promise.reject(new Error('the client is closed'))
    this.#opening ??= this.#establish().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async #establish(): Promise<Connection> {
    const { clientId, tls, sasl } = this.#options
    const { host, port } = this.#broker
    const connection = new Connection(clientId, {
      connectTimeout: connectTimeoutMs,
      requestTimeout: clientTimeoutMs,
      // Above what we ever have in flight: a request is written in the turn in which it is sent, so `sent` is known.
      maxInflights: inflightMax + 1,
      ...(tls && { tls, ...(isIP(host) === 0 && { tlsServerName: host }) }),
      ...(sasl && { sasl: { ...sasl } }),
    })
    // An 'error' nobody listens to would end the process. What failed is told by the requests themselves.
    connection.on('error', () => this.#drop(connection))
    connection.on('close', () => this.#drop(connection))
    try {
      await within(
        Promise.resolve(connection.connect(host, port)),
        connectTimeoutMs,
        `connecting took ${connectTimeoutMs} ms`,
      )
    } catch (error) {
      discard(connection)
      throw error
    }
    if (this.#closed) {
      discard(connection)
      throw new Error('the client is closed')
    }
    this.#open = connection
    return connection
  }

  #send<Request, Answer>(
    connection: Connection,
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    const payload = api.encode(request) // a request that cannot be encoded is a mistake of the caller, not a lost one
    return new Promise((resolve, reject) => {
      let settled = false
      this.#inflight++
      const lost = (cause: unknown) => {
        if (!settle()) return
        this.#drop(connection)
        reject(new RequestLost(api.name, true, readable(cause)))
      }
      const settle = (): boolean => {
        if (settled) return false // the client may call back twice: once for a close, once for a timeout
        settled = true
        this.#inflight--
        clearTimeout(timer)
        return true
      }
      const timer = setTimeout(
        () => lost(`no answer from ${addressOf(this.#broker)} in ${Math.round(timeoutMs)} ms`),
        timeoutMs,
      )
      connection.send<Answer>(
        api.key,
        api.version,
        () => payload,
        (_correlationId, _key, _version, reader) => api.decode(AnswerReader.of(reader)),
        true,
        api.plainAnswerHeader !== true,
        (error, answer) => {
          if (error) lost(error)
          else if (settle()) resolve(answer as Answer)
        },
      )
    })
  }
}

/** Ends a connection at once, whatever state it is in, and with it the client's timers and pending requests. */
function discard(connection: Connection): void {
  connection.close(() => {})
  connection.socket?.destroy()
}

async function within<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  work.catch(() => {}) // it may fail after we stopped waiting
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what}: timeout`)), timeoutMs)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const causesMax = 4

/** The client wraps what happened ("Connection failed.") two or three times; the innermost text is the useful one. */
function readable(error: unknown): Error {
  const texts: string[] = []
  for (let at: unknown = error; at !== undefined && texts.length < causesMax; ) {
    if (!(at instanceof Error)) {
      texts.push(String(at))
      break
    }
    const text = at.message || ('code' in at ? String(at.code) : at.name)
    if (!texts.includes(text)) texts.push(text)
    at = at.cause ?? (at instanceof AggregateError ? at.errors[0] : undefined)
  }
  return new Error(texts.join(': '), { cause: error })
}
