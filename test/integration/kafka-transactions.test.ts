/** Transaction protocol version 2 as the pinned broker speaks it: every answer that design.md builds on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codes } from '../../engine/core/kafka-errors.ts'
import type { GroupClient, Kafka } from '../../engine/ports.ts'
import { at, batchesOf, createTopic, Owner, openKafka, recordBatch, settled, unique, until } from './kafka-support.ts'

let kafka: Kafka
let topic: string
beforeAll(async () => {
  kafka = openKafka()
  topic = unique('tx')
  await createTopic(kafka, topic, 3)
})
afterAll(() => kafka.close())

const lane = async (name: string): Promise<{ owner: Owner; group: GroupClient; id: string }> => {
  const id = unique(name)
  return { owner: await Owner.start(kafka, id, id), group: kafka.groupClient(id), id }
}
const committed = async (group: GroupClient, partition = 0) => {
  const { code, offsets } = await until(
    () => group.offsets([{ topic, partition }], true),
    (answer) => settled(answer) && answer.code !== codes.UNSTABLE_OFFSET_COMMIT,
  )
  return code === 0 ? (offsets[0]?.position ?? 'none') : code
}

describe('a transaction', () => {
  test('committed: offsets and records together, and the next identity comes with the answer', async () => {
    const { owner, group } = await lane('commit')
    const first = owner.identity
    expect(await committed(group)).toBe('none')
    expect(await owner.offsets([at(topic, 0, 5), at(topic, 1, 7)])).toEqual([0, 0])
    expect((await group.offsets([{ topic, partition: 0 }], true)).code).toBe(codes.UNSTABLE_OFFSET_COMMIT)
    expect(await group.offsets([{ topic, partition: 0 }], false)).toEqual({ code: 0, offsets: [] })
    const produced = await owner.produce(topic, 0, ['a', 'b'])
    expect(produced).toMatchObject({ topic, partition: 0, code: 0 })
    expect(await owner.end(true)).toBe(0)
    expect(owner.identity).toEqual({ producerId: first.producerId, epoch: first.epoch + 1 })
    expect([await committed(group), await committed(group, 1)]).toEqual([5, 7])
    const client = kafka.fetchClient()
    // The marker of each partition is written for itself: that of the offsets says nothing of this one's.
    const [fetched] = await until(
      () =>
        client.fetch([{ ...at(topic, 0, produced.baseOffset), maxBytes: 65_536 }], {
          maxWaitMs: 100,
          minBytes: 1,
          maxBytes: 65_536,
        }),
      ([answer]) => answer!.records.length > 0,
    )
    await client.close()
    expect(fetched!.aborted).toEqual([])
    expect(batchesOf(fetched!.records)[0]).toMatchObject({ baseOffset: produced.baseOffset, records: 2 })
    // the next transaction starts with sequence 0 again
    expect((await owner.produce(topic, 0, ['c'])).code).toBe(0)
    expect(await owner.end(false)).toBe(0)
  })

  test('aborted: offsets as before, records listed as aborted', async () => {
    const { owner, group } = await lane('abort')
    expect(await owner.offsets([at(topic, 1, 3)])).toEqual([0])
    expect(await owner.end(true)).toBe(0)
    expect(await owner.offsets([at(topic, 1, 9)])).toEqual([0])
    const produced = await owner.produce(topic, 1, ['x'])
    const { producerId } = owner.identity
    expect(await owner.end(false)).toBe(0)
    expect(await committed(group, 1)).toBe(3)
    const client = kafka.fetchClient()
    const [fetched] = await until(
      () =>
        client.fetch([{ ...at(topic, 1, produced.baseOffset), maxBytes: 65_536 }], {
          maxWaitMs: 100,
          minBytes: 1,
          maxBytes: 65_536,
        }),
      ([answer]) => answer!.aborted.length > 0,
    )
    expect(fetched!.aborted).toEqual([{ producerId, firstOffset: produced.baseOffset }])
    await client.close()
  })

  test('one that never opened can be aborted, but not committed', async () => {
    const { owner } = await lane('empty')
    expect([await owner.end(false), await owner.end(true)]).toEqual([0, codes.INVALID_TXN_STATE])
  })

  test('a Produce sent twice is written once', async () => {
    const { owner } = await lane('twice')
    const [first, second] = [await owner.produce(topic, 2, ['once']), await owner.produce(topic, 2, ['once'])]
    expect([first.code, second.code]).toEqual([0, 0])
    expect(second.baseOffset).toBe(first.baseOffset)
    expect(await owner.end(false)).toBe(0)
  })

  test('a sequence with a gap is refused, and the next transaction is clean', async () => {
    const { owner } = await lane('gap')
    expect((await owner.produce(topic, 2, ['a'])).code).toBe(0)
    expect((await owner.produce(topic, 2, ['b'], 7)).code).toBe(codes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(await owner.end(false)).toBe(0)
    expect((await owner.produce(topic, 2, ['c'])).code).toBe(0)
    expect(await owner.end(true)).toBe(0)
  })

  test('a record beyond max.message.bytes is refused, the other partition is not', async () => {
    const { owner } = await lane('large')
    const batches = [
      { topic, partition: 0, bytes: recordBatch(owner.identity, ['x'.repeat(1_100_000)]) },
      { topic, partition: 1, bytes: recordBatch(owner.identity, ['small']) },
    ]
    const answers = await owner.client.produce(batches)
    expect(answers.map(({ partition, code }) => [partition, code])).toEqual([
      [0, codes.MESSAGE_TOO_LARGE],
      [1, 0],
    ])
    expect(await owner.end(false)).toBe(0)
  })
})

describe('answers after the fact', () => {
  test('EndTxn sent again: the same is done, the opposite is refused', async () => {
    const { owner } = await lane('again')
    await owner.offsets([at(topic, 0, 1)])
    const before = owner.identity
    expect(await owner.end(true)).toBe(0)
    const again = await until(() => owner.client.endTxn(before, true), settled)
    expect(again).toEqual({ code: 0, identity: owner.identity })
    expect((await until(() => owner.client.endTxn(before, false), settled)).code).toBe(codes.INVALID_TXN_STATE)
  })

  test('nothing of transaction N gets into N+1', async () => {
    const { owner, group } = await lane('late')
    await owner.offsets([at(topic, 0, 1)])
    const late = owner.identity
    expect(await owner.end(true)).toBe(0)
    await owner.offsets([at(topic, 0, 2)])
    expect((await owner.client.endTxn(late, true)).code).toBe(codes.PRODUCER_FENCED)
    const membership = { memberId: '', generation: -1, instanceId: null }
    const lateOffsets = await owner.client.txnOffsetCommit(late, membership, [at(topic, 0, 99)])
    expect(lateOffsets[0]!.code).toBe(codes.INVALID_PRODUCER_EPOCH)
    const bytes = recordBatch(late, ['late'])
    expect((await owner.client.produce([{ topic, partition: 0, bytes }]))[0]!.code).toBe(codes.INVALID_PRODUCER_EPOCH)
    expect(await owner.end(true)).toBe(0)
    expect(await committed(group)).toBe(2)
  })

  test('a restarted owner fences the one before it', async () => {
    const { owner, group, id } = await lane('fenced')
    await owner.offsets([at(topic, 0, 1)])
    const second = await Owner.start(kafka, id, id)
    expect(await owner.end(true)).toBe(codes.PRODUCER_FENCED)
    expect(await owner.offsets([at(topic, 0, 2)])).toEqual([codes.INVALID_PRODUCER_EPOCH])
    expect((await owner.produce(topic, 0, ['zombie'])).code).toBe(codes.INVALID_PRODUCER_EPOCH)
    expect(await committed(group)).toBe('none')
    expect(await second.offsets([at(topic, 0, 3)])).toEqual([0])
    expect(await second.end(true)).toBe(0)
    expect(await committed(group)).toBe(3)
  })

  test('a refused TxnOffsetCommit has opened a transaction, which must be aborted', async () => {
    const { owner, id } = await lane('refused')
    const stranger = { memberId: 'nobody', generation: 5, instanceId: null }
    // of a group that has no members at all; with members it is UNKNOWN_MEMBER_ID
    expect(await owner.offsets([at(topic, 0, 1)], stranger)).toEqual([codes.ILLEGAL_GENERATION])
    expect(await kafka.transactions.describe(id)).toMatchObject({ code: 0, state: 'Ongoing' })
    expect(await owner.end(false)).toBe(0)
  })

  test.each([true, false])(
    'a pending offset locks nobody out: the later TxnOffsetCommit wins (its EndTxn first: %s)',
    async (laterFirst) => {
      const { owner, group, id } = await lane('pending')
      const other = await Owner.start(kafka, unique('pending-other'), id)
      expect(await owner.offsets([at(topic, 0, 20)])).toEqual([0])
      expect(await other.offsets([at(topic, 0, 10)])).toEqual([0])
      for (const ending of laterFirst ? [other, owner] : [owner, other]) expect(await ending.end(true)).toBe(0)
      expect(await committed(group)).toBe(10)
    },
  )
})

const slow = process.env.TEST_SLOW === '1'
test.skipIf(!slow)(
  'the epoch runs out: commit, its repetition and the new producer id (TEST_SLOW=1, half a minute)',
  async () => {
    const { owner, group } = await lane('epochs')
    const first = owner.identity.producerId
    // aborting what never opened takes an epoch as well, and less time
    while (owner.identity.epoch < 32_764) expect(await owner.end(false)).toBe(0)
    for (let offset = 1; owner.identity.producerId === first; offset++) {
      expect(await owner.offsets([at(topic, 0, offset)])).toEqual([0])
      expect((await owner.produce(topic, 0, ['x'])).code).toBe(0)
      const before = owner.identity
      expect(await owner.end(true)).toBe(0)
      expect(await until(() => owner.client.endTxn(before, true), settled)).toEqual({
        code: 0,
        identity: owner.identity,
      })
      expect((await until(() => owner.client.endTxn(before, false), settled)).code).toBe(codes.INVALID_TXN_STATE)
      expect(await committed(group)).toBe(offset)
    }
    expect(owner.identity.epoch).toBe(0)
    expect(await owner.offsets([at(topic, 0, 9)])).toEqual([0])
    expect(await owner.end(false)).toBe(0)
    expect(await committed(group)).not.toBe(9)
  },
  300_000,
)

describe('ending the transaction of a dead owner', () => {
  test('found by state and by producer id, described, fenced; the offsets are stable then', async () => {
    const { owner, group, id } = await lane('dead')
    await owner.offsets([at(topic, 0, 1)])
    expect(await owner.end(true)).toBe(0)
    await owner.offsets([at(topic, 0, 2)])
    const produced = await owner.produce(topic, 0, ['abandoned'])
    const listing = { transactionalId: id, producerId: owner.identity.producerId, state: 'Ongoing' }
    expect(await kafka.transactions.list({ states: ['Ongoing'] })).toContainEqual(listing)
    expect(await kafka.transactions.list({ producerIds: [listing.producerId] })).toEqual([listing])
    const described = await kafka.transactions.describe(id)
    expect(described).toMatchObject({ code: 0, transactionalId: id, state: 'Ongoing', ...owner.identity })
    expect(described.startedAtMs).toBeGreaterThan(0)
    expect(described.partitions.map(({ topic }) => topic).sort()).toEqual(['__consumer_offsets', topic].sort())
    const producers = await kafka.transactions.producers({ topic, partition: 0 })
    expect(producers.find(({ producerId }) => producerId === listing.producerId)).toMatchObject({
      epoch: owner.identity.epoch,
      currentTxnStartOffset: produced.baseOffset,
    })
    const { producerId, epoch } = described
    expect(await kafka.transactions.fence(id, { producerId, epoch })).toBe(codes.CONCURRENT_TRANSACTIONS)
    expect(await committed(group)).toBe(1)
    // Until its marker is there this partition takes the owner's records.
    await until(
      () => kafka.transactions.producers({ topic, partition: 0 }),
      (open) => !open.some((one) => one.producerId === listing.producerId && one.currentTxnStartOffset >= 0),
    )
    // Had the owner been alive: its commit tells that the opposite was decided, its abort gives it the next identity.
    expect((await owner.produce(topic, 0, ['late'], 1)).code).toBe(codes.INVALID_PRODUCER_EPOCH)
    expect(await owner.end(true)).toBe(codes.INVALID_TXN_STATE)
    expect(await owner.end(false)).toBe(0)
    expect(await owner.offsets([at(topic, 0, 3)])).toEqual([0])
    expect(await owner.end(true)).toBe(0)
    expect(await committed(group)).toBe(3)
  })

  test('a fence that comes too late harms nobody', async () => {
    const { owner, group, id } = await lane('alive')
    await owner.offsets([at(topic, 0, 1)])
    const stale = owner.identity
    expect(await owner.end(true)).toBe(0)
    expect(await committed(group)).toBe(1)
    await until(() => kafka.transactions.fence(id, stale).then((code) => ({ code })), settled)
    expect(await owner.offsets([at(topic, 0, 2)])).toEqual([0])
    expect(await owner.end(true)).toBe(0)
    expect(await committed(group)).toBe(2)
  })

  test('an id that nobody ever used', async () => {
    const { id } = await lane('unused')
    const described = await until(() => kafka.transactions.describe(`${id}-never`), settled)
    expect(described.code).toBe(codes.TRANSACTIONAL_ID_NOT_FOUND)
  })
})
