/** Kafka or Redis away under the REST interface, on servers of its own: 503 soon, never a hang, and it recovers by itself. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cluster } from '../faults/harness/cluster.ts'
import { impossible } from '../faults/harness/proof.ts'
import { eventually, type HttpReply, http, noteOf, RestService, tenantHeaders } from './rest-support.ts'

const skipped = await impossible()
/** Twice what the limits say: two cores are shared. */
const SOON_MS = 4_000

describe.skipIf(skipped !== '')(`REST without its servers ${skipped}`, { timeout: 180_000 }, () => {
  let cluster: Cluster
  let rest: RestService
  const headers = tenantHeaders(randomUUID())
  let keys = 0

  beforeAll(async () => {
    cluster = await Cluster.start()
    rest = await RestService.configured({
      BOOTSTRAP_SERVERS: cluster.bootstrapServers,
      REDIS_URL: cluster.redis.redisUrl,
    })
    await rest.start()
  }, 180_000)
  afterAll(async () => {
    await rest?.stop()
    await cluster?.stop()
  })

  const read = (): Promise<HttpReply> => http(rest.port, 'GET', '/api/notes', { headers })
  const write = (key: string): Promise<HttpReply> =>
    http(rest.port, 'POST', '/api/notes', { headers: { ...headers, 'idempotency-key': key }, body: noteOf(7, key) })
  const isUnavailable = (reply: HttpReply, code: string): void => {
    expect([reply.status, reply.json.errors[0].code, reply.headers['retry-after']]).toEqual([503, code, '1'])
    expect(reply.tookMs).toBeLessThan(SOON_MS)
  }

  /** Everything works, and each key that was used has one note. */
  async function works(used: readonly string[]): Promise<void> {
    for (const key of used)
      await eventually(
        `write ${key}`,
        () => write(key),
        ({ status }) => status === 201,
        60_000,
      )
    const list = await eventually('read', read, ({ status }) => status === 200)
    const messages: string[] = list.json.data.map((note: any) => note.attributes.message)
    for (const key of used) expect(messages.filter((message) => message === key)).toEqual([key])
  }

  test.each([
    ['killed', () => cluster.redis.kill(), () => cluster.redis.restart()],
    ['frozen', async () => cluster.redis.pause(), async () => cluster.redis.resume()],
  ] as const)('Redis %s', async (_, breaks, heals) => {
    const key = `redis-${keys++}`
    await works([`${key}-before`])
    await breaks()
    try {
      for (let n = 0; n < 3; n++) {
        isUnavailable(await read(), 'redis.unavailable')
        isUnavailable(await write(key), 'redis.unavailable')
      }
      expect((await http(rest.port, 'GET', '/livez')).status).toBe(200)
    } finally {
      await heals()
    }
    await works([key, `${key}-after`])
  })

  test.each([
    ['killed', () => cluster.kafka.kill(), () => cluster.kafka.restart()],
    ['frozen', async () => cluster.kafka.pause(), async () => cluster.kafka.resume()],
  ] as const)('Kafka %s', async (_, breaks, heals) => {
    const key = `kafka-${keys++}`
    await works([`${key}-before`])
    await breaks()
    try {
      for (let n = 0; n < 3; n++) isUnavailable(await write(key), 'kafka.unavailable')
      expect((await read()).status).toBe(200)
    } finally {
      await heals()
    }
    await works([key, `${key}-after`])
  })

  test('Redis emptied: never an empty list', async () => {
    await works(['flush-before'])
    await cluster.withRedis((redis) => redis.flushall())
    let restoring = 0
    await eventually('the notes are back', read, (reply) => {
      if (reply.status === 200) expect(reply.json.meta.total).toBeGreaterThan(0)
      else isUnavailable(reply, 'state.restoring')
      restoring += reply.status === 200 ? 0 : 1
      return reply.status === 200
    })
    expect(restoring).toBeGreaterThan(0)
    await works(['flush-before', 'flush-after'])
  })
})
