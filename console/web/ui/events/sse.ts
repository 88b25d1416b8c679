/**
 * A stream of server-sent events taken apart, however it was cut on its way. Pure but for its own state. Source: HTML Living
 * Standard, section 9.2.6 "Interpreting an event stream".
 */
export interface StreamEvent {
  /** `message` where none is named. */
  readonly event: string
  readonly data: string
  /** The last id when it was dispatched. */
  readonly id: string
}

/** Characters of one event that is still coming; a stream that has more without an empty line is none of ours. */
const CHARACTERS_MAX = 4 * 1024 * 1024

export class StreamParser {
  /** To be sent as `Last-Event-ID`; also of blocks without data, which are not dispatched. */
  lastId = ''
  /** As the service wishes; null: it has not said. */
  retryMs: number | null = null
  /** Comments seen: that the other side is alive. */
  comments = 0
  #rest = ''
  #afterCarriageReturn = false
  #begun = false
  #data: string[] = []
  #characters = 0
  #event = ''
  #id = ''

  constructor(lastId = '') {
    this.lastId = lastId
    this.#id = lastId
  }

  /** Throws RangeError when an event is larger than the bound. */
  push(chunk: string): readonly StreamEvent[] {
    let text = chunk
    if (!this.#begun && text !== '') {
      this.#begun = true
      if (text.startsWith('\ufeff')) text = text.slice(1)
    }
    // A line end that came in two parts is one.
    if (this.#afterCarriageReturn && text !== '') {
      if (text.startsWith('\n')) text = text.slice(1)
      this.#afterCarriageReturn = false
    }
    if (text.endsWith('\r')) this.#afterCarriageReturn = true
    const lines = (this.#rest + text).split(/\r\n|\n|\r/)
    this.#rest = lines.pop()!
    if (this.#rest.length + this.#characters > CHARACTERS_MAX) throw new RangeError('an event is too large')
    const events: StreamEvent[] = []
    for (const line of lines) {
      if (line === '') this.#dispatch(events)
      else this.#line(line)
    }
    return events
  }

  #line(line: string): void {
    const colon = line.indexOf(':')
    if (colon === 0) {
      this.comments++
      return
    }
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'data') {
      this.#data.push(value)
      this.#characters += value.length + 1
      if (this.#characters > CHARACTERS_MAX) throw new RangeError('an event is too large')
    } else if (name === 'event') this.#event = value
    else if (name === 'id' && !value.includes('\0')) this.#id = value
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) this.retryMs = Number(value)
  }

  #dispatch(into: StreamEvent[]): void {
    this.lastId = this.#id
    if (this.#data.length > 0)
      into.push({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.lastId })
    this.#data = []
    this.#characters = 0
    this.#event = ''
  }
}
