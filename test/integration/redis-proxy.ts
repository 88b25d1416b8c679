/** A TCP proxy before Redis that can lose answers: for tests of what a client does then. */
import { once } from 'node:events'
import net from 'node:net'

export class RedisProxy {
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  #losing: RegExp | null = null
  #stalled = false
  /** Connections accepted so far. */
  accepted = 0

  static async before(upstream: URL): Promise<RedisProxy> {
    const proxy = new RedisProxy(upstream)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor(upstream: URL) {
    this.#server = net.createServer((client) => {
      this.accepted++
      const server = net.connect(Number(upstream.port), upstream.hostname)
      this.#sockets.add(client).add(server)
      let lost = false
      client.on('data', (data) => {
        if (this.#losing?.test(data.toString('latin1'))) {
          this.#losing = null
          lost = true
        }
        server.write(data)
      })
      server.on('data', (data) => {
        if (lost) client.destroy()
        else if (!this.#stalled) client.write(data)
      })
      for (const socket of [client, server]) socket.on('error', () => {})
      client.on('close', () => server.destroy())
      server.on('close', () => client.destroy())
    })
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`
  }

  /** The connection that next sends something matching is cut when the answer comes. */
  loseAnswerTo(pattern: RegExp): void {
    this.#losing = pattern
  }

  /** Answers are swallowed from now on. */
  stall(): void {
    this.#stalled = true
  }

  /** Every connection ends now. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.#server.close()
    this.cut()
  }
}

export const testRedisUrl = (): URL => new URL(process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:16379')
