/** The event streams on the real service: reconnects through restarts, many clients, slow ones, gaps, tenants, aborted events. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { position } from '../../engine/core/numbers.ts'
import { parseEventId } from '../../subscribe/core/event-id.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { randomOf } from '../subscribe/support.ts'
import { CommittedReader } from '../support/kafka-records.ts'
import { CliWorld, create, eventually, TASKS, TENANT_A, TENANT_B } from './cli-support.ts'
import { SseConnection, tenantOf } from './events-support.ts'
import { Owner } from './kafka-support.ts'

let world: CliWorld
const open: SseConnection[] = []

beforeAll(async () => {
  world = await CliWorld.open()
  await world.start()
})

afterAll(async () => {
  for (const connection of open) connection.close()
  await world?.close()
})

const restUrl = (): string => world.service!.restUrl
const topic = (): string => world.config.EVENT_TOPIC_NOTE_STATUS

async function connect(tenant = TENANT_A, query = '', lastEventId = ''): Promise<SseConnection> {
  const connection = await SseConnection.connect(restUrl(), tenant, { query, lastEventId })
  open.push(connection)
  return connection
}

async function following(tenant = TENANT_A, query = '', lastEventId = ''): Promise<SseConnection> {
  const connection = await connect(tenant, query, lastEventId)
  expect(connection.status, connection.body).toBe(200)
  await eventually('it follows', async () => connection.follows)
  return connection
}

let characters = 1_000
const nextCharacter = (): number => ++characters
const messagesOf = ({ events }: { events: SseConnection['events'] }): string[] =>
  events.flatMap(({ event, data }) => (event === 'CREATED' ? [(data as any).body.message] : []))

describe('a stream', () => {
  test('sends what happens: its headers, name, id and data', async () => {
    const character = nextCharacter()
    const connection = await following(TENANT_A, `?characterId=${character}`)
    expect(connection.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    })
    await world.send([create(character, 9, 'hello\nwörld 😀'), create(character, 0, 'nobody sends this')])
    await eventually('both', async () => connection.events.length === 2)
    const [first, second] = connection.events
    expect(first).toMatchObject({
      event: 'CREATED',
      data: { characterId: character, type: 'CREATED', body: { senderId: 9, message: 'hello\nwörld 😀', flag: 0 } },
    })
    expect(second).toMatchObject({ event: 'CREATE_FAILED', data: { body: { reason: 'senderId is required' } } })
    const partition = partitionFor(characterKey(character), TASKS)
    expect(first!.id.startsWith(`${topic()}:${partition}:`)).toBe(true)
    expect(parseEventId(first!.id)?.positions.size).toBe(TASKS)
    // What an event tells of can be read at once.
    const { noteId } = (first!.data as any).body
    const answer = await fetch(`${restUrl()}/notes/${noteId}`, { headers: tenantOf(TENANT_A) })
    expect(answer.status).toBe(200)
  })

  test('is one tenant’s, whatever else is asked for', async () => {
    const character = nextCharacter()
    const [mine, theirs] = [await following(TENANT_A), await following(TENANT_B, `?characterId=${character}`)]
    await world.send([create(character, 9, 'of a')], { tenant: TENANT_A })
    await world.send([create(character, 9, 'of b')], { tenant: TENANT_B })
    await eventually('each', async () => messagesOf(mine).length > 0 && messagesOf(theirs).length > 0)
    expect(messagesOf(mine)).toEqual(['of a'])
    expect(messagesOf(theirs)).toEqual(['of b'])
    // By an id that the other has received, too.
    const resumed = await following(TENANT_B, '?from=earliest', mine.events[0]!.id)
    expect(messagesOf(resumed).filter((message) => message !== 'of b')).toEqual([])
    mine.close()
    theirs.close()
  })

  test.each([
    ['a tenant that is missing', {}, '', 400, 'tenant.invalid'],
    ['a character that is none', tenantOf(TENANT_A), '?characterId=x', 400, 'filter.invalid'],
    ['a type that is none', tenantOf(TENANT_A), '?type=CREATED,BORN', 400, 'filter.invalid'],
    ['a parameter that is none', tenantOf(TENANT_A), '?tenant=x', 400, 'query.unknown'],
    ['an id that is none', { ...tenantOf(TENANT_A), 'Last-Event-ID': 'x' }, '', 400, 'resume.invalid'],
    ['an id of another topic', { ...tenantOf(TENANT_A), 'Last-Event-ID': 'x:0:1' }, '', 400, 'resume.invalid'],
    ['another media type', { ...tenantOf(TENANT_A), Accept: 'application/json' }, '', 406, 'accept.unsupported'],
  ])('refuses %s', async (_, headers, query, status, code) => {
    const answer = await fetch(`${restUrl()}/events${query}`, { headers })
    expect(answer.status).toBe(status)
    expect(((await answer.json()) as any).errors[0].code).toBe(code)
  })

  test('is described beside it', async () => {
    const answer = await fetch(`${restUrl()}/asyncapi.json`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(((await answer.json()) as any).channels.EVENT_TOPIC_NOTE_STATUS.address).toBe(topic())
  })

  test('has no other method', async () => {
    const answer = await fetch(`${restUrl()}/events`, { method: 'POST', headers: tenantOf(TENANT_A) })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET'])
  })

  test('never shows what was aborted', async () => {
    const character = nextCharacter()
    const partition = partitionFor(characterKey(character), TASKS)
    const connection = await following(TENANT_A, `?characterId=${character}`)
    const owner = await Owner.start(world.kafka, `${world.application}-aborts`, world.application)
    await owner.produce(topic(), partition, ['{"type":"CREATED"}'])
    expect(await owner.end(false)).toBe(0)
    await owner.client.close()
    await world.send([create(character, 9, 'committed')])
    await eventually('it', async () => connection.events.length === 1)
    expect(messagesOf(connection)).toEqual(['committed'])
    connection.close()
  })
})

test('a client that is cut 50 times, the service restarted in between, has every event once and in order', async () => {
  const seed = 1 + Math.floor(Math.random() * 1e6)
  const random = randomOf(seed)
  const people = Array.from({ length: 6 }, nextCharacter)
  let lastEventId = (await following()).parser.lastId
  const sent = new Map<number, string[]>(people.map((id) => [id, []]))
  const got = new Map<number, string[]>(people.map((id) => [id, []]))
  let total = 0
  const seen = (): number => [...got.values()].reduce((sum, list) => sum + list.length, 0)
  const say = async (): Promise<void> => {
    const commands = Array.from({ length: 1 + Math.floor(random() * 10) }, () => {
      const character = people[Math.floor(random() * people.length)]!
      const message = `${seed}-${++total}`
      sent.get(character)!.push(message)
      return create(character, 9, message)
    })
    await world.send(commands)
  }
  for (let round = 0; round < 50; round++) {
    if (round % 17 === 16) {
      await world.stop()
      await say()
      await world.start()
    }
    const connection = await connect(TENANT_A, `?characterId=${people.join(',')}`, lastEventId)
    expect(connection.status).toBe(200)
    await say()
    // Cut anywhere: before it follows, within what was sent, or behind it.
    const enough = seen() + connection.events.length + Math.floor(random() * 6)
    if (random() < 0.8)
      await eventually('some', async () => seen() + connection.events.length >= Math.min(enough, total))
    connection.close()
    await eventually('it is cut', async () => !connection.isOpen)
    for (const { data } of connection.events) {
      const { characterId, body } = data as { characterId: number; body: { message: string } }
      got.get(characterId)!.push(body.message)
    }
    lastEventId = connection.parser.lastId || lastEventId
  }
  const last = await connect(TENANT_A, `?characterId=${people.join(',')}`, lastEventId)
  await eventually(`seed ${seed}: all`, async () => seen() + last.events.length >= total)
  for (const { data } of last.events) {
    const { characterId, body } = data as { characterId: number; body: { message: string } }
    got.get(characterId)!.push(body.message)
  }
  expect([...got], `seed ${seed}`).toEqual([...sent])
  // And these are all that there are, by another reader.
  const reader = await CommittedReader.open(world.kafka, [topic()])
  const all = await reader.read(total)
  await reader.close()
  expect(all.filter(({ text }) => text?.includes(`"${seed}-`)).length).toBe(total)
  last.close()
}, 120_000)

test('1,000 clients, 990 of them filtered, get exactly theirs', async () => {
  const quiet = Array.from({ length: 990 }, nextCharacter)
  const connections: SseConnection[] = []
  for (let at = 0; at < quiet.length; at += 90)
    connections.push(
      ...(await Promise.all(quiet.slice(at, at + 90).map((id) => connect(TENANT_A, `?characterId=${id}`)))),
    )
  const everything = await Promise.all(Array.from({ length: 10 }, () => connect(TENANT_A)))
  await eventually('all follow', async () => [...connections, ...everything].every(({ follows }) => follows))
  const metrics = await (await fetch(restUrl().replace(/\/api$/, '/metrics'))).text()
  expect(Number(/^topology_sse_subscribers\{.*\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(1_000)

  const loud = quiet.slice(0, 100)
  await world.send(loud.map((id) => create(id, 9, `for ${id}`)))
  const other = nextCharacter()
  await world.send(Array.from({ length: 200 }, (_, n) => create(other, 9, `${n}`)))
  await eventually('who gets all has all', async () => everything.every(({ events }) => events.length === 300))
  await eventually('each has its own', async () => connections.slice(0, 100).every(({ events }) => events.length > 0))
  for (const [i, connection] of connections.entries())
    expect(messagesOf(connection)).toEqual(i < 100 ? [`for ${quiet[i]}`] : [])
  for (const connection of everything) {
    expect(messagesOf(connection).filter((message) => /^\d/.test(message))).toEqual(
      Array.from({ length: 200 }, (_, n) => `${n}`),
    )
    expect(new Set(messagesOf(connection).filter((message) => message.startsWith('for'))).size).toBe(100)
  }
  for (const connection of [...connections, ...everything]) connection.close()
}, 60_000)

test('a client that takes nothing is dropped, and the others are not held up; it resumes without a loss', async () => {
  const character = nextCharacter()
  const query = `?characterId=${character}`
  const [slow, quick] = [await following(TENANT_A, query), await following(TENANT_A, query)]
  slow.pause()
  const text = 'x'.repeat(100_000)
  let sent = 0
  const droppedSoFar = async (): Promise<number> => {
    const metrics = await (await fetch(restUrl().replace(/\/api$/, '/metrics'))).text()
    return Number(/^topology_sse_slow_clients_dropped_total\{.*\} (\d+)$/m.exec(metrics)?.[1] ?? 0)
  }
  const before = await droppedSoFar()
  const dropped = async (): Promise<boolean> => (await droppedSoFar()) > before
  while (!(await dropped()) && sent < 300) {
    await world.send([create(character, 9, `${++sent} ${text}`)])
    await eventually('the quick one has it', async () => quick.events.length === sent)
  }
  expect(await dropped()).toBe(true)
  slow.resume()
  await eventually('the end', async () => !slow.isOpen)
  expect(slow.events.at(-1)).toMatchObject({ event: 'dropped', data: { code: 'slow_client' } })
  const again = await connect(TENANT_A, query, slow.parser.lastId)
  const count = (): number => messagesOf(slow).length + messagesOf(again).length
  await eventually('the rest', async () => count() === sent)
  const numbers = [...messagesOf(slow), ...messagesOf(again)].map((message) => Number(message.split(' ')[0]))
  expect(numbers).toEqual(Array.from({ length: sent }, (_, n) => n + 1))
  again.close()
  quick.close()
}, 60_000)

test('a client whose place retention has passed is told so', async () => {
  const character = nextCharacter()
  const partition = partitionFor(characterKey(character), TASKS)
  const query = `?characterId=${character}`
  const before = (await following(TENANT_A, query)).parser.lastId
  await world.send(Array.from({ length: 5 }, (_, n) => create(character, 9, `${n}`)))
  const watching = await connect(TENANT_A, query, before)
  await eventually('they are there', async () => watching.events.length === 5)
  const third = parseEventId(watching.events[2]!.id)!.positions.get(partition)!
  const [code] = await world.kafka.admin.deleteRecords([{ topic: topic(), partition, position: position(third) }])
  expect(code?.code).toBe(0)
  // A new process has none of them in memory.
  await world.stop()
  await world.start()
  const connection = await connect(TENANT_A, query, before)
  await eventually('gap and rest', async () => connection.events.length === 3)
  const from = parseEventId(before)!.positions.get(partition)
  expect(connection.events[0]).toMatchObject({
    event: 'gap',
    data: { reason: 'retention', topic: topic(), partition, from, to: third },
  })
  expect(messagesOf(connection)).toEqual(['3', '4'])
  connection.close()
})
