/** Markers that the broker loses, seen by whole processes: what hangs is ended as it was decided, and nothing is written behind it. */
import { beforeEach, describe, expect, test } from 'vitest'
import { OFFSETS_TOPIC, writtenPartitions } from '../../engine/core/hanging.ts'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { codes } from '../../engine/core/kafka-errors.ts'
import { position } from '../../engine/core/numbers.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { PLAIN_STAMP, RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import type { MemoryCall } from '../../testing/kafka/memory-kafka.ts'
import { OutputRecord } from '../../testing/output-record.ts'
import { World } from '../../testing/world.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { COMMANDS, STATUS } from '../contract/notes.ts'
import { create, tenantHeaders } from '../notes/records.ts'

let events: { event: EngineEvent; process: string }[]
let sent: number
let world: World
/** Answered to the next Produce. */
let refuse: number
/** What the next EndTxn decides gets no marker. */
let losing: boolean
/** Called when it is decided. */
let lost: () => void
/** Looks at transactions. */
let looks: number

beforeEach(async () => {
  events = []
  sent = 0
  refuse = 0
  losing = false
  lost = () => {}
  looks = 0
  world = await World.create(noteTopology, {
    onEvent: (event, process) => events.push({ event, process }),
    kafkaFault: ({ api }: MemoryCall) => {
      if (api === 'transactions') looks++
      if (api === 'produce' && refuse !== 0) {
        const code = refuse
        refuse = 0
        return code
      }
      if (api !== 'end-txn' || !losing) return null
      losing = false
      withoutLeaders(20)
      lost()
      return null
    },
  })
})

/** All that the application writes to, as while a broker starts. */
function withoutLeaders(forMs: number): void {
  const { cluster } = world.kafka
  const names = writtenPartitions(world.plan).map(({ topic, partition }) => `${topic}-${partition}`)
  for (const name of [...names, `${OFFSETS_TOPIC}-0`]) cluster.leaderless.add(name)
  world.kafka.restarts++
  world.clock.after(forMs, () => cluster.leaderless.clear())
}

/** One note for each of the next characters. */
function send(count: number): void {
  for (let i = 0; i < count; i++) {
    const character = ++sent
    const builder = new RecordBatchBuilder()
    const value = JSON.stringify(create(character, 7, `m${character}`))
    builder.add(world.clock.nowMs(), characterKey(character), value, encodeHeaders(tenantHeaders()))
    const bytes = builder.finish(PLAIN_STAMP)
    world.kafka.cluster.append({ topic: COMMANDS, partition: i % 4 }, bytes)
  }
}

function expectExactlyOnce(): void {
  const created = world.kafka.cluster.topics
    .get(STATUS)!
    .logs.flatMap((log, partition) =>
      log
        .committed(position(0))
        .map(({ view }) => new OutputRecord(STATUS, partition, view).json.characterId as number),
    )
  expect(created.sort((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, i) => i + 1))
  for (const [topic, { logs }] of world.kafka.cluster.topics)
    for (const log of logs) expect(log.lastStableOffset, topic).toBe(log.end)
  expect(world.kafka.pendingOffsets).toEqual([])
}

const warnings = (code: string, by?: string): string[] =>
  events.flatMap(({ event, process }) =>
    event.kind === 'warning' && event.code === code && (by === undefined || process === by) ? [event.message] : [],
  )

/** Its transaction is aborted when Produce is answered so. */
async function losingNext(code = 0): Promise<void> {
  await world.untilRunning()
  send(8)
  await world.untilAtRest()
  losing = true
  refuse = code
  send(8)
  await world.until('lose markers', () => world.kafka.transactions.markersLost > 0)
}

/** Its owner dies in the moment in which they are lost. */
async function losingWithOwner(code = 0): Promise<void> {
  const a = world.start('a')
  await world.untilRunning()
  lost = () => world.clock.soon(() => world.kill(a))
  await losingNext(code)
}

test('without a disturbance nobody looks', async () => {
  world.start('a')
  await world.untilRunning()
  send(8)
  await world.untilAtRest()
  const before = looks
  for (let i = 0; i < 20; i++) {
    send(8)
    await world.untilAtRest()
  }
  await world.advance(30_000)
  expect(looks).toBe(before)
  expectExactlyOnce()
})

describe.each([
  ['committed', 0],
  ['aborted', codes.OUT_OF_ORDER_SEQUENCE_NUMBER],
])('%s', (outcome, code) => {
  test('its owner ends it before it writes again', async () => {
    world.start('a')
    await world.untilRunning()
    await losingNext(code)
    send(8)
    await world.untilAtRest()
    expectExactlyOnce()
    const mended = warnings('transaction.mended')
    expect(mended.some((message) => message.startsWith(OFFSETS_TOPIC))).toBe(true)
    for (const message of mended) expect(message).toContain(`it was ${outcome}`)
  })

  test('its successor ends it', async () => {
    await losingWithOwner(code)
    world.start('b')
    send(8)
    await world.untilAtRest()
    await world.until('end all of it', () => world.kafka.pendingOffsets.length === 0)
    expectExactlyOnce()
    expect(warnings('transaction.mended', 'b').length).toBeGreaterThan(2)
  })

  test('its owner ends it when it has started again', async () => {
    await losingWithOwner(code)
    world.start('a')
    send(8)
    await world.untilAtRest()
    expectExactlyOnce()
  })
})

describe('without the right to write markers', () => {
  test('an aborted one is ended all the same', async () => {
    world.kafka.isAbortMarkerDenied = true
    world.start('a')
    await world.untilRunning()
    await losingNext(codes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    send(8)
    await world.untilAtRest()
    expectExactlyOnce()
    expect(warnings('transaction.mended').length).toBeGreaterThan(2)
  })
})

describe('outputs alone', () => {
  test('are found by the housekeeping, though nobody writes any more', async () => {
    world.start('a')
    await world.untilRunning()
    send(8)
    await world.untilAtRest()
    losing = true
    send(8)
    await world.until('lose markers', () => world.kafka.transactions.markersLost > 0)
    await world.advance(40_000)
    expectExactlyOnce()
  })
})

describe('one whose coordinator has gone on since', () => {
  /** As if another process had used the id since: its last transaction is not this one. */
  async function passed(code = 0) {
    await losingWithOwner(code)
    return world.kafka.transactions.init('test-a', null, 5_000).identity
  }

  test.each([
    ['committed', 0],
    ['aborted', codes.OUT_OF_ORDER_SEQUENCE_NUMBER],
  ])('is ended as the coordinator has written: %s', async (outcome, code) => {
    await passed(code)
    world.start('b')
    send(8)
    await world.untilAtRest()
    await world.until('end all of it', () => world.kafka.pendingOffsets.length === 0)
    expectExactlyOnce()
    for (const message of warnings('transaction.mended')) expect(message).toContain(`it was ${outcome}`)
    expect(warnings('transaction.hanging')).toEqual([])
  })

  test('and where that may not be read, is said with the command, and left alone; behind an operator it goes on', async () => {
    world.kafka.isPastDenied = true
    const { cluster } = world.kafka
    const identity = await passed()
    world.start('b')
    await world.until('say so', () => warnings('transaction.hanging', 'b').length > 0)
    const [message] = warnings('transaction.hanging', 'b')
    expect(message).toContain('kafka-transactions.sh')
    expect(message).toContain('__transaction_state cannot be read: TOPIC_AUTHORIZATION_FAILED')
    await world.advance(20_000)
    expect(warnings('transaction.mended')).toEqual([])
    for (const { topic, partition } of writtenPartitions(world.plan))
      if (cluster.log({ topic, partition })!.openTransactions.size > 0)
        cluster.complete({ topic, partition }, identity.producerId, identity.epoch, true)
    world.kafka.decideOffsets(identity.producerId, true)
    await world.untilAtRest()
    expectExactlyOnce()
  })
})
