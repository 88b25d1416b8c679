/** DescribeGroups and OffsetCommit: layouts by hand from Kafka's message definitions, and what the client makes of answers. */
import { Writer } from '@platformatic/kafka'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { position } from '../../engine/core/numbers.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import { AnswerReader } from '../../engine/kafka/protocol/answer-reader.ts'
import { describeGroupsApi } from '../../engine/kafka/protocol/describe-groups.ts'
import { offsetCommitApi } from '../../engine/kafka/protocol/offset-commit.ts'
import type { Kafka } from '../../engine/ports.ts'
import { FakeCluster, produced } from './fake-cluster.ts'

const hex = (writer: Writer) => writer.buffer.toString('hex')
const bytes = (text: string) => text.replaceAll(/\s/g, '')
const answer = (text: string) => new AnswerReader(Buffer.from(bytes(text), 'hex'))

describe('layouts', () => {
  test('OffsetCommit v9: nobody, no generation', () => {
    const offsets = [
      { topic: 'a', partition: 1, position: position(258) },
      { topic: 'b', partition: 0, position: position(0) },
    ]
    expect(hex(offsetCommitApi.encode({ groupId: 'g', offsets }))).toBe(
      bytes(`
        02 67  ffffffff  01  00
        03
          02 61 02  00000001 0000000000000102 ffffffff 00 00  00
          02 62 02  00000000 0000000000000000 ffffffff 00 00  00
        00`),
    )
    expect(offsetCommitApi.decode(answer('00000000 02 02 61 02 00000001 0019 00 00 00'))).toEqual([
      { topic: 'a', partition: 1, code: 25 },
    ])
  })

  test('DescribeGroups v5', () => {
    expect(hex(describeGroupsApi.encode({ groupId: 'g' }))).toBe(bytes('02 02 67 00 00'))
    const described = describeGroupsApi.decode(
      answer(`
        00000000 02
          0000  02 67  07 537461626c65  09 636f6e73756d6572  02 70
          02  02 6d  00  02 63  02 68  03 aabb  01  00
          80000000 00
        00`),
    )
    expect(described).toEqual({
      code: 0,
      state: 'Stable',
      members: [{ memberId: 'm', instanceId: null, clientId: 'c', host: 'h' }],
    })
  })
})

describe('the client', () => {
  let cluster: FakeCluster
  let kafka: Kafka

  beforeEach(async () => {
    cluster = await FakeCluster.start()
    kafka = connectKafka({ bootstrapServers: cluster.bootstrapServers, clientId: 'test' })
  })

  afterEach(async () => {
    await kafka.close()
    await cluster.stop()
  })

  const one = [{ topic: 'a', partition: 0, position: position(1) }]

  test('a partition that the broker leaves out has not been committed', async () => {
    cluster.answer = () =>
      Writer.create()
        .appendInt32(0)
        .appendArray([], () => {})
        .appendTaggedFields()
    expect(await kafka.groupAdmin('g').commit(one)).toEqual([{ topic: 'a', partition: 0, code: -1 }])
  })

  test('no coordinator: its code, for every partition and for the group', async () => {
    cluster.coordinator = { code: 15 }
    expect(await kafka.groupAdmin('g').commit(one)).toEqual([{ topic: 'a', partition: 0, code: 15 }])
    expect(await kafka.groupAdmin('g').describe()).toEqual({ code: 15, state: '', members: [] })
  })

  test('no answer is a lost request', async () => {
    cluster.answer = () => 'cut'
    await expect(kafka.groupAdmin('g').describe()).rejects.toMatchObject({ name: 'RequestLost', sent: true })
  })

  test('a publisher produces outside of any transaction', async () => {
    cluster.answer = () => produced('a', [[0, 0]])
    const publisher = kafka.publisher()
    const answers = await publisher.publish([{ topic: 'a', partition: 0, bytes: Buffer.from('batch') }])
    expect(answers).toEqual([{ topic: 'a', partition: 0, code: 0, baseOffset: 100, message: null }])
    const [request] = [...cluster.brokers[0].seen(0), ...cluster.brokers[1].seen(0)]
    expect(request!.body[0]).toBe(0) // transactional id: null
    await publisher.close()
    await expect(publisher.publish([{ topic: 'a', partition: 0, bytes: Buffer.from('batch') }])).resolves.toMatchObject(
      [{ code: 6 }],
    )
  })
})
