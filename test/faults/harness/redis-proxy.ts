/**
 * A TCP proxy in front of Redis: sees a guarded write pass and the answer to it, loses either with the connection, cuts
 * connections, and leads to another server when a replica has taken over. Owns its sockets; counts what it has done.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

type Way = 'request' | 'answer'

interface Watch {
  readonly at: Way
  readonly mark: string
  /** True: the connection ends there and then. */
  readonly act: () => unknown
  readonly resolve: () => void
}

/** A write carries a new checkpoint and is executed; a read carries one and is not. */
const isWrite = (text: string): boolean => text.includes('"stateVersion"') && /\r\nexec\r\n/i.test(text)

export class RedisProxy {
  readonly port: number
  cuts = 0
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  readonly #watches: Watch[] = []
  #target: () => number

  static async start(target: () => number): Promise<RedisProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new RedisProxy(server, target)
  }

  private constructor(server: Server, target: () => number) {
    this.#server = server
    this.#target = target
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (client) => this.#serve(client))
  }

  /** The next write of a key of this application as it leaves, before it has gone on, or as its answer comes. */
  atWrite(at: Way, application: string, act: () => unknown): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#watches.push({ at, mark: `{${application}:`, act, resolve })
    return promise
  }

  cut(): number {
    const connections = this.#pairs.size
    for (const [client, redis] of this.#pairs) {
      client.destroy()
      redis.destroy()
    }
    this.cuts += connections
    return connections
  }

  /** New connections lead there. */
  leadTo(port: number): void {
    this.#target = () => port
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(client: Socket): void {
    const redis = connect(this.#target(), '127.0.0.1')
    const pair = [client, redis] as const
    this.#pairs.add(pair)
    let awaited: Watch | null = null
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
    }
    const end = (): void => {
      this.#pairs.delete(pair)
      client.destroy()
      redis.destroy()
    }
    client.on('close', end)
    redis.on('close', end)
    client.on('data', (chunk: Buffer) => {
      if (this.#watches.length > 0) {
        const text = chunk.toString('latin1')
        const at = isWrite(text) ? this.#watches.findIndex((w) => text.includes(w.mark)) : -1
        const watch = at < 0 ? undefined : this.#watches.splice(at, 1)[0]
        if (watch?.at === 'answer') awaited = watch
        else if (watch) {
          const ends = watch.act()
          watch.resolve()
          if (ends === true) {
            end()
            return
          }
        }
      }
      redis.write(chunk)
    })
    redis.on('data', (chunk: Buffer) => {
      const watch = awaited
      awaited = null
      if (watch) {
        const ends = watch.act()
        watch.resolve()
        if (ends === true) {
          end()
          return
        }
      }
      client.write(chunk)
    })
  }
}
