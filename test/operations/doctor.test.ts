/** What the doctor says of each kind of broken setup; the asking is tested with servers (test/integration/cli-doctor.test.ts). */
import { expect, test } from 'vitest'
import { stopCodes } from '../../engine/core/stop-codes.ts'
import {
  type Finding,
  judgeClock,
  judgeFeatures,
  judgeGroup,
  judgeMending,
  judgeNode,
  judgeOffsets,
  judgePartitions,
  judgeStore,
  judgeTopic,
  type TopicFacts,
} from '../../operations/core/doctor.ts'
import type { OffsetRow } from '../../operations/core/offsets.ts'
import type { StoreServer } from '../../stores/ports.ts'

const states = (findings: readonly Finding[]): Readonly<Record<string, string>> =>
  Object.fromEntries(findings.map(({ check, state }) => [check, state]))
const MIB = 1024 * 1024

test('Node and memory', () => {
  expect(states(judgeNode('v26.10.0', 999 * MIB))).toEqual({ 'node.version': 'ok', 'node.memory': 'ok' })
  expect(states(judgeNode('v24.6.0', 999 * MIB))['node.version']).toBe('ok')
  expect(states(judgeNode('v24.5.9', 10 * MIB))).toEqual({ 'node.version': 'fail', 'node.memory': 'warn' })
})

test('offsets: each state has its own remedy, and no other', () => {
  const rows = (...states: OffsetRow['state'][]) =>
    states.map((state, partition): OffsetRow => ({ task: 0, topic: 't', partition, committed: 1, changelog: 1, state }))
  expect(judgeOffsets(rows('ok', 'new', 'none'))).toMatchObject([{ check: 'group.offsets', state: 'ok', remedy: null }])
  const found = judgeOffsets(rows('missing', 'ok', 'missing', 'foreign'))
  expect(found).toMatchObject([
    {
      state: 'fail',
      detail: 'missing: t-0, t-2',
      remedy: expect.stringContaining('`tributary offsets restore --execute`'),
    },
    { state: 'fail', detail: 'foreign: t-3', remedy: expect.stringContaining('`tributary offsets adopt --execute`') },
  ])
  expect(found[0]!.remedy).not.toMatch(/skip|earliest|reset|adopt/)
  expect(judgeOffsets(rows('removed', 'ok', 'recreated'))).toMatchObject([
    { state: 'fail', detail: 'removed: t-0', remedy: stopCodes['source.removed'].remedy },
    { state: 'fail', detail: 'recreated: t-2', remedy: stopCodes['topic.recreated'].remedy },
  ])
})

test('the feature that transactions need', () => {
  expect(states(judgeFeatures(new Map([['transaction.version', 2]])))).toEqual({ 'kafka.features': 'ok' })
  for (const features of [new Map(), new Map([['transaction.version', 1]])])
    expect(judgeFeatures(features)[0]).toMatchObject({ state: 'fail', remedy: expect.stringContaining('upgrade') })
})

test.each([
  [900, 10, 'ok'],
  [-900, 10, 'ok'],
  [1_100, 10, 'warn'],
  [-1_100, 10, 'warn'],
  // The round trip does not tell which way was slow.
  [1_100, 400, 'ok'],
  [null, 10, 'skipped'],
] as const)('a clock %s ms off, asked in %s ms: %s', (skewMs, roundTripMs, state) => {
  expect(judgeClock('redis.clock', skewMs, roundTripMs).state).toBe(state)
})

const server: StoreServer = {
  version: '7.0.15',
  maxmemoryPolicy: 'noeviction',
  evictedKeys: 0,
  role: 'master',
  appendOnly: true,
  persisted: true,
  snapshots: '3600 1',
  usedBytes: 10,
  maxBytes: 100,
}

test('a Redis as it should be', () => {
  expect(new Set(judgeStore(server).map(({ state }) => state))).toEqual(new Set(['ok']))
})

test.each([
  [{ version: '6.0.9' }, 'redis.version', 'fail'],
  [{ version: '6.2.0' }, 'redis.version', 'ok'],
  [{ maxmemoryPolicy: 'allkeys-lru' }, 'redis.policy', 'fail'],
  [{ evictedKeys: 3 }, 'redis.evicted', 'warn'],
  [{ role: 'slave' }, 'redis.role', 'fail'],
  [{ persisted: false }, 'redis.persistence', 'fail'],
  [{ appendOnly: false }, 'redis.persistence', 'ok'],
  [{ appendOnly: false, snapshots: '' }, 'redis.persistence', 'warn'],
  [{ appendOnly: null, snapshots: null }, 'redis.persistence', 'skipped'],
  [{ usedBytes: 95 }, 'redis.memory', 'warn'],
] as const)('Redis with %j: %s %s', (changes, check, state) => {
  const found = judgeStore({ ...server, ...changes })
  expect(states(found)[check]).toBe(state)
  for (const finding of found)
    if (finding.state === 'fail' || finding.state === 'warn') expect(finding.remedy).not.toBeNull()
})

const topic = (changes: Partial<TopicFacts> = {}): TopicFacts => ({
  topic: 't',
  role: 'source',
  code: 0,
  partitions: [{ hasLeader: true, assigned: 3, inSync: 3 }],
  configs: new Map([
    ['cleanup.policy', 'delete'],
    ['min.insync.replicas', '2'],
  ]),
  operations: new Set(['Read', 'Write', 'Describe', 'DescribeConfigs', 'Delete']),
  ...changes,
})
const configs = (entries: Record<string, string>) => ({ configs: new Map(Object.entries(entries)) })

test.each([
  [{}, true, { 'topic.there': 'ok' }],
  [{ code: 3 }, true, { 'topic.there': 'warn' }],
  [{ code: 3 }, false, { 'topic.there': 'fail' }],
  [{ code: 3, role: 'changelog' }, false, { 'topic.there': 'warn' }],
  [{ code: 29 }, true, { 'topic.there': 'fail' }],
  [
    { partitions: [{ hasLeader: false, assigned: 3, inSync: 3 }] },
    true,
    { 'topic.there': 'ok', 'topic.leaders': 'fail' },
  ],
  [
    { partitions: [{ hasLeader: true, assigned: 3, inSync: 1 }] },
    true,
    { 'topic.there': 'ok', 'topic.replicas': 'fail' },
  ],
  [
    { partitions: [{ hasLeader: true, assigned: 1, inSync: 1 }] },
    true,
    { 'topic.there': 'ok', 'topic.replicas': 'fail' },
  ],
  [
    { partitions: [{ hasLeader: true, assigned: 3, inSync: 2 }] },
    true,
    { 'topic.there': 'ok', 'topic.replicas': 'warn' },
  ],
  [{ operations: new Set(['Describe']) }, true, { 'topic.there': 'ok', 'rights.topic': 'fail' }],
  [{ configs: null }, true, { 'topic.there': 'ok', 'topic.settings': 'skipped' }],
  [configs({ 'cleanup.policy': 'compact' }), true, { 'topic.there': 'ok', 'topic.settings': 'warn' }],
  [
    { role: 'changelog', ...configs({ 'cleanup.policy': 'delete' }) },
    true,
    { 'topic.there': 'ok', 'topic.settings': 'fail' },
  ],
  [{ role: 'changelog', ...configs({ 'cleanup.policy': 'compact' }) }, true, { 'topic.there': 'ok' }],
  [
    { role: 'repartition', ...configs({ 'retention.ms': '604800000' }) },
    true,
    { 'topic.there': 'ok', 'topic.settings': 'fail' },
  ],
  [{ role: 'repartition', ...configs({ 'retention.ms': '-1' }) }, true, { 'topic.there': 'ok' }],
] as const)('a topic with %j (created: %s)', (changes, creates, expected) => {
  expect(states(judgeTopic(topic(changes as Partial<TopicFacts>), creates))).toEqual(expected)
})

test('where a broker forgets transactions it may be looked up, or who grants what is said', () => {
  const at = (topic: string, code: number, operations: readonly string[] | null) => ({
    topic,
    code,
    operations: operations && new Set(operations),
  })
  // A cluster without any transaction yet, and a broker that does not tell of rights, are no reason.
  expect(judgeMending([at('out', 0, ['Read']), at('__transaction_state', 3, null), at('x', 0, null)]).state).toBe('ok')
  const found = judgeMending([at('out', 0, ['Write']), at('__transaction_state', 29, null), at('x', 0, ['Read'])])
  expect(found.state).toBe('warn')
  expect(found.detail).toContain('out, __transaction_state: ')
  expect(found.remedy).toContain('--operation Read --topic out; ')
})

test('the internal topics belong together', () => {
  const [changelog, repartition] = [
    topic({ topic: 'c', role: 'changelog' }),
    topic({ topic: 'r', role: 'repartition' }),
  ]
  const two = { ...repartition, partitions: [...repartition.partitions, ...repartition.partitions] }
  expect(states(judgePartitions(changelog, repartition, true))).toEqual({ 'topic.internal': 'ok' })
  expect(states(judgePartitions(changelog, two, true))).toEqual({ 'topic.internal': 'fail' })
  expect(states(judgePartitions(changelog, { ...repartition, code: 3 }, true))).toEqual({ 'topic.internal': 'fail' })
  expect(judgePartitions(changelog, { ...repartition, code: 3 }, false)).toEqual([])
})

test('the group', () => {
  const group = (state: string, operations: ReadonlySet<string> | null = null) =>
    states(judgeGroup('g', { state, members: 1, operations }))
  expect(group('Stable', new Set(['Read']))).toEqual({ 'group.state': 'ok' })
  expect(group('Empty')).toEqual({ 'group.state': 'warn' })
  expect(group('PreparingRebalance', new Set())).toEqual({ 'group.state': 'warn', 'rights.group': 'fail' })
})
