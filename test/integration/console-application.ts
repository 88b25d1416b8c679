/** An application of two instances for tests of the console, with notes, a dead letter, and commands that flow when asked. */
import { randomUUID } from 'node:crypto'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import type { RunningService } from '../../service.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { startReady } from '../support/running-service.ts'
import { headersOf } from './cli-support.ts'
import { eventually, http, noteOf, RestService, tenantHeaders } from './rest-support.ts'

export const TASKS = 4
export const TOKEN = 'a-token-of-the-operators'
export const TENANT = randomUUID()
const RIGHT = { authorization: `Bearer ${TOKEN}` }
const NOT_JSON = Buffer.from('{"type":"CREATE", "cut of')

export class ConsoleApplication {
  readonly first: RestService
  readonly second: RestService
  readonly services: readonly RunningService[]
  #flowing: Promise<void> = Promise.resolve()
  #flows = false
  #sent = 0

  private constructor(first: RestService, second: RestService, services: readonly RunningService[]) {
    this.first = first
    this.second = second
    this.services = services
  }

  /** Resolves when both have tasks and all of them run. */
  static async start(): Promise<ConsoleApplication> {
    const names = { TOPIC_PARTITIONS: String(TASKS), API_TOKEN: TOKEN }
    const first = await RestService.configured({ ...names, GROUP_INSTANCE_ID: 'first' })
    const { APPLICATION_ID, KAFKA_CONSUMER_GROUP, COMMAND_TOPIC_NOTE, COMMAND_TOPIC_SAGA } = first.config
    const { EVENT_TOPIC_CHARACTER_STATUS, EVENT_TOPIC_NOTE_STATUS } = first.config
    const second = await RestService.configured({
      ...names,
      ...{ APPLICATION_ID, KAFKA_CONSUMER_GROUP, COMMAND_TOPIC_NOTE, COMMAND_TOPIC_SAGA },
      ...{ EVENT_TOPIC_CHARACTER_STATUS, EVENT_TOPIC_NOTE_STATUS },
      GROUP_INSTANCE_ID: 'second',
    })
    // One after the other: the first makes the topics.
    const services = [await startReady(first.config)]
    services.push(await startReady(second.config))
    const application = new ConsoleApplication(first, second, services)
    await eventually(
      'both have tasks and run',
      async () => (await application.get('/overview')).tasks as { state: string; instance: string }[],
      (tasks) =>
        tasks.every(({ state }) => state === 'running') && new Set(tasks.map(({ instance }) => instance)).size === 2,
    )
    return application
  }

  addressOf(which: 'first' | 'second'): string {
    return `http://127.0.0.1:${this[which].port}/`
  }

  async get(path: string): Promise<any> {
    const { status, json, text } = await http(this.first.port, 'GET', `/api/operator${path}`)
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`)
    return json
  }

  async resumeAll(): Promise<void> {
    const order = { headers: RIGHT, body: { tasks: 'all' } }
    const { status, text } = await http(this.first.port, 'POST', '/api/operator/tasks/resume', order)
    if (status !== 200) throw new Error(`${status} ${text}`)
  }

  /** Resolves with its id. */
  async create(characterId: number, message: string): Promise<number> {
    const headers = { ...tenantHeaders(TENANT), ...RIGHT, 'idempotency-key': `note-${this.#sent++}` }
    const reply = await http(this.first.port, 'POST', '/api/notes', { headers, body: noteOf(characterId, message) })
    if (reply.status !== 201) throw new Error(`${reply.status} ${reply.text}`)
    return Number(reply.json.data.id)
  }

  /** A record that cannot be read; resolves with the place of its dead letter, `partition/offset`. */
  async bury(): Promise<string> {
    const kafka = connectKafka({ bootstrapServers: this.first.config.BOOTSTRAP_SERVERS, clientId: 'it-console-page' })
    const builder = new RecordBatchBuilder()
    builder.add(Date.now(), characterKey(7), NOT_JSON, headersOf(TENANT))
    const nobody = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression: 'none' } as const
    const publisher = kafka.publisher()
    const topic = this.first.config.COMMAND_TOPIC_NOTE
    const partition = partitionFor(characterKey(7), TASKS)
    const [answer] = await publisher.publish([{ topic, partition, bytes: builder.finish(nobody) }])
    await publisher.close()
    await kafka.close()
    if (answer?.code !== 0) throw new Error(`not written: ${JSON.stringify(answer)}`)
    const { letters } = await eventually(
      'the dead letter',
      () => this.get('/dead-letters'),
      (found) => found.letters.length > 0,
    )
    return /-(\d+@\d+)$/.exec(letters[0].at)![1]!.replace('@', '/')
  }

  /** Commands of many characters, each sent when the one before is done, until `still`. */
  flow(): void {
    this.#flows = true
    this.#flowing = (async () => {
      for (let character = 100; this.#flows; character = 100 + ((character - 99) % 40))
        await this.create(character, 'meet me at the old mill')
    })()
    this.#flowing.catch(() => {})
  }

  async still(): Promise<void> {
    this.#flows = false
    await this.#flowing
  }

  async close(): Promise<void> {
    this.#flows = false
    await Promise.allSettled([this.#flowing])
    await Promise.all(this.services.map((service) => service.close()))
  }
}
