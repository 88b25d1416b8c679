/** Builders that are used again: nothing of the batch before is left, what was sent stays, and the pool has a bound. */
import { expect, test } from 'vitest'
import { NO_HEADERS, valueOf } from '../../engine/core/headers.ts'
import { position } from '../../engine/core/numbers.ts'
import { BuilderPool } from '../../engine/wire/builder-pool.ts'
import { EncodedOutputs, encodeRounds } from '../../engine/wire/encoded-outputs.ts'
import { FetchedRecords } from '../../engine/wire/fetched-records.ts'

const to = { topic: 'out', partitions: 2, messageBytesMax: 4_000 }
const identity = { producerId: 7n, epoch: 3 }

function fill(outputs: EncodedOutputs, text: string, records: number): void {
  for (let i = 0; i < records; i++) outputs.add(to, i % 2, 1_000 + i, Buffer.from(`${i}`), `${text} ${i}`, NO_HEADERS)
}

const bytesOf = (outputs: EncodedOutputs) =>
  encodeRounds([outputs], identity, 'lz4', 1_000_000).flatMap((round) => round.map(({ bytes }) => bytes))

function textsOf(bytes: readonly Buffer[]): string[] {
  return bytes.flatMap((batch) => {
    const records = new FetchedRecords(batch, [], position(0))
    const texts: string[] = []
    for (let view = records.next(); view; view = records.next()) texts.push(String(valueOf(view)))
    return texts
  })
}

test('a batch in used builders has the bytes it would have in new ones', () => {
  const pool = new BuilderPool()
  const first = new EncodedOutputs(pool)
  fill(first, 'first '.repeat(30), 100)
  bytesOf(first)
  first.release()
  expect(pool.sizeBytes).toBeGreaterThan(2 * to.messageBytesMax)
  const again = new EncodedOutputs(pool)
  const fresh = new EncodedOutputs()
  for (const outputs of [again, fresh]) fill(outputs, 'second', 300)
  expect(bytesOf(again)).toEqual(bytesOf(fresh))
  expect(again.sizeBytes).toBe(fresh.sizeBytes)
})

test('what was finished before the release is not touched by the batch after it', () => {
  const pool = new BuilderPool()
  const first = new EncodedOutputs(pool)
  fill(first, 'first', 50)
  const sent = encodeRounds([first], identity, 'none', 1_000_000).flatMap((round) => round.map(({ bytes }) => bytes))
  const kept = sent.map((bytes) => Buffer.from(bytes))
  first.release()
  expect([first.sizeBytes, first.partitions]).toEqual([0, []])
  fill(new EncodedOutputs(pool), 'other', 50)
  expect(sent).toEqual(kept)
})

test('two batches at once have builders of their own', () => {
  const pool = new BuilderPool()
  const before = new EncodedOutputs(pool)
  fill(before, 'before', 10)
  before.release()
  const [one, two] = [new EncodedOutputs(pool), new EncodedOutputs(pool)]
  for (let i = 0; i < 40; i++) {
    one.add(to, i % 2, i, null, `one ${i}`, NO_HEADERS)
    two.add(to, i % 2, i, null, `two ${i}`, NO_HEADERS)
  }
  expect(textsOf(bytesOf(one)).every((text) => text.startsWith('one'))).toBe(true)
  expect(textsOf(bytesOf(two)).every((text) => text.startsWith('two'))).toBe(true)
})

test('a builder is taken once, and by topic', () => {
  const pool = new BuilderPool()
  const [a, b] = [pool.take('a'), pool.take('b')]
  expect(a).not.toBe(b)
  pool.give('a', a)
  pool.give('b', b)
  expect(pool.take('a')).toBe(a)
  expect(pool.take('a')).not.toBe(a)
  expect(pool.take('b')).toBe(b)
  expect(pool.sizeBytes).toBe(0)
})

test('a compression that was begun before the release is not taken for one of the batch after it', async () => {
  const pool = new BuilderPool()
  const first = new EncodedOutputs(pool)
  fill(first, 'first', 40)
  const compressed = first.compressAhead('gzip')
  first.release()
  const second = new EncodedOutputs(pool)
  fill(second, 'second', 40)
  await compressed
  const rounds = encodeRounds([second], identity, 'gzip', 1_000_000)
  const texts = rounds.flatMap((round) => textsOf(round.map(({ bytes }) => bytes)))
  expect(texts).toHaveLength(40)
  expect(texts.every((text) => text.startsWith('second'))).toBe(true)
})

test('a topic that is not written to any more gives way', () => {
  const pool = new BuilderPool(10_000)
  const out = pool.take('out')
  const flood = [pool.take('dead'), pool.take('dead')]
  for (const builder of flood) pool.give('dead', builder)
  pool.give('out', out)
  const next = pool.take('out')
  expect(next).not.toBe(out)
  pool.give('out', next)
  expect(pool.sizeBytes).toBe(8_192)
  expect(pool.take('out')).toBe(next)
  expect(pool.take('dead')).toBe(flood[1])
  expect(flood).not.toContain(pool.take('dead'))
})

test('a large builder that held little is not kept', () => {
  const pool = new BuilderPool()
  const large = { ...to, messageBytesMax: 1_000_000 }
  const sized = (bytes: number): void => {
    const outputs = new EncodedOutputs(pool)
    outputs.add(large, 0, 0, null, 'x'.repeat(bytes), NO_HEADERS)
    outputs.release()
  }
  sized(200_000)
  const keptBytes = pool.sizeBytes
  expect(keptBytes).toBeGreaterThan(200_000)
  sized(50_000)
  expect(pool.sizeBytes).toBe(keptBytes)
  sized(100)
  expect(pool.sizeBytes).toBe(0)
  sized(100)
  expect(pool.sizeBytes).toBe(4_096)
})

test('keeps no more bytes than its limit', () => {
  const pool = new BuilderPool(10_000)
  const builders = Array.from({ length: 4 }, () => pool.take('a'))
  for (const builder of builders) pool.give('a', builder)
  expect(pool.sizeBytes).toBe(8_192)
  expect([pool.take('a'), pool.take('a')].every((builder) => builders.includes(builder))).toBe(true)
  expect(builders).not.toContain(pool.take('a'))
})
