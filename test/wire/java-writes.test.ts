import { describe, expect, test } from 'vitest'
import { murmur2, partitionFor } from '../../engine/core/murmur2.ts'
import { readBatches } from '../../engine/wire/record-batch-reader.ts'
import { asJavaBatch, javaFixture, javaVectors } from './java-fixtures.ts'

describe('what Java wrote is read as Java reads it', () => {
  test.each([
    'records-none',
    'records-gzip',
    'records-snappy',
    'records-lz4',
    'records-zstd',
    'log-append-time',
    'transactions',
    'compacted',
  ])('%s', (name) => {
    const { bytes, batches } = javaFixture(name)
    expect([...readBatches(bytes)].map((batch) => asJavaBatch(bytes, batch))).toEqual(batches)
  })

  test('the log of the cleaner holds emptied batches and an emptied marker', () => {
    const empty = [...readBatches(javaFixture('compacted').bytes)].filter((batch) => batch.recordCount === 0)
    expect(empty.map((batch) => batch.isControl)).toEqual([true, false, true])
  })

  test('a message set from before Kafka 0.11 is refused by name', () => {
    expect(() => [...readBatches(javaFixture('magic-1').bytes)]).toThrow(
      expect.objectContaining({ code: 'wire.unsupported_magic' }),
    )
  })
})

describe('murmur2', () => {
  test('gives the hashes and partitions of Java', () => {
    const vectors = javaVectors()
    expect(vectors.length).toBeGreaterThan(100)
    for (const [hex, hash, ...partitions] of vectors) {
      const key = Buffer.from(hex, 'hex')
      expect([hex, murmur2(key)]).toEqual([hex, hash])
      expect([1, 3, 4, 7, 12, 100].map((count) => partitionFor(key, count))).toEqual(partitions)
    }
  })

  test('the vectors tell the rule from the one with >>> 0 (trap P18)', () => {
    const differing = javaVectors().filter(([, hash, , of3]) => (hash >>> 0) % 3 !== of3)
    expect(differing.length).toBeGreaterThan(10)
  })

  test('no partitions is a mistake', () => {
    expect(() => partitionFor(Buffer.from('k'), 0)).toThrow(RangeError)
  })
})
