/**
 * The HTTP server of the note service: health, metrics, the REST interface and the event streams on one port, from the moment the process
 * starts. Assembly only. Owns the socket.
 */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type BaseOptions, createBaseApp } from './base-app.ts'
import type { EventHub } from './events/hub.ts'
import { eventRoutes } from './events/routes.ts'
import { requestLimit } from './request-limit.ts'
import type { RestBackend } from './rest/backend.ts'
import { restPlugin } from './rest/plugin.ts'

export interface HttpOptions extends BaseOptions {
  /** API_TOKEN; undefined: changes are open, on loopback. */
  readonly token: string | undefined
  /** Per client address; null: no limit. */
  readonly requestsPerMinute: number | null
  /** Real name of each topic by its declared name. */
  readonly topicNames?: Readonly<Record<string, string>>
  /** Further routes of the same server. */
  readonly extend?: (app: FastifyInstance, hub: () => EventHub | null) => void
}

export interface HttpServer {
  readonly app: FastifyInstance
  readonly port: number
  /** From here on the REST interface and the event streams answer. */
  serve(backend: RestBackend, events: EventHub): void
  /** Ends every connection. */
  close(): Promise<void>
}

/** Routes only: nothing listens. */
export async function createApp(
  options: HttpOptions,
  backend: () => RestBackend | null,
  events: () => EventHub | null = () => null,
): Promise<FastifyInstance> {
  const { health, token, requestsPerMinute, topicNames = {} } = options
  const app = await createBaseApp(options)
  const limit = await requestLimit(app, requestsPerMinute)
  await app.register(restPlugin, { backend, isDraining: () => health.draining, token, limit })
  options.extend?.(app, events)
  eventRoutes(app, { hub: events, isDraining: () => health.draining, topicNames, limit })
  await app.ready()
  return app
}

/** Listens when it resolves. Throws EADDRINUSE and the like. */
export async function startHttpServer(host: string, port: number, options: HttpOptions): Promise<HttpServer> {
  let backend: RestBackend | null = null
  let hub: EventHub | null = null
  const app = await createApp(
    options,
    () => backend,
    () => hub,
  )
  await app.listen({ host, port })
  return {
    app,
    port: (app.server.address() as AddressInfo).port,
    serve(ready, events) {
      backend = ready
      hub = events
    },
    close: () => app.close(),
  }
}
