/** /livez, /readyz, /startupz and /metrics over HTTP. Answers from memory only: no dependency can make it hang. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Health } from './health.ts'
import type { Metrics } from './metrics.ts'

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

const HEADER_BYTES_MAX = 8 * 1024
const REQUEST_TIMEOUT_MS = 5_000
const CONNECTIONS_MAX = 200

export async function createHealthServer(
  host: string,
  port: number,
  health: Health,
  metrics: Metrics,
): Promise<HealthServer> {
  let started = false
  health.ready().then(() => {
    started = true
  })
  const server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      const send = (status: number, type: string, body: string, headers: Record<string, string> = {}): void => {
        response.writeHead(status, {
          'content-type': type,
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          ...headers,
        })
        response.end(request.method === 'HEAD' ? undefined : body)
      }
      const json = (status: number, body: unknown): void =>
        send(status, 'application/json', `${JSON.stringify(body)}\n`)
      const path = (request.url ?? '/').split('?', 1)[0]
      if (!['/livez', '/readyz', '/startupz', '/metrics'].includes(path ?? '')) {
        json(404, { errors: [{ status: '404', code: 'not_found', title: 'Not found' }] })
        return
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        send(
          405,
          'application/json',
          `${JSON.stringify({ errors: [{ status: '405', code: 'method_not_allowed', title: 'Method not allowed' }] })}\n`,
          { allow: 'GET, HEAD' },
        )
        return
      }
      if (path === '/livez') json(200, { status: 'live' })
      else if (path === '/startupz') json(started ? 200 : 503, { status: started ? 'started' : 'starting' })
      else if (path === '/readyz') {
        const { ready, reasons } = health.readiness()
        json(ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', reasons })
      } else {
        metrics.text().then(
          (text) => send(200, metrics.contentType, text),
          () => json(500, { errors: [{ status: '500', code: 'metrics_failed', title: 'Metrics failed' }] }),
        )
      }
    },
  )
  server.maxConnections = CONNECTIONS_MAX
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
