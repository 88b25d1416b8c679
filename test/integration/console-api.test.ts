/**
 * The operators' interface of two instances of one application, on real servers: either tells of both, what is ordered at
 * one is done by the other, and nobody acts without the token.
 */
import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { Redis } from 'ioredis'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Overview, TaskRow } from '../../console/contract.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { type RunningService, startService } from '../../service.ts'
import { boardKey } from '../../stores/core/keys.ts'
import { openStoreAdmin } from '../../stores/redis/admin.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { testRedis } from '../support/stack.ts'
import { headersOf } from './cli-support.ts'
import { RedisProxy } from './redis-proxy.ts'
import { eventually, type HttpReply, http, noteOf, RestService, tenantHeaders } from './rest-support.ts'

const TASKS = 4
const TOKEN = 'a-token-of-the-operators'
const RIGHT = { authorization: `Bearer ${TOKEN}` }
const TENANT = randomUUID()
const OTHER_TENANT = randomUUID()
/** The deadline of the store and as much again: two cores are shared. */
const SOON_MS = 4_000
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('two instances', { timeout: 120_000 }, () => {
  let proxy: RedisProxy
  let first: RestService
  let second: RestService
  let services: RunningService[]
  let keys = 0
  const logged: Record<string, unknown>[] = []
  const consoleUrls: string[] = []

  beforeAll(async () => {
    proxy = await RedisProxy.before(new URL(testRedis()))
    const names = { GROUP_INSTANCE_ID: 'first', TOPIC_PARTITIONS: String(TASKS), API_TOKEN: TOKEN }
    first = await RestService.configured(names)
    const { APPLICATION_ID, KAFKA_CONSUMER_GROUP, COMMAND_TOPIC_NOTE, COMMAND_TOPIC_SAGA } = first.config
    const { EVENT_TOPIC_CHARACTER_STATUS, EVENT_TOPIC_NOTE_STATUS } = first.config
    second = await RestService.configured({
      ...names,
      ...{ APPLICATION_ID, KAFKA_CONSUMER_GROUP, COMMAND_TOPIC_NOTE, COMMAND_TOPIC_SAGA },
      ...{ EVENT_TOPIC_CHARACTER_STATUS, EVENT_TOPIC_NOTE_STATUS },
      GROUP_INSTANCE_ID: 'second',
      REDIS_URL: proxy.url,
    })
    const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
    // One after the other: the first makes the topics.
    services = [await startService(first.config, log)]
    await services[0]!.ready
    services.push(await startService(second.config, log))
    consoleUrls.push(...services.map(({ consoleUrl }) => consoleUrl))
    // What one tells of itself the other hears a moment later.
    for (const of of [first, second])
      await eventually(
        'both have tasks and run',
        () => overview(of),
        ({ tasks, instances, group }) =>
          tasks.every(({ state }) => state === 'running') &&
          new Set(tasks.map(({ instance }) => instance)).size === 2 &&
          instances.length === 2 &&
          instances.every(({ ready }) => ready) &&
          group.state === 'Stable',
      )
  }, 120_000)
  afterAll(async () => {
    await Promise.all((services ?? []).map((service) => service.close()))
    await proxy?.close()
  })

  const get = (of: RestService, path: string, headers: Record<string, string> = {}): Promise<HttpReply> =>
    http(of.port, 'GET', `/api/operator${path}`, { headers })
  const post = (
    of: RestService,
    path: string,
    body: unknown,
    headers: Record<string, string> = RIGHT,
  ): Promise<HttpReply> => http(of.port, 'POST', `/api/operator${path}`, { headers, body })

  async function overview(of: RestService): Promise<Overview> {
    const { status, json, text } = await get(of, '/overview')
    if (status !== 200) throw new Error(`${status} ${text}`)
    return json
  }

  async function create(characterId: number, message: string, tenant = TENANT): Promise<number> {
    const headers = { ...tenantHeaders(tenant), ...RIGHT, traceparent: TRACEPARENT, 'idempotency-key': `k${keys++}` }
    const reply = await http(first.port, 'POST', '/api/notes', { headers, body: noteOf(characterId, message) })
    expect(reply.status, reply.text).toBe(201)
    return Number(reply.json.data.id)
  }

  /** Past the REST interface, which takes no such bytes. */
  async function publish(characterId: number, values: readonly Buffer[]): Promise<void> {
    const kafka = connectKafka({ bootstrapServers: first.config.BOOTSTRAP_SERVERS, clientId: 'it-console' })
    const builder = new RecordBatchBuilder()
    for (const value of values) builder.add(Date.now(), characterKey(characterId), value, headersOf(TENANT))
    const bytes = builder.finish({
      producerId: -1n,
      epoch: -1,
      baseSequence: -1,
      transactional: false,
      compression: 'none',
    })
    const publisher = kafka.publisher()
    const topic = first.config.COMMAND_TOPIC_NOTE
    const answers = await publisher.publish([
      { topic, partition: partitionFor(characterKey(characterId), TASKS), bytes },
    ])
    expect(answers).toMatchObject([{ code: 0 }])
    await publisher.close()
    await kafka.close()
  }

  const stateOf = ({ task, state, instance }: TaskRow) => `${task} ${state} ${instance}`

  test('either tells of all tasks, whoever runs them', async () => {
    const [of1, of2] = [await overview(first), await overview(second)]
    expect(of2.tasks.map(stateOf)).toEqual(of1.tasks.map(stateOf))
    expect(of1.tasks).toHaveLength(TASKS)
    expect(of1.group).toMatchObject({ state: 'Stable', members: 2 })
    for (const [seen, name] of [
      [of1, 'first'],
      [of2, 'second'],
    ] as const) {
      expect(seen.instances.map((one) => one.name)).toEqual(['first', 'second'])
      expect(seen.instances.filter((one) => one.self).map((one) => one.name)).toEqual([name])
      expect(seen.instances.every((one) => one.ready && one.heapBytes > 0)).toBe(true)
      expect(seen.instances.map((one) => one.url)).toEqual(
        [first, second].map(({ port }) => `http://127.0.0.1:${port}`),
      )
      for (const one of seen.instances)
        expect(one.tasks).toEqual(seen.tasks.filter(({ instance }) => instance === one.name).map(({ task }) => task))
    }
    // Both have told of the assignment.
    expect(new Set(of1.notices.filter(({ code }) => code === 'group.assigned').map((one) => one.instance)).size).toBe(2)
  })

  test('what flows is known at both, and drawn with its name', async () => {
    const { json: topology } = await get(second, '/topology')
    expect(topology).toMatchObject({ application: first.config.APPLICATION_ID, tasks: TASKS })
    expect(topology.topics.COMMAND_TOPIC_NOTE).toBe(first.config.COMMAND_TOPIC_NOTE)
    const rates = new Set(topology.drawing.edges.map((edge: { rate: string | null }) => edge.rate))
    for (const of of [first, second]) {
      const seen = await eventually(
        'a rate',
        // Rates are of the last seconds: it flows for as long as somebody looks.
        async () => {
          for (let character = 1; character <= 8; character++) await create(character, 'hello')
          return overview(of)
        },
        ({ rates, flow }) =>
          (rates['in:COMMAND_TOPIC_NOTE:CREATE'] ?? 0) > 0 &&
          (rates['out:EVENT_TOPIC_NOTE_STATUS'] ?? 0) > 0 &&
          flow.endToEnd !== null,
      )
      expect(rates).toContain('in:COMMAND_TOPIC_NOTE:CREATE')
      expect(seen.rates['out:EVENT_TOPIC_NOTE_STATUS']).toBeGreaterThan(0)
      expect(seen.flow.transactionsPerSecond).toBeGreaterThan(0)
      expect(seen.flow.endToEnd!.p50Ms).toBeLessThanOrEqual(seen.flow.endToEnd!.p99Ms)
    }
    const { json: series } = await get(second, '/series')
    expect(series.atMs.length).toBeGreaterThan(0)
    expect(series.recordsPerSecond).toHaveLength(series.atMs.length)
  })

  test('a pause ordered at one is kept by the owner, shown by both, and recorded', async () => {
    const [task] = (await overview(first)).tasks.filter(({ instance }) => instance === 'second').map((row) => row.task)
    const paused = await post(first, '/tasks/pause', { tasks: [task], by: 'ann' })
    expect(paused.json).toMatchObject({ tasks: [{ task, changed: true, pause: { by: 'ann' } }] })
    const rowAt = async (of: RestService) => (await overview(of)).tasks[task!]!
    for (const of of [first, second])
      await eventually(
        'paused',
        () => rowAt(of),
        (row) => row.paused?.by === 'ann',
      )
    // Its owner has heard of it, and says so.
    await eventually(
      'a notice',
      () => overview(first),
      ({ notices }) => notices.some(({ code, instance }) => code === 'task.paused' && instance === 'second'),
    )
    expect((await post(second, '/tasks/pause', { tasks: 'all' })).json.tasks[task!]).toMatchObject({ changed: false })
    expect((await post(second, '/tasks/resume', { tasks: 'all', by: 'bob' })).status).toBe(200)
    await eventually(
      'resumed',
      () => rowAt(first),
      (row) => row.paused === null,
    )
    const recorded = logged.filter(({ action }) => typeof action === 'string')
    expect(recorded).toMatchObject([
      { level: 40, action: 'tasks.pause', by: 'ann', from: '127.0.0.1', tasks: [task], outcome: 'done' },
      { action: 'tasks.pause', by: 'console' },
      { action: 'tasks.resume', by: 'bob' },
    ])
  })

  describe('dead letters', () => {
    const BYTES = Buffer.from([0x7b, 0x00, 0xff, 0x22, 0x6e])

    const bury = (count: number): Promise<void> => publish(7, Array(count).fill(BYTES))

    const list = async (query = ''): Promise<any> => (await get(second, `/dead-letters${query}`)).json
    const placeOf = ({ at }: { at: string }): string => at.slice(at.lastIndexOf('-') + 1)
    const pathOf = (place: string): string => `/dead-letters/${place.replace('@', '/')}`

    test('are listed, shown, and given back byte for byte', async () => {
      await bury(3)
      const found = await eventually(
        'the letters',
        () => list(),
        ({ letters }) => letters.length === 3,
      )
      expect(found).toMatchObject({
        topic: `${first.config.APPLICATION_ID}-dead-letters`,
        complete: true,
        reasons: [{ reason: 'value.not_utf8', count: 3, waiting: 3 }],
      })
      expect((await list('?limit=2')).letters).toEqual(found.letters.slice(0, 2))
      expect((await list('?limit=2')).complete).toBe(false)
      expect((await list('?reason=tenant.missing')).letters).toEqual([])
      const place = placeOf(found.letters[0])
      const shown = await get(first, pathOf(place))
      expect(shown.json).toMatchObject({
        letter: { reason: 'value.not_utf8', valueBytes: BYTES.length, replayed: null },
        target: expect.stringMatching(`^${first.config.COMMAND_TOPIC_NOTE}-\\d$`),
        refused: null,
      })
      expect(await bytesAt(first.port, `/api/operator${pathOf(place)}/value`)).toEqual(BYTES)
      expect(await get(first, '/dead-letters/0/999999')).toMatchObject({ status: 404 })
    })

    test('are replayed once, however often it is ordered, and at both', async () => {
      const places = (await list()).letters.map(placeOf)
      const dry = await post(first, '/dead-letters/replay', { places, execute: false })
      expect(dry.json.items.map((item: any) => item.outcome)).toEqual(['waits', 'waits', 'waits'])
      expect((await list()).reasons).toMatchObject([{ waiting: 3 }])
      const [once] = places
      const orders = [first, second, first]
      const [sent, ...again] = await ordersOf(orders, { places: [once], execute: true, by: 'ann' })
      expect(sent).toMatchObject([{ place: once, outcome: 'replayed' }])
      expect(again).toMatchObject([[{ outcome: 'already' }], [{ outcome: 'already' }]])
      // It fails again, as it must, and its letter says whose it is.
      const now = await eventually(
        'the new letter',
        () => list(),
        ({ letters }) => letters.length === 4,
      )
      expect(now.letters.filter((one: any) => one.replayedFrom === once)).toHaveLength(1)
      expect(now.letters.find((one: any) => placeOf(one) === once).replayed).toMatchObject({ by: 'ann' })
      const [record] = logged.filter(({ action }) => action === 'dead-letters.replay')
      expect(record).toMatchObject({ by: 'ann', from: '127.0.0.1', replayed: 1, outcome: 'done' })
      const { notices } = await eventually(
        'the notice',
        () => overview(second),
        (seen) => seen.notices.some(({ code }) => code === 'dead-letters.replayed'),
      )
      expect(notices.find(({ code }) => code === 'dead-letters.replayed')).toMatchObject({ level: 'warn' })
    })

    async function ordersOf(at: readonly RestService[], order: unknown): Promise<any[]> {
      const items: any[] = []
      for (const of of at) items.push((await post(of, '/dead-letters/replay', order)).json.items)
      return items
    }
  })

  describe('state', () => {
    test('of a character comes in pages, with and without a tenant', async () => {
      const ids: number[] = []
      for (const message of ['one', 'two', 'three', 'four', 'five']) ids.push(await create(900, message))
      const others = await create(900, 'another', OTHER_TENANT)
      const page = (query: string) => get(second, `/characters/900/notes?${query}`)
      const read = await page(`tenant=${TENANT}&from=1&limit=2`)
      expect(read.json).toMatchObject({
        task: partitionFor(characterKey(900), TASKS),
        total: 5,
        batch: expect.any(Number),
      })
      expect(read.json.notes).toMatchObject([
        { tenantId: TENANT, characterId: 900, noteId: ids[1], note: { message: 'two', senderId: 9 } },
        { noteId: ids[2] },
      ])
      expect((await page(`tenant=${TENANT}&from=5`)).json).toMatchObject({ notes: [], total: 5 })
      const all = await page('')
      expect(all.json.notes.map((note: any) => note.noteId).toSorted()).toEqual([...ids, others].toSorted())
      expect((await page('limit=2&from=1')).json.notes).toEqual(all.json.notes.slice(1, 3))
      expect((await get(first, `/notes/${ids[0]}?tenant=${TENANT}`)).json.notes).toHaveLength(1)
      expect((await get(first, `/notes/${ids[0]}`)).json.notes).toMatchObject([{ noteId: ids[0] }])
      expect((await get(first, `/notes/${ids[0]}?tenant=${OTHER_TENANT}`)).json.notes).toEqual([])
    })

    test('of a task is shown in part', async () => {
      const task = partitionFor(characterKey(900), TASKS)
      const some = await get(first, `/tasks/${task}/entries?limit=2`)
      expect(some.json).toMatchObject({ task, complete: false })
      expect(some.json.entries).toHaveLength(2)
      const all = await get(first, `/tasks/${task}/entries?limit=500`)
      expect(all.json.complete).toBe(true)
      expect(all.json.entries.some(({ json }: any) => json.includes('three'))).toBe(true)
    })

    test('has a history with the commands that made it', async () => {
      const character = 901
      const id = await create(character, 'for a while', TENANT)
      const headers = { ...tenantHeaders(TENANT), ...RIGHT }
      expect((await http(first.port, 'DELETE', `/api/notes/${id}`, { headers })).status).toBe(204)
      for (const path of [`/notes/${id}/history`, `/characters/${character}/history?tenant=${TENANT}&limit=2`]) {
        // It is answered before the changelog's marker is there.
        const { json } = await eventually(
          'both changes',
          () => get(second, path),
          (reply) => reply.json.changes?.length === 2,
        )
        expect(json.changes, path).toMatchObject([
          { noteId: id, note: null, command: { type: 'DELETE' } },
          {
            tenantId: TENANT,
            characterId: character,
            noteId: id,
            note: { message: 'for a while' },
            changelog: { topic: `${first.config.APPLICATION_ID}-changelog`, offset: expect.any(Number) },
            cause: { topic: first.config.COMMAND_TOPIC_NOTE },
            command: { type: 'CREATE', traceparent: expect.stringContaining(TRACEPARENT.split('-')[1]!) },
          },
        ])
      }
    })
  })

  test('events of every tenant, or of one', async () => {
    const heard = { any: '', one: '' }
    const streams = [
      listen(first.port, '/api/operator/events', (text) => void (heard.any += text)),
      listen(
        second.port,
        `/api/operator/events?tenant=${TENANT}&characterId=902&characterId=903`,
        (text) => void (heard.one += text),
      ),
    ]
    try {
      await eventually(
        'both follow',
        async () => Object.values(heard),
        (texts) => texts.every((text) => text.includes(': following')),
      )
      await create(902, 'mine')
      await create(902, 'theirs', OTHER_TENANT)
      await create(904, 'elsewhere')
      await create(903, 'last')
      const messages = (text: string): string[] =>
        [...text.matchAll(/^event: CREATED\ndata: .*"message":"(\w+)"/gm)].map(([, message]) => message!).toSorted()
      // Of several partitions: the last one that was sent need not be the last one that comes.
      await eventually(
        'all of them',
        async () => heard,
        ({ any, one }) => messages(any).length >= 4 && messages(one).length >= 2,
      )
      expect(heard.any).toMatch(new RegExp(`^data: \\{"tenantId":"${OTHER_TENANT}",.*"message":"theirs"`, 'm'))
      expect(messages(heard.any)).toEqual(['elsewhere', 'last', 'mine', 'theirs'])
      expect(messages(heard.one)).toEqual(['last', 'mine'])
    } finally {
      for (const stream of streams) stream.destroy()
    }
    // Everybody else has to say whose.
    expect((await http(first.port, 'GET', '/api/events', { headers: RIGHT })).status).toBe(400)
  })

  test('the doctor, the configuration and the page', async () => {
    const doctor = await get(first, '/doctor')
    expect(doctor.status).toBe(200)
    expect(doctor.json.findings.length).toBeGreaterThan(5)
    const { json } = await get(first, '/config')
    expect(json.config).toMatchObject({ APPLICATION_ID: first.config.APPLICATION_ID })
    expect(JSON.stringify([json, doctor.json, logged])).not.toContain(TOKEN)
    expect(consoleUrls).toEqual([first, second].map(({ port }) => `http://127.0.0.1:${port}/`))
    const page = await http(first.port, 'GET', '/')
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
    expect(page.headers['content-security-policy']).not.toContain('unsafe')
    for (const path of ['/', '/console/app.js', '/console/app.css']) {
      const got = await http(first.port, 'GET', path)
      expect([got.status, got.headers['cache-control']]).toEqual([200, 'no-cache'])
      const headers = { 'if-none-match': String(got.headers['etag']) }
      expect((await http(first.port, 'GET', path, { headers })).status).toBe(304)
    }
  })

  describe('access', () => {
    test.each([
      ['by a name that was rebound', { host: 'evil.example' }],
      ['from another page', { origin: 'http://evil.example' }],
      ['from another site', { 'sec-fetch-site': 'cross-site' }],
    ])('to look needs the token %s', async (_, headers) => {
      for (const path of ['/overview', '/session', '/events', '/dead-letters']) {
        expect((await get(first, path, headers)).status, path).toBe(401)
      }
      expect((await get(first, '/session', { ...headers, ...RIGHT })).json).toMatchObject({ canAct: true })
    })

    test('to act needs it always', async () => {
      for (const headers of [{}, { authorization: 'Bearer another' }, { origin: `http://127.0.0.1:${first.port}` }]) {
        const reply = await post(first, '/tasks/pause', { tasks: 'all' }, headers)
        expect([reply.status, reply.json.errors[0].code]).toEqual([401, 'token.required'])
      }
      expect((await overview(first)).tasks.every(({ paused }) => paused === null)).toBe(true)
      expect((await get(first, '/session')).json).toMatchObject({ canAct: false, instance: 'first' })
    })
  })

  test('their cards are no state of the application, but go with it', async () => {
    const redis = new Redis(testRedis())
    const { APPLICATION_ID: application } = first.config
    const address = { url: testRedis(), instance: 'it' }
    const admin = openStoreAdmin({ ...address, application })
    const neighbour = openStoreAdmin({ ...address, application: `${application}-x` })
    try {
      // Something else under its name is no reason to be silent.
      await redis.set(boardKey(`${application}-x`), 'of another type')
      await neighbour.tell('other', '{}')
      expect((await admin.told()).map(({ name }) => name).toSorted()).toEqual(['first', 'second'])
      const { keys: count } = await admin.count(100_000)
      const all = await redis.keys(`{${application}:*`)
      expect(all).toContain(boardKey(application))
      expect(count).toBeLessThan(all.length)
      expect((await neighbour.told()).map(({ name }) => name)).toEqual(['other'])
      await neighbour.clear()
      expect(await redis.exists(boardKey(`${application}-x`))).toBe(0)
      expect(await redis.exists(boardKey(application))).toBe(1)
    } finally {
      redis.disconnect()
      await Promise.all([admin.close(), neighbour.close()])
    }
  })

  test('one that ends takes its card away; the other shows its tasks as its own', async () => {
    const third = await startService(
      { ...first.config, REST_PORT: 0, GROUP_INSTANCE_ID: 'third' },
      pino({ level: 'silent' }),
    )
    try {
      await eventually(
        'three',
        () => overview(first),
        ({ instances }) => instances.length === 3,
      )
    } finally {
      await third.close()
    }
    await eventually(
      'two again, with all tasks',
      () => overview(second),
      ({ instances, tasks }) =>
        instances.length === 2 && tasks.every(({ state, instance }) => state === 'running' && instance !== 'third'),
    )
  })

  // The last: its Redis does not come back.
  test('without Redis: soon, and which it is', async () => {
    proxy.stall()
    // What was seen just before is shown for a moment.
    await eventually(
      'another look',
      () => get(second, '/overview'),
      ({ status }) => status !== 200,
    )
    for (const path of ['/overview', `/characters/900/notes?tenant=${TENANT}`, '/tasks/0/entries']) {
      const reply = await get(second, path)
      expect([reply.status, reply.json.errors[0].code, reply.headers['retry-after']], path).toEqual([
        503,
        'redis.unavailable',
        '1',
      ])
      expect(reply.tookMs).toBeLessThan(SOON_MS)
    }
    const order = await post(second, '/tasks/pause', { tasks: 'all' })
    expect([order.status, order.json.errors[0].code]).toEqual([503, 'redis.unavailable'])
    // What needs no Redis goes on.
    for (const path of ['/topology', '/series', '/session', '/dead-letters'])
      expect((await get(second, path)).status).toBe(200)
  })
})

function bytesAt(port: number, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => void chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks)))
      response.on('error', reject)
    })
      .on('error', reject)
      .end()
  })
}

function listen(port: number, path: string, take: (text: string) => void) {
  const headers = { accept: 'text/event-stream' }
  const asked = httpRequest({ host: '127.0.0.1', port, path, headers }, (response) => {
    response.setEncoding('utf8').on('data', take)
    response.on('error', () => {})
  })
  asked.on('error', () => {})
  asked.end()
  return asked
}
