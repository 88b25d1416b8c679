/** The lane driver between fakes: what it tells the group of answers that come late. */
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../engine/clock.ts'
import { codes } from '../../engine/core/kafka-errors.ts'
import { position } from '../../engine/core/numbers.ts'
import type { Ownership } from '../../engine/core/ownership.ts'
import { LaneDriver } from '../../engine/lane-driver.ts'
import type { LaneMender } from '../../engine/lane-guard.ts'
import type { Code, GroupMembership, PartitionCode, TransactionClient } from '../../engine/ports.ts'
import { EncodedOutputs } from '../../engine/wire/encoded-outputs.ts'

const clock: Clock = {
  nowMs: () => 0,
  elapsedMs: () => 0,
  after: (_, run) => {
    const timer = setImmediate(run)
    return () => clearImmediate(timer)
  },
  soon: (run) => void setImmediate(run),
  random: () => 0.5,
}

const owning = (memberId: string): Ownership => ({
  membership: { memberId, generation: 1, instanceId: 'place' },
  tasks: new Set([0]),
  transactionalIds: new Set(['app-place']),
})

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a TxnOffsetCommit that is answered behind a new membership', () => {
  // A broker that was frozen answered one of the old membership by FENCED_INSTANCE_ID, for the same process had joined
  // anew meanwhile; the news was taken for one of the new membership, and the process stopped as a duplicate of itself.
  test('tells of the membership that it was sent with', async () => {
    const lost: [GroupMembership, Code][] = []
    const offsets = Promise.withResolvers<readonly PartitionCode[]>()
    const identity = { producerId: 1n, epoch: 0 }
    const client: TransactionClient = {
      transactionalId: 'app-place',
      interruptions: 0,
      initProducerId: async () => ({ code: 0, identity }),
      txnOffsetCommit: () => offsets.promise,
      produce: async () => [],
      endTxn: async () => ({ code: 0, identity: { producerId: 1n, epoch: 1 } }),
      addPartitions: async () => [],
      close: async () => {},
    } as unknown as TransactionClient
    const mender: LaneMender = {
      own: async () => 'clean',
      mayWrite: async () => 'yes',
      offsetsPartition: async () => null,
    }
    let ownership = owning('before')
    const before = ownership.membership
    const lane = new LaneDriver(
      client,
      { transactionTimeoutMs: 5_000, compression: 'none', requestBytesMax: 1e6, transactionBytesMax: 1e6 },
      {
        clock,
        mender,
        listener: () => {},
        ownership: () => ownership,
        fenced: () => {},
        memberLost: (of, code) => void lost.push([of, code]),
        stop: (code, message) => {
          throw new Error(`${code}: ${message}`)
        },
      },
    )
    const outputs = new EncodedOutputs()
    const commit = [{ topic: 'in', partition: 0, position: position(1) }]
    let offered = false
    lane.add(0, {
      offer: () => {
        if (offered) return null
        offered = true
        return { task: 0, outputs, offsets: commit }
      },
      entered: () => {},
      settled: () => {},
    })
    lane.start()
    await settled()
    expect(offered).toBe(true)
    ownership = owning('after')
    offsets.resolve([{ topic: 'in', partition: 0, code: codes.FENCED_INSTANCE_ID }])
    await settled()
    expect(lost).toEqual([[before, codes.FENCED_INSTANCE_ID]])
    await lane.close()
  })
})
