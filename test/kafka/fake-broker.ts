/**
 * A broker that answers what a test tells it to, over a real socket. It checks nothing.
 */

import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Writer } from '@platformatic/kafka'

export interface FakeRequest {
  readonly key: number
  readonly version: number
  readonly body: Buffer
  readonly socket: Socket
  /** Which connection it came over, counted from 0. */
  readonly connection: number
}

/** A Writer or Buffer is the answer's body; 'silent' answers nothing; 'cut' destroys the connection. */
export type FakeAnswer = Writer | Buffer | 'silent' | 'cut'

/** TLS as a server has it. */
export interface FakeTls {
  readonly key: Buffer
  readonly cert: Buffer
}

/** ApiVersions in any version and SaslHandshake are answered without tagged fields in the header. */
const plainHeaders = new Set([17, 18])

export class FakeBroker {
  readonly requests: FakeRequest[] = []
  connections = 0
  answer: (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer> = () => 'silent'
  port = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(tls?: FakeTls) {
    const serve = (socket: Socket) => this.#serve(socket)
    this.#server = tls ? createTlsServer(tls, serve) : createServer(serve)
    this.#server.on('tlsClientError', () => {})
  }

  static async start(tls?: FakeTls): Promise<FakeBroker> {
    const broker = new FakeBroker(tls)
    await new Promise<void>((resolve) => broker.#server.listen(0, '127.0.0.1', resolve))
    broker.port = (broker.#server.address() as AddressInfo).port
    return broker
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Requests seen so far, by API key. */
  seen(key: number): readonly FakeRequest[] {
    return this.requests.filter((request) => request.key === key)
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.dropConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #serve(socket: Socket): void {
    const connection = this.connections++
    let pending = Buffer.alloc(0)
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', async (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const frame = pending.subarray(4, 4 + pending.readInt32BE(0))
        pending = pending.subarray(4 + frame.length)
        const key = frame.readInt16BE(0)
        const clientIdLength = Math.max(0, frame.readInt16BE(8))
        const version = frame.readInt16BE(2)
        const plainRequest = key === 17 || (key === 18 && version < 3)
        const body = frame.subarray(10 + clientIdLength + (plainRequest ? 0 : 1))
        const request = { key, version, body, socket, connection }
        this.requests.push(request)
        const answer = await this.answer(request)
        if (answer === 'cut') socket.destroy()
        else if (answer !== 'silent') {
          const payload = Buffer.isBuffer(answer) ? answer : answer.buffer
          const header = Buffer.alloc(plainHeaders.has(key) ? 8 : 9)
          header.writeInt32BE(header.length - 4 + payload.length, 0)
          frame.copy(header, 4, 4, 8) // correlation id
          socket.write(Buffer.concat([header, payload]))
        }
      }
    })
  }
}

export interface FakeTopic {
  readonly name: string
  /** Null: the topic is not to be had, for the reason of `code`. */
  readonly topicId: string | null
  readonly leaders: readonly number[]
  readonly code?: number
}

/** A Metadata v12 answer: these brokers (node id = index), these topics; asked names that are not among them: code 3. */
export function metadataAnswer(
  brokers: readonly number[],
  topics: readonly FakeTopic[],
  asked: readonly string[],
): Writer {
  const writer = Writer.create()
    .appendInt32(0)
    .appendArray([...brokers], (writer, port, index) => {
      writer.appendInt32(index).appendString('127.0.0.1').appendInt32(port).appendString(null)
    })
    .appendString('fake')
    .appendInt32(0)
  const entries = asked.map(
    (name) => topics.find((topic) => topic.name === name) ?? { name, topicId: null, leaders: [], code: 3 },
  )
  return writer
    .appendArray(entries, (writer, topic) => {
      writer
        .appendInt16(topic.code ?? 0)
        .appendString(topic.name)
        .appendUUID(topic.topicId)
        .appendBoolean(false)
        .appendArray([...topic.leaders], (writer, leader, index) => {
          writer.appendInt16(0).appendInt32(index).appendInt32(leader).appendInt32(0)
          for (let list = 0; list < 3; list++) writer.appendArray([], () => {})
        })
        .appendInt32(0)
    })
    .appendTaggedFields()
}

/** Names asked for in a Metadata v12 request. */
export function askedTopics(body: Buffer): string[] {
  const names: string[] = []
  let at = 1
  for (let i = 1; i < body[0]!; i++) {
    at += 16
    const length = body[at]! - 1
    names.push(body.toString('utf8', at + 1, at + 1 + length))
    at += 1 + length + 1
  }
  return names
}

export const findCoordinatorAnswer = (port: number, code = 0): Writer =>
  Writer.create()
    .appendInt32(0)
    .appendArray([0], (writer) => {
      writer.appendString('key').appendInt32(0).appendString('127.0.0.1').appendInt32(port)
      writer.appendInt16(code).appendString(null)
    })
    .appendTaggedFields()
