/**
 * GET /events: the status events of one tenant as server-sent events; GET /asyncapi.json: what the topics carry. Owns what a request may ask for; what is sent is
 * the hub's. Errors before the stream begins are answered as anywhere else in the API.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseEventId } from '../../subscribe/core/event-id.ts'
import type { StartAt } from '../../subscribe/start.ts'
import { asyncApi } from '../../topology/asyncapi.ts'
import { UINT32_MAX } from '../../topology/fields.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import type { RequestLimit } from '../request-limit.ts'
import { type ErrorSource, failure } from '../rest/errors.ts'
import { BASE_PATH } from '../rest/json-api.ts'
import { JSON_TYPE } from '../rest/negotiation.ts'
import { distinctHeaders, readTenant } from '../rest/tenant.ts'
import type { EventFilter } from './filter.ts'
import type { EventHub } from './hub.ts'
import { CLIENT_BUFFER_BYTES_MAX, FILTER_VALUES_MAX, FLUSH_MAX_MS } from './limits.ts'
import { EVENT_TYPES } from './note-event.ts'
import { EventStream } from './stream.ts'

const PARAMETERS = ['characterId', 'type', 'from']

export interface EventRoutesDeps {
  /** null until the topics are known: then 503. */
  readonly hub: () => EventHub | null
  readonly isDraining: () => boolean
  /** Real name of each topic by its declared name, for the description. */
  readonly topicNames: Readonly<Record<string, string>>
  /** Bound of what waits for one client, bytes. */
  readonly clientBufferBytesMax?: number
  /** Before anything else of a request is looked at. */
  readonly limit?: RequestLimit | null
}

export function eventRoutes(app: FastifyInstance, deps: EventRoutesDeps): void {
  streamRoute(app, deps, {
    path: `${BASE_PATH}/events`,
    tenantOf: (request) => readTenant(distinctHeaders(request.raw.rawHeaders)).id,
  })
  const { topicNames } = deps
  const document = Buffer.from(
    JSON.stringify(asyncApi(noteTopology, { title: 'Note service', version: '1.0.0', topicNames })),
  )
  app.get(`${BASE_PATH}/asyncapi.json`, (_, reply) => reply.header('content-type', JSON_TYPE).send(document))
  app.addHook('preClose', async () => deps.hub()?.close())
}

export interface StreamRoute {
  readonly path: string
  /** Parameters of the query that `tenantOf` reads. */
  readonly parameters?: readonly string[]
  /** Whose events this client gets; null: every tenant's. Throws ApiFailure, also when it may not have them. */
  readonly tenantOf: (request: FastifyRequest) => string | null
}

/** A stream of events at this path. */
export function streamRoute(
  app: FastifyInstance,
  deps: Pick<EventRoutesDeps, 'hub' | 'isDraining' | 'clientBufferBytesMax' | 'limit'>,
  { path, parameters = [], tenantOf }: StreamRoute,
): void {
  const limits = { bufferBytesMax: deps.clientBufferBytesMax ?? CLIENT_BUFFER_BYTES_MAX, flushMaxMs: FLUSH_MAX_MS }
  const first = deps.limit ? { onRequest: deps.limit } : {}
  const hubNow = (): EventHub => {
    if (deps.isDraining())
      throw failure('service.draining', 'the service is ending', undefined, { connection: 'close' })
    const hub = deps.hub()
    if (hub === null) throw failure('service.starting', 'the topics are not known yet')
    return hub
  }
  app.get(path, { exposeHeadRoute: false, ...first }, async (request, reply) => {
    const filter = readFilter(request, tenantOf(request), [...PARAMETERS, ...parameters])
    if (!acceptsStream(request.headers.accept))
      throw failure('accept.unsupported', 'this answers text/event-stream', { header: 'Accept' })
    const { start, source } = readStart(request, hubNow().topic)
    if (!hubNow().knows(start)) {
      const why = await hubNow().refuses(start)
      if (why !== null) throw failure('resume.invalid', why, source)
    }
    // As it is now: Kafka may have been asked meanwhile.
    const hub = hubNow()
    if (hub.isFull) throw failure('service.busy', 'as many event streams are open as one process serves')
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined && name !== 'content-length') headers[name] = String(value)
    reply.hijack()
    if (!reply.raw.destroyed) void hub.serve(new EventStream(reply.raw, limits, headers), filter, start)
  })
}

/** Throws ApiFailure `query.unknown`. */
export function checkKnown(query: URLSearchParams, parameters: readonly string[]): void {
  const unknown = [...query.keys()].find((name) => !parameters.includes(name))
  if (unknown !== undefined)
    throw failure('query.unknown', `there is no parameter ${JSON.stringify(unknown.slice(0, 50))}`, {
      parameter: unknown.slice(0, 50),
    })
}

/** Throws ApiFailure `query.unknown`, `filter.invalid`. */
function readFilter(request: FastifyRequest, tenant: string | null, parameters: readonly string[]): EventFilter {
  const query = queryOf(request)
  checkKnown(query, parameters)
  return {
    tenant,
    characters: values(query, 'characterId', `whole numbers from 0 to ${UINT32_MAX}`, characterId),
    types: values(query, 'type', EVENT_TYPES.join(', '), (text) =>
      (EVENT_TYPES as readonly string[]).includes(text) ? text : undefined,
    ),
  }
}

/** Values separated by commas, or the parameter given more than once; null: it is not given. */
function values<T>(
  query: URLSearchParams,
  name: string,
  wanted: string,
  parse: (text: string) => T | undefined,
): ReadonlySet<T> | null {
  const texts = query.getAll(name).flatMap((text) => text.split(','))
  if (texts.length === 0) return null
  const parsed = texts.slice(0, FILTER_VALUES_MAX + 1).map(parse)
  if (texts.length > FILTER_VALUES_MAX || parsed.some((value) => value === undefined))
    throw failure('filter.invalid', `${name} takes 1 to ${FILTER_VALUES_MAX} of: ${wanted}`, { parameter: name })
  return new Set(parsed as T[])
}

const characterId = (text: string): number | undefined =>
  /^(0|[1-9]\d{0,9})$/.test(text) && Number(text) <= UINT32_MAX ? Number(text) : undefined

/** Where to begin, and what says so. Last-Event-ID first: a client that connects again sends it, whatever its URL says. Throws ApiFailure `resume.invalid`. */
function readStart(request: FastifyRequest, topic: string): { readonly start: StartAt; readonly source: ErrorSource } {
  const last = distinctHeaders(request.raw.rawHeaders)['last-event-id'] ?? []
  const given = last.length > 0 ? last : queryOf(request).getAll('from')
  const source = last.length > 0 ? { header: 'Last-Event-ID' } : { parameter: 'from' }
  if (given.length > 1) throw failure('resume.invalid', 'it is given twice', source)
  // EventSource sends no header for an empty id; other clients may send it empty.
  const [text = ''] = given
  if (text === '' || text === 'latest') return { start: { kind: 'latest' }, source }
  if (text === 'earliest') return { start: { kind: 'earliest' }, source }
  const id = parseEventId(text)
  if (id === null) throw failure('resume.invalid', 'it is no id of an event', source)
  if (id.topic !== topic) throw failure('resume.invalid', `it is no id of an event of ${topic}`, source)
  return { start: { kind: 'at', positions: id.positions, incarnation: id.incarnation }, source }
}

export function queryOf(request: FastifyRequest): URLSearchParams {
  const url = request.raw.url ?? ''
  const at = url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
}

function acceptsStream(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return ['text/event-stream', 'text/*', '*/*'].includes(type) && !parameters.some((p) => /^q=0(\.0*)?$/.test(p))
  })
}
