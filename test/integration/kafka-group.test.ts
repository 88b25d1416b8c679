/** The classic group protocol, request by request, with two members. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../engine/core/consumer-protocol.ts'
import { codes } from '../../engine/core/kafka-errors.ts'
import type { GroupClient, GroupMembership, JoinAnswer, Kafka } from '../../engine/ports.ts'
import { at, createTopic, Owner, openKafka, settled, unique, until } from './kafka-support.ts'

let kafka: Kafka
let topic: string
beforeAll(async () => {
  kafka = openKafka()
  topic = unique('group')
  await createTopic(kafka, topic, 2)
})
afterAll(() => kafka.close())

const protocol = 'test-1'
/** Longer than any of these tests takes on a busy machine. */
const timeouts = { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 60_000 }
const subscription = (text: string) => encodeSubscription({ topics: [topic], userData: Buffer.from(text) })
const assigned = (partition: number, text = '') =>
  encodeAssignment({ partitions: [{ topic, partition }], userData: Buffer.from(text) })

async function join(group: GroupClient, memberId: string, text: string, instanceId: string | null = null) {
  const request = { instanceId, ...timeouts, protocol, metadata: subscription(text), reason: 'test' }
  let id = memberId
  return until(
    async () => {
      const answer = await group.join({ ...request, memberId: id })
      if (answer.code === codes.MEMBER_ID_REQUIRED) id = answer.memberId
      return answer
    },
    (answer) => settled(answer) && answer.code !== codes.MEMBER_ID_REQUIRED,
  )
}
const membershipOf = (answer: JoinAnswer, instanceId: string | null = null): GroupMembership => ({
  memberId: answer.memberId,
  generation: answer.generation,
  instanceId,
})

test('a new member is told the id to join with', async () => {
  const group = kafka.groupClient(unique('required'))
  const request = { memberId: '', instanceId: null, ...timeouts, protocol, metadata: subscription('a'), reason: 'test' }
  const answer = await until(() => group.join(request), settled)
  expect(answer.code).toBe(codes.MEMBER_ID_REQUIRED)
  expect(answer.memberId).not.toBe('')
  const joined = await group.join({ ...request, memberId: answer.memberId })
  expect(joined).toMatchObject({ code: 0, memberId: answer.memberId, leader: answer.memberId, generation: 1 })
  expect(await group.leave(membershipOf(joined), 'done')).toBe(0)
})

test('two members: join, sync, heartbeat, rebalance, leave', async () => {
  const groupA = kafka.groupClient(unique('two'))
  const other = kafka.groupClient(groupA.groupId)
  const a = await join(groupA, '', 'a')
  const alone = await groupA.sync({
    membership: membershipOf(a),
    protocol,
    assignments: [{ memberId: a.memberId, assignment: assigned(0, 'alone') }],
  })
  expect(alone.code).toBe(0)
  expect(decodeAssignment(alone.assignment)).toEqual({
    partitions: [{ topic, partition: 0 }],
    userData: Buffer.from('alone'),
  })
  expect(await groupA.heartbeat(membershipOf(a))).toBe(0)

  // b joins: a hears of it by its heartbeat, while its own generation is still good for commits
  const joining = join(other, '', 'b')
  expect(
    await until(
      () => groupA.heartbeat(membershipOf(a)),
      (code) => code !== 0,
    ),
  ).toBe(codes.REBALANCE_IN_PROGRESS)
  const owner = await Owner.start(kafka, unique('two-tx'), groupA.groupId)
  expect(await owner.offsets([at(topic, 0, 4)], membershipOf(a))).toEqual([0])
  expect(await owner.end(true)).toBe(0)

  const [a2, b] = await Promise.all([join(groupA, a.memberId, 'a2'), joining])
  expect([a2.memberId, a2.generation, b.generation]).toEqual([a.memberId, 2, 2])
  const leader = [a2, b].find(({ memberId, leader }) => memberId === leader)!
  const follower = leader === a2 ? b : a2
  expect(follower.members).toEqual([])
  expect(leader.members.map(({ metadata }) => decodeSubscription(metadata).userData.toString()).sort()).toEqual([
    'a2',
    'b',
  ])
  const assignments = [
    { memberId: a.memberId, assignment: assigned(0) },
    { memberId: b.memberId, assignment: assigned(1) },
  ]
  const syncs = await Promise.all(
    [
      { group: groupA, joined: a2 },
      { group: other, joined: b },
    ].map(({ group, joined }) =>
      group.sync({
        membership: membershipOf(joined),
        protocol,
        assignments: joined === leader ? assignments : [],
      }),
    ),
  )
  expect(syncs.map(({ code }) => code)).toEqual([0, 0])
  expect(syncs.map(({ assignment }) => decodeAssignment(assignment).partitions[0]!.partition)).toEqual([0, 1])

  // the old generation is refused everywhere
  expect(await groupA.heartbeat(membershipOf(a))).toBe(codes.ILLEGAL_GENERATION)
  expect(await owner.offsets([at(topic, 0, 5)], membershipOf(a))).toEqual([codes.ILLEGAL_GENERATION])
  expect(await owner.end(false)).toBe(0)
  expect(await owner.offsets([at(topic, 0, 5)], membershipOf(a2))).toEqual([0])
  expect(await owner.end(true)).toBe(0)

  // the broker looks at the generation only, not at who owns the partition (trap P12)
  expect(await owner.offsets([at(topic, 1, 5)], membershipOf(a2))).toEqual([0])
  expect(await owner.end(false)).toBe(0)

  expect(await other.leave(membershipOf(b), 'done')).toBe(0)
  expect(await other.heartbeat(membershipOf(b))).toBe(codes.UNKNOWN_MEMBER_ID)
  expect(
    await until(
      () => groupA.heartbeat(membershipOf(a2)),
      (code) => code !== 0,
    ),
  ).toBe(codes.REBALANCE_IN_PROGRESS)
  expect(await groupA.leave(membershipOf(a2), 'done')).toBe(0)
})

test('a second process with the same instance id fences the first; a returning leader must not assign', async () => {
  const group = kafka.groupClient(unique('static'))
  const first = await join(group, '', 'a', 'i1')
  const assignments = [{ memberId: first.memberId, assignment: assigned(0, 'kept') }]
  await group.sync({ membership: membershipOf(first, 'i1'), protocol, assignments })
  const second = await join(group, '', 'a', 'i1')
  expect(second.memberId).not.toBe(first.memberId)
  expect(second).toMatchObject({ skipAssignment: true, generation: first.generation })
  const synced = await group.sync({ membership: membershipOf(second, 'i1'), protocol, assignments: [] })
  expect(decodeAssignment(synced.assignment).userData.toString()).toBe('kept')
  expect(await group.heartbeat(membershipOf(first, 'i1'))).toBe(codes.FENCED_INSTANCE_ID)
  expect(await group.heartbeat(membershipOf(second, 'i1'))).toBe(0)
  expect(await group.leave(membershipOf(second, 'i1'), 'done')).toBe(0)
})
