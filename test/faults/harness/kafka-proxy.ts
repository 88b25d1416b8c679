/**
 * A TCP proxy in front of the broker that knows where a request begins and which API it is: it delays requests, and loses
 * requests or answers, with the connection, as a network does. Owns its sockets; counts what it has really done.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

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
}

export class KafkaProxy {
  readonly port: number
  /** By `<what> <api>`. */
  readonly done = new Map<string, number>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #delays = new Map<number, number>()
  readonly #watches: Watch[] = []
  readonly #losses = new Map<number, { loss: Loss; left: number }>()

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
  delay(api: number, ms: number): void {
    this.#delays.set(api, ms)
  }

  /** The next `times` of this API lose their request, or their answer, and their connection. */
  lose(api: number, loss: Loss, times = 1): void {
    this.#losses.set(api, { loss, left: times })
  }

  count(what: 'delayed' | Loss, api: number): number {
    return this.done.get(`${what} ${api}`) ?? 0
  }

  /**
   * Resolves when the next request of this API that carries the mark (a transactional id, say) has come, or its answer.
   * `act` runs in that very moment; a request is passed on when its promise has resolved, an answer behind it at once.
   */
  at(api: number, what: 'request' | 'answer', mark: string, act: () => void | Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const seen = (): Promise<void> => {
      const acted = Promise.resolve(act())
      resolve()
      return acted
    }
    this.#watches.push({ api, at: what, mark, seen })
    return promise
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(client: Socket, port: number): void {
    const broker = connect(port, '127.0.0.1')
    /** By correlation id: what is to happen to the answer. */
    const lost = new Map<number, number>()
    const watched = new Map<number, Watch>()
    let line: Promise<void> | null = null
    for (const socket of [client, broker]) {
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
    }
    broker.on('close', () => client.destroy())
    // What is on its way arrives, though its sender is gone.
    client.on('close', () => void (line ?? Promise.resolve()).then(() => broker.end()))
    const end = (): void => {
      client.destroy()
      broker.destroy()
    }
    frames(client, (frame) => {
      const api = frame.readInt16BE(4)
      const correlation = frame.readInt32BE(8)
      const loss = this.#takeLoss(api)
      if (loss === 'request') {
        this.#note('request', api)
        end()
        return
      }
      if (loss === 'answer') lost.set(correlation, api)
      const watch = this.#takeWatch(api, frame)
      if (watch?.at === 'answer') watched.set(correlation, watch)
      const ms = this.#delays.get(api) ?? 0
      if (ms > 0) this.#note('delayed', api)
      const held = watch?.at === 'request' ? watch.seen() : undefined
      if (ms === 0 && line === null && held === undefined) {
        broker.write(frame)
        return
      }
      const mine: Promise<void> = (line ?? Promise.resolve())
        .then(() => held)
        .then(() => (ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined))
        .then(() => {
          broker.write(frame)
          if (line === mine) line = null
        })
      line = mine
    })
    frames(broker, (frame) => {
      const correlation = frame.readInt32BE(4)
      const api = lost.get(correlation)
      const watch = watched.get(correlation)
      if (watch) {
        watched.delete(correlation)
        // Nothing may be sent between: an answer is seen, not held.
        void watch.seen()
      }
      if (api === undefined) client.write(frame)
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

  #takeLoss(api: number): Loss | null {
    const losses = this.#losses.get(api)
    if (!losses || losses.left === 0) return null
    losses.left--
    return losses.loss
  }

  #note(what: string, api: number): void {
    const name = `${what} ${api}`
    this.done.set(name, (this.done.get(name) ?? 0) + 1)
  }
}

/** Calls with each length-prefixed frame, the length included. */
function frames(socket: Socket, take: (frame: Buffer) => void): void {
  let held: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    while (held.length >= 4) {
      const end = 4 + held.readInt32BE(0)
      if (held.length < end) break
      take(held.subarray(0, end))
      held = held.subarray(end)
    }
  })
}
