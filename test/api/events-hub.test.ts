/** Everybody on one reader: exactly their events, once and in order, wherever they come from and go on. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { EventFilter } from '../../api/events/filter.ts'
import { EventHub, type HubOptions } from '../../api/events/hub.ts'
import { systemClock } from '../../engine/clock.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { parseEventId } from '../../subscribe/core/event-id.ts'
import type { StartAt } from '../../subscribe/start.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { randomOf, TENANT_A, TENANT_B, type TestEvent, TestTopic, TOPIC, until } from '../subscribe/support.ts'
import { FakeClient } from './events-support.ts'

const PARTITIONS = 3

function hubOf(topic: TestTopic, options: Partial<HubOptions> = {}): EventHub {
  const hub = new EventHub({
    kafka: topic.connection,
    clock: systemClock,
    topic: TOPIC,
    hold: null,
    log: { warn: () => {} },
    ...options,
  })
  onTestFinished(() => hub.close())
  return hub
}

const everything = (tenant = TENANT_A): EventFilter => ({ tenant, characters: null, types: null })

function join(hub: EventHub, start: StartAt = { kind: 'latest' }, filter: EventFilter = everything()): FakeClient {
  const client = new FakeClient()
  void hub.serve(client, filter, start)
  return client
}

const follows = (client: FakeClient): boolean => client.parser.comments.includes('following')

function resumeOf(id: string): StartAt {
  const parsed = parseEventId(id)!
  return { kind: 'at', positions: parsed.positions, incarnation: parsed.incarnation }
}

let numbers = 0
const event = (characterId = 1, type = 'CREATED', tenant = TENANT_A): TestEvent => ({
  tenant,
  characterId,
  type,
  number: ++numbers,
})
const numbersOf = (client: FakeClient): number[] =>
  client.events.flatMap(({ data }) => {
    const { body } = data as { body?: { noteId: number } }
    return body ? [body.noteId] : []
  })

describe('a client', () => {
  test('that follows gets what comes: name, id and data as in the topic', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    topic.commit(event())
    const client = join(hub)
    await until('it follows', () => follows(client))
    const sent = event(7, 'UPDATED')
    topic.commit(sent)
    await until('it', () => client.events.length === 1)
    const { event: name, id, data } = client.events[0]!
    expect(name).toBe('UPDATED')
    expect(id).toMatch(/^status:0:2@[0-9a-f]{8}$/)
    expect(data).toMatchObject({ characterId: 7, type: 'UPDATED', body: { noteId: sent.number } })
  })

  test('of every tenant is told whose each is, live and behind', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    const any: EventFilter = { ...everything(), tenant: null }
    topic.commit(event(1, 'CREATED', TENANT_B))
    const [live, one] = [join(hub, { kind: 'latest' }, any), join(hub)]
    const behind = join(hub, { kind: 'earliest' }, any)
    await until('they follow', () => [live, one, behind].every(follows))
    topic.commit(event(7, 'UPDATED'), event(8, 'DELETED', TENANT_B))
    await until('them', () => live.events.length === 2 && one.events.length === 1 && behind.events.length === 3)
    const tenants = (client: FakeClient) => client.events.map(({ data }) => (data as { tenantId?: string }).tenantId)
    expect(tenants(live)).toEqual([TENANT_A, TENANT_B])
    expect(tenants(behind)).toEqual([TENANT_B, TENANT_A, TENANT_B])
    expect(tenants(one)).toEqual([undefined])
    expect(live.events[0]!.data).toEqual({ ...(one.events[0]!.data as object), tenantId: TENANT_A })
  })

  test('waits for no slow ones of another tenant', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    for (let i = 0; i < 20; i++) topic.commit(event(1, 'CREATED', TENANT_A))
    topic.commit(event(2, 'CREATED', TENANT_B))
    const slow = Array.from({ length: 30 }, () => {
      const client = new FakeClient()
      client.stuck = true
      client.roomBytes = 100
      void hub.serve(client, everything(TENANT_A), { kind: 'earliest' })
      return client
    })
    const other = join(hub, { kind: 'earliest' }, everything(TENANT_B))
    await until('its event', () => other.events.length === 1)
    expect(slow.every((client) => client.events.length === 0)).toBe(true)
    for (const client of slow) client.unstick()
    await until('theirs', () => slow.every((client) => client.events.length === 20))
  })

  test('has a place to resume from before its first event', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    const first = join(hub)
    await until('it follows', () => follows(first))
    first.leave()
    const missed = event()
    topic.commit(missed)
    const second = join(hub, resumeOf(first.parser.lastId))
    await until('it', () => second.events.length === 1)
    expect(numbersOf(second)).toEqual([missed.number])
  })

  test('gets a recent place with the heartbeat, though its filter names nothing', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic, { heartbeatMs: 5 })
    const client = join(hub, { kind: 'latest' }, { ...everything(), characters: new Set([99]) })
    await until('it follows', () => follows(client))
    for (let n = 0; n < 20; n++) topic.commit(event())
    const end = topic.logEnd(0)
    await until('a place behind them', () => parseEventId(client.parser.lastId)?.positions.get(0) === end)
    expect(client.events).toEqual([])
    expect(client.parser.comments).toContain('heartbeat')
  })

  test('sees no other tenant, character or type', async () => {
    const topic = new TestTopic(PARTITIONS)
    const hub = hubOf(topic)
    const clients = {
      a: join(hub),
      b: join(hub, { kind: 'latest' }, everything(TENANT_B)),
      seven: join(hub, { kind: 'latest' }, { ...everything(), characters: new Set([7, 8]) }),
      deleted: join(hub, { kind: 'latest' }, { ...everything(), types: new Set(['DELETED']) }),
    }
    await until('they follow', () => Object.values(clients).every(follows))
    const sent = [event(7), event(7, 'DELETED'), event(9), event(7, 'CREATED', TENANT_B), event(8, 'DELETED')]
    const [a, b, c, d, e] = sent.map(({ number }) => number)
    topic.commit(...sent)
    await until('theirs', () => clients.a.events.length === 4)
    expect(numbersOf(clients.a).sort()).toEqual([a, b, c, e].sort())
    expect(numbersOf(clients.b)).toEqual([d])
    expect(numbersOf(clients.seven).sort()).toEqual([a, b, e].sort())
    expect(numbersOf(clients.deleted).sort()).toEqual([b, e].sort())
  })

  test('is not sent what is no status event, or of no tenant', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    const client = join(hub)
    await until('it follows', () => follows(client))
    topic.commit({ ...event(), tenant: 'nobody' }, event(1, 'x\nid: 1'), event(1, 'a'))
    const last = event()
    topic.commit(last)
    await until('the last', () => client.events.length > 0)
    expect(numbersOf(client)).toEqual([last.number])
  })

  test('that is too slow is dropped with a reason, and resumes without a loss', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    const slow = join(hub)
    const quick = join(hub)
    await until('they follow', () => follows(slow) && follows(quick))
    slow.stuck = true
    slow.roomBytes = 1_000
    const sent = Array.from({ length: 30 }, () => event())
    for (const one of sent) topic.commit(one)
    await until('all', () => quick.events.length === 30)
    expect(slow.isOver).toBe(true)
    expect(slow.events.at(-1)).toMatchObject({ event: 'dropped', data: { code: 'slow_client' } })
    expect(hub.stats).toMatchObject({ slowClients: 1 })
    const again = join(hub, resumeOf(slow.parser.lastId))
    await until('the rest', () => numbersOf(slow).length + again.events.length === 30)
    expect([...numbersOf(slow), ...numbersOf(again)]).toEqual(sent.map(({ number }) => number))
  })

  test('that catches up is waited for, not dropped', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    const sent = Array.from({ length: 50 }, () => event())
    for (const one of sent) topic.commit(one)
    const client = new FakeClient()
    client.stuck = true
    client.roomBytes = 500
    void hub.serve(client, everything(), { kind: 'earliest' })
    await until('it is full', () => client.events.length > 1)
    while (numbersOf(client).length < 50) {
      client.unstick()
      client.stuck = true
      await new Promise((resolve) => setImmediate(resolve))
    }
    client.unstick()
    expect(numbersOf(client)).toEqual(sent.map(({ number }) => number))
    await until('it follows', () => follows(client))
  })

  test('is told of a gap, with a place behind it', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    topic.commit(event(), event(), event())
    topic.deleteBefore(0, 2)
    const client = join(hub, { kind: 'at', positions: new Map([[0, 1]]), incarnation: null })
    await until('both', () => client.events.length === 2)
    expect(client.events[0]).toMatchObject({
      event: 'gap',
      data: { reason: 'retention', topic: TOPIC, partition: 0, from: 1, to: 2 },
    })
    expect(parseEventId(client.events[0]!.id)?.positions.get(0)).toBe(2)
  })

  test('that claims a place behind the end is told so, and gets what comes', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    const client = join(hub, { kind: 'at', positions: new Map([[0, 10 ** 12]]), incarnation: null })
    await until('the gap', () => client.events.length === 1)
    await until('it follows', () => follows(client))
    const sent = event()
    topic.commit(sent)
    await until('it', () => client.events.length === 2)
    expect(client.events[0]).toMatchObject({ event: 'gap', data: { reason: 'truncated' } })
    expect(numbersOf(client)).toEqual([sent.number])
  })

  test('goes on in a partition that was added, which another process has met first', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    const first = join(hub)
    await until('it follows', () => follows(first))
    topic.grow(2)
    const character = [1, 2, 3, 4].find((id) => partitionFor(characterKey(id), 2) === 1)
    const [seen, next] = [event(character), event(character)]
    topic.commit(seen)
    const place = topic.logEnd(1)
    topic.commit(next)
    const client = join(hub, { kind: 'at', positions: new Map([0, place].entries()), incarnation: null })
    await until('it', () => client.events.length === 1)
    await until('it follows', () => follows(client))
    expect(numbersOf(client)).toEqual([next.number])
    expect(parseEventId(client.parser.lastId)?.positions.get(1)).toBe(topic.logEnd(1))
  })

  test('that names a partition which is not there is told so', async () => {
    const client = join(hubOf(new TestTopic(1)), { kind: 'at', positions: new Map([[1, 0]]), incarnation: null })
    await until('that', () => client.events.length === 1)
    expect(client.events[0]).toMatchObject({ event: 'failed', data: { code: 'events.from_invalid' } })
    expect(client.isOver).toBe(true)
  })

  test('hears that the topic was created again, and goes on with the new one', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic)
    const client = join(hub)
    await until('it follows', () => follows(client))
    topic.commit(event())
    await until('the old', () => client.events.length === 1)
    topic.kafka.cluster.delete(TOPIC)
    topic.create()
    const sent = event()
    topic.commit(sent)
    await until('the new', () => client.events.length === 3)
    expect(client.events[1]).toMatchObject({ event: 'gap', data: { reason: 'recreated' } })
    expect(numbersOf(client).at(-1)).toBe(sent.number)
    // A place in the topic that was.
    const late = join(hub, resumeOf(client.events[0]!.id))
    await until('both', () => late.events.length === 2)
    expect([late.events[0]?.event, numbersOf(late)]).toEqual(['gap', [sent.number]])
  })

  test('stays connected while Kafka is away, and goes on', async () => {
    const topic = new TestTopic(1)
    const hub = hubOf(topic, { heartbeatMs: 5 })
    let away = true
    topic.kafka.fault = () => (away ? 'before' : null)
    const client = join(hub)
    await until('heartbeats', () => client.parser.comments.length > 2)
    expect(client.isOver).toBe(false)
    away = false
    await until('it follows', () => follows(client))
    away = true
    const beats = client.parser.comments.length
    topic.commit(event())
    await until('more heartbeats', () => client.parser.comments.length > beats + 2)
    away = false
    await until('it', () => client.events.length === 1)
  })

  test('is told when the service ends', async () => {
    const hub = hubOf(new TestTopic(1))
    const client = join(hub)
    await until('it follows', () => follows(client))
    hub.close()
    expect(client.isOver).toBe(true)
    expect(client.events.at(-1)).toMatchObject({ event: 'closing' })
  })
})

test('the shared reader begins with the first client and ends some time after the last', async () => {
  const topic = new TestTopic(1)
  let fetches = 0
  topic.kafka.fault = ({ api }) => {
    if (api === 'fetch') fetches++
    return null
  }
  const hub = hubOf(topic, { lingerMs: 0 })
  const client = join(hub)
  await until('it follows', () => follows(client))
  client.leave()
  let last = -1
  await until('no more fetches', () => {
    const still = fetches === last
    last = fetches
    return still && hub.stats.subscribers === 0
  })
  const again = join(hub)
  await until('it follows again', () => follows(again))
  const sent = event()
  topic.commit(sent)
  await until('it', () => again.events.length === 1)
})

test('by chance: whoever leaves and comes back has every event of its filter once, in order per partition', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = randomOf(seed)
    const pick = (max: number): number => Math.floor(random() * max)
    const topic = new TestTopic(PARTITIONS)
    // Two processes with few late items, so that all ways of catching up are taken.
    const hubs = [0, 1].map(() => hubOf(topic, { recentEventsMax: 1 + pick(20), lingerMs: 0, heartbeatMs: 3 }))
    const people = Array.from({ length: 8 }, () => ({
      filter: {
        tenant: random() < 0.7 ? TENANT_A : TENANT_B,
        characters: random() < 0.4 ? new Set([pick(10), pick(10)]) : null,
        types: random() < 0.3 ? new Set(['CREATED']) : null,
      },
      got: [] as number[],
      lastId: '',
      client: null as FakeClient | null,
    }))
    const connect = (person: (typeof people)[number]): void => {
      const start = person.lastId === '' ? ({ kind: 'earliest' } as const) : resumeOf(person.lastId)
      person.client = join(hubs[pick(2)]!, start, person.filter)
      person.client.stuck = random() < 0.3
      person.client.roomBytes = 300 + pick(2_000)
    }
    const disconnect = (person: (typeof people)[number]): void => {
      if (!person.client) return
      person.client.leave()
      person.got.push(...numbersOf(person.client))
      if (person.client.parser.lastId !== '') person.lastId = person.client.parser.lastId
      expect(person.client.events.filter(({ event }) => ['gap', 'failed'].includes(event))).toEqual([])
      person.client = null
    }
    const written: { event: TestEvent; partition: number }[] = []
    let open: typeof written = []
    for (let step = 0; step < 250; step++) {
      const choice = random()
      const person = people[pick(people.length)]!
      if (choice < 0.45) {
        const one = event(pick(10), random() < 0.5 ? 'CREATED' : 'DELETED', random() < 0.7 ? TENANT_A : TENANT_B)
        topic.write([one])
        open.push({ event: one, partition: partitionFor(characterKey(one.characterId), PARTITIONS) })
      } else if (choice < 0.65) {
        const commit = random() < 0.7
        topic.end(commit)
        if (commit) written.push(...open)
        open = []
      } else if (choice < 0.8) {
        if (person.client === null) connect(person)
        else disconnect(person)
      } else if (choice < 0.9) person.client?.unstick()
      else await new Promise((resolve) => setTimeout(resolve, pick(4)))
    }
    topic.end(false)
    for (const person of people) {
      disconnect(person)
      connect(person)
      person.client!.unstick()
      const wanted = written.filter(
        ({ event: { tenant, characterId, type } }) =>
          tenant === person.filter.tenant &&
          (person.filter.characters?.has(characterId) ?? true) &&
          (person.filter.types?.has(type) ?? true),
      )
      const { client } = person
      await until(`seed ${seed}: it has all`, () => person.got.length + numbersOf(client!).length >= wanted.length)
      await until(`seed ${seed}: it follows`, () => follows(client!))
      disconnect(person)
      const perPartition = (list: readonly number[]) =>
        [0, 1, 2].map((p) => list.filter((n) => written.find(({ event }) => event.number === n)?.partition === p))
      expect(person.got.length, `seed ${seed}`).toBe(wanted.length)
      expect(perPartition(person.got), `seed ${seed}`).toEqual(perPartition(wanted.map(({ event }) => event.number)))
    }
  }
}, 60_000)
