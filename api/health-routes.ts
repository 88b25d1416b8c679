/** /livez, /readyz, /startupz and /metrics. Answer from memory only: no dependency can make them hang. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Health } from './health.ts'
import type { Metrics } from './metrics.ts'

export function registerHealthRoutes(app: FastifyInstance, health: Health, metrics: Metrics): void {
  let started = false
  void health.ready().then(() => {
    started = true
  })
  const send = (reply: FastifyReply, status: number, type: string, body: string): FastifyReply =>
    reply
      .status(status)
      .header('content-type', type)
      .header('cache-control', 'no-store')
      // Bytes, so that the type stands as it is.
      .send(Buffer.from(body))
  const json = (reply: FastifyReply, status: number, body: unknown): FastifyReply =>
    send(reply, status, 'application/json', `${JSON.stringify(body)}\n`)

  app.get('/livez', (_, reply) => json(reply, 200, { status: 'live' }))
  app.get('/startupz', (_, reply) => json(reply, started ? 200 : 503, { status: started ? 'started' : 'starting' }))
  app.get('/readyz', (_, reply) => {
    const { ready, reasons } = health.readiness()
    const { paused } = health
    const body = { status: ready ? 'ready' : 'not ready', reasons, ...(paused.length > 0 ? { paused } : {}) }
    return json(reply, ready ? 200 : 503, body)
  })
  app.get('/metrics', async (_, reply) => send(reply, 200, metrics.contentType, await metrics.text()))
}
