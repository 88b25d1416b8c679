/**
 * The operators' interface under /api/operator: registers the routes, and what holds for all of them before a handler runs
 * (ready, allowed, known parameters) and behind it (no caching, errors of operations as HTTP). The shapes: contract.ts.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { EventHub } from '../api/events/hub.ts'
import { checkKnown, queryOf, streamRoute } from '../api/events/routes.ts'
import type { Readiness } from '../api/health.ts'
import { BODY_BYTES_MAX } from '../api/limits.ts'
import { readBody } from '../api/rest/body.ts'
import { failure } from '../api/rest/errors.ts'
import { BASE_PATH } from '../api/rest/json-api.ts'
import { JSON_TYPE } from '../api/rest/negotiation.ts'
import { systemClock } from '../engine/clock.ts'
import { UINT32_MAX } from '../topology/fields.ts'
import { checkAction, checkRead, mayAct } from './access.ts'
import { orderTasks, replayLetters } from './actions.ts'
import type { ConsoleBackend } from './backend.ts'
import { Gate, operationFailure, within } from './failures.ts'
import * as limits from './limits.ts'
import { pathNumber, Query } from './query.ts'
import { entriesOf, historyView, lettersView, letterValue, letterView, notesView, oneNoteView } from './reads.ts'

export const OPERATOR_PATH = `${BASE_PATH}/operator`

export interface ConsoleRoutesDeps {
  /** null until the topics are known: then 503. */
  readonly backend: () => ConsoleBackend | null
  readonly hub: () => EventHub | null
  readonly isDraining: () => boolean
  /** Of this process. */
  readonly readiness: () => Readiness
  readonly token: string
}

interface Asked {
  readonly request: FastifyRequest
  readonly backend: ConsoleBackend
  readonly query: Query
  readonly path: Readonly<Record<string, string>>
}

interface Read {
  readonly path: string
  readonly parameters?: readonly string[]
  /** Looks through logs or whole tasks. */
  readonly heavy?: boolean
  readonly deadlineMs?: number
  readonly answer: (asked: Asked) => unknown
}

export function consoleRoutes(app: FastifyInstance, deps: ConsoleRoutesDeps): void {
  const gate = new Gate()
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(JSON_TYPE, { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    )
    for (const read of READS) registerRead(scope, deps, gate, read)
    registerSession(scope, deps)
    registerValue(scope, deps, gate)
    registerAction(scope, deps, '/dead-letters/replay', async ({ backend, request, body, signal }) =>
      gate.pass(() => replayLetters(backend, body, request.ip, signal)),
    )
    for (const action of ['pause', 'resume'] as const)
      registerAction(scope, deps, `/tasks/${action}`, ({ backend, request, body }) =>
        orderTasks(backend, action, body, request.ip),
      )
    streamRoute(scope, deps, {
      path: `${OPERATOR_PATH}/events`,
      parameters: ['tenant'],
      // The others are read by the rules of /api/events, and may come more than once.
      tenantOf: (request) => {
        checkRead(request, deps.token)
        const given = queryOf(request).getAll('tenant')
        return new Query(new URLSearchParams(given.map((tenant) => ['tenant', tenant])), ['tenant']).tenant()
      },
    })
  })
}

const READS: readonly Read[] = [
  { path: '/topology', answer: ({ backend }) => backend.topology },
  { path: '/overview', deadlineMs: limits.LOOK_DEADLINE_MS, answer: ({ backend }) => backend.live.overview() },
  { path: '/series', answer: ({ backend }) => backend.live.series() },
  { path: '/config', answer: ({ backend }) => ({ config: backend.config }) },
  { path: '/doctor', heavy: true, answer: async ({ backend }) => ({ findings: await backend.examine() }) },
  {
    path: '/tasks/:task/entries',
    parameters: ['limit'],
    answer: ({ backend, path, query }) =>
      entriesOf(
        backend.context,
        taskOf(backend, path['task']),
        query.number('limit', 1, limits.ENTRIES_MAX, limits.ENTRIES_DEFAULT),
      ),
  },
  {
    path: '/characters/:id/notes',
    parameters: ['tenant', 'from', 'limit'],
    heavy: true,
    answer: ({ backend, path, query }) =>
      notesView(backend.context, Date.now(), {
        characterId: pathNumber(path['id'], 0, UINT32_MAX),
        tenantId: query.tenant(),
        from: query.number('from', 0, UINT32_MAX, 0),
        limit: query.number('limit', 1, limits.NOTES_PAGE_MAX, limits.NOTES_PAGE_DEFAULT),
      }),
  },
  {
    path: '/notes/:id',
    parameters: ['tenant'],
    heavy: true,
    answer: ({ backend, path, query }) =>
      oneNoteView(backend.context, pathNumber(path['id'], 1, UINT32_MAX), query.tenant()),
  },
  history('/notes/:id/history', 'note'),
  history('/characters/:id/history', 'character'),
  {
    path: '/dead-letters',
    parameters: ['reason', 'limit'],
    heavy: true,
    answer: ({ backend, query }) =>
      lettersView(backend.context, {
        reason: query.reason(),
        limit: query.number('limit', 1, limits.LETTERS_MAX, limits.LETTERS_DEFAULT),
        countedMax: limits.LETTERS_MAX,
      }),
  },
  {
    path: '/dead-letters/:partition/:offset',
    heavy: true,
    answer: ({ backend, path }) => letterView(backend.context, placeOf(backend, path)),
  },
]

function history(path: string, kind: 'note' | 'character'): Read {
  return {
    path,
    parameters: ['tenant', 'limit'],
    heavy: true,
    answer: ({ backend, path: at, query }) =>
      historyView(backend.context, {
        kind,
        id: pathNumber(at['id'], kind === 'note' ? 1 : 0, UINT32_MAX),
        tenantId: query.tenant(),
        limit: query.number('limit', 1, limits.HISTORY_MAX, limits.HISTORY_DEFAULT),
      }),
  }
}

function registerRead(app: FastifyInstance, deps: ConsoleRoutesDeps, gate: Gate, read: Read): void {
  const { path, parameters = [], heavy = false, deadlineMs = limits.ANSWER_DEADLINE_MS, answer } = read
  app.get(OPERATOR_PATH + path, async (request, reply) => {
    checkRead(request, deps.token)
    const query = new Query(queryOf(request), parameters)
    const asked = { request, query, backend: ready(deps), path: request.params as Record<string, string> }
    const work = async () => answer(asked)
    return send(reply, await told(within(systemClock, deadlineMs, heavy ? gate.pass(work) : work())))
  })
}

function registerSession(app: FastifyInstance, deps: ConsoleRoutesDeps): void {
  app.get(`${OPERATOR_PATH}/session`, async (request, reply) => {
    checkRead(request, deps.token)
    const { instance, version } = ready(deps)
    const { ready: isReady, reasons } = deps.readiness()
    const canAct = mayAct(request, deps.token)
    return send(reply, { canAct, instance, version, ready: isReady, reasons: reasons.slice(0, limits.REASONS_MAX) })
  })
}

function registerValue(app: FastifyInstance, deps: ConsoleRoutesDeps, gate: Gate): void {
  app.get(`${OPERATOR_PATH}/dead-letters/:partition/:offset/value`, async (request, reply) => {
    checkRead(request, deps.token)
    const backend = ready(deps)
    const place = placeOf(backend, request.params as Record<string, string>)
    const read = gate.pass(() => letterValue(backend.context, place))
    const value = await told(within(systemClock, limits.ANSWER_DEADLINE_MS, read))
    return reply
      .header('cache-control', 'no-store')
      .header('content-type', 'application/octet-stream')
      .header('content-disposition', `attachment; filename="dead-letter-${place.partition}-${place.offset}.bin"`)
      .send(value)
  })
}

interface Ordered extends Pick<Asked, 'request' | 'backend'> {
  readonly body: ReturnType<typeof readBody>
  /** The client has gone away. */
  readonly signal: AbortSignal
}

function registerAction(
  app: FastifyInstance,
  deps: ConsoleRoutesDeps,
  path: string,
  act: (ordered: Ordered) => Promise<unknown>,
): void {
  app.post(
    OPERATOR_PATH + path,
    { onRequest: async (request) => recordRefused(deps, path, request, () => checkAction(request, deps.token)) },
    async (request, reply) => {
      checkKnown(queryOf(request), [])
      const backend = ready(deps)
      const gone = new AbortController()
      const closed = (): void => {
        if (!reply.raw.writableFinished) gone.abort()
      }
      reply.raw.once('close', closed)
      const body = readBody(request.body)
      return send(reply, await told(act({ request, backend, body, signal: gone.signal })))
    },
  )
}

/** Whoever tries to act and may not is recorded as well. Throws what `check` throws. */
function recordRefused({ backend }: ConsoleRoutesDeps, path: string, { ip }: FastifyRequest, check: () => void): void {
  try {
    check()
  } catch (error) {
    const action = path.slice(1).replace('/', '.')
    const outcome = `refused: ${error instanceof Error ? error.message : String(error)}`
    backend()?.audit({ action, from: ip, outcome }, `${action} ${outcome}`)
    throw error
  }
}

function ready({ backend, isDraining }: ConsoleRoutesDeps): ConsoleBackend {
  if (isDraining()) throw failure('service.draining', 'the service is ending', undefined, { connection: 'close' })
  const found = backend()
  if (found === null) throw failure('service.starting', 'the topics are not known yet')
  return found
}

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw operationFailure(error) ?? error
  }
}

const send = (reply: FastifyReply, answer: unknown): FastifyReply =>
  reply
    .header('cache-control', 'no-store')
    .header('content-type', JSON_TYPE)
    .send(Buffer.from(JSON.stringify(answer)))

function taskOf({ context }: ConsoleBackend, text: string | undefined): number {
  const task = pathNumber(text, 0, Number.MAX_SAFE_INTEGER)
  if (task >= context.plan.tasks) throw failure('task.unknown', `there are ${context.plan.tasks} tasks`)
  return task
}

function placeOf({ context }: ConsoleBackend, path: Readonly<Record<string, string>>) {
  const partition = pathNumber(path['partition'], 0, Number.MAX_SAFE_INTEGER)
  const offset = pathNumber(path['offset'], 0, Number.MAX_SAFE_INTEGER)
  if (partition >= context.plan.deadLetters.partitions)
    throw failure('dead_letter.unknown', `${context.plan.deadLetters.topic} has no partition ${partition}`)
  return { partition, offset }
}
