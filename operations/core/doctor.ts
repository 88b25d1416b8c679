/** What is to be said of what the doctor has found: one finding per fact, with the remedy. Pure; asking is operations/doctor.ts. */
import { remedyOf } from '../../engine/core/stop-codes.ts'
import type { StoreServer } from '../../stores/ports.ts'
import { type BadOffset, isBad, type OffsetRow, stopOf } from './offsets.ts'

export interface Finding {
  /** `area.fact`, stable. */
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail' | 'skipped'
  readonly detail: string
  /** What to do; null when nothing is to be done. */
  readonly remedy: string | null
}

const finding =
  (state: Finding['state']) =>
  (check: string, detail: string, remedy: string | null = null): Finding => ({ check, state, detail, remedy })
export const ok = finding('ok')
export const warn = finding('warn')
export const fail = finding('fail')
export const skipped = finding('skipped')

export const SKEW_MAX_MS = 1_000
const NODE_MIN = [24, 6] as const
const FREE_BYTES_MIN = 256 * 1024 * 1024
/** Part of its limit from which Redis is nearly full. */
const REDIS_FULL = 0.9

export function judgeNode(version: string, freeBytes: number): readonly Finding[] {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const enough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
  const mebibytes = `${Math.round(freeBytes / 1024 / 1024)} MiB free`
  return [
    enough
      ? ok('node.version', version)
      : fail('node.version', version, `Node ${NODE_MIN.join('.')} or newer; npm installs one with the dependencies`),
    freeBytes >= FREE_BYTES_MIN
      ? ok('node.memory', mebibytes)
      : warn(
          'node.memory',
          mebibytes,
          'The service takes 200 to 500 MiB under load: free some, or give the machine more',
        ),
  ]
}

export function judgeFeatures(features: ReadonlyMap<string, number>): readonly Finding[] {
  const level = features.get('transaction.version') ?? 0
  const all = [...features].map(([name, at]) => `${name} ${at}`).join(', ')
  return [
    level >= 2
      ? ok('kafka.features', all)
      : fail(
          'kafka.features',
          all || 'none are finalized',
          'kafka-features.sh --bootstrap-server … upgrade --feature transaction.version=2',
        ),
  ]
}

/** `skewMs`: the other's clock minus ours, in the middle of the request; null: it was not told. */
export function judgeClock(check: string, skewMs: number | null, roundTripMs: number, why = ''): Finding {
  if (skewMs === null) return skipped(check, why || 'it does not tell its clock')
  const text = `${skewMs >= 0 ? '+' : ''}${Math.round(skewMs)} ms, ± ${Math.ceil(roundTripMs / 2)} ms`
  return Math.abs(skewMs) - roundTripMs / 2 > SKEW_MAX_MS
    ? warn(check, text, 'Let NTP set the clocks; takeovers judge the age of tombstones by them')
    : ok(check, text)
}

export function judgeStore(server: StoreServer): readonly Finding[] {
  const { version, maxmemoryPolicy, evictedKeys, role, appendOnly, persisted, snapshots, usedBytes, maxBytes } = server
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const findings: Finding[] = [
    major > 6 || (major === 6 && minor >= 2)
      ? ok('redis.version', version)
      : fail('redis.version', version, 'Redis 6.2 or Valkey 7.2, or later'),
    maxmemoryPolicy === 'noeviction'
      ? ok('redis.policy', maxmemoryPolicy)
      : fail('redis.policy', maxmemoryPolicy, 'CONFIG SET maxmemory-policy noeviction, and in redis.conf'),
  ]
  if (evictedKeys > 0)
    findings.push(
      warn(
        'redis.evicted',
        `${evictedKeys} keys since it started`,
        'Give it memory; `tributary verify` tells whether the state is whole',
      ),
    )
  if (role !== null)
    findings.push(
      role === 'master'
        ? ok('redis.role', 'primary')
        : fail(
            'redis.role',
            role === 'slave' ? 'replica' : role,
            'Let REDIS_URL name the primary: a replica takes no writes',
          ),
    )
  if (persisted === false)
    findings.push(
      fail(
        'redis.persistence',
        'the last snapshot or append failed',
        'Look into its log: disk space, rights; until then it may refuse writes',
      ),
    )
  else if (appendOnly === true) findings.push(ok('redis.persistence', 'append-only file'))
  else if (appendOnly === null && snapshots === null) findings.push(skipped('redis.persistence', 'it does not tell'))
  else
    findings.push(
      snapshots
        ? ok('redis.persistence', `snapshots (${snapshots})`)
        : warn(
            'redis.persistence',
            'none',
            'After a restart of Redis every task rebuilds from the changelog, and pauses are forgotten: CONFIG SET appendonly yes',
          ),
    )
  if (usedBytes !== null && maxBytes !== null && maxBytes > 0) {
    const percent = Math.round((100 * usedBytes) / maxBytes)
    const text = `${percent} % of maxmemory`
    findings.push(
      usedBytes < REDIS_FULL * maxBytes
        ? ok('redis.memory', text)
        : warn(
            'redis.memory',
            text,
            'Raise maxmemory: with noeviction a full Redis refuses writes, and its tasks wait',
          ),
    )
  }
  return findings
}

export interface TopicFacts {
  readonly topic: string
  readonly role: 'source' | 'sink' | 'changelog' | 'repartition' | 'dead-letters'
  readonly code: number
  readonly partitions: readonly { readonly hasLeader: boolean; readonly assigned: number; readonly inSync: number }[]
  /** Null: they may not be read. */
  readonly configs: ReadonlyMap<string, string> | null
  /** Null: the broker does not say. */
  readonly operations: ReadonlySet<string> | null
}

const ABSENT = 3
const FORBIDDEN = 29
const NEEDED = {
  source: ['Read', 'Describe'],
  sink: ['Write', 'Describe'],
  changelog: ['Read', 'Write', 'Describe', 'DescribeConfigs'],
  repartition: ['Read', 'Write', 'Delete', 'Describe', 'DescribeConfigs'],
  'dead-letters': ['Write', 'Describe'],
} as const
const isInternal = ({ role }: TopicFacts): boolean => role !== 'source' && role !== 'sink'

/** `creates`: CREATE_TOPICS. */
export function judgeTopic(facts: TopicFacts, creates: boolean): readonly Finding[] {
  const { topic, role, code, partitions, configs, operations } = facts
  const check = (what: string): string => `topic.${what}`
  if (code === FORBIDDEN)
    return [
      fail(
        check('there'),
        `${topic}: it may not be seen`,
        `kafka-acls.sh --add --allow-principal … --operation Describe --topic ${topic}`,
      ),
    ]
  if (code === ABSENT) {
    const detail = `${topic} (${role}) does not exist`
    const made = creates || isInternal(facts)
    return [
      made
        ? warn(check('there'), detail, 'The service creates it when it starts')
        : fail(check('there'), detail, 'Create it, or start with CREATE_TOPICS=true'),
    ]
  }
  if (code !== 0)
    return [warn(check('there'), `${topic}: code ${code}`, 'Ask again; the cluster may be electing leaders')]
  const findings = [ok(check('there'), `${topic} (${role}), ${partitions.length} partitions`)]
  const without = partitions.filter(({ hasLeader }) => !hasLeader).length
  if (without > 0)
    findings.push(fail(check('leaders'), `${topic}: ${without} partitions have no leader`, 'Bring their brokers up'))
  findings.push(...replicasOf(facts), ...settingsOf(facts))
  if (operations) {
    const missing = NEEDED[role].filter((operation) => !operations.has(operation))
    if (missing.length > 0)
      findings.push(
        fail(
          'rights.topic',
          `${topic}: ${missing.join(', ')} not allowed`,
          `kafka-acls.sh --add --allow-principal … ${missing.map((name) => `--operation ${name}`).join(' ')} --topic ${topic}`,
        ),
      )
  }
  if (configs === null) findings.push(skipped(check('settings'), `${topic}: they may not be read`))
  return findings
}

/**
 * What is only looked into when a broker has lost markers (decision 0016): the service works without, and says then what it
 * could not see. Null: the broker does not say.
 */
export function judgeMending(
  topics: readonly { readonly topic: string; readonly code: number; readonly operations: ReadonlySet<string> | null }[],
): Finding {
  const check = 'rights.mending'
  const closed = topics.filter(
    ({ code, operations }) => code === FORBIDDEN || (code === 0 && operations !== null && !operations.has('Read')),
  )
  return closed.length === 0
    ? ok(check, 'transactions that a broker forgets can be looked up')
    : warn(
        check,
        `${closed.map(({ topic }) => topic).join(', ')}: Read not allowed, so a transaction that a broker forgets may wait for you`,
        closed
          .map(({ topic }) => `kafka-acls.sh --add --allow-principal … --operation Read --topic ${topic}`)
          .join('; '),
      )
}

function replicasOf({ topic, partitions, configs }: TopicFacts): Finding[] {
  const minInSync = Number(configs?.get('min.insync.replicas') ?? 1)
  const short = partitions.filter(({ inSync }) => inSync < minInSync).length
  const impossible = partitions.some(({ assigned }) => assigned < minInSync)
  if (impossible)
    return [
      fail(
        'topic.replicas',
        `${topic}: min.insync.replicas ${minInSync} is more than it has replicas`,
        `kafka-configs.sh --alter --add-config min.insync.replicas=… --topic ${topic}`,
      ),
    ]
  if (short > 0)
    return [
      fail(
        'topic.replicas',
        `${topic}: ${short} partitions have fewer than ${minInSync} replicas in sync`,
        'Bring the brokers up that hold them: until then nothing can be written',
      ),
    ]
  const behind = partitions.filter(({ assigned, inSync }) => inSync < assigned).length
  return behind > 0
    ? [
        warn(
          'topic.replicas',
          `${topic}: ${behind} partitions have replicas that are not in sync`,
          'Bring the brokers up that hold them',
        ),
      ]
    : []
}

function settingsOf({ topic, role, configs }: TopicFacts): Finding[] {
  if (configs === null) return []
  const policy = configs.get('cleanup.policy') ?? 'delete'
  const wrong = (why: string, setting: string): Finding =>
    fail('topic.settings', `${topic}: ${why}`, `kafka-configs.sh --alter --add-config ${setting} --topic ${topic}`)
  if (role === 'changelog')
    return policy === 'compact' ? [] : [wrong(`cleanup.policy is ${policy}`, 'cleanup.policy=compact')]
  if (role === 'repartition') {
    if (policy !== 'delete') return [wrong(`cleanup.policy is ${policy}`, 'cleanup.policy=delete')]
    return configs.get('retention.ms') === '-1' && (configs.get('retention.bytes') ?? '-1') === '-1'
      ? []
      : [wrong('records may be deleted before they are read', 'retention.ms=-1,retention.bytes=-1')]
  }
  if (role === 'source' && policy.includes('compact'))
    return [
      warn(
        'topic.settings',
        `${topic}: cleanup.policy is ${policy}`,
        'Commands that compaction removes before they are read are lost: cleanup.policy=delete',
      ),
    ]
  return []
}

/** Internal topics with state must have the same number of partitions. */
export function judgePartitions(
  changelog: TopicFacts,
  repartition: TopicFacts,
  changelogHasRecords: boolean,
): readonly Finding[] {
  if (changelog.code === 0 && repartition.code === ABSENT && changelogHasRecords)
    return [
      fail(
        'topic.internal',
        `${changelog.topic} has state and ${repartition.topic} is missing`,
        'Finish a reset that was begun: `tributary reset --execute`; else restore it from a backup, or: `tributary offsets skip --execute`',
      ),
    ]
  if (changelog.code !== 0 || repartition.code !== 0) return []
  const [tasks, others] = [changelog.partitions.length, repartition.partitions.length]
  return tasks === others
    ? [ok('topic.internal', `${tasks} tasks`)]
    : [
        fail(
          'topic.internal',
          `${changelog.topic} has ${tasks} partitions, ${repartition.topic} ${others}`,
          'They must have as many as the state was written with: move to a new APPLICATION_ID to change the number',
        ),
      ]
}

export function judgeGroup(
  groupId: string,
  group: { readonly state: string; readonly members: number; readonly operations: ReadonlySet<string> | null },
): readonly Finding[] {
  const { state, members, operations } = group
  const findings: Finding[] = []
  if (state === 'Dead' || state === 'Empty')
    findings.push(warn('group.state', `${groupId}: nobody is in it`, 'Start the service'))
  else if (state === 'Stable')
    findings.push(ok('group.state', `${groupId}: Stable, ${members} ${members === 1 ? 'member' : 'members'}`))
  else findings.push(warn('group.state', `${groupId}: ${state}`, 'It rebalances; ask again in a few seconds'))
  if (operations && !operations.has('Read'))
    findings.push(
      fail(
        'rights.group',
        `${groupId}: Read not allowed`,
        `kafka-acls.sh --add --allow-principal … --operation Read --group '${groupId}'`,
      ),
    )
  return findings
}

/** Each state has the remedy of the code that a task would stop with: another's command may delete what is still good. */
export function judgeOffsets(rows: readonly OffsetRow[]): readonly Finding[] {
  const bad = new Map<BadOffset, string[]>()
  for (const { topic, partition, state } of rows)
    if (isBad(state)) bad.set(state, [...(bad.get(state) ?? []), `${topic}-${partition}`])
  if (bad.size === 0) return [ok('group.offsets', 'they agree with the changelog')]
  return [...bad].map(([state, of]) => fail('group.offsets', `${state}: ${of.join(', ')}`, remedyOf(stopOf(state))))
}
