/**
 * Follows the status events for as long as somebody looks: connects, connects again from the last id, and tells how it
 * stands. Owns the connection. EventSource cannot send the token, so it is fetch.
 */
import { type ApiError, failureOf, headers, type Query, url } from '../../api.ts'
import { retryAfterMs } from './retry.ts'
import { type StreamEvent, StreamParser } from './sse.ts'

export type FeedState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'following' }
  /** It tries again at `atMs`. */
  | { readonly kind: 'waiting'; readonly why: string; readonly attempt: number; readonly atMs: number }
  /** It does not try again by itself. */
  | { readonly kind: 'refused'; readonly error: ApiError }

export interface FeedListener {
  readonly events: (events: readonly StreamEvent[]) => void
  readonly state: (state: FeedState) => void
}

/** Three heartbeats. */
const SILENCE_MAX_MS = 45_000

/** What goes wrong and stays so: nobody is helped by asking again. */
const isFinal = (status: number): boolean => status >= 400 && status < 500 && status !== 408 && status !== 429

/** Answers how to end it. */
export function follow(query: Query, listener: FeedListener): () => void {
  const end = new AbortController()
  void run(query, listener, end.signal)
  return () => end.abort()
}

async function run(query: Query, listener: FeedListener, signal: AbortSignal): Promise<void> {
  let lastId = ''
  let wishMs: number | null = null
  for (let attempt = 1; !signal.aborted; attempt++) {
    listener.state({ kind: 'connecting' })
    let why = 'the stream ended'
    try {
      const parser = new StreamParser(lastId)
      const silence = new AbortController()
      const connection = await connect(query, lastId, AbortSignal.any([signal, silence.signal]))
      if (connection instanceof Response) {
        attempt = 0
        listener.state({ kind: 'following' })
        try {
          why = (await read(connection, parser, listener, silence)) ?? why
        } finally {
          lastId = parser.lastId
          wishMs = parser.retryMs ?? wishMs
        }
      } else if (isFinal(connection.status)) {
        listener.state({ kind: 'refused', error: connection })
        return
      } else why = connection.message
    } catch (error) {
      if (error instanceof RangeError) why = error.message
      else why = 'the connection is lost'
    }
    if (signal.aborted) return
    const waitMs = retryAfterMs(attempt + (attempt === 0 ? 1 : 0), wishMs)
    listener.state({ kind: 'waiting', why, attempt: Math.max(1, attempt), atMs: Date.now() + waitMs })
    await pause(waitMs, signal)
  }
}

async function connect(query: Query, lastId: string, signal: AbortSignal): Promise<Response | ApiError> {
  const response = await fetch(url('/events', query), {
    headers: { ...headers(), accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) },
    cache: 'no-store',
    signal,
  })
  return response.ok && response.body !== null ? response : await failureOf(response)
}

/** Answers why it ended, where the service said so. */
async function read(
  response: Response,
  parser: StreamParser,
  listener: FeedListener,
  silence: AbortController,
): Promise<string | null> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let timer: ReturnType<typeof setTimeout> | undefined
  const heard = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS)
  }
  heard()
  let why: string | null = null
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return why
      heard()
      const events = parser.push(value)
      const data = events.filter(({ event }) => !isLast(event))
      if (data.length > 0) listener.events(data)
      const last = events.findLast(({ event }) => isLast(event))
      if (last) why = lastText(last)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** With these the service ends a stream, see docs/events.md. */
const isLast = (event: string): boolean => event === 'dropped' || event === 'closing' || event === 'failed'

function lastText({ event, data }: StreamEvent): string {
  try {
    const { message, code } = JSON.parse(data) as { message?: string; code?: string }
    return [event, code, message].filter(Boolean).join(': ')
  } catch {
    return event
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
