/**
 * What every HTTP server of this project is: limits, headers and errors of every answer, health and metrics. Owns no socket;
 * what else it serves is registered by whoever makes it.
 */
import helmet from '@fastify/helmet'
import fastify, { type FastifyInstance } from 'fastify'
import { answerClientError, sendError } from './error-answers.ts'
import type { Health } from './health.ts'
import { registerHealthRoutes } from './health-routes.ts'
import { KnownPaths } from './known-paths.ts'
import {
  BODY_BYTES_MAX,
  CONNECTIONS_MAX,
  HEADER_BYTES_MAX,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  REQUEST_TIMEOUT_MS,
  TIMEOUTS_CHECKED_EVERY_MS,
  URL_BYTES_MAX,
} from './limits.ts'
import type { Metrics } from './metrics.ts'
import { failure } from './rest/errors.ts'

export interface BaseOptions {
  readonly health: Health
  readonly metrics: Metrics
  /** A request failed for a reason that nobody expected. */
  readonly problem: (error: unknown) => void
}

export async function createBaseApp({ health, metrics, problem }: BaseOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS,
      // Looked at below, so that it is answered as everything else is.
      requireHostHeader: false,
    },
    routerOptions: {
      // An id that is too long is a bad id, not an unknown path; the URL is bounded as a whole.
      maxParamLength: URL_BYTES_MAX,
      querystringParser: () => ({}),
    },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply, problem),
  })
  const paths = new KnownPaths()
  paths.watch(app)
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, problem))
  // First: answers to what no route is found for have these headers, too.
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] },
    },
    // Whether it is HTTPS outside is not known here.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  })
  app.addHook('onRequest', async (request) => {
    const { url = '/', method = 'GET', httpVersion, headers } = request.raw
    if (httpVersion === '1.1' && headers.host === undefined)
      throw failure('request.malformed', 'the header Host is missing', { header: 'Host' })
    if (url.length > URL_BYTES_MAX) throw failure('url.too_long', `the URL has more than ${URL_BYTES_MAX} bytes`)
    // Before a body is read for nothing.
    if (request.is404) throw paths.failureFor(method, url)
  })
  app.addHook('onResponse', async (request, reply) => {
    metrics.request(request.method, request.routeOptions.url, reply.statusCode, reply.elapsedTime / 1000)
  })
  app.server.maxConnections = CONNECTIONS_MAX
  registerHealthRoutes(app, health, metrics)
  return app
}
