/**
 * The REST interface on the real engine between models of Kafka and Redis, on a clock of its own: requests by fastify's
 * inject, commands by a publisher on the model, reads from the model of the store.
 */
import type { FastifyInstance, InjectOptions } from 'fastify'
import { onTestFinished } from 'vitest'
import { Health } from '../../api/health.ts'
import { Metrics } from '../../api/metrics.ts'
import { createBackend, type RestBackend } from '../../api/rest/backend.ts'
import { createApp } from '../../api/server.ts'
import type { Clock } from '../../engine/clock.ts'
import type { Publisher } from '../../engine/ports.ts'
import type { StateReader } from '../../stores/ports.ts'
import { storeLayoutOf } from '../../stores/store-layout.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { TENANT_A } from '../notes/records.ts'

export const tenantOf = (id: string = TENANT_A) => ({
  TENANT_ID: id,
  REGION: 'GMS',
  MAJOR_VERSION: '83',
  MINOR_VERSION: '1',
})

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>
  readonly text: string
  readonly json: any
}

export interface Request {
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** An object as JSON; text and bytes as they are. */
  readonly body?: unknown
  readonly tenant?: string
}

export interface RestWorldOptions {
  readonly token?: string
  readonly requestsPerMinute?: number
  readonly reader?: (real: StateReader) => StateReader
  readonly publisher?: (real: Publisher) => Publisher
  readonly partitions?: number
  /** REST is not ready. */
  readonly starting?: boolean
}

export const newNote = (characterId: number, message = 'hello', more: object = {}) => ({
  data: { type: 'notes', attributes: { characterId, senderId: 9, message, flag: 0, ...more } },
})

export const noteChange = (attributes: object) => ({ data: { type: 'notes', attributes } })

const PATIENCE_MS = 60_000
/** Of the event loop, before time passes. */
const TURNS = 4

export class RestWorld {
  readonly app: FastifyInstance
  readonly driver: TopologyTestDriver
  readonly backend: RestBackend
  readonly health: Health
  readonly metrics: Metrics
  readonly problems: unknown[]
  /** How far the clock of this process is ahead of the processor's. */
  readonly skew: { ms: number }

  static async start(options: RestWorldOptions = {}): Promise<RestWorld> {
    const driver = await TopologyTestDriver.start(noteTopology, { topicPartitions: options.partitions ?? 4 })
    const { world } = driver
    const reader = world.redis.reader(storeLayoutOf(noteTopology, world.plan.application))
    const publisher = world.kafka.connect('api').publisher()
    const skew = { ms: 0 }
    const clock: Clock = {
      nowMs: () => world.clock.nowMs() + skew.ms,
      elapsedMs: () => world.clock.elapsedMs(),
      after: (delayMs, run) => world.clock.after(delayMs, run),
      soon: (run) => world.clock.soon(run),
      random: () => world.clock.random(),
    }
    const backend = createBackend({
      plan: world.plan,
      reader: options.reader?.(reader) ?? reader,
      publisher: options.publisher?.(publisher) ?? publisher,
      clock,
      lagOf: () => 0,
    })
    const health = new Health()
    const metrics = new Metrics('test')
    const problems: unknown[] = []
    const app = await createApp(
      {
        health,
        metrics,
        token: options.token,
        requestsPerMinute: options.requestsPerMinute ?? null,
        problem: (error) => problems.push(error),
      },
      () => (options.starting ? null : backend),
    )
    const rest = new RestWorld({ app, driver, backend, health, metrics, problems, skew })
    onTestFinished(() => rest.close())
    return rest
  }

  private constructor(
    parts: Pick<RestWorld, 'app' | 'driver' | 'backend' | 'health' | 'metrics' | 'problems' | 'skew'>,
  ) {
    this.app = parts.app
    this.driver = parts.driver
    this.backend = parts.backend
    this.health = parts.health
    this.metrics = parts.metrics
    this.problems = parts.problems
    this.skew = parts.skew
  }

  /** Runs the world until the answer is there. */
  send(method: string, url: string, request: Request = {}): Promise<Reply> {
    return this.finish(this.begin(method, url, request))
  }

  /** Does not run the world: for requests side by side, which `finish` waits for. */
  async begin(method: string, url: string, { headers = {}, body, tenant }: Request = {}): Promise<Reply> {
    const hasBody = body !== undefined
    const sent: Record<string, string | undefined> = {
      ...tenantOf(tenant),
      host: 'localhost:8080',
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
      ...headers,
    }
    const response = await this.app.inject({
      method: method as NonNullable<InjectOptions['method']>,
      url,
      headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined)),
      ...(hasBody ? { payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) } : {}),
    })
    const text = response.body
    return {
      status: response.statusCode,
      headers: response.headers,
      text,
      json: String(response.headers['content-type']).includes('json') && text !== '' ? JSON.parse(text) : null,
    }
  }

  /**
   * Runs the world until it is settled. Unlike the world's own, this waits for the turns of the event loop that a request
   * takes outside of the clock.
   */
  async finish<T>(work: Promise<T>): Promise<T> {
    const { clock } = this.driver.world
    const endMs = clock.nowMs() + PATIENCE_MS
    let settled = false
    const note = (): void => {
      settled = true
    }
    work.then(note, note)
    while (!settled) {
      for (let turn = 0; turn < TURNS && !settled; turn++) await clock.settle()
      if (settled) break
      if (clock.nowMs() > endMs) throw new Error(`not done within ${PATIENCE_MS} ms of the clock's own time`)
      clock.step()
    }
    return work
  }

  /** Creates notes and answers their ids. */
  async given(characterId: number, count: number, tenant?: string): Promise<number[]> {
    const ids: number[] = []
    for (let n = 0; n < count; n++) {
      const request = { body: newNote(characterId, `note ${n}`), ...(tenant === undefined ? {} : { tenant }) }
      ids.push(Number((await this.send('POST', '/api/notes', request)).json.data.id))
    }
    return ids
  }

  async close(): Promise<void> {
    await this.app.close()
    await this.backend.close()
    const { world } = this.driver
    for (const process of [...world.processes]) world.kill(process)
  }
}

export const codesOf = (reply: Reply): string[] => reply.json.errors.map(({ code }: { code: string }) => code)

/** `real` with some of its methods replaced. */
export function withMethods<T extends object>(real: T, methods: Partial<T>): T {
  return new Proxy(real, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name)
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
