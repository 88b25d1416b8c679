/**
 * What every HTTP server of this project is: limits, headers and errors of every answer, health and metrics. Owns no socket;
 * what else it serves is registered by whoever makes it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import helmet from '@fastify/helmet'
import fastify, { type FastifyInstance } from 'fastify'
import { answerClientError, answerMalformed, sendError } from './error-answers.ts'
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
  // Without these Node answers by itself: 417 without a body, and nothing at all.
  const unmet = new WeakSet<IncomingMessage>()
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    unmet.add(request)
    app.routing(request, response)
  })
  app.server.on('connect', (_: IncomingMessage, socket: Duplex) => answerMalformed(socket))
  app.addHook('onRequest', async (request) => {
    const { url = '/', method = 'GET', httpVersion, rawHeaders } = request.raw
    const hosts = valuesOf(rawHeaders, 'host')
    if (hosts > 1 || (hosts === 0 && httpVersion === '1.1'))
      throw failure('request.malformed', `the header Host is ${hosts > 1 ? 'given twice' : 'missing'}`, {
        header: 'Host',
      })
    if (unmet.has(request.raw))
      throw failure(
        'expectation.failed',
        'only 100-continue can be expected',
        { header: 'Expect' },
        { connection: 'close' },
      )
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

/** How often a header is given; Node keeps the first of two Hosts and says nothing. Names and values come by turns. */
function valuesOf(raw: readonly string[], name: string): number {
  let count = 0
  for (let at = 0; at < raw.length; at += 2)
    if (raw[at]!.length === name.length && raw[at]!.toLowerCase() === name) count++
  return count
}
