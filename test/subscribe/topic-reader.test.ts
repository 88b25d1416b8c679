/** The reader of a topic against a Kafka in memory: starts, aborted transactions, gaps, topics that change, back-pressure. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../engine/clock.ts'
import { valueOf } from '../../engine/core/headers.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { LENGTH_AT } from '../../engine/wire/layout.ts'
import { incarnationOf } from '../../subscribe/core/event-id.ts'
import type { StartAt } from '../../subscribe/start.ts'
import { type Hold, type ReaderItem, TopicReader, type TopicReaderOptions } from '../../subscribe/topic-reader.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { randomOf, TENANT_A, TestTopic, TOPIC, until } from './support.ts'

const event = (number: number, characterId = 1) => ({ tenant: TENANT_A, characterId, type: 'CREATED', number })

async function read(topic: TestTopic, start: StartAt, options: Partial<TopicReaderOptions> = {}) {
  const reader = new TopicReader({
    kafka: topic.connection,
    clock: systemClock,
    topic: TOPIC,
    hold: null,
    missingMaxMs: 0,
    ...options,
  })
  let over = false
  onTestFinished(() => {
    over = true
    reader.close()
  })
  expect(await reader.open(start)).not.toBeNull()
  const items: ReaderItem[] = []
  let failure: unknown = null
  const loop = async (): Promise<void> => {
    while (failure === null && !over) items.push(...(await reader.next(20)))
  }
  void loop().catch((error: unknown) => {
    failure = error
  })
  return { reader, items, numbers: () => items.map(numberOf), failed: () => failure }
}

const numberOf = (item: ReaderItem): number | string =>
  item.kind === 'gap' ? item.gap.reason : JSON.parse(String(valueOf(item.view))).body.noteId

const at = (...positions: number[]): StartAt => ({
  kind: 'at',
  positions: new Map(positions.entries()),
  incarnation: null,
})

test('a batch that never ends is told, and not asked for for ever', async () => {
  const topic = new TestTopic(1)
  topic.commit(event(1))
  const log = topic.kafka.cluster.log({ topic: TOPIC, partition: 0 })!
  const whole = log.read.bind(log)
  log.read = (from, maxBytes) => {
    const { records, aborted } = whole(from, maxBytes)
    const bytes = Buffer.from(records)
    bytes.writeInt32BE(1_000_000, LENGTH_AT)
    return { records: bytes, aborted }
  }
  const { failed } = await read(topic, { kind: 'earliest' })
  await until('fail', () => failed() !== null)
  expect(failed()).toMatchObject({ code: 'events.corrupt' })
})

describe('where it begins', () => {
  test('earliest: with all that is there', async () => {
    const topic = new TestTopic(1)
    topic.commit(event(1), event(2))
    const { numbers } = await read(topic, { kind: 'earliest' })
    topic.commit(event(3))
    await until('three', () => numbers().length === 3)
    expect(numbers()).toEqual([1, 2, 3])
  })

  test('earliest is no gap when the beginning is gone', async () => {
    const topic = new TestTopic(1)
    topic.commit(event(1), event(2))
    topic.deleteBefore(0, 1)
    const { numbers } = await read(topic, { kind: 'earliest' })
    await until('one', () => numbers().length === 1)
    expect(numbers()).toEqual([2])
  })

  test('latest: with what is committed from now on, also by a transaction that is open now', async () => {
    const topic = new TestTopic(1)
    topic.commit(event(1))
    topic.write([event(2)])
    const { numbers } = await read(topic, { kind: 'latest' })
    topic.end(true)
    topic.commit(event(3))
    await until('two', () => numbers().length === 2)
    expect(numbers()).toEqual([2, 3])
  })

  test('at a place of every partition; one that is not named from its start', async () => {
    const topic = new TestTopic(2)
    const [a, b] = [1, 2, 3, 4, 5, 6].reduce<[number, number]>(
      (found, id) => {
        found[partitionFor(characterKey(id), 2)] = id
        return found
      },
      [0, 0],
    )
    topic.commit(event(1, a), event(2, a), event(3, b))
    const { numbers } = await read(topic, at(1))
    await until('two', () => numbers().length === 2)
    expect(numbers().sort()).toEqual([2, 3])
  })

  test('a topic that does not exist is an error when the patience is over', async () => {
    const topic = new TestTopic(1)
    const options = { kafka: topic.connection, clock: systemClock, topic: 'other', hold: null, missingMaxMs: 0 }
    await expect(new TopicReader(options).open({ kind: 'latest' })).rejects.toMatchObject({
      code: 'events.topic_missing',
    })
  })

  test('a partition that is not there is an error, unless the place is of a topic that was there before', async () => {
    const topic = new TestTopic(1)
    const open = (incarnation: string | null) => {
      const options = { kafka: topic.connection, clock: systemClock, topic: TOPIC, hold: null, missingMaxMs: 0 }
      const reader = new TopicReader(options)
      onTestFinished(() => reader.close())
      return reader.open({ kind: 'at', positions: new Map([1, 0].entries()), incarnation })
    }
    const invalid = { code: 'events.from_invalid', message: expect.stringMatching(/no partition 1: status has 1/) }
    await expect(open(null)).rejects.toMatchObject(invalid)
    await expect(open(incarnationOf(topic.kafka.cluster.topics.get(TOPIC)!.info.topicId))).rejects.toMatchObject(
      invalid,
    )
    expect(await open('ffffffff')).toHaveLength(1)
  })
})

describe('a gap', () => {
  test('where retention has passed', async () => {
    const topic = new TestTopic(1)
    topic.commit(event(1), event(2), event(3))
    topic.deleteBefore(0, 2)
    const { items, numbers } = await read(topic, at(1))
    await until('two', () => items.length === 2)
    expect(numbers()).toEqual(['retention', 3])
    expect(items[0]).toMatchObject({ gap: { reason: 'retention', partition: 0, from: 1, to: 2 }, positions: [2] })
  })

  test('where the log ends before the place', async () => {
    const topic = new TestTopic(1)
    topic.commit(event(1))
    const { items, numbers } = await read(topic, at(1_000_000))
    await until('the gap', () => items.length === 1)
    topic.commit(event(2))
    await until('two', () => items.length === 2)
    expect(numbers()).toEqual(['truncated', 2])
  })

  test('where the place is of a topic that was there before', async () => {
    const topic = new TestTopic(1)
    topic.commit(event(1))
    const { items, numbers } = await read(topic, { kind: 'at', positions: new Map([[0, 1]]), incarnation: 'ffffffff' })
    await until('two', () => items.length === 2)
    expect(numbers()).toEqual(['recreated', 1])
  })

  test('where the topic is created again meanwhile: everything of the old one first', async () => {
    const topic = new TestTopic(2)
    topic.commit(event(1), event(2))
    const { reader, items, numbers } = await read(topic, { kind: 'earliest' })
    await until('two', () => items.length === 2)
    const before = reader.incarnation
    topic.kafka.cluster.delete(TOPIC)
    topic.create()
    topic.commit(event(3))
    await until('one of the new', () => items.length === 5)
    expect(numbers()).toEqual([1, 2, 'recreated', 'recreated', 3])
    expect(items.map(({ incarnation }) => incarnation === before)).toEqual([true, true, false, false, false])
  })
})

test('a topic that is gone is waited for', async () => {
  const topic = new TestTopic(1)
  const { numbers, failed } = await read(topic, { kind: 'earliest' })
  topic.kafka.cluster.delete(TOPIC)
  let asked = 0
  topic.kafka.fault = ({ api }) => {
    if (api === 'admin') asked++
    return null
  }
  await until('it has found it gone, again and again', () => asked > 2)
  topic.create()
  topic.commit(event(1))
  await until('it', () => numbers().includes(1))
  expect(failed()).toBeNull()
})

test('it stops fetching while nobody takes what was fetched', async () => {
  const topic = new TestTopic(1)
  let fetched = 0
  topic.kafka.fault = ({ api }) => {
    if (api === 'fetch') fetched++
    return null
  }
  for (let n = 0; n < 200; n++) topic.commit(event(n))
  const reader = new TopicReader({
    kafka: topic.connection,
    clock: systemClock,
    topic: TOPIC,
    hold: null,
    missingMaxMs: 0,
    bufferBytesMax: 1_000,
  })
  onTestFinished(() => reader.close())
  await reader.open({ kind: 'earliest' })
  await until('the first', () => fetched > 0)
  // As many turns as 200 events would take.
  for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(fetched).toBeLessThan(5)
  const numbers: unknown[] = []
  while (numbers.length < 200) numbers.push(...(await reader.next(1_000)).map(numberOf))
  expect(numbers).toEqual(Array.from({ length: 200 }, (_, n) => n))
})

test('it waits for a task that is behind, and asks for it', async () => {
  const topic = new TestTopic(1)
  const wanted = new Set<number>()
  let changed = (): void => {}
  let end = 0
  let late = 0
  const hold: Hold = {
    tasks: 1,
    publishedEnd: () => end,
    want: (task) => wanted.add(task),
    listen: (listener) => {
      changed = listener
      return () => {}
    },
    timedOut: (count) => {
      late += count
    },
  }
  const { numbers } = await read(topic, { kind: 'earliest' }, { hold })
  topic.commit(event(1))
  await until('it is asked for', () => wanted.has(0))
  expect(numbers()).toEqual([])
  end = 1
  changed()
  await until('it', () => numbers().length === 1)
  expect(late).toBe(0)
  topic.commit(event(2))
  await until('the time limit', () => numbers().length === 2)
  expect(late).toBe(1)
})

test('by chance: committed events once and in order, aborted ones never, through lost answers', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const random = randomOf(seed)
    const topic = new TestTopic(3)
    let losses = 0
    topic.kafka.fault = ({ api }) => {
      const lost = api === 'fetch' && losses < 5 && random() < 0.2
      if (lost) losses++
      return lost ? 'after' : null
    }
    const expected = [0, 1, 2].map((): number[] => [])
    const { items } = await read(topic, { kind: 'earliest' })
    let number = 0
    let open: { partition: number; number: number }[] = []
    for (let step = 0; step < 60; step++) {
      if (random() < 0.6) {
        const characterId = Math.floor(random() * 30)
        topic.write([event(++number, characterId)])
        open.push({ partition: partitionFor(characterKey(characterId), 3), number })
      } else {
        const commit = random() < 0.6
        topic.end(commit)
        if (commit) for (const written of open) expected[written.partition]!.push(written.number)
        open = []
        if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve))
      }
    }
    topic.end(false)
    const total = expected.flat().length
    await until(`seed ${seed}: all`, () => items.length >= total)
    const got = [0, 1, 2].map((p) =>
      items.flatMap((i) => (i.kind === 'event' && i.partition === p ? [numberOf(i)] : [])),
    )
    expect(got, `seed ${seed}`).toEqual(expected)
  }
})
