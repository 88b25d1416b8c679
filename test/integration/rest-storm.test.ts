/**
 * A retry storm: a thousand POSTs over a hundred keys from fifty connections, while the processes are killed. Every key has
 * one note and one answer, whoever is asked and however often.
 */
import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../../embedded/free-port.ts'
import { below, newSeed, seeded } from '../faults/feed/random.ts'
import { Cluster } from '../faults/harness/cluster.ts'
import { impossible, size, tell } from '../faults/harness/proof.ts'
import { Scenario } from '../faults/harness/scenario.ts'
import type { ServiceProcess } from '../faults/harness/service-process.ts'
import { http, noteOf, tenantHeaders } from './rest-support.ts'

const skipped = await impossible()
const seed = newSeed()
const KEYS = size('STORM_KEYS', 100)
const POSTS = size('STORM_POSTS', 1_000)
const CONNECTIONS = 50
const CHARACTERS = 20
const RETRY_MS = 20

/** Shares of the answers at which a process is killed. */
const KILLS: readonly number[] = [0.2, 0.6]

describe.skipIf(skipped !== '')(`a retry storm, seed ${seed} ${skipped}`, { timeout: 300_000 }, () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  }, 180_000)
  afterAll(() => cluster?.stop())

  test('over processes that are killed makes one note a key, and one answer', async () => {
    const s = await Scenario.create(cluster)
    try {
      const random = seeded(seed)
      const ports = await freePorts(2)
      const start = (place: number): Promise<ServiceProcess> => s.ready({ REST_PORT: String(ports[place]) })
      const services = await Promise.all([start(0), start(1)])
      const headers = tenantHeaders(randomUUID())
      const keys = Array.from({ length: KEYS }, () => randomUUID())
      const queue = Array.from({ length: POSTS }, (_, n) => n % KEYS)
      for (let n = queue.length - 1; n > 0; n--) {
        const other = below(random, n + 1)
        ;[queue[n], queue[other]] = [queue[other]!, queue[n]!]
      }
      /** By key: the answers that were given, as status, Location and body. */
      const answers = new Map<number, Set<string>>()
      const statuses = new Map<string, number>()
      let answered = 0

      const client = async (number: number): Promise<void> => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
          for (let attempt = 0; ; attempt++) {
            const port = ports[(number + attempt) % 2]!
            const reply = await http(port, 'POST', '/api/notes', {
              agent,
              headers: { ...headers, 'idempotency-key': keys[key]! },
              body: noteOf(1 + (key % CHARACTERS), `note of key ${key}`),
            }).catch((error: Error & { code?: string }) => ({
              status: error.code ?? 'lost',
              headers: {} as Record<string, string>,
              text: '',
            }))
            statuses.set(String(reply.status), (statuses.get(String(reply.status)) ?? 0) + 1)
            if (reply.status === 201) {
              const said = answers.get(key) ?? new Set()
              answers.set(key, said.add(`${reply.headers['location']} ${reply.text}`))
              answered++
              break
            }
            if (typeof reply.status === 'number' && ![202, 503].includes(reply.status))
              throw new Error(`${reply.status} ${reply.text}`)
            await sleep(RETRY_MS)
          }
        }
        agent.destroy()
      }
      const clients = Promise.all(Array.from({ length: CONNECTIONS }, (_, number) => client(number)))
      for (const [place, share] of KILLS.entries()) {
        while (answered < POSTS * share) await Promise.race([sleep(5), clients])
        await services[place]!.kill()
        services[place] = await start(place)
      }
      await clients
      tell(`storm: ${JSON.stringify(Object.fromEntries(statuses))}`)

      expect(answers.size).toBe(KEYS)
      const ids = [...answers.values()].map((said) => [...said])
      expect(ids.filter((said) => said.length !== 1)).toEqual([])
      expect(new Set(ids.map(([said]) => said)).size).toBe(KEYS)
      for (const port of ports) {
        const list = await http(port, 'GET', '/api/notes?page%5Bsize%5D=250', { headers })
        expect(list.json.meta.total).toBe(KEYS)
        expect(new Set(list.json.data.map((note: any) => note.attributes.message)).size).toBe(KEYS)
      }
      const created = () => s.arrivals.filter(({ record }) => record.value?.toString().includes('"CREATED"'))
      expect(await s.until(() => created().length >= KEYS)).toBe(true)
      expect(created()).toHaveLength(KEYS)
      const connectionLost = [...statuses]
        .filter(([status]) => !/^\d+$/.test(status))
        .reduce((sum, [, n]) => sum + n, 0)
      expect(connectionLost, 'requests were cut off by the kills').toBeGreaterThan(0)
      expect(services.flatMap((service) => service.disasters)).toEqual([])
    } finally {
      await s.close()
    }
  })
})
