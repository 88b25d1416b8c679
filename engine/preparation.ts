/**
 * Before the first record: checks the cluster, creates or checks the topics, and binds the topology to them as a plan.
 * Throws StartError with a stop code; changes nothing that exists.
 */
import type { Topology } from '../topology/define.ts'
import type { Sink } from '../topology/sinks.ts'
import { type Clock, sleep } from './clock.ts'
import { nameOf } from './core/kafka-errors.ts'
import { internalTopics, type OutputTopic, type Plan, strideOf } from './core/plan.ts'
import { StartError } from './core/start-error.ts'
import { keepsState } from './core/written-topics.ts'
import type { Listener } from './events.ts'
import { type Kafka, type KafkaAdmin, RequestLost, type TopicInfo, type TopicToCreate } from './ports.ts'
import { recordedState } from './recorded-state.ts'

export { StartError }

export interface PreparationOptions {
  readonly topology: Topology
  readonly application: string
  readonly groupId: string
  /** Real name by declared name; a topic that is not in it has its declared name. */
  readonly topicNames: Readonly<Record<string, string>>
  /** Partitions of user topics that are created. */
  readonly topicPartitions: number
  readonly createTopics: boolean
  readonly requireSpanContext: boolean
  /** NOTE_ID_STRIDE: overrides the number of tasks rounded up to a power of two, at first start only. */
  readonly stride: number | null
  /** How long an unreachable cluster is tried. */
  readonly patienceMs: number
  /** An operator gives up what was in a repartition topic that is missing: it is created, beside the state. */
  readonly recreateRepartition?: boolean
}

export interface Prepared {
  readonly plan: Plan
  readonly deleteRetentionMs: number
  readonly created: readonly string[]
}

const TOPIC_ALREADY_EXISTS = 36
const MESSAGE_BYTES_MAX_DEFAULT = 1_048_588
/** Room for the internal headers of a record that just fitted its source topic. */
const INTERNAL_EXTRA_BYTES = 64 * 1024
const DAY_MS = 24 * 60 * 60 * 1000
const RETRY_MS = 250
const FOREVER_MS = '9223372036854775807'

export async function prepare(
  kafka: Kafka,
  clock: Clock,
  listener: Listener,
  options: PreparationOptions,
): Promise<Prepared> {
  const { admin } = kafka
  const { clusterId, brokers } = await reachable(() => admin.cluster(), clock, options.patienceMs)
  const level = (await admin.finalizedFeatures()).get('transaction.version') ?? 0
  if (level < 2)
    throw new StartError('kafka.transaction_version', `cluster ${clusterId} has transaction.version ${level}`)

  const replication = Math.min(3, brokers)
  const named = (topic: string): string => options.topicNames[topic] ?? topic
  const { topology } = options
  const userTopics = [...topology.sources, ...topology.sinks].map((t) => named(t.topic))
  const created = await ensureUserTopics(admin, userTopics, replication, options)
  const topics = await admin.topics(userTopics)
  const infoOf = (topic: string): TopicInfo => {
    const info = topics.get(topic)
    if (!info) throw new StartError('topic.missing', `topic ${topic} does not exist`)
    return info
  }
  const sources = topology.sources.map((source) => ({ source, ...infoOf(named(source.topic)) }))
  const sourceConfigs = await Promise.all(sources.map((s) => admin.configs(s.topic)))
  const sourceBytesMax = Math.max(...sourceConfigs.map(messageBytesMax))
  const minInSync = sourceConfigs
    .map((c) => Number(c.get('min.insync.replicas') ?? 1))
    .reduce((a, b) => Math.max(a, b), 1)

  const internal = internalTopics(options.application)
  const shape = {
    replication,
    sourceBytesMax,
    minInSync: Math.min(minInSync, replication),
    firstTasks: Math.max(...sources.map((s) => s.partitions)),
    recreateRepartition: options.recreateRepartition === true,
    stride: options.stride,
  }
  const { tasks, infos, newlyCreated } = await ensureInternalTopics(admin, internal, shape)
  const changelogConfigs = await admin.configs(internal.changelog)
  if (!keepsState(changelogConfigs.get('cleanup.policy')))
    throw new StartError('topic.config', `${internal.changelog} must have cleanup.policy=compact`)
  const stride = options.stride ?? strideOf(tasks)
  // Each task compares its own state; one without any must not begin with another stride than the others have.
  const recorded = newlyCreated.includes(internal.changelog)
    ? null
    : await recordedState(kafka, clock, infos.get(internal.changelog)!, options.patienceMs)
  if (recorded && recorded.record.tasks === tasks && recorded.record.stride !== stride)
    throw new StartError(
      'stride.changed',
      `task ${recorded.task} has given ids with stride ${recorded.record.stride}, now it is ${stride}`,
    )
  const group = recorded?.record.groupId
  if (recorded && group !== undefined && group !== options.groupId)
    throw new StartError(
      'group.changed',
      `the state of task ${recorded.task} is that of group ${group}, this process is in group ${options.groupId}`,
    )
  const sinks = new Map<Sink, OutputTopic>()
  for (const sink of topology.sinks) {
    const { topic, partitions } = infoOf(named(sink.topic))
    sinks.set(sink, { topic, partitions, messageBytesMax: messageBytesMax(await admin.configs(topic)) })
  }
  const output = async (topic: string): Promise<OutputTopic & { topicId: string }> => {
    const { topicId, partitions } = infos.get(topic)!
    return { topic, topicId, partitions, messageBytesMax: messageBytesMax(await admin.configs(topic)) }
  }
  for (const topic of [...created, ...newlyCreated])
    listener({ kind: 'warning', code: 'topic.created', message: `created topic ${topic}` })
  const plan: Plan = {
    topology,
    application: options.application,
    groupId: options.groupId,
    clusterId,
    tasks,
    stride,
    requireSpanContext: options.requireSpanContext,
    sources,
    sinks,
    changelog: await output(internal.changelog),
    repartition: await output(internal.repartition),
    deadLetters: await output(internal.deadLetters),
  }
  return {
    plan,
    deleteRetentionMs: Number(changelogConfigs.get('delete.retention.ms') ?? DAY_MS),
    created: [...created, ...newlyCreated],
  }
}

async function reachable<T>(ask: () => Promise<T>, clock: Clock, patienceMs: number): Promise<T> {
  const startedAtMs = clock.elapsedMs()
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof RequestLost)) throw error
      if (clock.elapsedMs() - startedAtMs > patienceMs) throw new StartError('kafka.unreachable', error.message)
      await sleep(clock, RETRY_MS)
    }
  }
}

async function ensureUserTopics(
  admin: KafkaAdmin,
  names: readonly string[],
  replication: number,
  options: PreparationOptions,
): Promise<readonly string[]> {
  const there = await admin.topics(names)
  const missing = names.filter((name) => !there.has(name))
  if (missing.length === 0) return []
  if (!options.createTopics) throw new StartError('topic.missing', `missing: ${missing.join(', ')}`)
  return create(
    admin,
    missing.map((topic) => ({
      topic,
      partitions: options.topicPartitions,
      replicationFactor: replication,
      configs: {},
    })),
  )
}

async function ensureInternalTopics(
  admin: KafkaAdmin,
  names: ReturnType<typeof internalTopics>,
  shape: {
    replication: number
    sourceBytesMax: number
    minInSync: number
    firstTasks: number
    recreateRepartition: boolean
    stride: number | null
  },
): Promise<{ tasks: number; infos: ReadonlyMap<string, TopicInfo>; newlyCreated: readonly string[] }> {
  const all = [names.changelog, names.repartition, names.deadLetters]
  const there = await admin.topics(all)
  const changelog = there.get(names.changelog)
  const repartition = there.get(names.repartition)
  if (changelog && !repartition && !shape.recreateRepartition && (await holdsRecords(admin, changelog)))
    throw new StartError('topic.internal_missing', `${names.changelog} has state, ${names.repartition} does not exist`)
  const tasks = changelog?.partitions ?? repartition?.partitions ?? shape.firstTasks
  // Ids are sequence × stride + task + 1: with a smaller one two tasks would give the same.
  if (shape.stride !== null && shape.stride < tasks)
    throw new StartError(
      'config.invalid',
      `NOTE_ID_STRIDE is ${shape.stride} and there are ${tasks} tasks: it takes ${tasks} or more, or leave it unset`,
    )
  const common = {
    'message.timestamp.type': 'CreateTime',
    'message.timestamp.after.max.ms': FOREVER_MS,
    'message.timestamp.before.max.ms': FOREVER_MS,
  }
  const sized = {
    ...common,
    'max.message.bytes': String(shape.sourceBytesMax + INTERNAL_EXTRA_BYTES),
    'min.insync.replicas': String(shape.minInSync),
  }
  const wanted: TopicToCreate[] = [
    {
      topic: names.changelog,
      partitions: tasks,
      replicationFactor: shape.replication,
      configs: { ...sized, 'cleanup.policy': 'compact', 'delete.retention.ms': String(DAY_MS) },
    },
    {
      topic: names.repartition,
      partitions: tasks,
      replicationFactor: shape.replication,
      configs: { ...sized, 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' },
    },
    {
      topic: names.deadLetters,
      partitions: tasks,
      replicationFactor: shape.replication,
      configs: {
        ...sized,
        'cleanup.policy': 'delete',
        'retention.ms': String(30 * DAY_MS),
        // Retention counts from when it was buried: the record itself may be old. Its own time is a header of the letter.
        'message.timestamp.type': 'LogAppendTime',
      },
    },
  ]
  const newlyCreated = await create(
    admin,
    wanted.filter((t) => !there.has(t.topic)),
  )
  const infos = newlyCreated.length > 0 || there.size < all.length ? await admin.topics(all) : there
  for (const name of [names.changelog, names.repartition]) {
    const partitions = infos.get(name)?.partitions
    if (partitions === undefined) throw new StartError('topic.create_failed', `${name} was created and is not there`)
    if (partitions !== infos.get(names.changelog)!.partitions)
      throw new StartError('tasks.changed', `${names.changelog} and ${names.repartition} differ in partitions`)
  }
  return { tasks: infos.get(names.changelog)!.partitions, infos, newlyCreated }
}

async function holdsRecords(admin: KafkaAdmin, topic: TopicInfo): Promise<boolean> {
  const partitions = Array.from({ length: topic.partitions }, (_, partition) => ({ topic: topic.topic, partition }))
  return (await admin.listOffsets(partitions, 'latest')).some((end) => end.position > 0)
}

/** Names that this call created; those that another process created meanwhile are as good. */
async function create(admin: KafkaAdmin, topics: readonly TopicToCreate[]): Promise<readonly string[]> {
  if (topics.length === 0) return []
  const codes = await admin.createTopics(topics)
  for (const [topic, code] of codes)
    if (code !== 0 && code !== TOPIC_ALREADY_EXISTS)
      throw new StartError('topic.create_failed', `${topic}: ${nameOf(code)}`)
  return topics.map((t) => t.topic).filter((topic) => codes.get(topic) === 0)
}

const messageBytesMax = (configs: ReadonlyMap<string, string>): number =>
  Number(configs.get('max.message.bytes') ?? MESSAGE_BYTES_MAX_DEFAULT)
