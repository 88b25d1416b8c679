/**
 * What the failover benchmark runs: service processes with their assignments, a paced feed of commands, and a reader of
 * the committed events with the time at which each came. Owns processes, clients and timers; `close` ends them all.
 */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../embedded/free-port.ts'
import { type GuardedChild, spawnGuarded } from '../embedded/guarded-child.ts'
import { partitionFor } from '../engine/core/murmur2.ts'
import { position } from '../engine/core/numbers.ts'
import type { Kafka } from '../engine/ports.ts'
import { FetchedRecords } from '../engine/wire/fetched-records.ts'
import { PLAIN_STAMP, RecordBatchBuilder } from '../engine/wire/record-batch-builder.ts'
import { COMMAND_HEADERS } from './workload.ts'

export const PARTITIONS = 4
export const COMMANDS = 'COMMAND_TOPIC_NOTE'
export const EVENTS = 'EVENT_TOPIC_NOTE_STATUS'
const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const READY_MS = 90_000
const TICK_MS = 10
const CHARACTERS = 2_000
const FETCH = { maxWaitMs: 20, minBytes: 1, maxBytes: 8 * 1024 * 1024 }
const PARTITION_BYTES_MAX = 1024 * 1024

export class Service {
  readonly child: GuardedChild
  /** As of the last assignment. */
  tasks: readonly number[] = []
  /** Resolves with the base of its REST interface, `http://127.0.0.1:<port>/api`. */
  readonly ready: Promise<string>

  static async start(env: Readonly<Record<string, string>>): Promise<Service> {
    const [port = 0] = await freePorts(1)
    const { PATH = '', HOME = '' } = process.env
    const child = await spawnGuarded({
      command: process.execPath,
      args: [MAIN],
      env: { PATH, HOME, ...env, REST_PORT: String(port) },
    })
    return new Service(child)
  }

  private constructor(child: GuardedChild) {
    this.child = child
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    createInterface({ input: child.stderr! }).on('line', (line) => {
      if (!line.includes('"group.assigned"')) return
      const { kept, gained } = JSON.parse(line) as { kept: number[]; gained: number[] }
      this.tasks = [...kept, ...gained]
    })
    createInterface({ input: child.stdout! }).on('line', (line) =>
      resolve((JSON.parse(line) as { restUrl: string }).restUrl),
    )
    const timer = setTimeout(() => reject(new Error('a service is not ready')), READY_MS)
    void child.exited.then(() => reject(new Error('a service has ended before it was ready')))
    this.ready = promise.finally(() => clearTimeout(timer))
    this.ready.catch(() => {})
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.child.signal(signal)
    await this.child.exited
  }
}

/** CREATE commands at home, so many a second. */
export async function feed(kafka: Kafka, topic: string, perSecond: number, over: () => boolean): Promise<number> {
  const publisher = kafka.publisher()
  const beganMs = performance.now()
  let sent = 0
  while (!over()) {
    const due = Math.floor(((performance.now() - beganMs) / 1_000) * perSecond)
    const builders = new Map<number, RecordBatchBuilder>()
    for (; sent < due; sent++) {
      const character = 1 + ((Math.imul(sent, 7_919) >>> 0) % CHARACTERS)
      const key = Buffer.alloc(8)
      key.writeUInt32LE(character)
      const partition = partitionFor(key, PARTITIONS)
      const builder = builders.get(partition) ?? new RecordBatchBuilder()
      builders.set(partition, builder)
      const body = `{"senderId":5,"message":"note ${sent}","flag":0}`
      const value = `{"worldId":0,"channelId":0,"characterId":${character},"type":"CREATE","body":${body}}`
      builder.add(Date.now(), key, value, COMMAND_HEADERS)
    }
    const batches = [...builders].map(([partition, b]) => ({
      topic,
      partition,
      bytes: b.finish(PLAIN_STAMP),
    }))
    if (batches.length > 0) await publisher.publish(batches)
    await sleep(TICK_MS)
  }
  await publisher.close()
  return sent
}

/** Arrivals of committed events, by partition, which is the task: times of this process, ms. */
export class Arrivals {
  readonly times: number[][] = Array.from({ length: PARTITIONS }, () => [])
  /** Aborted transactions that lay in what was fetched: work that was done again. */
  aborted = 0
  #over = false
  readonly #running: Promise<void>
  readonly #seen = new Set<string>()

  constructor(kafka: Kafka) {
    this.#running = this.#run(kafka)
    this.#running.catch(() => {})
  }

  get count(): number {
    return this.times.reduce((sum, own) => sum + own.length, 0)
  }

  /** Longest silence between two moments, by partition. */
  silences(fromMs: number, toMs: number): readonly number[] {
    return this.times.map((own) => {
      let last = fromMs
      let longest = 0
      for (const at of own) {
        if (at < fromMs || at > toMs) continue
        longest = Math.max(longest, at - last)
        last = at
      }
      return Math.max(longest, toMs - last)
    })
  }

  /** Resolves when every partition has an event behind this moment. */
  async allSince(fromMs: number, deadlineMs = 60_000): Promise<void> {
    const end = performance.now() + deadlineMs
    while (!this.times.every((own) => (own.at(-1) ?? 0) > fromMs)) {
      if (performance.now() > end) throw new Error('no events of every partition')
      await sleep(TICK_MS)
    }
  }

  async close(): Promise<void> {
    this.#over = true
    await this.#running
  }

  async #run(kafka: Kafka): Promise<void> {
    const client = kafka.fetchClient()
    const at = Array.from({ length: PARTITIONS }, () => position(0))
    while (!this.#over) {
      const asked = at.map((from, partition) => ({
        topic: EVENTS,
        partition,
        position: from,
        maxBytes: PARTITION_BYTES_MAX,
      }))
      for (const answer of await client.fetch(asked, FETCH)) {
        if (answer.code !== 0) continue
        const records = new FetchedRecords(answer.records, answer.aborted, answer.asked)
        const nowMs = performance.now()
        for (let view = records.next(); view; view = records.next()) this.times[answer.partition]!.push(nowMs)
        for (const { producerId, firstOffset } of answer.aborted) {
          const name = `${answer.partition}:${producerId}:${firstOffset}`
          if (this.#seen.has(name)) continue
          this.#seen.add(name)
          this.aborted++
        }
        at[answer.partition] = records.position
      }
    }
    await client.close()
  }
}
