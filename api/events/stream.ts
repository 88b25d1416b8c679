/**
 * One client's connection as a stream of server-sent events. Owns the response: how much may wait for the client, and how
 * it ends. Knows nothing of topics. Source of the format: HTML Living Standard, section 9.2 "Server-sent events".
 */
import type { ServerResponse } from 'node:http'
import { dataLines } from './note-event.ts'

export interface StreamLimits {
  readonly bufferBytesMax: number
  readonly flushMaxMs: number
}

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-content-type-options': 'nosniff',
  // Proxies that buffer (nginx) are told not to.
  'x-accel-buffering': 'no',
} as const

/** What a subscriber writes to. */
export interface ClientStream {
  /** Resolves when the stream is over, whoever ended it. */
  readonly ended: Promise<void>
  readonly isOver: boolean
  /** False: there is no room, or it is over; nothing was written. */
  write(text: string | Buffer): boolean
  /** Resolves when the client has taken what waits; false: not within the time. */
  drained(withinMs: number): Promise<boolean>
  /** Ends with a last event that says why; null: without. What waits is still sent, within a time. */
  end(last: { readonly event: string; readonly data: unknown } | null): void
}

export class EventStream implements ClientStream {
  readonly ended: Promise<void>
  readonly #response: ServerResponse
  readonly #limits: StreamLimits
  #over = false
  #corked = false

  constructor(response: ServerResponse, limits: StreamLimits, headers: Readonly<Record<string, string>> = {}) {
    this.#response = response
    this.#limits = limits
    this.ended = new Promise((resolve) => {
      response.once('close', () => {
        this.#over = true
        resolve()
      })
    })
    response.on('error', () => response.destroy())
    response.writeHead(200, { ...headers, ...STREAM_HEADERS })
    response.flushHeaders()
    response.socket?.setNoDelay(true)
  }

  get isOver(): boolean {
    return this.#over
  }

  write(text: string | Buffer): boolean {
    const waiting = this.#response.writableLength
    // One event that is larger than the bound goes when nothing else waits, or it never would.
    if (this.#over || (waiting > 0 && waiting + text.length > this.#limits.bufferBytesMax)) return false
    if (!this.#corked) {
      // What one turn writes goes out as one packet.
      this.#corked = true
      this.#response.cork()
      queueMicrotask(() => {
        this.#corked = false
        this.#response.uncork()
      })
    }
    this.#response.write(text)
    return true
  }

  /** Whether more than a little waits for the client. */
  get isBehind(): boolean {
    return this.#response.writableNeedDrain
  }

  drained(withinMs: number): Promise<boolean> {
    if (this.#over || !this.isBehind) return Promise.resolve(true)
    return new Promise((resolve) => {
      const done = (taken: boolean) => (): void => {
        clearTimeout(timer)
        this.#response.off('drain', yes).off('close', yes)
        resolve(taken)
      }
      const yes = done(true)
      const timer = setTimeout(done(false), withinMs)
      this.#response.once('drain', yes).once('close', yes)
    })
  }

  end(last: { readonly event: string; readonly data: unknown } | null): void {
    if (this.#over) return
    this.#over = true
    const text = last === null ? '' : `event: ${last.event}\n${dataLines(JSON.stringify(last.data))}\n`
    this.#response.end(text)
    const timer = setTimeout(() => this.#response.destroy(), this.#limits.flushMaxMs)
    void this.ended.then(() => clearTimeout(timer))
  }
}
