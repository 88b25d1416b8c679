/** Clients of the event streams in memory, and what a client of server-sent events makes of the text. */
import type { ClientStream } from '../../api/events/stream.ts'

export interface Received {
  readonly event: string
  readonly id: string
  readonly data: unknown
}

/** Parses a stream as EventSource does: an id alone is remembered, an event without data is not dispatched. */
export class SseParser {
  readonly events: Received[] = []
  readonly comments: string[] = []
  lastId = ''
  #buffer = ''
  #event = ''
  #data: string[] = []
  #id = ''

  take(text: string): void {
    this.#buffer += text
    for (let end = this.#buffer.indexOf('\n'); end >= 0; end = this.#buffer.indexOf('\n')) {
      this.#line(this.#buffer.slice(0, end))
      this.#buffer = this.#buffer.slice(end + 1)
    }
  }

  #line(line: string): void {
    if (line === '') {
      this.lastId = this.#id
      if (this.#data.length > 0)
        this.events.push({ event: this.#event, id: this.#id, data: JSON.parse(this.#data.join('\n')) })
      this.#event = ''
      this.#data = []
      return
    }
    if (line.startsWith(':')) this.comments.push(line.slice(1).trim())
    else if (line.startsWith('id: ')) this.#id = line.slice(4)
    else if (line.startsWith('event: ')) this.#event = line.slice(7)
    else if (line.startsWith('data: ')) this.#data.push(line.slice(6))
    else if (!line.startsWith('retry: ')) throw new Error(`not understood: ${line}`)
  }
}

/** A client that takes what it is sent, while it is not stuck. */
export class FakeClient implements ClientStream {
  readonly parser = new SseParser()
  readonly ended: Promise<void>
  stuck = false
  roomBytes = 100_000
  isOver = false
  #end!: () => void
  #waiting = 0
  #drain: (() => void)[] = []

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  write(text: string | Buffer): boolean {
    if (this.isOver || (this.stuck && this.#waiting + text.length > this.roomBytes)) return false
    if (this.stuck) this.#waiting += text.length
    this.parser.take(String(text))
    return true
  }

  drained(): Promise<boolean> {
    if (!this.stuck || this.isOver) return Promise.resolve(true)
    return new Promise((resolve) => this.#drain.push(() => resolve(true)))
  }

  end(last: { readonly event: string; readonly data: unknown } | null): void {
    if (this.isOver) return
    if (last) this.parser.take(`event: ${last.event}\ndata: ${JSON.stringify(last.data)}\n\n`)
    this.leave()
  }

  unstick(): void {
    this.stuck = false
    this.#waiting = 0
    for (const go of this.#drain.splice(0)) go()
  }

  /** The connection is gone. */
  leave(): void {
    this.isOver = true
    this.unstick()
    this.#end()
  }

  get events(): readonly Received[] {
    return this.parser.events
  }
}
