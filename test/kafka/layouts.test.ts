/** Request and answer layouts against bytes written by hand from Kafka's message definitions. */
import { protocolAPIsById, type Writer } from '@platformatic/kafka'
import { describe, expect, test } from 'vitest'
import { position } from '../../engine/core/numbers.ts'
import { addOffsetsToTxnApi } from '../../engine/kafka/protocol/add-offsets-to-txn.ts'
import { addPartitionsToTxnApi } from '../../engine/kafka/protocol/add-partitions-to-txn.ts'
import { AnswerReader } from '../../engine/kafka/protocol/answer-reader.ts'
import { apiVersionsApi } from '../../engine/kafka/protocol/api-versions.ts'
import { createTopicsApi } from '../../engine/kafka/protocol/create-topics.ts'
import { deleteGroupsApi } from '../../engine/kafka/protocol/delete-groups.ts'
import { deleteRecordsApi } from '../../engine/kafka/protocol/delete-records.ts'
import { deleteTopicsApi } from '../../engine/kafka/protocol/delete-topics.ts'
import { describeConfigsApi } from '../../engine/kafka/protocol/describe-configs.ts'
import { describeProducersApi } from '../../engine/kafka/protocol/describe-producers.ts'
import { describeQuorumApi } from '../../engine/kafka/protocol/describe-quorum.ts'
import { describeTransactionsApi } from '../../engine/kafka/protocol/describe-transactions.ts'
import { endTxnApi } from '../../engine/kafka/protocol/end-txn.ts'
import { fetchApi } from '../../engine/kafka/protocol/fetch.ts'
import { findCoordinatorApi } from '../../engine/kafka/protocol/find-coordinator.ts'
import { heartbeatApi } from '../../engine/kafka/protocol/heartbeat.ts'
import { initProducerIdApi } from '../../engine/kafka/protocol/init-producer-id.ts'
import { joinGroupApi } from '../../engine/kafka/protocol/join-group.ts'
import { leaveGroupApi } from '../../engine/kafka/protocol/leave-group.ts'
import { listOffsetsApi } from '../../engine/kafka/protocol/list-offsets.ts'
import { listTransactionsApi } from '../../engine/kafka/protocol/list-transactions.ts'
import { metadataApi } from '../../engine/kafka/protocol/metadata.ts'
import { offsetFetchApi } from '../../engine/kafka/protocol/offset-fetch.ts'
import { produceApi } from '../../engine/kafka/protocol/produce.ts'
import { syncGroupApi } from '../../engine/kafka/protocol/sync-group.ts'
import { txnOffsetCommitApi } from '../../engine/kafka/protocol/txn-offset-commit.ts'
import { writeTxnMarkersApi } from '../../engine/kafka/protocol/write-txn-markers.ts'
import { allApis } from './all-apis.ts'

const hex = (writer: Writer) => writer.buffer.toString('hex')
/** Spaces and line breaks are for reading. */
const bytes = (text: string) => text.replaceAll(/\s/g, '')
const answer = (text: string) => new AnswerReader(Buffer.from(bytes(text), 'hex'))
const uuid = '00112233-4455-6677-8899-aabbccddeeff'
const uuidHex = '00112233445566778899aabbccddeeff'
const identity = { producerId: 5n, epoch: 3 }
const membership = { memberId: 'm', generation: 7, instanceId: null }

test('every layout has the key that Kafka gives its name', () => {
  for (const api of allApis) expect(protocolAPIsById[api.key as keyof typeof protocolAPIsById]).toBe(api.name)
  expect(new Set(allApis.map((api) => api.key)).size).toBe(allApis.length)
})

describe('requests', () => {
  test('Produce v12', () => {
    const batch = (topic: string, partition: number, text: string) => ({ topic, partition, bytes: Buffer.from(text) })
    const request = {
      transactionalId: 'tx',
      ackTimeoutMs: 5000,
      batches: [batch('a', 1, 'AB'), batch('b', 0, 'C'), batch('a', 2, 'D')],
    }
    expect(hex(produceApi.encode(request))).toBe(
      bytes(`
        03 7478  ffff 00001388
        03
          02 61  03  00000001 03 4142 00  00000002 02 44 00  00
          02 62  02  00000000 02 43 00  00
        00`),
    )
  })

  test('Fetch v17', () => {
    const topics = [{ topicId: uuid, partitions: [{ partition: 2, position: position(258), maxBytes: 1024 }] }]
    expect(hex(fetchApi.encode({ maxWaitMs: 100, minBytes: 1, maxBytes: 65536, topics }))).toBe(
      bytes(`
        00000064 00000001 00010000 01 00000000 ffffffff
        02 ${uuidHex} 02
          00000002 ffffffff 0000000000000102 ffffffff ffffffffffffffff 00000400 00
          00
        01 01 00`),
    )
  })

  test('TxnOffsetCommit v5', () => {
    const offsets = [
      { topic: 'a', partition: 1, position: position(9) },
      { topic: 'a', partition: 2, position: position(10) },
    ]
    const request = { transactionalId: 'tx', groupId: 'g', identity, membership, offsets }
    expect(hex(txnOffsetCommitApi.encode(request))).toBe(
      bytes(`
        03 7478  02 67  0000000000000005 0003  00000007 02 6d 00
        02 02 61 03
          00000001 0000000000000009 ffffffff 00 00
          00000002 000000000000000a ffffffff 00 00
          00
        00`),
    )
  })

  test('EndTxn v5', () => {
    expect(hex(endTxnApi.encode({ transactionalId: 'tx', identity, commit: true }))).toBe(
      bytes('03 7478 0000000000000005 0003 01 00'),
    )
  })

  test('InitProducerId v5, with and without an identity', () => {
    const request = { transactionalId: 'tx', transactionTimeoutMs: 5000 }
    expect(hex(initProducerIdApi.encode({ ...request, current: identity }))).toBe(
      bytes('03 7478 00001388 0000000000000005 0003 00'),
    )
    expect(hex(initProducerIdApi.encode({ ...request, current: null }))).toBe(
      bytes('03 7478 00001388 ffffffffffffffff ffff 00'),
    )
  })

  test('OffsetFetch v9 asks for stable offsets', () => {
    const request = { groupId: 'g', partitions: [{ topic: 'a', partition: 1 }], requireStable: true }
    expect(hex(offsetFetchApi.encode(request))).toBe(bytes('02 02 67 00 ffffffff 02 02 61 02 00000001 00 00 01 00'))
  })

  test('JoinGroup v9, SyncGroup v5, Heartbeat v4, LeaveGroup v5', () => {
    const join = joinGroupApi.encode({
      groupId: 'g',
      memberId: '',
      instanceId: 'i',
      sessionTimeoutMs: 6000,
      rebalanceTimeoutMs: 9000,
      protocol: 'p',
      metadata: Buffer.from([1, 2]),
      reason: 'r',
    })
    expect(hex(join)).toBe(bytes('02 67 00001770 00002328 01 02 69 09 636f6e73756d6572 02 02 70 03 0102 00 02 72 00'))
    const assignments = [{ memberId: 'm', assignment: Buffer.from([9]) }]
    expect(hex(syncGroupApi.encode({ groupId: 'g', membership, protocol: 'p', assignments }))).toBe(
      bytes('02 67 00000007 02 6d 00 09 636f6e73756d6572 02 70 02 02 6d 02 09 00 00'),
    )
    expect(hex(heartbeatApi.encode({ groupId: 'g', membership }))).toBe(bytes('02 67 00000007 02 6d 00 00'))
    expect(hex(leaveGroupApi.encode({ groupId: 'g', membership, reason: 'r' }))).toBe(
      bytes('02 67 02 02 6d 00 02 72 00 00'),
    )
  })

  test('ListOffsets v9, DeleteRecords v2', () => {
    const partitions = [{ topic: 'a', partition: 1 }]
    expect(hex(listOffsetsApi.encode({ at: 'earliest', partitions }))).toBe(
      bytes('ffffffff 00 02 02 61 02 00000001 ffffffff fffffffffffffffe 00 00 00'),
    )
    const before = [{ topic: 'a', partition: 1, position: position(6) }]
    expect(hex(deleteRecordsApi.encode({ before, timeoutMs: 1 }))).toBe(
      bytes('02 02 61 02 00000001 0000000000000006 00 00 00000001 00'),
    )
  })

  test('FindCoordinator v5, Metadata v12, ApiVersions v4', () => {
    expect(hex(findCoordinatorApi.encode({ kind: 'transaction', key: 'tx' }))).toBe(bytes('01 02 03 7478 00'))
    expect(hex(metadataApi.encode({ topics: ['a'] }))).toBe(bytes(`02 ${'00'.repeat(16)} 02 61 00 00 00 00`))
    expect(hex(metadataApi.encode({ topics: [] }))).toBe(bytes('01 00 00 00'))
    expect(hex(apiVersionsApi.encode({ name: 'n', version: '1' }))).toBe(bytes('02 6e 02 31 00'))
  })

  test('CreateTopics v7, DescribeConfigs v4', () => {
    const topics = [{ topic: 'a', partitions: 4, replicationFactor: -1, configs: { k: 'v' } }]
    expect(hex(createTopicsApi.encode({ topics, timeoutMs: 1 }))).toBe(
      bytes('02 02 61 00000004 ffff 01 02 02 6b 02 76 00 00 00000001 00 00'),
    )
    expect(hex(describeConfigsApi.encode({ topic: 'a' }))).toBe(bytes('02 02 02 61 00 00 00 00 00'))
  })

  test('WriteTxnMarkers v2, AddPartitionsToTxn v3, AddOffsetsToTxn v4', () => {
    const marker = { ...identity, topic: 'a', partition: 1, commit: true, coordinatorEpoch: 9 }
    expect(hex(writeTxnMarkersApi.encode(marker))).toBe(
      bytes('02 0000000000000005 0003 01 02 02 61 02 00000001 00 00000009 02 00 00'),
    )
    const partitions = [
      { topic: 'a', partition: 1 },
      { topic: 'a', partition: 2 },
    ]
    expect(hex(addPartitionsToTxnApi.encode({ transactionalId: 'tx', identity, partitions }))).toBe(
      bytes('03 7478 0000000000000005 0003 02 02 61 03 00000001 00000002 00 00'),
    )
    expect(hex(addOffsetsToTxnApi.encode({ transactionalId: 'tx', identity, groupId: 'g' }))).toBe(
      bytes('03 7478 0000000000000005 0003 02 67 00'),
    )
  })

  test('ListTransactions v1, DescribeTransactions v0, DescribeProducers v0', () => {
    expect(hex(listTransactionsApi.encode({ states: ['Ongoing'], producerIds: [5n] }))).toBe(
      bytes('02 08 4f6e676f696e67 02 0000000000000005 ffffffffffffffff 00'),
    )
    expect(hex(describeTransactionsApi.encode({ transactionalId: 'tx' }))).toBe(bytes('02 03 7478 00'))
    expect(hex(describeProducersApi.encode([{ topic: 'a', partition: 1 }]))).toBe(bytes('02 02 61 02 00000001 00 00'))
  })
})

describe('answers carry their codes', () => {
  test('Produce: a partition that failed beside one that did not, leader in a tagged field', () => {
    const decoded = produceApi.decode(
      answer(`
        02 02 61 03
          00000001 0000 0000000000000102 ffffffffffffffff 0000000000000000 01 00 00
          00000002 0006 ffffffffffffffff ffffffffffffffff ffffffffffffffff 01 03 6e6f  01 00 08 00000001 00000002
          00
        00000000 00`),
    )
    expect(decoded).toEqual([
      { topic: 'a', partition: 1, code: 0, baseOffset: 258, message: null },
      { topic: 'a', partition: 2, code: 6, baseOffset: -1, message: 'no' },
    ])
  })

  test('Produce: the text of a refused record stands in for the message', () => {
    const decoded = produceApi.decode(
      answer(`02 02 61 02 00000000 0057 ffffffffffffffff ffffffffffffffff ffffffffffffffff
              02 00000000 04 626164 00  00 00 00 00000000 00`),
    )
    expect(decoded).toEqual([{ topic: 'a', partition: 0, code: 87, baseOffset: -1, message: 'bad' }])
  })

  test('Fetch: records are the raw bytes, aborted transactions in the order sent', () => {
    const decoded = fetchApi.decode(
      answer(`
        00000000 0000 00000000
        02 ${uuidHex} 03
          00000000 0000 000000000000000a 0000000000000009 0000000000000001
            03 0000000000000005 0000000000000007 00 0000000000000006 0000000000000002 00
            ffffffff 04 aabbcc 00
          00000001 0064 ffffffffffffffff ffffffffffffffff ffffffffffffffff 00 ffffffff 00 00
          00
        00`),
    )
    expect(decoded.code).toBe(0)
    expect(decoded.partitions).toEqual([
      {
        topicId: uuid,
        partition: 0,
        code: 0,
        highWatermark: 10,
        lastStableOffset: 9,
        logStart: 1,
        aborted: [
          { producerId: 5n, firstOffset: 7 },
          { producerId: 6n, firstOffset: 2 },
        ],
        records: Buffer.from('aabbcc', 'hex'),
      },
      {
        topicId: uuid,
        partition: 1,
        code: 100,
        highWatermark: -1,
        lastStableOffset: -1,
        logStart: -1,
        aborted: [],
        records: Buffer.alloc(0),
      },
    ])
    expect(decoded.partitions.every(({ records }) => Buffer.isBuffer(records))).toBe(true)
  })

  test('TxnOffsetCommit, EndTxn, InitProducerId', () => {
    expect(txnOffsetCommitApi.decode(answer('00000000 02 02 61 03 00000001 0000 00 00000002 0016 00 00 00'))).toEqual([
      { topic: 'a', partition: 1, code: 0 },
      { topic: 'a', partition: 2, code: 22 },
    ])
    expect(endTxnApi.decode(answer('00000000 0000 0000000000000005 0004 00'))).toEqual({
      code: 0,
      identity: { producerId: 5n, epoch: 4 },
    })
    expect(initProducerIdApi.decode(answer('00000000 0033 ffffffffffffffff ffff 00'))).toEqual({
      code: 51,
      identity: { producerId: -1n, epoch: -1 },
    })
  })

  test('OffsetFetch: the code of a partition beside the offsets of others', () => {
    const decoded = offsetFetchApi.decode(
      answer(`00000000 02 02 67
        02 02 61 04
          00000001 0000000000000009 ffffffff 01 0000 00
          00000002 ffffffffffffffff ffffffff 01 0058 00
          00000003 ffffffffffffffff ffffffff 00 0000 00
          00
        0000 00 00`),
    )
    expect(decoded).toEqual({
      code: 0,
      partitions: [
        { topic: 'a', partition: 1, code: 0, offset: 9 },
        { topic: 'a', partition: 2, code: 88, offset: -1 },
        { topic: 'a', partition: 3, code: 0, offset: -1 },
      ],
    })
  })

  test('JoinGroup: a member id that is required is told; a leader gets the members', () => {
    expect(joinGroupApi.decode(answer('00000000 004f ffffffff 00 00 01 00 03 6d31 01 00'))).toEqual({
      code: 79,
      memberId: 'm1',
      generation: -1,
      leader: '',
      members: [],
      skipAssignment: false,
    })
    const led = answer('00000000 0000 00000003 00 02 70 02 6d 01 02 6d 03 02 6d 00 03 0102 00 02 6e 02 69 01 00 00')
    expect(joinGroupApi.decode(led)).toEqual({
      code: 0,
      memberId: 'm',
      generation: 3,
      leader: 'm',
      members: [
        { memberId: 'm', instanceId: null, metadata: Buffer.from([1, 2]) },
        { memberId: 'n', instanceId: 'i', metadata: Buffer.alloc(0) },
      ],
      skipAssignment: true,
    })
  })

  test('SyncGroup, Heartbeat, LeaveGroup', () => {
    expect(syncGroupApi.decode(answer('00000000 001b 00 00 03 0102 00'))).toEqual({
      code: 27,
      assignment: Buffer.from([1, 2]),
    })
    expect(heartbeatApi.decode(answer('00000000 0019 00'))).toBe(25)
    expect(leaveGroupApi.decode(answer('00000000 0000 02 02 6d 00 0019 00 00'))).toBe(25)
    expect(leaveGroupApi.decode(answer('00000000 0010 01 00'))).toBe(16)
  })

  test('ListOffsets, DeleteRecords', () => {
    const listed = answer('00000000 02 02 61 02 00000001 0000 ffffffffffffffff 0000000000000102 00000000 00 00 00')
    expect(listOffsetsApi.decode(listed)).toEqual([{ topic: 'a', partition: 1, code: 0, position: 258 }])
    const deleted = answer('00000000 02 02 61 02 00000001 ffffffffffffffff 0001 00 00 00')
    expect(deleteRecordsApi.decode(deleted)).toEqual([{ topic: 'a', partition: 1, code: 1 }])
  })

  test('FindCoordinator', () => {
    const found = answer('00000000 02 03 7478 00000001 02 68 00002384 0000 00 00 00')
    expect(findCoordinatorApi.decode(found)).toMatchObject({ code: 0, host: 'h', port: 9092 })
    expect(findCoordinatorApi.decode(answer('00000000 01 00'))).toBeNull()
  })

  test('Metadata: leaders by partition index, whatever their order', () => {
    const decoded = metadataApi.decode(
      answer(`00000000
        02 00000001 02 68 00002384 00 00
        02 63 00000001
        03
          0000 02 61 ${uuidHex} 00 03
            0000 00000001 00000001 00000000 02 00000001 02 00000001 01 00
            0005 00000000 ffffffff 00000000 02 00000001 01 02 00000001 00
            80000000 00
          0003 02 62 ${'00'.repeat(16)} 00 01 80000000 00
        00`),
    )
    expect(decoded).toEqual({
      clusterId: 'c',
      brokers: [{ nodeId: 1, host: 'h', port: 9092 }],
      topics: [
        {
          ...{ code: 0, name: 'a', topicId: uuid, leaders: [-1, 1], operations: -0x8000_0000 },
          replicas: [
            { assigned: 1, inSync: 0 },
            { assigned: 1, inSync: 1 },
          ],
        },
        {
          ...{ code: 3, name: 'b', topicId: '00000000-0000-0000-0000-000000000000', leaders: [] },
          ...{ replicas: [], operations: -0x8000_0000 },
        },
      ],
    })
  })

  test('DescribeQuorum v2: the clock is the time at which the leader has caught up', () => {
    const zeros = (bytes: number) => '00'.repeat(bytes)
    const replica = (id: string, time: string) => `${id} ${zeros(16)} ${zeros(8)} ${'ff'.repeat(8)} ${time} 00`
    const decoded = describeQuorumApi.decode(
      answer(`0000 00 02 02 61 02 00000000 0000 00 00000002 00000001 ${zeros(8)}
        03 ${replica('00000001', '0000000000000005')} ${replica('00000002', '0000000000000009')}
        02 ${replica('00000003', '0000000000000007')} 00 00
        02 00000001 02 02 61 02 68 2384 00 00 00`),
    )
    expect(decoded).toEqual({ code: 0, leaderTimeMs: 9 })
    expect(hex(describeQuorumApi.encode({}))).toMatch(/5f5f636c75737465725f6d65746164617461/)
    expect(describeQuorumApi.decode(answer('001f 00 01 01 00'))).toEqual({ code: 31, leaderTimeMs: null })
  })

  test('DeleteTopics v6, DeleteGroups v2', () => {
    expect(hex(deleteTopicsApi.encode({ topics: ['a'], timeoutMs: 1 }))).toBe(
      bytes(`02 02 61 ${'00'.repeat(16)} 00 00000001 00`),
    )
    expect(deleteTopicsApi.decode(answer(`00000000 02 02 61 ${uuidHex} 0003 00 00 00`))).toEqual([
      { topic: 'a', code: 3, message: null },
    ])
    expect(hex(deleteGroupsApi.encode({ groupId: 'g' }))).toBe(bytes('02 02 67 00'))
    expect(deleteGroupsApi.decode(answer('00000000 02 02 67 0044 00 00'))).toBe(68)
  })

  test('ApiVersions: finalized features stand in tagged field 2', () => {
    const name = Buffer.from('transaction.version').toString('hex')
    const decoded = apiVersionsApi.decode(
      answer(`0000 02 0000 0000 000d 00 00000000
        02  01 08 0000000000000001   02 1a 02 14 ${name} 0002 0002 00`),
    )
    expect(decoded).toEqual({
      code: 0,
      apis: [{ key: 0, min: 0, max: 13 }],
      finalized: new Map([['transaction.version', 2]]),
    })
  })

  test('CreateTopics, DescribeConfigs', () => {
    const created = answer(`00000000 02 02 61 ${uuidHex} 0024 03 6e6f ffffffff ffff
      02 02 6b 02 76 00 05 00 00  01 00 02 0000  00`)
    expect(createTopicsApi.decode(created)).toEqual([{ topic: 'a', code: 36, message: 'no' }])
    const described = answer(`00000000 02 0000 00 02 02 61 03
      02 6b 02 76 00 05 00 02 02 73 02 76 05 00 02 00 00
      02 78 00 00 05 01 01 02 00 00
      00 00`)
    expect(describeConfigsApi.decode(described)).toEqual({ code: 0, message: null, configs: new Map([['k', 'v']]) })
  })

  test('ListTransactions, DescribeTransactions, DescribeProducers', () => {
    const listed = answer('00000000 0000 02 02 78 02 03 7478 0000000000000005 08 4f6e676f696e67 00 00')
    expect(listTransactionsApi.decode(listed)).toEqual({
      code: 0,
      transactions: [{ transactionalId: 'tx', producerId: 5n, state: 'Ongoing' }],
    })
    const described = answer(`00000000 02 0000 03 7478 08 4f6e676f696e67 00001388 0000000000000009
      0000000000000005 0003 02 02 61 03 00000001 00000002 00 00 00`)
    expect(describeTransactionsApi.decode(described)).toEqual({
      code: 0,
      transactionalId: 'tx',
      state: 'Ongoing',
      startedAtMs: 9,
      producerId: 5n,
      epoch: 3,
      partitions: [
        { topic: 'a', partition: 1 },
        { topic: 'a', partition: 2 },
      ],
    })
    const producers = answer(`00000000 02 02 61 02 00000001 0000 00
      02 0000000000000005 00000003 00000000 0000000000000009 00000000 0000000000000004 00 00 00 00`)
    expect(describeProducersApi.decode(producers)).toEqual([
      {
        topic: 'a',
        partition: 1,
        code: 0,
        producers: [{ producerId: 5n, epoch: 3, coordinatorEpoch: 0, currentTxnStartOffset: 4 }],
      },
    ])
  })

  test('WriteTxnMarkers, AddPartitionsToTxn, AddOffsetsToTxn', () => {
    const written = answer('02 0000000000000005 02 02 61 02 00000001 002f 00 00 00 00')
    expect(writeTxnMarkersApi.decode(written)).toEqual([{ topic: 'a', partition: 1, code: 47 }])
    const added = answer('00000000 02 02 61 03 00000001 0000 00 00000002 0033 00 00 00')
    expect(addPartitionsToTxnApi.decode(added)).toEqual([
      { topic: 'a', partition: 1, code: 0 },
      { topic: 'a', partition: 2, code: 51 },
    ])
    expect(addOffsetsToTxnApi.decode(answer('00000000 001e 00'))).toEqual({ code: 30 })
  })
})
