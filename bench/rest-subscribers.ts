/** Many event streams on plain sockets of this process: each counts what it gets, and nothing is parsed beyond that. */
import { connect, type Socket } from 'node:net'

/** Opened at once, so that the server's queue of connections does not overflow. */
const OPENING = 50

export interface Subscription {
  readonly characterId: number | null
  events: number
  /** It has ended, or said something else than events. */
  failed: string | null
}

export class Subscribers {
  readonly all: readonly Subscription[]
  readonly #sockets: Socket[] = []

  private constructor(all: readonly Subscription[]) {
    this.all = all
  }

  static async open(
    restUrl: string,
    headers: Readonly<Record<string, string>>,
    characters: readonly (number | null)[],
  ): Promise<Subscribers> {
    const subscribers = new Subscribers(
      characters.map((characterId): Subscription => ({ characterId, events: 0, failed: null })),
    )
    const waiting = [...subscribers.all]
    const open = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await subscribers.#open(restUrl, headers, next)
    }
    await Promise.all(Array.from({ length: OPENING }, open))
    return subscribers
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #open(restUrl: string, headers: Readonly<Record<string, string>>, subscription: Subscription): Promise<void> {
    const { hostname, port, pathname } = new URL(`${restUrl}/events`)
    const query = subscription.characterId === null ? '' : `?characterId=${subscription.characterId}`
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(`GET ${pathname}${query} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${lines.join('')}\r\n`)
      })
      this.#sockets.push(socket)
      let began = false
      let tail = ''
      socket.setEncoding('latin1')
      socket.on('data', (text: string) => {
        if (!began) {
          began = true
          if (!text.startsWith('HTTP/1.1 200'))
            return reject(new Error(`an event stream was answered ${text.slice(0, 80)}`))
          resolve()
        }
        const seen = tail + text
        subscription.events += seen.split('\nevent: CREATED\n').length - 1
        // What may be the beginning of such a line; shorter than one, so nothing is counted twice.
        tail = seen.slice(-('\nevent: CREATED\n'.length - 1))
      })
      socket.on('error', (error) => (began ? (subscription.failed ??= error.message) : reject(error)))
      socket.on('end', () => {
        subscription.failed ??= 'ended'
      })
    })
  }
}
