/**
 * A TCP proxy in front of the broker that knows where a request begins and which API it is: it delays requests, holds
 * answers, loses requests or answers, with the connection, as a network does, and answers itself with an error code. Owns
 * its sockets; counts what it has really done.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { bodyAt, clientIdOf, type Forgery } from './kafka-frames.ts'

export const API = {
  produce: 0,
  fetch: 1,
  offsetFetch: 9,
  joinGroup: 11,
  heartbeat: 12,
  syncGroup: 14,
  initProducerId: 22,
  endTxn: 26,
  txnOffsetCommit: 28,
} as const

type Loss = 'request' | 'answer'

interface Watch {
  readonly api: number
  readonly at: 'request' | 'answer'
  readonly mark: string
  readonly seen: () => Promise<void>
  /** The answer waits until `seen` has resolved, and all behind it on its connection. */
  readonly holds: boolean
}

/** What is done to the next requests of an API that this client sends; any client's when it is undefined. */
interface Plan {
  left: number
  readonly from: string | undefined
}

export class KafkaProxy {
  readonly port: number
  /** By `<what> <api>`. */
  readonly done = new Map<string, number>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #delays = new Map<number, { ms: number; from: string | undefined }>()
  readonly #watches: Watch[] = []
  readonly #losses = new Map<number, Plan & { readonly loss: Loss }>()
  readonly #forgeries = new Map<number, Plan & { readonly forge: Forgery }>()
  #stalled: Promise<void> | null = null

  /** `target` is asked at each connection: the broker's port may be known later than the proxy's. */
  static async start(target: () => number): Promise<KafkaProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new KafkaProxy(server, target)
  }

  private constructor(server: Server, target: () => number) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (client) => this.#serve(client, target()))
  }

  /** Every request of this API arrives so much later, and all behind it on its connection; 0 ends it. */
  delay(api: number, ms: number, from?: string): void {
    this.#delays.set(api, { ms, from })
  }

  /** The next `times` of this API lose their request, or their answer, and their connection. 0 ends it. */
  lose(api: number, loss: Loss, times = 1, from?: string): void {
    this.#losses.set(api, { loss, left: times, from })
  }

  /** The next `times` of this API never reach the broker and are answered so. */
  forge(api: number, times: number, forge: Forgery, from?: string): void {
    this.#forgeries.set(api, { left: times, forge, from })
  }

  count(what: 'delayed' | 'forged' | 'cut' | Loss, api: number): number {
    return this.done.get(`${what} ${api}`) ?? 0
  }

  /**
   * Resolves when the next request of this API that carries the mark (a transactional id, say) has come, or its answer.
   * `act` runs in that very moment; a request is passed on when its promise has resolved, an answer behind it at once.
   */
  at(api: number, what: 'request' | 'answer', mark: string, act: () => void | Promise<void>): Promise<void> {
    return this.#watch(api, what, mark, act, false)
  }

  /** As `at`, for an answer that is passed on only when the promise of `act` has resolved. */
  holdAnswer(api: number, mark: string, act: () => void | Promise<void>): Promise<void> {
    return this.#watch(api, 'answer', mark, act, true)
  }

  #watch(
    api: number,
    at: 'request' | 'answer',
    mark: string,
    act: () => void | Promise<void>,
    holds: boolean,
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const seen = (): Promise<void> => {
      const acted = Promise.resolve(act())
      resolve()
      return acted
    }
    this.#watches.push({ api, at, mark, seen, holds })
    return promise
  }

  /** Every connection ends now. How many there were. */
  cut(): number {
    const connections = this.#sockets.size / 2
    for (const socket of this.#sockets) socket.destroy()
    return connections
  }

  /** Nothing is passed on, in either direction, until the answered function is called. */
  stall(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#stalled = promise
    return () => {
      this.#stalled = null
      resolve()
    }
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(client: Socket, port: number): void {
    const broker = connect(port, '127.0.0.1')
    /** By correlation id: what is to happen to the answer. */
    const lost = new Map<number, number>()
    const watched = new Map<number, Watch>()
    const toBroker = new Line()
    const toClient = new Line()
    for (const socket of [client, broker]) {
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
    }
    broker.on('close', () => client.destroy())
    // What is on its way arrives, though its sender is gone.
    client.on('close', () => void toBroker.empty().then(() => broker.end()))
    const end = (): void => {
      client.destroy()
      broker.destroy()
    }
    frames(client, (frame) => {
      const api = frame.readInt16BE(4)
      const correlation = frame.readInt32BE(8)
      const forgery = taken(this.#forgeries.get(api), frame)
      if (forgery) {
        this.#note('forged', api)
        toClient.pass(null, () => client.write(bodyAt(correlation, forgery.forge(frame))))
        return
      }
      const loss = taken(this.#losses.get(api), frame)?.loss
      if (loss === 'request') {
        this.#note('request', api)
        end()
        return
      }
      if (loss === 'answer') lost.set(correlation, api)
      const watch = this.#takeWatch(api, frame)
      if (watch?.at === 'answer') watched.set(correlation, watch)
      const delay = this.#delays.get(api)
      const ms = delay && (delay.from === undefined || clientIdOf(frame) === delay.from) ? delay.ms : 0
      if (ms > 0) this.#note('delayed', api)
      const waits = [
        watch?.at === 'request' ? watch.seen() : null,
        ms > 0 ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : null,
        this.#stalled,
      ].filter((wait) => wait !== null)
      toBroker.pass(waits.length > 0 ? Promise.all(waits) : null, () => broker.write(frame))
    })
    frames(broker, (frame) => {
      const correlation = frame.readInt32BE(4)
      const api = lost.get(correlation)
      const watch = watched.get(correlation)
      watched.delete(correlation)
      // Unless it is held nothing may be sent between: an answer is seen, not held.
      const seen = watch?.seen()
      if (api === undefined)
        toClient.pass(watch?.holds ? seen! : this.#stalled, () => client.destroyed || client.write(frame))
      else {
        this.#note('answer', api)
        end()
      }
    })
  }

  #takeWatch(api: number, frame: Buffer): Watch | undefined {
    const at = this.#watches.findIndex((w) => w.api === api && frame.includes(w.mark))
    return at < 0 ? undefined : this.#watches.splice(at, 1)[0]
  }

  #note(what: string, api: number): void {
    const name = `${what} ${api}`
    this.done.set(name, (this.done.get(name) ?? 0) + 1)
  }
}

function taken<P extends Plan>(plan: P | undefined, frame: Buffer): P | undefined {
  if (!plan || plan.left === 0 || (plan.from !== undefined && clientIdOf(frame) !== plan.from)) return undefined
  plan.left--
  return plan
}

/** One direction of a connection: what waits holds up what comes behind it. */
class Line {
  #last: Promise<void> | null = null

  pass(wait: Promise<unknown> | null, send: () => unknown): void {
    if (wait === null && this.#last === null) {
      send()
      return
    }
    const before = this.#last ?? Promise.resolve()
    const mine: Promise<void> = before
      .then(() => wait)
      .then(() => {
        send()
        if (this.#last === mine) this.#last = null
      })
    this.#last = mine
  }

  async empty(): Promise<void> {
    await this.#last
  }
}

/**
 * Calls with each length-prefixed frame, the length included. The pieces of a large one are joined once: an answer to a Fetch
 * has tens of megabytes, and joining at every piece took the proxy minutes.
 */
function frames(socket: Socket, take: (frame: Buffer) => void): void {
  let pieces: Buffer[] = []
  let bytes = 0
  /** Of the frame that begins `pieces`; 4 while its length is not known. */
  let needed = 4
  socket.on('data', (chunk: Buffer) => {
    pieces.push(chunk)
    bytes += chunk.length
    if (bytes < needed) return
    let held = pieces.length === 1 ? chunk : Buffer.concat(pieces)
    for (;;) {
      needed = held.length >= 4 ? 4 + held.readInt32BE(0) : 4
      if (held.length < needed || held.length < 4) break
      take(held.subarray(0, needed))
      held = held.subarray(needed)
    }
    pieces = held.length > 0 ? [held] : []
    bytes = held.length
  })
}
