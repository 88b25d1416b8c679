/** A note service of the test's own in this process, on real servers, and plain HTTP to it. */
import { randomBytes } from 'node:crypto'
import { type Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { type Config, readConfig } from '../../config.ts'
import { freePorts } from '../../embedded/free-port.ts'
import type { RunningService } from '../../service.ts'
import { startReady } from '../support/running-service.ts'
import { testBootstrap, testRedis } from '../support/stack.ts'

export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly json: any
  /** From the request's being sent. */
  readonly tookMs: number
}

export interface HttpCall {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly agent?: Agent
}

/** Throws when the connection is lost. */
export function http(
  port: number,
  method: string,
  path: string,
  { headers = {}, body, agent }: HttpCall = {},
): Promise<HttpReply> {
  const beganMs = performance.now()
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  const type =
    payload === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, method, path, headers: { ...type, ...headers }, ...(agent ? { agent } : {}) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const json =
            String(response.headers['content-type']).includes('json') && text !== '' ? JSON.parse(text) : null
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json,
            tookMs: performance.now() - beganMs,
          })
        })
      },
    )
    sent.on('error', reject)
    sent.end(payload)
  })
}

export interface RawReply {
  readonly text: string
  readonly status: number
  readonly tookMs: number
}

/** Sends bytes, piece by piece as they come, and reads until the other side ends the connection or answers whole. */
export function raw(
  port: number,
  pieces: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
): Promise<RawReply> {
  const beganMs = performance.now()
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const done = (): void => {
      socket.destroy()
      resolve({ text, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), tookMs: performance.now() - beganMs })
    }
    socket.on('data', (data) => {
      text += data.toString('latin1')
      const [head = '', ...rest] = text.split('\r\n\r\n')
      const length = /content-length: (\d+)/i.exec(head)?.[1]
      if (rest.length > 0 && length !== undefined && rest.join('\r\n\r\n').length >= Number(length)) done()
    })
    socket.on('close', done)
    // What was answered before the other side hung up still counts.
    socket.on('error', () => {})
    socket.on('connect', async () => {
      for await (const piece of pieces) {
        if (socket.destroyed || !socket.writable) break
        if (!socket.write(piece))
          await new Promise<void>((go) => void socket.once('drain', go).once('close', () => go()))
      }
    })
  })
}

export const tenantHeaders = (id: string): Record<string, string> => ({
  TENANT_ID: id,
  REGION: 'GMS',
  MAJOR_VERSION: '83',
  MINOR_VERSION: '1',
})

export const noteOf = (characterId: number, message: string) => ({
  data: { type: 'notes', attributes: { characterId, senderId: 9, message, flag: 0 } },
})

export class RestService {
  readonly config: Config & { BOOTSTRAP_SERVERS: string; REDIS_URL: string }
  service: RunningService | null = null

  /** Starts nothing. */
  static async configured(environment: Readonly<Record<string, string>> = {}): Promise<RestService> {
    const [port = 0] = await freePorts(1)
    const run = randomBytes(4).toString('hex')
    return new RestService(
      readConfig({
        BOOTSTRAP_SERVERS: testBootstrap(),
        REDIS_URL: testRedis(),
        REST_PORT: String(port),
        APPLICATION_ID: `it-rest-${run}`,
        KAFKA_CONSUMER_GROUP: `it-rest-${run}`,
        COMMAND_TOPIC_NOTE: `it-rest-commands-${run}`,
        EVENT_TOPIC_CHARACTER_STATUS: `it-rest-characters-${run}`,
        EVENT_TOPIC_NOTE_STATUS: `it-rest-status-${run}`,
        COMMAND_TOPIC_SAGA: `it-rest-saga-${run}`,
        TOPIC_PARTITIONS: '3',
        ...environment,
      }) as RestService['config'],
    )
  }

  private constructor(config: RestService['config']) {
    this.config = config
  }

  get port(): number {
    return this.config.REST_PORT
  }

  async start(): Promise<void> {
    this.service = await startReady(this.config)
  }

  async stop(): Promise<void> {
    await this.service?.close()
    this.service = null
  }
}

/** Until the condition holds. Throws at the deadline with what it last saw. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T>,
  holds: (answer: T) => boolean,
  deadlineMs = 30_000,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (holds(answer)) return answer
    if (performance.now() > end)
      throw new Error(`${what}: not within ${deadlineMs} ms; last: ${JSON.stringify(answer)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
