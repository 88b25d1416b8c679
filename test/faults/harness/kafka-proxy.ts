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

export class KafkaProxy {
  readonly port: number
  /** By `<what> <api>`. */
  readonly done = new Map<string, number>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #delays = new Map<number, number>()
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

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(client: Socket, port: number): void {
    const broker = connect(port, '127.0.0.1')
    /** Correlation ids whose answers are lost. */
    const lost = new Map<number, number>()
    const end = (): void => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        end()
      })
    }
    let line: Promise<void> | null = null
    frames(client, (frame) => {
      const api = frame.readInt16BE(4)
      const loss = this.#takeLoss(api)
      if (loss === 'request') {
        this.#note('request', api)
        end()
        return
      }
      if (loss === 'answer') lost.set(frame.readInt32BE(8), api)
      const ms = this.#delays.get(api) ?? 0
      if (ms > 0) this.#note('delayed', api)
      if (ms === 0 && line === null) broker.write(frame)
      else {
        const mine: Promise<void> = (line ?? Promise.resolve())
          .then(() => new Promise((resolve) => setTimeout(resolve, ms)))
          .then(() => {
            broker.write(frame)
            if (line === mine) line = null
          })
        line = mine
      }
    })
    frames(broker, (frame) => {
      const api = lost.get(frame.readInt32BE(4))
      if (api === undefined) client.write(frame)
      else {
        this.#note('answer', api)
        end()
      }
    })
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
