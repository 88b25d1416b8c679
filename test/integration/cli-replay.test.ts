/**
 * Dead letters shown and replayed: the original bytes, once each, whatever becomes of the run. What is counted is what a
 * read_committed reader of the original topic sees.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keyOf, readHeaders, valueOf } from '../../engine/core/headers.ts'
import { position } from '../../engine/core/numbers.ts'
import { type Kafka, RequestLost, type TransactionClient } from '../../engine/ports.ts'
import { findDeployment } from '../../operations/deployment.ts'
import { logRanges, readRecords } from '../../operations/records.ts'
import { type ReplayRequest, replay } from '../../operations/replay.ts'
import { preparationOf } from '../../service-options.ts'
import { CliWorld, create, eventually, headersOf, TENANT_A } from './cli-support.ts'

let world: CliWorld

beforeEach(async () => {
  world = await CliWorld.open()
  await world.start()
})

afterEach(() => world.close())

interface Sent {
  readonly from: string
  readonly text: string
}

/** Every replayed record of the command topic: which letter it is of, and all of its bytes as text. */
async function replayed(): Promise<readonly Sent[]> {
  const topic = world.config.COMMAND_TOPIC_NOTE
  const partitions = [0, 1].map((partition) => ({ topic, partition }))
  const logs = await logRanges(world.kafka, partitions)
  const fetch = world.kafka.fetchClient()
  const found: Sent[] = []
  for (const at of partitions) {
    const { start, end } = logs.get(`${topic}-${at.partition}`)!
    await readRecords(fetch, at, position(start), position(end), 'wait', (view) => {
      const headers = readHeaders(view)
      const from = headers.find(({ name }) => name === 'dead-letter.replayed-from')
      const rest = headers.filter((header) => header !== from).map(({ name, value }) => [name, value?.toString('hex')])
      const text = JSON.stringify([
        at.partition,
        view.timestampMs,
        keyOf(view)?.toString('hex'),
        valueOf(view)?.toString('latin1'),
        rest,
      ])
      if (from) found.push({ from: String(from.value), text })
    })
  }
  await fetch.close()
  return found
}

async function bury(count: number, timestampMs?: number): Promise<readonly string[]> {
  const values = Array.from({ length: count }, (_, at) => `no JSON ${at}`)
  const dated = timestampMs === undefined ? {} : { timestampMs }
  await world.send(values.slice(0, Math.ceil(count / 2)), { partition: 0, ...dated })
  await world.send(values.slice(Math.ceil(count / 2)), { partition: 1, ...dated })
  await eventually('all are dead letters', async () => {
    const { value } = await world.json('dead-letters', 'list', '--limit', '10000')
    return value.deadLetters.length >= count
  })
  const { value } = await world.json('dead-letters', 'list', '--limit', '10000')
  return value.deadLetters.map(({ at }: { at: string }) => at.slice(at.lastIndexOf('-') + 1))
}

const once_ = (places: readonly string[], sent: readonly Sent[]): void => {
  expect(sent.map(({ from }) => from).toSorted()).toEqual([...places].sort())
}

test('shown, replayed as it was, listed, and never again', async () => {
  // Older than letters are kept: they are kept from when they were buried.
  const recordedAtMs = Date.now() - 40 * 24 * 60 * 60 * 1_000
  const [place] = await bury(1, recordedAtMs)
  const before = await world.json('dead-letters', 'show', place!)
  expect(before).toMatchObject({
    exit: 0,
    value: {
      reason: 'value.not_json',
      origin: `${world.config.COMMAND_TOPIC_NOTE}-0@0`,
      value: { text: 'no JSON 0' },
      key: { hex: '0000000000000000' },
      replayed: null,
      replayedFrom: null,
    },
  })
  expect(before.value.headers[0]).toEqual({ name: 'TENANT_ID', value: { text: TENANT_A } })
  expect((await world.cli('dead-letters', 'show', place!)).out).toMatch(/^header MAJOR_VERSION +0x0053$/m)
  expect((await world.cli('dead-letters', 'show', '0@99')).exit).toBe(1)
  expect((await world.cli('dead-letters', 'show', '7@0')).exit).toBe(2)

  const dry = await world.json('dead-letters', 'replay')
  expect(dry).toMatchObject({ exit: 0, value: { execute: false, complete: true } })
  expect(dry.value.items).toMatchObject([
    { place, outcome: 'waits', to: `${world.config.COMMAND_TOPIC_NOTE}-0`, at: null },
  ])
  expect((await world.cli('dead-letters', 'replay')).out).toMatch(/nothing was written: add --execute$/m)
  expect(await replayed()).toEqual([])
  expect(await world.json('dead-letters', 'show', place!)).toEqual(before)

  expect(await world.json('dead-letters', 'replay', place!, '--execute')).toMatchObject({
    exit: 0,
    value: { items: [{ place, outcome: 'replayed' }] },
  })
  expect(Date.parse(before.value.time)).toBeGreaterThan(Date.now() - 60_000)
  const headers = headersOf(TENANT_A)
  expect(await replayed()).toEqual([
    {
      from: place,
      text: expect.stringContaining(JSON.stringify([0, recordedAtMs, '0000000000000000', 'no JSON 0']).slice(0, -1)),
    },
  ])
  expect(headers.length).toBeGreaterThan(1)

  // It fails again, as it must, and its new letter says from where it came.
  await eventually('it is a dead letter again', async () => {
    const { value } = await world.json('dead-letters', 'list')
    return value.deadLetters.length === 2
  })
  const { value } = await world.json('dead-letters', 'list')
  expect(value.deadLetters).toMatchObject([
    { replayed: { to: `${world.config.COMMAND_TOPIC_NOTE}-0` }, replayedFrom: null },
    { replayed: null, replayedFrom: place, headers: before.value.headers },
  ])
  const again = await world.json('dead-letters', 'replay', place!, '--execute')
  expect(again).toMatchObject({ exit: 0, value: { items: [{ place, outcome: 'already' }] } })
  expect(await replayed()).toHaveLength(1)
  expect(await world.json('dead-letters', 'replay', '1@5')).toMatchObject({
    exit: 1,
    value: { items: [{ place: '1@5', outcome: 'missing' }] },
  })
  expect((await world.json('dead-letters', 'replay', '--reason', 'value.empty')).value.items).toEqual([])
  expect((await world.cli('verify')).exit).toBe(0)
})

test('with the cause mended it is processed, and nothing of the replay goes on', async () => {
  await world.stop()
  Object.assign(world.config, { REQUIRE_SPAN_CONTEXT: true })
  await world.start()
  await world.send([create(7, 9, 'hello')])
  await eventually('it is a dead letter', async () => {
    const { value } = await world.json('dead-letters', 'list')
    return value.deadLetters.length === 1
  })
  await world.stop()
  Object.assign(world.config, { REQUIRE_SPAN_CONTEXT: false })
  await world.start()
  const { value } = await world.json('dead-letters', 'replay', '--execute')
  expect(value.items).toMatchObject([{ reason: 'headers.span_context_invalid', outcome: 'replayed' }])
  await world.settled()
  const events = (await world.cli('events', '--json')).out.trim().split('\n')
  expect(events.map((line) => JSON.parse(line).event.body.message)).toEqual(['hello'])

  const topic = world.config.EVENT_TOPIC_NOTE_STATUS
  const partitions = [0, 1].map((partition) => ({ topic, partition }))
  const logs = await logRanges(world.kafka, partitions)
  const fetch = world.kafka.fetchClient()
  const names = new Set<string>()
  for (const at of partitions)
    await readRecords(fetch, at, position(0), position(logs.get(`${topic}-${at.partition}`)!.end), 'wait', (view) => {
      for (const { name } of readHeaders(view)) names.add(name)
    })
  await fetch.close()
  expect([...names].sort()).toEqual(['MAJOR_VERSION', 'MINOR_VERSION', 'REGION', 'TENANT_ID', 'traceparent'])
})

const LETTERS = 1_000
const KILLS_MAX = 3

test('killed half-way, again and again: each once', async () => {
  const places = await bury(LETTERS)
  await world.stop()
  const root = resolve(import.meta.dirname, '../..')
  let kills = 0
  for (let run = 0; run < 20; run++) {
    const before = (await replayed()).length
    const child = spawn(process.execPath, ['cli/main.ts', 'dead-letters', 'replay', '--limit', '10000', '--execute'], {
      cwd: root,
      env: { ...process.env, ...world.env },
      stdio: 'ignore',
    })
    const ended = once(child, 'exit') as Promise<[number | null]>
    let gone = false
    void ended.then(() => {
      gone = true
    })
    // As soon as this run has committed something, it is probably in the middle of the next.
    while (!gone && kills < KILLS_MAX) {
      if ((await replayedNow()) > before) {
        if (child.kill('SIGKILL')) kills++
        break
      }
      await sleep(1)
    }
    if ((await ended)[0] === 0) break
  }
  expect(kills).toBeGreaterThan(0)
  const sent = await replayed()
  once_(places, sent)
  expect((await world.json('dead-letters', 'replay', '--limit', '10000', '--execute')).value.items).toEqual([])
  once_(places, await replayed())
}, 180_000)

/** Cheaper than reading them: the stable end of the topic, which grows with every commit. */
async function replayedNow(): Promise<number> {
  const partitions = [0, 1].map((partition) => ({ topic: world.config.COMMAND_TOPIC_NOTE, partition }))
  const ends = await world.kafka.admin.listOffsets(partitions, 'stable')
  return ends.reduce((sum, { position }) => sum + position, 0) - LETTERS - 1
}

/** A Kafka whose transaction clients fail as told, at the n-th call. */
function failing(kafka: Kafka, fail: (call: string, n: number) => 'before' | 'after' | null): Kafka {
  let n = 0
  const wrap = <T>(call: string, act: () => Promise<T>): Promise<T> => {
    const how = fail(call, n++)
    if (how === null) return act()
    const lost = (): Promise<never> => Promise.reject(new RequestLost(call, how === 'after', 'as told'))
    return how === 'before' ? lost() : act().then(lost)
  }
  return {
    ...kafka,
    transactionClient: (options) => {
      const client = kafka.transactionClient(options)
      return {
        ...client,
        transactionalId: client.transactionalId,
        interruptions: 0,
        initProducerId: (current) => client.initProducerId(current),
        produce: (batches) => wrap('produce', () => client.produce(batches)),
        endTxn: (identity, commit) => wrap('endTxn', () => client.endTxn(identity, commit)),
        txnOffsetCommit: (...args) => client.txnOffsetCommit(...args),
        close: () => client.close(),
      } satisfies TransactionClient
    },
  }
}

const request: ReplayRequest = { places: [], reason: null, limit: 10_000, execute: true, by: 'test' }

test.each([
  [
    'produce is not answered, and was written',
    (call: string, n: number) => (call === 'produce' && n === 0 ? 'after' : null),
  ],
  ['produce never left', (call: string, n: number) => (call === 'produce' && n === 2 ? 'before' : null)],
  [
    'the commit is not answered, and happened',
    (call: string, n: number) => (call === 'endTxn' && n === 1 ? 'after' : null),
  ],
  ['the commit never left', (call: string, n: number) => (call === 'endTxn' && n === 3 ? 'before' : null)],
] as const)('%s: each once, and told so', async (_, fail) => {
  const places = await bury(250)
  await world.stop()
  const plan = await findDeployment(world.kafka, preparationOf(world.config))
  const { items, complete } = await replay({ kafka: failing(world.kafka, fail), plan }, request)
  expect(complete).toBe(true)
  expect(
    items
      .filter(({ outcome }) => outcome === 'replayed')
      .map(({ place }) => place)
      .toSorted(),
  ).toEqual([...places].sort())
  once_(places, await replayed())
})

test('two at once: one gives way, each letter once', async () => {
  const places = await bury(400)
  await world.stop()
  const plan = await findDeployment(world.kafka, preparationOf(world.config))
  const runs = await Promise.allSettled([
    replay({ kafka: world.kafka, plan }, request),
    replay({ kafka: world.kafka, plan }, request),
  ])
  const failed = runs.filter((run) => run.status === 'rejected')
  expect(failed.map(({ reason }) => reason.code)).toEqual(failed.map(() => 'replay.fenced'))
  expect(failed.length).toBeLessThan(2)
  await replay({ kafka: world.kafka, plan }, request)
  once_(places, await replayed())
})
