/**
 * Transactions that have lost their markers, on a real broker: records, changelog and offsets hang at once, and the
 * service ends them as they were decided. What went in comes out once, in order, and the state is that of the inputs.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type EmbeddedKafka, startKafka } from '../../embedded/kafka.ts'
import { systemClock } from '../../engine/clock.ts'
import { OFFSETS_TOPIC, writtenPartitions } from '../../engine/core/hanging.ts'
import { NO_HEADERS, valueOf } from '../../engine/core/headers.ts'
import { position } from '../../engine/core/numbers.ts'
import { type Plan, partitionName } from '../../engine/core/plan.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { Instance } from '../../engine/instance.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { Kafka } from '../../engine/ports.ts'
import { prepare } from '../../engine/preparation.ts'
import { fetchEnd } from '../../engine/wire/fetch-end.ts'
import { FetchedRecords } from '../../engine/wire/fetched-records.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { MemoryRedis } from '../../stores/memory.ts'
import { storeLayoutOf } from '../../stores/store-layout.ts'
import { defineTopology, type Topology } from '../../topology/define.ts'
import { json } from '../../topology/json.ts'
import { sink } from '../../topology/sinks.ts'
import { type Decoder, source } from '../../topology/sources.ts'
import { value } from '../../topology/stores.ts'
import { unique } from './kafka-support.ts'
import { type Ending, LosingKafka } from './losing-kafka.ts'

interface Add {
  readonly type: 'ADD'
  readonly key: string
  readonly n: number
}

const PARTITIONS = 2
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const PATIENCE_MS = 60_000
// A test waits several times, and says what it has waited for.
vi.setConfig({ testTimeout: 180_000 })

let broker: EmbeddedKafka
let kafka: Kafka
beforeAll(async () => {
  broker = await startKafka({
    progress: () => {},
    overrides: { 'transaction.partition.verification.enable': 'false' },
  })
  kafka = connectKafka({ bootstrapServers: broker.bootstrapServers, clientId: 'hanging' })
}, 180_000)
afterAll(async () => {
  await kafka?.close()
  await broker?.stop()
})

const sums = value<string, { readonly count: number; readonly sum: number }>({ name: 'sums', key: (key) => key })
const out = sink<unknown>({ topic: 'OUT' })

const add: Decoder<Add> = json((object) => object as unknown as Add)

/** Every output tells all that came before it for its key: one that is lost or doubled changes all behind it. */
const topology: Topology = defineTopology<null>({
  name: 'adding',
  context: { read: () => null, write: () => [] },
  sources: [
    source({
      topic: 'IN',
      decode: add,
      key: (message) => Buffer.from(message.key),
      on: {
        ADD: {
          reads: ({ message }) => [sums.read(message.key)],
          transform: ({ message: { key, n } }, state) => {
            const { count, sum } = state.value(sums, key) ?? { count: 0, sum: 0 }
            const now = { count: count + 1, sum: sum + n }
            return [sums.put(key, now), out.emit(Buffer.from(key), { key, n, ...now })]
          },
        },
      },
    }),
  ],
  stores: [sums],
  sinks: [out],
})

class Bench {
  readonly application = unique('hang')
  readonly events: EngineEvent[] = []
  readonly redis = new MemoryRedis()
  readonly processes: { instance: Instance; losing: LosingKafka }[] = []
  plan!: Plan
  #deleteRetentionMs = 0
  readonly #sent: Add[] = []

  async prepare(): Promise<void> {
    const { plan, deleteRetentionMs } = await prepare(kafka, systemClock, () => {}, {
      topology,
      application: this.application,
      groupId: this.application,
      topicNames: { IN: `${this.application}-in`, OUT: `${this.application}-out` },
      topicPartitions: PARTITIONS,
      createTopics: true,
      requireSpanContext: false,
      stride: null,
      patienceMs: 30_000,
    })
    this.plan = plan
    this.#deleteRetentionMs = deleteRetentionMs
    await kafka.admin.createTopics([
      { topic: `${this.application}-decoy`, partitions: 1, replicationFactor: 1, configs: {} },
    ])
  }

  start(instanceId: string | null = null): LosingKafka {
    const losing = new LosingKafka(kafka, broker.port, `${this.application}-decoy`)
    losing.groupId = this.application
    const instance = new Instance({
      plan: this.plan,
      kafka: losing.kafka,
      stores: this.redis.stores(storeLayoutOf(topology, this.application)),
      clock: systemClock,
      listener: (event) => this.events.push(event),
      instanceId,
      deleteRetentionMs: this.#deleteRetentionMs,
    })
    this.processes.push({ instance, losing })
    instance.start()
    return losing
  }

  /** Some for every key, so that every partition and task has work. */
  async send(each: number): Promise<void> {
    const publisher = kafka.publisher()
    const byPartition = new Map<number, RecordBatchBuilder>()
    for (let i = 0; i < each; i++)
      KEYS.forEach((key, k) => {
        const message: Add = { type: 'ADD', key, n: this.#sent.length + 1 }
        this.#sent.push(message)
        const partition = k % PARTITIONS
        const builder = byPartition.get(partition) ?? new RecordBatchBuilder()
        byPartition.set(partition, builder)
        builder.add(Date.now(), Buffer.from(key), JSON.stringify(message), NO_HEADERS)
      })
    for (const [partition, builder] of byPartition) {
      const bytes = builder.finish({
        producerId: -1n,
        epoch: -1,
        baseSequence: -1,
        transactional: false,
        compression: 'none',
      })
      const [answer] = await publisher.publish([{ topic: `${this.application}-in`, partition, bytes }])
      expect(answer?.code).toBe(0)
    }
    await publisher.close()
  }

  /** What a read_committed reader sees, by key. */
  async outputs(): Promise<ReadonlyMap<string, readonly unknown[]>> {
    const topic = `${this.application}-out`
    const found = new Map<string, unknown[]>(KEYS.map((key) => [key, []]))
    const client = kafka.fetchClient()
    for (let partition = 0; partition < PARTITIONS; partition++)
      for (let at = position(0); ; ) {
        const request = { topic, partition, position: at, maxBytes: 1_000_000 }
        const [answer] = await client.fetch([request], { maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000 })
        const end = fetchEnd(answer!.records, at)
        if (answer!.code !== 0 || end <= at) break
        const records = new FetchedRecords(answer!.records, answer!.aborted, at)
        for (let view = records.next(); view; view = records.next()) {
          const output = JSON.parse(String(valueOf(view))) as Add
          found.get(output.key)!.push(output)
        }
        at = end
      }
    await client.close()
    return found
  }

  get expected(): ReadonlyMap<string, readonly unknown[]> {
    const found = new Map<string, unknown[]>(KEYS.map((key) => [key, []]))
    const state = new Map<string, { count: number; sum: number }>()
    for (const { key, n } of this.#sent) {
      const { count, sum } = state.get(key) ?? { count: 0, sum: 0 }
      const now = { count: count + 1, sum: sum + n }
      state.set(key, now)
      found.get(key)!.push({ key, n, ...now })
    }
    return found
  }

  /** Partitions in which a transaction is open, by name. */
  async held(): Promise<readonly string[]> {
    const count = (await kafka.admin.topics([OFFSETS_TOPIC])).get(OFFSETS_TOPIC)!.partitions
    const offsets = Array.from({ length: count }, (_, partition) => ({ topic: OFFSETS_TOPIC, partition }))
    const answers = await kafka.transactions.open([...writtenPartitions(this.plan), ...offsets])
    return answers.filter(({ transactions }) => transactions.length > 0).map(partitionName)
  }

  warnings(code: string): readonly string[] {
    return this.events.flatMap((e) => (e.kind === 'warning' && e.code === code ? [e.message] : []))
  }

  async expectExactlyOnce(): Promise<void> {
    const wanted = [...this.expected.values()].flat().length
    await eventually(
      async () => [...(await this.outputs()).values()].flat().length >= wanted,
      () => this.told(),
    )
    expect(await this.outputs()).toEqual(this.expected)
    await eventually(
      async () => (await this.held()).length === 0,
      () => this.told(),
    )
    expect(this.events.filter((e) => e.kind === 'task.stopped' || e.kind === 'instance.stopped')).toEqual([])
  }

  told(): string {
    return this.events
      .map((event) => JSON.stringify(event, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)))
      .slice(-40)
      .join('\n')
  }

  async close(): Promise<void> {
    for (const { instance, losing } of this.processes) {
      losing.kill()
      await instance.close(0)
      await losing.close()
    }
  }
}

async function eventually(right: () => Promise<boolean> | boolean, told: () => string): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await right())) {
    if (performance.now() > end) throw new Error(`not within ${PATIENCE_MS} ms\n${told()}`)
    await sleep(20)
  }
}

let bench: Bench
afterEach(() => bench?.close())

async function running(): Promise<LosingKafka> {
  bench = new Bench()
  await bench.prepare()
  const losing = bench.start()
  await bench.send(3)
  await bench.expectExactlyOnce()
  return losing
}

/** The next transaction loses its markers. */
async function lose(losing: LosingKafka, ending: Ending): Promise<void> {
  losing.arm = ending
  await bench.send(3)
  await eventually(
    () => losing.lost === 1,
    () => bench.told(),
  )
}

/** The same, of a process with a name that it dies behind. */
async function loseAndDie(ending: Ending): Promise<void> {
  bench = new Bench()
  await bench.prepare()
  const losing = bench.start('fixed')
  await bench.send(2)
  await bench.expectExactlyOnce()
  losing.diesBehind = true
  await lose(losing, ending)
}

describe.each<Ending>(['commit', 'abort'])('markers of a transaction that ended with %s are lost', (ending) => {
  test('and its owner lives: it ends it before it writes again', async () => {
    const losing = await running()
    await lose(losing, ending)
    await bench.send(3)
    await bench.expectExactlyOnce()
    const mended = bench.warnings('transaction.mended')
    for (const part of ['-changelog-', '-out-', OFFSETS_TOPIC])
      expect(
        mended.some((message) => message.includes(part)),
        `${part} in ${mended.join('; ')}`,
      ).toBe(true)
    for (const message of mended) expect(message).toContain(ending === 'commit' ? 'it was committed' : 'it was aborted')
  })

  test('and its owner is dead: its successor ends it', async () => {
    const losing = await running()
    losing.diesBehind = true
    await lose(losing, ending)
    const held = await bench.held()
    expect(held.some((name) => name.includes('-changelog-'))).toBe(true)
    expect(held.some((name) => name.includes('-out-'))).toBe(true)
    expect(held.some((name) => name.startsWith(OFFSETS_TOPIC))).toBe(true)
    bench.start()
    await bench.send(3)
    await bench.expectExactlyOnce()
  })

  test('and its owner starts again under the same name', async () => {
    await loseAndDie(ending)
    bench.start('fixed')
    await bench.send(3)
    await bench.expectExactlyOnce()
  })

  test('and its id has been initialised since: it is ended as its coordinator has written', async () => {
    await loseAndDie(ending)
    const transactionalId = `${bench.application}-fixed`
    const late = kafka.transactionClient({ transactionalId, groupId: bench.application, transactionTimeoutMs: 10_000 })
    await eventually(
      async () => (await late.initProducerId(null)).code === 0,
      () => bench.told(),
    )
    expect((await kafka.transactions.describe(transactionalId)).state).toBe('Empty')
    await late.close()
    bench.start('fixed')
    await bench.send(3)
    await bench.expectExactlyOnce()
    for (const message of bench.warnings('transaction.mended'))
      expect(message).toContain(ending === 'commit' ? 'it was committed' : 'it was aborted')
  })
})

describe('without ClusterAction', () => {
  test('an aborted one is ended by a transaction of the same id, which is aborted', async () => {
    const losing = await running()
    losing.isDenied = true
    await lose(losing, 'abort')
    await bench.send(3)
    await bench.expectExactlyOnce()
  })

  test('an aborted one of the dead likewise', async () => {
    const losing = await running()
    losing.diesBehind = true
    await lose(losing, 'abort')
    const successor = bench.start()
    successor.isDenied = true
    await bench.send(3)
    await bench.expectExactlyOnce()
  })

  test('a committed one is said, left alone and not written behind; with the right it goes on', async () => {
    const losing = await running()
    losing.isDenied = true
    await lose(losing, 'commit')
    await bench.send(3)
    await eventually(
      () => bench.warnings('transaction.hanging').length > 0,
      () => bench.told(),
    )
    expect(bench.warnings('transaction.hanging')[0]).toContain('--operation ClusterAction')
    const before = await kafka.admin.listOffsets(writtenPartitions(bench.plan), 'latest')
    await sleep(1_000)
    expect(await kafka.admin.listOffsets(writtenPartitions(bench.plan), 'latest')).toEqual(before)
    losing.isDenied = false
    await bench.expectExactlyOnce()
  })
})
