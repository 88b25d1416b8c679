/** Kafka or Redis away, too much at once, starting and ending: a clear answer, soon, and never a second effect. */
import { describe, expect, test } from 'vitest'
import { WAITERS_MAX, WAITERS_PER_TASK_MAX } from '../../api/limits.ts'
import { type Publisher, RequestLost } from '../../engine/ports.ts'
import { type StateReader, StoreLost } from '../../stores/ports.ts'
import { TENANT_B } from '../notes/records.ts'
import { codesOf, newNote, noteChange, type Reply, RestWorld, withMethods } from './rest-world.ts'

const COMMANDS = 'COMMAND_TOPIC_NOTE'
const STATUS = 'EVENT_TOPIC_NOTE_STATUS'
const headers = { 'idempotency-key': 'key-1' }
const create = { headers, body: newNote(7) }

/** What becomes of a Produce: null it goes its way. */
type PublishFault = () => 'refused' | 'lost after' | 'hangs' | 'too large' | 'no leader' | null

function withPublisher(fault: PublishFault): (real: Publisher) => Publisher {
  return (real) =>
    withMethods<Publisher>(real, {
      async publish(batches) {
        const answer = (code: number) =>
          batches.map((batch) => ({ ...batch, code, baseOffset: -1 as never, message: null }))
        switch (fault()) {
          case 'refused':
            throw new RequestLost('Produce', false, new Error('connection refused'))
          case 'lost after':
            await real.publish(batches)
            throw new RequestLost('Produce', true, new Error('connection reset'))
          case 'hangs':
            return new Promise(() => {})
          case 'too large':
            return answer(10)
          case 'no leader':
            return answer(6)
          default:
            return real.publish(batches)
        }
      },
    })
}

const withReader =
  (isAway: () => boolean) =>
  (real: StateReader): StateReader => {
    const lost = async (): Promise<never> => {
      throw new StoreLost('redis.timeout', 'no answer within 1000 ms')
    }
    return new Proxy(real, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return name !== 'close' && isAway() ? lost : value.bind(target)
      },
    })
  }

const unavailable = (code: string) => (reply: Reply) => {
  expect([reply.status, codesOf(reply)]).toEqual([503, [code]])
  expect(reply.headers['retry-after']).toBe('1')
}

describe('Kafka', () => {
  test.each(['refused', 'hangs', 'no leader'] as const)(
    'away (%s): 503 after 1.5 s, and 201 when it is back',
    async (how) => {
      let away = true
      const rest = await RestWorld.start({ publisher: withPublisher(() => (away ? how : null)) })
      const beganMs = rest.driver.world.clock.nowMs()
      unavailable('kafka.unavailable')(await rest.send('POST', '/api/notes', create))
      expect(rest.driver.world.clock.nowMs() - beganMs).toBeLessThanOrEqual(1_600)
      expect((await rest.send('GET', '/api/notes')).status).toBe(200)
      expect(rest.backend.writes.waiting).toBe(0)
      away = false
      expect((await rest.send('POST', '/api/notes', create)).status).toBe(201)
      await rest.driver.advance(5_000)
      expect(rest.driver.read(STATUS)).toHaveLength(1)
    },
  )

  test('losing the answer: sent again, done once, answered once', async () => {
    let faults = 3
    const rest = await RestWorld.start({ publisher: withPublisher(() => (faults-- > 0 ? 'lost after' : null)) })
    expect((await rest.send('POST', '/api/notes', { body: newNote(7) })).status).toBe(201)
    await rest.driver.drain()
    expect(rest.driver.read(COMMANDS).length).toBeGreaterThan(1)
    expect(rest.driver.read(STATUS)).toHaveLength(1)
  })

  test('losing every answer: 503, and the same key then gives the one note', async () => {
    let lost = true
    const rest = await RestWorld.start({ publisher: withPublisher(() => (lost ? 'lost after' : null)) })
    unavailable('kafka.unavailable')(await rest.send('POST', '/api/notes', create))
    lost = false
    const reply = await rest.send('POST', '/api/notes', create)
    expect(reply.status).toBe(201)
    expect((await rest.send('GET', '/api/notes')).json.meta.total).toBe(1)
    expect(rest.driver.read(STATUS)).toHaveLength(1)
  })

  test('refusing the size: 413', async () => {
    const rest = await RestWorld.start({ publisher: withPublisher(() => 'too large') })
    expect(codesOf(await rest.send('POST', '/api/notes', create))).toEqual(['body.too_large'])
  })
})

describe('Redis', () => {
  test('away: 503 on every route, and nothing is written', async () => {
    let away = false
    const rest = await RestWorld.start({ reader: withReader(() => away) })
    const [id] = await rest.given(7, 1)
    rest.driver.read(COMMANDS)
    away = true
    for (const [method, url, body] of [
      ['GET', '/api/notes', undefined],
      ['GET', `/api/notes/${id}`, undefined],
      ['GET', '/api/characters/7/notes', undefined],
      ['POST', '/api/notes', newNote(7)],
      ['PATCH', `/api/notes/${id}`, noteChange({ flag: 1 })],
      ['DELETE', `/api/notes/${id}`, undefined],
      ['DELETE', '/api/characters/7/notes', undefined],
    ] as const)
      unavailable('redis.unavailable')(await rest.send(method, url, { body }))
    expect(rest.driver.read(COMMANDS)).toEqual([])
    away = false
    expect((await rest.send('GET', `/api/notes/${id}`)).status).toBe(200)
  })

  test('away once the command is written: 202, and the status link tells what became of it', async () => {
    let published = false
    let back = false
    const rest = await RestWorld.start({
      reader: withReader(() => published && !back),
      publisher: (real) =>
        withMethods<Publisher>(real, {
          publish(batches) {
            published = true
            return real.publish(batches)
          },
        }),
    })
    const beganMs = rest.driver.world.clock.nowMs()
    const reply = await rest.send('POST', '/api/notes', create)
    expect(rest.driver.world.clock.nowMs() - beganMs).toBeLessThanOrEqual(1_500)
    const link = String(reply.headers['location'])
    expect([reply.status, link]).toEqual([202, reply.json.data.links.self])
    back = true
    const status = await rest.send('GET', link)
    expect(status.json.data.attributes).toMatchObject({ state: 'done', status: 201 })
    const related = await rest.send('GET', status.json.data.links.related)
    expect(related.json.data.attributes.message).toBe('hello')
  })

  test('emptied: 503 until the state is back, never an empty list', async () => {
    const rest = await RestWorld.start()
    const [id] = await rest.given(7, 1)
    rest.driver.world.redis.flush()
    for (const url of ['/api/notes', `/api/notes/${id}`, '/api/characters/7/notes'])
      unavailable('state.restoring')(await rest.begin('GET', url))
    await rest.driver.world.until('have the state again', () =>
      rest.driver.world.redis.keyspace.keys('{test:').some((key) => key.includes(':notes:')),
    )
    await rest.driver.world.untilRunning()
    expect((await rest.send('GET', `/api/notes/${id}`)).status).toBe(200)
  })
})

describe('the outcome', () => {
  test('that does not come within 10 s: 202, pending, and done when the processor is back', async () => {
    const rest = await RestWorld.start()
    const [process] = rest.driver.world.processes
    rest.driver.world.kill(process!)
    const beganMs = rest.driver.world.clock.nowMs()
    const reply = await rest.send('POST', '/api/notes', create)
    expect(rest.driver.world.clock.nowMs() - beganMs).toBeLessThanOrEqual(10_100)
    expect([reply.status, reply.headers['retry-after']]).toEqual([202, '1'])
    const link = String(reply.headers['location'])
    expect(link).toMatch(/^\/api\/requests\/\d+-[0-9a-z]+-[0-9a-f-]{36}-[0-9a-f]{32}$/)
    expect((await rest.send('GET', link)).json.data.attributes).toEqual({
      state: 'pending',
      status: null,
      noteId: null,
      expiresAt: null,
    })
    rest.driver.world.start('another')
    await rest.driver.world.untilRunning()
    await rest.driver.world.untilAtRest()
    const done = await rest.send('GET', link)
    expect(done.json.data.attributes).toMatchObject({ state: 'done', status: 201 })
    // Another tenant learns nothing by it.
    const other = await rest.send('GET', link, { tenant: TENANT_B })
    expect(other.json.data.attributes).toMatchObject({ state: 'pending', noteId: null })
    expect((await rest.send('POST', '/api/notes', create)).json.data.id).toBe(String(done.json.data.attributes.noteId))
    expect(rest.driver.read(STATUS)).toHaveLength(1)
  })

  test('of a key that was used for something else, both late: the first one’s is carried out, the other is told 422', async () => {
    const rest = await RestWorld.start()
    rest.driver.world.kill(rest.driver.world.processes[0]!)
    const keyed = { headers: { 'idempotency-key': 'k1' } }
    const first = await rest.send('POST', '/api/notes', { ...keyed, body: newNote(7, 'first') })
    const second = await rest.send('POST', '/api/notes', { ...keyed, body: newNote(7, 'second') })
    expect([first.status, second.status]).toEqual([202, 202])
    rest.driver.world.start('another')
    await rest.driver.world.untilRunning()
    await rest.driver.world.untilAtRest()
    const told = async (reply: typeof first) => (await rest.send('GET', String(reply.headers['location']))).json.data
    expect(await told(first)).toMatchObject({ attributes: { state: 'done', status: 201 } })
    const { attributes, links } = await told(second)
    expect(attributes).toMatchObject({ state: 'failed', status: 422, noteId: null })
    expect(links.related).toBeUndefined()
    expect(rest.driver.read(STATUS)).toHaveLength(1)
  })

  test.each([
    'x',
    '1',
    '4-m4xk2p1c-5b2f6f0a-4f0e-5d0c-9a51-0d6f1c2b3a49-8978ec8d42031c82b05fb8ee85607fb8',
    '0-1-5b2f6f0a-4f0e-5d0c-9a51-0d6f1c2b3a49-8978ec8d42031c82b05fb8ee85607fb8',
    '0-zzzzzzzzz-5b2f6f0a-4f0e-5d0c-9a51-0d6f1c2b3a49-8978ec8d42031c82b05fb8ee85607fb8',
  ])('of %s is 404', async (id) => {
    const rest = await RestWorld.start()
    expect(codesOf(await rest.send('GET', `/api/requests/${id}`))).toEqual(['request.unknown'])
  })

  test('of a note on its way to the store is waited for by a read, 250 ms at most', async () => {
    const rest = await RestWorld.start({ partitions: 1 })
    const clock = rest.driver.world.clock
    const beganMs = clock.nowMs()
    expect((await rest.send('GET', '/api/notes/1')).status).toBe(404)
    expect(clock.nowMs() - beganMs).toBeGreaterThanOrEqual(250)
    const reading = rest.begin('GET', '/api/notes/1')
    const writing = rest.begin('POST', '/api/notes', create)
    const [read, written] = await rest.finish(Promise.all([reading, writing]))
    expect([read.status, written.status]).toEqual([200, 201])
    // One that was applied and is gone is 404 at once.
    await rest.send('DELETE', '/api/notes/1')
    const thenMs = clock.nowMs()
    expect((await rest.send('GET', '/api/notes/1')).status).toBe(404)
    expect(clock.nowMs() - thenMs).toBeLessThan(250)
  })
})

describe('the process', () => {
  test('starting: 503 with the tenant checked, and the description is served', async () => {
    const rest = await RestWorld.start({ starting: true })
    unavailable('service.starting')(await rest.send('GET', '/api/notes'))
    unavailable('service.starting')(await rest.send('POST', '/api/notes', create))
    expect((await rest.send('GET', '/api/openapi.json')).status).toBe(200)
    expect((await rest.send('GET', '/livez')).status).toBe(200)
    expect((await rest.send('GET', '/readyz')).status).toBe(503)
  })

  test('ending: 503, and the connection is closed; what waits is told where to ask', async () => {
    const rest = await RestWorld.start({ publisher: withPublisher(() => null) })
    rest.driver.world.kill(rest.driver.world.processes[0]!)
    const writing = rest.begin('POST', '/api/notes', create)
    await rest.driver.world.until('wait for an outcome', () => rest.backend.writes.waiting === 1)
    rest.health.drain()
    const refused = await rest.send('GET', '/api/notes')
    unavailable('service.draining')(refused)
    expect(refused.headers['connection']).toBe('close')
    expect((await rest.send('GET', '/livez')).status).toBe(200)
    rest.backend.writes.close()
    expect((await rest.finish(writing)).status).toBe(202)
  })

  test('turns away what is too much, and takes more when that is done', async () => {
    const rest = await RestWorld.start()
    const all = Array.from({ length: WAITERS_MAX + 50 }, (_, n) =>
      rest.begin('POST', '/api/notes', { body: newNote(1 + (n % 50)) }),
    )
    const statuses = Map.groupBy(await rest.finish(Promise.all(all)), ({ status }) => status)
    expect([...statuses.keys()].sort()).toEqual([201, 503])
    expect(statuses.get(503)!.every((reply) => codesOf(reply)[0] === 'service.busy')).toBe(true)
    const created = statuses.get(201)!.length
    expect((await rest.send('GET', '/api/notes')).json.meta.total).toBe(created)
    expect((await rest.send('POST', '/api/notes', create)).status).toBe(201)
  }, 60_000)

  test('a partition that stands still is refused alone: the others, and reads, go on', async () => {
    const rest = await RestWorld.start()
    const paused = rest.driver.world.plan
    expect(paused.tasks).toBe(4)
    // Nobody processes, so everything waits; that of one partition is more than its share.
    rest.driver.world.kill(rest.driver.world.processes[0]!)
    const one = Array.from({ length: WAITERS_PER_TASK_MAX + 30 }, () =>
      rest.begin('POST', '/api/notes', { body: newNote(7) }),
    )
    await rest.driver.world.until('wait', () => rest.backend.writes.waiting === WAITERS_PER_TASK_MAX)
    const elsewhere = [1, 2, 3, 4, 5, 6, 8].find(
      (character) => rest.backend.reads.taskOfCharacter(character) !== rest.backend.reads.taskOfCharacter(7),
    )!
    const other = rest.begin('POST', '/api/notes', { body: newNote(elsewhere) })
    await rest.driver.world.until('wait, too', () => rest.backend.writes.waiting === WAITERS_PER_TASK_MAX + 1)
    expect((await rest.send('GET', '/api/notes')).status).toBe(200)
    rest.driver.world.start('another')
    expect((await rest.finish(other)).status).toBe(201)
    const statuses = Map.groupBy(await rest.finish(Promise.all(one)), ({ status }) => status)
    expect(statuses.get(503)).toHaveLength(30)
    expect(statuses.get(503)!.every((reply) => codesOf(reply)[0] === 'service.busy')).toBe(true)
    expect(statuses.get(201)).toHaveLength(WAITERS_PER_TASK_MAX)
  }, 60_000)

  test('counts requests that are refused, and the beginnings of streams: nobody guesses a token for ever', async () => {
    const rest = await RestWorld.start({ requestsPerMinute: 4, token: 'right' })
    const statuses: number[] = []
    for (let n = 0; n < 3; n++)
      statuses.push(
        (await rest.send('POST', '/api/notes', { headers: { authorization: `Bearer ${n}` }, body: {} })).status,
      )
    statuses.push((await rest.send('GET', '/api/events?foo=1')).status)
    expect(statuses).toEqual([401, 401, 401, 400])
    for (const [method, path] of [
      ['POST', '/api/notes'],
      ['GET', '/api/notes'],
      ['GET', '/api/events'],
    ] as const)
      expect((await rest.send(method, path)).status).toBe(429)
  })

  test('limits requests where it is told to', async () => {
    const rest = await RestWorld.start({ requestsPerMinute: 3 })
    const statuses: number[] = []
    for (let n = 0; n < 5; n++) statuses.push((await rest.send('GET', '/api/notes')).status)
    expect(statuses).toEqual([200, 200, 200, 429, 429])
    const reply = await rest.send('GET', '/api/notes')
    expect(codesOf(reply)).toEqual(['rate.exceeded'])
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
    expect((await rest.send('GET', '/livez')).status).toBe(200)
  })

  test('tells how long requests took, by route', async () => {
    const rest = await RestWorld.start()
    const [id] = await rest.given(7, 1)
    await rest.send('GET', `/api/notes/${id}`)
    await rest.send('GET', '/api/nothing')
    const { text } = await rest.send('GET', '/metrics')
    const count = (method: string, route: string, status: number): RegExp =>
      new RegExp(
        `^http_request_duration_seconds_count\\{.*method="${method}",route="${route}",status="${status}"\\} 1$`,
        'm',
      )
    expect(text).toMatch(count('POST', '/api/notes', 201))
    expect(text).toMatch(count('GET', '/api/notes/:noteId', 200))
    expect(text).toMatch(count('GET', 'none', 404))
    expect(text).toMatch(/^http_writes_waiting\{.*\} 0$/m)
  })

  test('answers what nobody expected with 500, tells the log and not the client', async () => {
    const rest = await RestWorld.start({
      reader: (real) =>
        withMethods<StateReader>(real, {
          async span() {
            throw new Error('a secret')
          },
        }),
    })
    const reply = await rest.send('GET', '/api/notes')
    expect([reply.status, codesOf(reply)]).toEqual([500, ['internal']])
    expect(reply.text).not.toContain('secret')
    expect(rest.problems).toHaveLength(1)
  })
})
