/**
 * The REST interface as a part of the HTTP server: registers the operations, and what holds for all of them before a
 * handler runs (ready, allowed, acceptable, tenant). Errors are answered by the server (error-answers.ts).
 */
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { BODY_BYTES_MAX, EVENT_LOOP_DELAY_MAX_MS, REQUESTS_UNDER_WAY_MAX } from '../limits.ts'
import type { RequestLimit } from '../request-limit.ts'
import { checkAccess } from './access.ts'
import type { RestBackend } from './backend.ts'
import { failure } from './errors.ts'
import { freshnessHeader } from './freshness.ts'
import { type Answer, handlers } from './handlers.ts'
import { BASE_PATH } from './json-api.ts'
import { type AnswerType, answerType, JSON_API_TYPE, JSON_TYPE, readsContentType } from './negotiation.ts'
import { openApiDocument } from './openapi.ts'
import { type Operation, type OperationId, operations } from './operations.ts'
import { distinctHeaders, readTenant } from './tenant.ts'

export interface RestOptions {
  /** null until the topics are there. */
  readonly backend: () => RestBackend | null
  readonly isDraining: () => boolean
  readonly token: string | undefined
  /** Before anything else of a request is looked at; null: no limit. */
  readonly limit: RequestLimit | null
}

export async function restPlugin(app: FastifyInstance, options: RestOptions): Promise<void> {
  const document = Buffer.from(JSON.stringify(openApiDocument()))
  app.get(`${BASE_PATH}/openapi.json`, (_, reply) => reply.header('content-type', JSON_TYPE).send(document))
  await app.register(operationsPlugin, options)
}

async function operationsPlugin(app: FastifyInstance, options: RestOptions): Promise<void> {
  await app.register(underPressure, {
    maxEventLoopDelay: EVENT_LOOP_DELAY_MAX_MS,
    pressureHandler: () => {
      throw failure('service.busy', 'the service is overloaded')
    },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    [JSON_TYPE, JSON_API_TYPE],
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    (_request, body, done) => done(null, body),
  )
  let underWay = 0
  const admitted = new WeakSet<FastifyRequest>()
  if (options.limit) app.addHook('onRequest', options.limit)
  app.addHook('onRequest', async (request) => {
    if (underWay >= REQUESTS_UNDER_WAY_MAX)
      throw failure('service.busy', `${REQUESTS_UNDER_WAY_MAX} requests are under way`)
    underWay++
    admitted.add(request)
  })
  const leave = (request: FastifyRequest): void => {
    if (admitted.delete(request)) underWay--
  }
  app.addHook('onResponse', async (request) => leave(request))
  app.addHook('onRequestAbort', async (request) => leave(request))
  for (const operation of Object.values<Operation>(operations)) register(app, operation, options, leave)
}

function register(
  app: FastifyInstance,
  operation: Operation,
  { backend, isDraining, token }: RestOptions,
  leave: (request: FastifyRequest) => void,
): void {
  const handle = handlers[operation.id as OperationId]
  app.route({
    method: operation.method,
    url: BASE_PATH + operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    onRequest: async (request) => {
      if (isDraining()) throw failure('service.draining', 'the service is ending', undefined, { connection: 'close' })
      if (operation.changes) checkAccess(request.headers, token)
      acceptedType(request)
      checkBodyType(request)
      readTenant(distinctHeaders(request.raw.rawHeaders))
    },
    handler: async (request, reply) => {
      const ready = backend()
      if (ready === null) throw failure('service.starting', 'the topics are not there yet')
      const headers = distinctHeaders(request.raw.rawHeaders)
      const answer = await handle({
        backend: ready,
        tenant: readTenant(headers),
        headers,
        parameters: request.params as Readonly<Record<string, string>>,
        query: queryOf(request.raw.url ?? ''),
        body: request.body,
        waits: () => leave(request),
      })
      return send(reply, answer, acceptedType(request), ready)
    },
  })
}

function send(reply: FastifyReply, answer: Answer, type: AnswerType, backend: RestBackend): FastifyReply {
  const { status, document, headers = {}, stamps = [] } = answer
  reply.status(status).headers(headers).headers(freshnessHeader(stamps, backend))
  reply.header('cache-control', 'no-store').header('vary', 'accept')
  if (document === undefined) return reply.send()
  // Bytes, so that the type stands as it is: JSON needs no charset, and JSON:API forbids it.
  return reply.header('content-type', type).send(Buffer.from(JSON.stringify(document)))
}

/** Throws ApiFailure `accept.unsupported`. */
function acceptedType(request: FastifyRequest): AnswerType {
  const type = answerType(request.headers.accept)
  if (type === null)
    throw failure('accept.unsupported', `answers are ${JSON_TYPE} or ${JSON_API_TYPE}`, { header: 'Accept' })
  return type
}

/** Of a body without a type nothing is known; without a body a type says nothing. Throws ApiFailure `body.media_type`. */
function checkBodyType({ headers }: FastifyRequest): void {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  if (!hasBody) return
  const type = headers['content-type']
  const encoding = headers['content-encoding']
  if (type === undefined || !readsContentType(type))
    throw failure('body.media_type', `bodies are ${JSON_TYPE} or ${JSON_API_TYPE}`, { header: 'Content-Type' })
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw failure('body.media_type', 'compressed bodies are not read', { header: 'Content-Encoding' })
}

function queryOf(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}
