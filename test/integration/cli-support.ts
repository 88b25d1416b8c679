/** A note service of the test's own, in this process, on the shared broker and Redis; and the CLI run against it. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pino from 'pino'
import { runCli } from '../../cli/run.ts'
import { type Config, readConfig } from '../../config.ts'
import { freePorts } from '../../embedded/free-port.ts'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { Kafka } from '../../engine/ports.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { type RunningService, startService } from '../../service.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { testBootstrap } from '../support/stack.ts'

export const TENANT_A = '083839c6-c47c-42a6-9585-76492795d123'
export const TENANT_B = '447d0baa-7661-4ee2-9e50-d0b02dc71999'
export const TASKS = 2

/** Two cores are shared. */
const SETTLE_MS = 40_000

type Addressed = Config & { BOOTSTRAP_SERVERS: string; REDIS_URL: string }

export interface CliResult {
  readonly exit: number
  readonly out: string
  readonly err: string
}

export class CliWorld {
  readonly application: string
  readonly env: Readonly<Record<string, string>>
  readonly config: Addressed
  readonly kafka: Kafka
  readonly redis: Redis
  service: RunningService | null = null

  private constructor(application: string, env: Record<string, string>) {
    this.application = application
    this.env = env
    this.config = readConfig(env) as Addressed
    this.kafka = connectKafka({ bootstrapServers: this.config.BOOTSTRAP_SERVERS, clientId: `it-${application}` })
    this.redis = new Redis(this.config.REDIS_URL)
  }

  /** Nothing runs yet, no topic exists. */
  static async open(env: Readonly<Record<string, string>> = {}): Promise<CliWorld> {
    const suffix = randomBytes(4).toString('hex')
    const [port] = await freePorts(1)
    const world = new CliWorld(`cli-${suffix}`, {
      BOOTSTRAP_SERVERS: testBootstrap(),
      REDIS_URL: process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:16379',
      REST_PORT: String(port),
      APPLICATION_ID: `cli-${suffix}`,
      GROUP_INSTANCE_ID: `cli-${suffix}`,
      KAFKA_CONSUMER_GROUP: `cli-${suffix}`,
      COMMAND_TOPIC_NOTE: `it-cli-command-${suffix}`,
      EVENT_TOPIC_CHARACTER_STATUS: `it-cli-character-${suffix}`,
      EVENT_TOPIC_NOTE_STATUS: `it-cli-status-${suffix}`,
      COMMAND_TOPIC_SAGA: `it-cli-saga-${suffix}`,
      TOPIC_PARTITIONS: String(TASKS),
      // What a test breaks by hand stays broken, unless it says otherwise.
      AUDIT_INTERVAL_MS: '0',
      ...env,
    })
    return world
  }

  async start(): Promise<void> {
    this.service = await startService(this.config, pino({ level: 'silent' }))
    await this.service.ready
  }

  /** Starts, and waits until every task has stopped with this code; then ends the service. */
  async startsAndStopsWith(code: string): Promise<void> {
    this.service = await startService(this.config, pino({ level: 'silent' }))
    const reasons = (): readonly string[] => this.service!.health.readiness().reasons
    await eventually(
      `every task stops with ${code}`,
      async () => reasons().filter((reason) => reason.endsWith(`stopped (${code})`)).length === TASKS,
      () => reasons().join('; '),
    )
    await this.stop()
  }

  /** Leaves the group, so that it is empty at once. */
  async stop(): Promise<void> {
    await this.service?.close()
    this.service = null
  }

  async close(): Promise<void> {
    await this.stop()
    const keys = await this.redis.keys(`{${this.application}:*`)
    if (keys.length > 0) await this.redis.del(keys)
    this.redis.disconnect()
    await this.kafka.close()
  }

  async cli(...argv: string[]): Promise<CliResult> {
    let out = ''
    let err = ''
    const exit = await runCli(argv, {
      env: this.env,
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
      runningStack: () => null,
    })
    return { exit, out, err }
  }

  async json(...argv: string[]): Promise<{ exit: number; value: any; err: string }> {
    const { exit, out, err } = await this.cli(...argv, '--json')
    return { exit, value: JSON.parse(out), err }
  }

  /** Sends values to the command topic, each to its character's home unless a partition is given. */
  async send(
    values: readonly unknown[],
    options: { tenant?: string; partition?: number; headers?: boolean; timestampMs?: number } = {},
  ): Promise<void> {
    const builders = new Map<number, RecordBatchBuilder>()
    for (const value of values) {
      const character = (value as { characterId?: number } | null)?.characterId ?? 0
      const partition = options.partition ?? partitionFor(characterKey(character), TASKS)
      const builder = builders.get(partition) ?? new RecordBatchBuilder()
      builders.set(partition, builder)
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      builder.add(
        options.timestampMs ?? Date.now(),
        characterKey(character),
        text,
        options.headers === false ? encodeHeaders([]) : headersOf(options.tenant ?? TENANT_A),
      )
    }
    const nobody = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression: 'none' } as const
    const publisher = this.kafka.publisher()
    const topic = this.config.COMMAND_TOPIC_NOTE
    const batches = [...builders].map(([partition, builder]) => ({ topic, partition, bytes: builder.finish(nobody) }))
    const answers = await publisher.publish(batches)
    await publisher.close()
    if (answers.some(({ code }) => code !== 0)) throw new Error(`not written: ${JSON.stringify(answers)}`)
  }

  /** Waits until the service has processed everything that was sent, and Redis has it. */
  async settled(): Promise<void> {
    await eventually('everything is processed', () => this.#isSettled())
  }

  async #isSettled(): Promise<boolean> {
    const { value } = await this.json('tasks')
    const tasks = value.tasks as TaskJson[]
    if (tasks.some((task) => task.partitions.some(({ lag }) => lag > 0))) return false
    const verified = await this.json('verify')
    return verified.value.tasks.every((task: { behind: number }) => task.behind === 0)
  }
}

/** Polls until the condition holds. */
export async function eventually(
  what: string,
  holds: () => Promise<boolean>,
  why: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${SETTLE_MS} ms: ${what} ${why()}`)
    await sleep(50)
  }
}

interface TaskJson {
  readonly partitions: readonly { readonly lag: number }[]
}

export const headersOf = (tenant: string): Buffer =>
  encodeHeaders([
    ['TENANT_ID', Buffer.from(tenant)],
    ['REGION', Buffer.from('GMS')],
    ['MAJOR_VERSION', Buffer.from([0, 83])],
    ['MINOR_VERSION', Buffer.from([0, 1])],
  ])

export const create = (characterId: number, senderId: number, message: string) => ({
  worldId: 0,
  channelId: 0,
  characterId,
  type: 'CREATE',
  body: { senderId, message, flag: 0 },
})

export const discard = (characterId: number, noteIds: readonly number[]) => ({
  worldId: 0,
  channelId: 0,
  characterId,
  type: 'DISCARD',
  body: { noteIds },
})
