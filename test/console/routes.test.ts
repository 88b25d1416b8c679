/** The operators' interface without Kafka and Redis: what is asked for wrongly, by whom, and too much at once. */
import type { FastifyInstance, InjectOptions } from 'fastify'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createBaseApp } from '../../api/base-app.ts'
import { Health, type Readiness } from '../../api/health.ts'
import { Metrics } from '../../api/metrics.ts'
import { type ConsoleBackend, createConsole } from '../../console/backend.ts'
import { Gate, within } from '../../console/failures.ts'
import { HEAVY_READS_MAX } from '../../console/limits.ts'
import { consoleRoutes } from '../../console/routes.ts'
import type { DoctorContext } from '../../operations/doctor.ts'
import { StoreLost } from '../../stores/ports.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { ConsoleWorld } from './world.ts'

const TOKEN = 'right-token'
const RIGHT = { authorization: `Bearer ${TOKEN}` }

interface Audited {
  readonly fields: Readonly<Record<string, unknown>>
  readonly what: string
}

let world: ConsoleWorld
let app: FastifyInstance
let backend: ConsoleBackend | null
let draining: boolean
let readiness: Readiness
let problems: unknown[]
let audited: Audited[]

beforeEach(async () => {
  world = new ConsoleWorld(4)
  draining = false
  readiness = { ready: true, reasons: [] }
  problems = []
  audited = []
  const problem = (error: unknown): void => void problems.push(error)
  const clock = new VirtualClock(0)
  const made = createConsole({
    context: world.context,
    clock,
    instance: 'a',
    version: '1.2.3',
    config: { API_TOKEN: '***' },
    doctor: {} as DoctorContext,
    notice: () => {},
    audit: (fields, what) => void audited.push({ fields, what }),
    close: async () => {},
  })
  backend = made
  app = await createBaseApp({ health: new Health(), metrics: new Metrics('app'), problem })
  consoleRoutes(app, {
    backend: () => backend,
    hub: () => null,
    isDraining: () => draining,
    readiness: () => readiness,
    token: TOKEN,
  })
  await app.ready()
  onTestFinished(async () => {
    await made.close()
    await app.close()
  })
})

async function ask(path: string, options: InjectOptions = {}) {
  const headers = { host: '127.0.0.1:8080', ...options.headers }
  const reply = await app.inject({ method: 'GET', ...options, headers, url: `/api/operator${path}` })
  const json = String(reply.headers['content-type']).includes('json') && reply.body !== '' ? reply.json() : null
  return { status: reply.statusCode, headers: reply.headers, json, code: json?.errors?.[0]?.code as string | undefined }
}

const post = (path: string, payload: unknown, headers: Record<string, string> = RIGHT) =>
  ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })

describe('reads', () => {
  test('answer JSON that nobody keeps', async () => {
    const { status, headers, json } = await ask('/topology')
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json' })
    expect(json).toMatchObject({
      application: 'app',
      group: 'group',
      tasks: 4,
      topics: { COMMAND_TOPIC_NOTE: 'note-commands', EVENT_TOPIC_NOTE_STATUS: 'EVENT_TOPIC_NOTE_STATUS' },
    })
    expect((await ask('/topology', { method: 'HEAD' })).status).toBe(200)
    expect((await ask('/series')).json).toMatchObject({ stepMs: 2_000 })
    expect((await ask('/overview')).json.tasks).toHaveLength(4)
    expect((await ask('/config')).json).toEqual({ config: { API_TOKEN: '***' } })
  })

  test('say whether this request could act', async () => {
    expect((await ask('/session')).json).toEqual({
      ...{ canAct: false, instance: 'a', version: '1.2.3', ready: true, reasons: [] },
    })
    expect((await ask('/session', { headers: RIGHT })).json).toMatchObject({ canAct: true })
  })

  test('say whether this process is ready, also when Kafka and Redis say nothing', async () => {
    world.failing = new StoreLost('redis.timeout', 'no answer')
    readiness = { ready: false, reasons: Array.from({ length: 30 }, (_, task) => `task ${task}: waiting`) }
    const { status, json } = await ask('/session')
    expect({ status, ready: json.ready }).toEqual({ status: 200, ready: false })
    expect(json.reasons).toEqual(readiness.reasons.slice(0, 20))
  })

  test.each([
    ['/overview?x=1', 400, 'query.unknown'],
    ['/topology?limit=1', 400, 'query.unknown'],
    ['/events?x=1', 400, 'query.unknown'],
    ['/dead-letters?limit=0', 400, 'filter.invalid'],
    ['/dead-letters?limit=1001', 400, 'filter.invalid'],
    ['/dead-letters?limit=1e2', 400, 'filter.invalid'],
    ['/dead-letters?limit=1&limit=2', 400, 'filter.invalid'],
    ['/dead-letters?reason=%00', 400, 'filter.invalid'],
    ['/characters/7/notes?limit=501', 400, 'filter.invalid'],
    ['/characters/7/notes?from=-1', 400, 'filter.invalid'],
    ['/characters/7/notes?tenant=7', 400, 'filter.invalid'],
    ['/characters/4294967296/notes', 400, 'id.invalid'],
    ['/characters/x/history', 400, 'id.invalid'],
    ['/characters/7/history?limit=201', 400, 'filter.invalid'],
    ['/notes/0', 400, 'id.invalid'],
    ['/notes/07', 400, 'id.invalid'],
    ['/tasks/4/entries', 404, 'task.unknown'],
    ['/tasks/-1/entries', 400, 'id.invalid'],
    ['/tasks/0/entries?limit=501', 400, 'filter.invalid'],
    ['/dead-letters/4/0', 404, 'dead_letter.unknown'],
    ['/dead-letters/0/x/value', 400, 'id.invalid'],
    ['/events?tenant=7', 400, 'filter.invalid'],
    ['/events?characterId=x', 400, 'filter.invalid'],
    ['/nothing', 404, 'route.unknown'],
    ['/', 404, 'route.unknown'],
    [`/overview?x=${'9'.repeat(5_000)}`, 414, 'url.too_long'],
  ])('%.60s: %i %s', async (path, status, code) => {
    expect(await ask(path)).toMatchObject({ status, code })
    expect(problems).toEqual([])
  })

  test('of events take several characters, in one parameter or in more', async () => {
    for (const path of ['/events?characterId=1,2', '/events?characterId=1&characterId=2&type=CREATED'])
      expect(await ask(path, { headers: { accept: 'text/event-stream' } })).toMatchObject({ code: 'service.starting' })
  })

  test.each(['/overview', '/topology', '/config', '/session', '/events', '/dead-letters/0/0/value'])(
    '%s needs the token from elsewhere',
    async (path) => {
      expect(await ask(path, { remoteAddress: '10.0.0.7' })).toMatchObject({ status: 401, code: 'token.required' })
      expect(await ask(path, { headers: { host: 'evil.example' } })).toMatchObject({ status: 401 })
    },
  )

  test('by another method: which ones there are', async () => {
    expect(await post('/overview', {})).toMatchObject({ status: 405, code: 'method.not_allowed' })
    expect((await ask('/tasks/pause')).headers['allow']).toBe('POST')
  })

  test('before the topics are known, and while the service ends: try again', async () => {
    const made = backend
    backend = null
    for (const path of ['/overview', '/topology', '/dead-letters'])
      expect(await ask(path)).toMatchObject({ status: 503, code: 'service.starting', headers: { 'retry-after': '1' } })
    backend = made
    draining = true
    expect(await ask('/overview')).toMatchObject({ status: 503, code: 'service.draining' })
    expect(await post('/tasks/pause', { tasks: 'all' })).toMatchObject({ status: 503, code: 'service.draining' })
    expect(world.pauses.size).toBe(0)
  })

  test('without Kafka or Redis: which of them', async () => {
    world.failing = new StoreLost('redis.connection', 'gone')
    expect(await ask('/overview')).toMatchObject({ status: 503, code: 'redis.unavailable' })
    expect(await post('/tasks/pause', { tasks: [0] })).toMatchObject({ status: 503, code: 'redis.unavailable' })
    expect(problems).toEqual([])
  })

  test('that nobody expected to fail tell nothing of it', async () => {
    world.failing = new Error('secret')
    const { status, json } = await ask('/overview')
    expect(status).toBe(500)
    expect(JSON.stringify(json)).not.toContain('secret')
    expect(problems).toEqual([world.failing])
  })
})

describe('what takes long', () => {
  test('is so many at once, and counts until it is over', async () => {
    const gate = new Gate()
    const ends: ((error?: Error) => void)[] = []
    const pass = () =>
      gate.pass(() => new Promise<void>((resolve, reject) => void ends.push((e) => (e ? reject(e) : resolve()))))
    const under = Array.from({ length: HEAVY_READS_MAX }, pass)
    await expect(pass()).rejects.toMatchObject({
      problems: [{ code: 'service.busy' }],
      headers: { 'retry-after': '1' },
    })
    ends[0]!()
    await under[0]
    const next = pass()
    await expect(pass()).rejects.toMatchObject({ status: 503 })
    ends[1]!(new Error('failed'))
    await expect(under[1]).rejects.toThrow('failed')
    ends[2]!()
    await next
  })

  test('is given up after its deadline', async () => {
    const clock = new VirtualClock(0)
    const given = within(clock, 3_000, new Promise<never>(() => {}))
    clock.step()
    await expect(given).rejects.toMatchObject({ status: 503, problems: [{ code: 'kafka.unreachable' }] })
    expect(await within(clock, 3_000, Promise.resolve('in time'))).toBe('in time')
    expect(clock.nextMs).toBeUndefined()
  })
})

describe('actions', () => {
  test('need the token, before a body is read; an attempt is recorded', async () => {
    for (const path of ['/tasks/pause', '/tasks/resume', '/dead-letters/replay']) {
      expect(await post(path, 'no JSON', {})).toMatchObject({ status: 401, code: 'token.required' })
      expect(await post(path, {}, { authorization: 'Bearer another' })).toMatchObject({ status: 401 })
    }
    const refused = (action: string, why: string) => ({ action, from: '127.0.0.1', outcome: `refused: ${why}` })
    expect(audited.map(({ fields }) => fields)).toEqual(
      ['tasks.pause', 'tasks.resume', 'dead-letters.replay'].flatMap((action) => [
        refused(action, 'token.required: no token was sent'),
        refused(action, 'token.required: the token is another one'),
      ]),
    )
  })

  test.each([
    ['/tasks/pause', 'no JSON', 400, 'body.not_json'],
    ['/tasks/pause', '', 400, 'body.not_json'],
    ['/tasks/pause', '[]', 422, 'value.wrong_type'],
    ['/tasks/pause', '{"tasks":"all","tasks":[0]}', 400, 'body.ambiguous'],
    ['/tasks/pause', {}, 422, 'value.wrong_type'],
    ['/tasks/pause', { tasks: [] }, 422, 'value.wrong_type'],
    ['/tasks/pause', { tasks: 'some' }, 422, 'value.wrong_type'],
    ['/tasks/pause', { tasks: [4] }, 422, 'value.out_of_range'],
    ['/tasks/pause', { tasks: [0.5] }, 422, 'value.wrong_type'],
    ['/tasks/pause', { tasks: [0, 1, 2, 3, 0] }, 422, 'value.wrong_type'],
    ['/tasks/pause', { tasks: [0], by: 'x'.repeat(61) }, 422, 'value.wrong_type'],
    ['/tasks/pause', { tasks: [0], by: 'a\nb' }, 422, 'value.wrong_type'],
    ['/tasks/resume', { tasks: [0], force: true }, 422, 'value.wrong_type'],
    ['/dead-letters/replay', {}, 422, 'value.wrong_type'],
    ['/dead-letters/replay', { execute: 'true' }, 422, 'value.wrong_type'],
    ['/dead-letters/replay', { execute: false, limit: 10_001 }, 422, 'value.out_of_range'],
    ['/dead-letters/replay', { execute: false, places: ['0'] }, 422, 'value.wrong_type'],
    ['/dead-letters/replay', { execute: false, places: ['4@0'] }, 422, 'value.wrong_type'],
    ['/dead-letters/replay', { execute: false, reason: 7 }, 422, 'value.wrong_type'],
    ['/dead-letters/replay', `{"execute":false,"by":"${'x'.repeat(300_000)}"}`, 413, 'body.too_large'],
  ] as const)('%s %j: %i %s', async (path, body, status, code) => {
    expect(await post(path, body)).toMatchObject({ status, code })
    expect(world.pauses.size).toBe(0)
    expect(audited).toEqual([])
  })

  test('take JSON alone', async () => {
    const headers = { ...RIGHT, 'content-type': 'text/plain' }
    expect(await post('/tasks/pause', { tasks: 'all' }, headers)).toMatchObject({
      status: 415,
      code: 'body.media_type',
    })
  })

  test('pause and resume, and are recorded with who and from where', async () => {
    const paused = await post('/tasks/pause', { tasks: [1, 2], by: 'ann' })
    expect(paused).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
    expect(paused.json.tasks).toMatchObject([
      { task: 1, changed: true, pause: { by: 'ann' } },
      { task: 2, changed: true },
    ])
    expect(
      (await post('/tasks/pause', { tasks: 'all' })).json.tasks.map((one: { changed: boolean }) => one.changed),
    ).toEqual([true, false, false, true])
    expect(world.pauses.get(1)).toMatchObject({ by: 'ann' })
    await post('/tasks/resume', { tasks: 'all', by: 'bob' })
    expect(world.pauses.size).toBe(0)
    expect(audited.map(({ fields }) => fields)).toEqual([
      { action: 'tasks.pause', by: 'ann', from: '127.0.0.1', tasks: [1, 2], changed: [1, 2], outcome: 'done' },
      {
        action: 'tasks.pause',
        by: 'console',
        from: '127.0.0.1',
        tasks: [0, 1, 2, 3],
        changed: [0, 3],
        outcome: 'done',
      },
      {
        action: 'tasks.resume',
        by: 'bob',
        from: '127.0.0.1',
        tasks: [0, 1, 2, 3],
        changed: [0, 1, 2, 3],
        outcome: 'done',
      },
    ])
    expect(JSON.stringify(audited)).not.toContain(TOKEN)
  })

  test('that fail in the middle are recorded, too', async () => {
    world.failing = new StoreLost('redis.connection', 'gone')
    await post('/tasks/pause', { tasks: [0] })
    world.failing = null
    expect(await post('/dead-letters/replay', { execute: true, by: 'ann' })).toMatchObject({
      code: 'kafka.unreachable',
    })
    expect(audited.map(({ fields }) => fields)).toMatchObject([
      { action: 'tasks.pause', by: 'console', outcome: 'failed: gone' },
      { action: 'dead-letters.replay', by: 'ann', outcome: expect.stringMatching(/^failed: .*AUTHORIZATION/) },
    ])
  })
})
