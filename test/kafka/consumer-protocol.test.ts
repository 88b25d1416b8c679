import { decodeConsumerProtocolAssignment, decodeConsumerProtocolSubscription } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ConsumerProtocolError,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../engine/core/consumer-protocol.ts'

const bytes = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

const partition = fc.record({ topic: fc.constantFrom('a', 'b.c', 'ü'), partition: fc.nat({ max: 1000 }) })
/** Grouped by topic, as they come back. */
const partitions = fc
  .uniqueArray(partition, { selector: ({ topic, partition }) => `${topic}-${partition}`, maxLength: 20 })
  .map((list) => [...Map.groupBy(list, ({ topic }) => topic).values()].flat())
const userData = fc.uint8Array({ maxLength: 50 }).map((list) => Buffer.from(list))

describe('subscription', () => {
  test('bytes of version 1', () => {
    const subscription = {
      topics: ['in'],
      userData: Buffer.from([7]),
      ownedPartitions: [{ topic: 'in', partition: 3 }],
    }
    const encoded = bytes('0001 00000001 0002 696e 00000001 07 00000001 0002 696e 00000001 00000003')
    expect(encodeSubscription(subscription)).toEqual(encoded)
    expect(decodeSubscription(encoded)).toEqual(subscription)
  })

  test('version 0 owns nothing; what version 3 adds is skipped; null user data is empty', () => {
    expect(decodeSubscription(bytes('0000 00000001 0002 696e ffffffff'))).toEqual({
      topics: ['in'],
      userData: Buffer.alloc(0),
      ownedPartitions: [],
    })
    expect(decodeSubscription(bytes('0003 00000000 00000000 00000000 00000005 0001 72')).topics).toEqual([])
  })

  test('round trip, and the client library reads the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b.c', 'ü')),
        userData,
        partitions,
        (topics, userData, ownedPartitions) => {
          const encoded = encodeSubscription({ topics, userData, ownedPartitions })
          expect(decodeSubscription(encoded)).toEqual({ topics, userData, ownedPartitions })
          expect(decodeConsumerProtocolSubscription(encoded)).toMatchObject({ version: 1, topics })
        },
      ),
    )
  })
})

describe('assignment', () => {
  test('bytes of version 1', () => {
    const assignment = { partitions: [{ topic: 'in', partition: 3 }], userData: Buffer.from([7]) }
    const encoded = bytes('0001 00000001 0002 696e 00000001 00000003 00000001 07')
    expect(encodeAssignment(assignment)).toEqual(encoded)
    expect(decodeAssignment(encoded)).toEqual(assignment)
  })

  test('empty bytes are an empty assignment', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual({ partitions: [], userData: Buffer.alloc(0) })
  })

  test('round trip, and the client library reads the same', () => {
    fc.assert(
      fc.property(partitions, userData, (partitions, userData) => {
        const encoded = encodeAssignment({ partitions, userData })
        expect(decodeAssignment(encoded)).toEqual({ partitions, userData })
        const theirs = decodeConsumerProtocolAssignment(encoded)
        expect(
          theirs.assignedPartitions.flatMap(({ topic, partitions }) =>
            partitions.map((partition) => ({ topic, partition })),
          ),
        ).toEqual(partitions)
      }),
    )
  })
})

test('user data does not keep the answer it came in', () => {
  const encoded = encodeAssignment({ partitions: [], userData: Buffer.from([7]) })
  const { userData } = decodeAssignment(encoded)
  encoded.fill(0)
  expect([...userData]).toEqual([7])
})

test('any bytes decode or are refused with a code', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fc.constantFrom(0, 1, 2, 0x7f, 0xff), { maxLength: 60 }).map((list) => Uint8Array.from(list)),
  )
  fc.assert(
    fc.property(hostile, (list) => {
      for (const decode of [decodeSubscription, decodeAssignment]) {
        try {
          decode(Buffer.from(list))
        } catch (error) {
          if (!(error instanceof ConsumerProtocolError)) throw error
        }
      }
    }),
  )
})

test('a topic name beyond int16 is refused', () => {
  const topics = ['x'.repeat(40_000)]
  expect(() => encodeSubscription({ topics, userData: Buffer.alloc(0) })).toThrow(ConsumerProtocolError)
})
