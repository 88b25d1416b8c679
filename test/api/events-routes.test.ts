/** The route of the event streams by itself: what it answers before, beside and when it is full. */
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sendError } from '../../api/error-answers.ts'
import { EventHub } from '../../api/events/hub.ts'
import { SUBSCRIBERS_MAX } from '../../api/events/limits.ts'
import { type EventRoutesDeps, eventRoutes } from '../../api/events/routes.ts'
import { CONNECTIONS_MAX } from '../../api/limits.ts'
import { systemClock } from '../../engine/clock.ts'
import { TENANT_A, TestTopic, TOPIC, until } from '../subscribe/support.ts'
import { SseParser } from './events-support.ts'

const HEADERS = { TENANT_ID: TENANT_A, REGION: 'GMS', MAJOR_VERSION: '83', MINOR_VERSION: '1' }

async function serve(deps: Partial<EventRoutesDeps> = {}, subscribersMax = 10) {
  const topic = new TestTopic(2)
  const log = { warn: () => {} }
  const hub = new EventHub({
    kafka: topic.connection,
    clock: systemClock,
    topic: TOPIC,
    hold: null,
    log,
    subscribersMax,
  })
  const app = fastify({ forceCloseConnections: true })
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, () => {}))
  eventRoutes(app, { hub: () => hub, isDraining: () => false, topicNames: {}, ...deps })
  await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/api/events`
  const get = (query = '', headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url + query, { headers: { ...HEADERS, ...headers } })
  return { topic, hub, get, app }
}

const codeOf = async (answer: Response): Promise<string> => ((await answer.json()) as any).errors[0].code

describe('the route', () => {
  test('answers 503 until the topics are known, and while the service ends', async () => {
    const { get } = await serve({ hub: () => null })
    const starting = await get()
    expect([starting.status, await codeOf(starting)]).toEqual([503, 'service.starting'])
    const ending = await (await serve({ isDraining: () => true })).get()
    expect([ending.status, await codeOf(ending)]).toEqual([503, 'service.draining'])
  })

  test('answers one stream too many, and the next when one has gone', async () => {
    const { get, hub } = await serve({}, 1)
    const first = await get()
    const second = await get()
    expect([first.status, second.status, await codeOf(second)]).toEqual([200, 503, 'service.busy'])
    expect(second.headers.get('retry-after')).not.toBeNull()
    await first.body!.cancel()
    await until('it is gone', () => hub.stats.subscribers === 0)
    const third = await get()
    expect(third.status).toBe(200)
    await third.body!.cancel()
  })

  test('keeps room for the REST interface', () => {
    expect(SUBSCRIBERS_MAX).toBeGreaterThanOrEqual(1_000)
    expect(SUBSCRIBERS_MAX).toBeLessThan(CONNECTIONS_MAX)
  })

  test.each([
    ['?characterId=4294967296'],
    ['?characterId=-1'],
    ['?characterId=01'],
    ['?characterId='],
    [`?characterId=${Array.from({ length: 51 }, (_, n) => n).join()}`],
    ['?type=created'],
    ['?type='],
  ])('refuses %s', async (query) => {
    const answer = await (await serve()).get(query)
    expect([answer.status, await codeOf(answer)]).toEqual([400, 'filter.invalid'])
  })

  test.each([['?from=now'], ['?from=latest&from=latest'], ['?from=other:0:1'], ['?from=status:0:x']])(
    'refuses %s',
    async (query) => {
      const answer = await (await serve()).get(query)
      expect([answer.status, await codeOf(answer)]).toEqual([400, 'resume.invalid'])
    },
  )

  test.each([['status:2:1'], ['status:0:1,7:-1,1:-1']])('refuses %s: the topic has two partitions', async (id) => {
    const { get } = await serve()
    for (const [answer, source] of [
      [await get(`?from=${id}`), { parameter: 'from' }],
      [await get('', { 'Last-Event-ID': id }), { header: 'Last-Event-ID' }],
    ] as const) {
      const [error] = ((await answer.json()) as any).errors
      expect(error).toMatchObject({ status: '400', code: 'resume.invalid', source })
      expect(error.detail).toMatch(/no partition [27]: status has 2$/)
    }
  })

  test.each([
    ['fewer partitions', 'status:0:-1', [1]],
    ['one more, of the topic that was there before', 'status:0:5,1:5,2:5@ffffffff', ['recreated', 'recreated', 1]],
    ['one more, while Kafka does not answer, until it does', 'status:2:1', ['events.from_invalid']],
  ])('takes an id with %s', async (_, id, expected) => {
    const { topic, get } = await serve()
    topic.commit({ tenant: TENANT_A, characterId: 7, type: 'CREATED', number: 1 })
    let silent = expected[0] === 'events.from_invalid' ? 1 : 0
    topic.kafka.fault = ({ api }) => (api === 'admin' && silent-- > 0 ? 'before' : null)
    const answer = await get('', { 'Last-Event-ID': id })
    expect(answer.status).toBe(200)
    const parser = new SseParser()
    const reader = answer.body!.getReader()
    const decoder = new TextDecoder()
    while (parser.events.length < expected.length) parser.take(decoder.decode((await reader.read()).value))
    expect(parser.events.map(({ data }: any) => data.reason ?? data.code ?? data.body.noteId)).toEqual(expected)
    await reader.cancel()
  })

  test('takes filters given in two ways, and Last-Event-ID before `from`', async () => {
    const { topic, get } = await serve()
    for (let number = 1; number <= 3; number++)
      topic.commit({ tenant: TENANT_A, characterId: 7, type: number === 2 ? 'DELETED' : 'CREATED', number })
    const parser = new SseParser()
    const answer = await get('?characterId=7,8&characterId=9&type=CREATED&from=latest', {
      'Last-Event-ID': 'status:0:-1,1:-1',
    })
    expect(answer.status).toBe(200)
    const reader = answer.body!.getReader()
    const decoder = new TextDecoder()
    while (parser.events.length < 2) parser.take(decoder.decode((await reader.read()).value))
    expect(parser.events.map(({ data }) => (data as any).body.noteId)).toEqual([1, 3])
    await reader.cancel()
  })

  test('ends its streams with the server', async () => {
    const { app, get } = await serve()
    const answer = await get()
    const closed = app.close()
    await answer.text().catch(() => '')
    await closed
  })
})
