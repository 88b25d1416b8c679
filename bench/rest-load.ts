/** Requests over HTTP at a fixed rate, and how long their answers took, counted from when each was due. */
import { randomUUID } from 'node:crypto'
import autocannon from 'autocannon'

export interface Load {
  readonly method: 'GET' | 'POST'
  readonly perSecond: number
  readonly seconds: number
  readonly connections: number
  /** The next request's path, and its body. */
  readonly next: () => { readonly path: string; readonly body?: string }
}

export interface Answers {
  readonly requests: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export async function load(
  restUrl: string,
  headers: Readonly<Record<string, string>>,
  { method, perSecond, seconds, connections, next }: Load,
): Promise<Answers> {
  const { origin, pathname } = new URL(restUrl)
  const result = await autocannon({
    url: origin,
    connections,
    overallRate: perSecond,
    duration: seconds,
    timeout: 10,
    requests: [
      {
        method,
        setupRequest: (request) => {
          const { path, body } = next()
          return {
            ...request,
            path: `${pathname}${path}`,
            headers: {
              ...headers,
              ...(body === undefined ? {} : { 'content-type': 'application/json', 'idempotency-key': randomUUID() }),
            },
            ...(body === undefined ? {} : { body }),
          }
        },
      },
    ],
  })
  const { latency } = result
  return {
    requests: result.requests.total,
    failed: result.errors + result.timeouts + result.non2xx,
    p50Ms: latency.p50,
    p99Ms: latency.p99,
    maxMs: latency.max,
  }
}
