/**
 * Looks at everything that the service needs, and changes nothing. Owns the order of the questions and what is skipped
 * when an earlier one has no answer; what an answer means: operations/core/doctor.ts.
 */
import { OFFSETS_TOPIC, TRANSACTIONS_TOPIC } from '../engine/core/hanging.ts'
import { codes, nameOf } from '../engine/core/kafka-errors.ts'
import { internalTopics } from '../engine/core/plan.ts'
import type { KafkaOperator } from '../engine/kafka/operator.ts'
import { KafkaRefused } from '../engine/kafka/refused.ts'
import { type Kafka, RequestLost } from '../engine/ports.ts'
import type { StoreAdmin } from '../stores/ports.ts'
import { StoreLost } from '../stores/ports.ts'
import {
  type Finding,
  fail,
  judgeClock,
  judgeFeatures,
  judgeGroup,
  judgeMending,
  judgeNode,
  judgeOffsets,
  judgePartitions,
  judgeStore,
  judgeTopic,
  ok,
  skipped,
  type TopicFacts,
  warn,
} from './core/doctor.ts'
import { offsetRows } from './core/offsets.ts'
import { type DeploymentOptions, findDeployment, missingSources } from './deployment.ts'
import { OperationError } from './errors.ts'
import { gatherFacts } from './offsets.ts'

export interface DoctorContext {
  readonly kafka: Kafka
  readonly operator: KafkaOperator
  readonly admin: StoreAdmin
  readonly options: DeploymentOptions & { readonly createTopics: boolean }
  readonly process: { readonly nodeVersion: string; readonly freeBytes: number }
}

/** Findings as they are made. Never throws what Kafka or Redis answer. */
export async function* examine(context: DoctorContext): AsyncGenerator<Finding> {
  yield* judgeNode(context.process.nodeVersion, context.process.freeBytes)
  yield* examineKafka(context)
  yield* examineStore(context)
}

async function* examineKafka(context: DoctorContext): AsyncGenerator<Finding> {
  const { kafka, operator, options } = context
  try {
    const { clusterId, brokers } = await kafka.admin.cluster()
    yield ok('kafka.reachable', `cluster ${clusterId}, ${brokers} ${brokers === 1 ? 'broker' : 'brokers'}`)
    yield* judgeFeatures(await kafka.admin.finalizedFeatures())
    const { value, skewMs, roundTripMs } = await timed(
      () => operator.timeMs(),
      ({ timeMs }) => timeMs,
    )
    yield judgeClock('kafka.clock', skewMs, roundTripMs, value.code === 0 ? '' : `not told: ${nameOf(value.code)}`)
    yield* examineTopics(context)
    const group = await operator.group(options.groupId)
    if (group.code === codes.GROUP_AUTHORIZATION_FAILED)
      yield fail(
        'rights.group',
        `${options.groupId}: it may not be seen`,
        `kafka-acls.sh --add --allow-principal … --operation Read --operation Describe --group '${options.groupId}'`,
      )
    else if (group.code !== 0) yield warn('group.state', nameOf(group.code), 'Ask again in a few seconds')
    else yield* judgeGroup(options.groupId, { ...group, members: group.members.length })
    yield await transactionalId(context)
    yield await mending(context)
    yield* examineOffsets(context)
  } catch (error) {
    yield kafkaFailed(error)
  }
}

async function* examineTopics({ kafka, operator, options }: DoctorContext): AsyncGenerator<Finding> {
  const named = (topic: string): string => options.topicNames[topic] ?? topic
  const internal = internalTopics(options.application)
  const roles = new Map<string, TopicFacts['role']>([
    ...options.topology.sources.map(({ topic }) => [named(topic), 'source'] as const),
    ...options.topology.sinks.map(({ topic }) => [named(topic), 'sink'] as const),
    [internal.changelog, 'changelog'],
    [internal.repartition, 'repartition'],
    [internal.deadLetters, 'dead-letters'],
  ])
  const states = await operator.topics([...roles.keys()])
  const facts = new Map<string, TopicFacts>()
  for (const [topic, role] of roles) {
    const state = states.get(topic)
    const { code = codes.UNKNOWN_SERVER_ERROR, partitions = [], operations = null } = state ?? {}
    facts.set(topic, {
      topic,
      role,
      code,
      partitions,
      operations,
      configs: code === 0 ? await configsOf(kafka, topic) : null,
    })
  }
  for (const fact of facts.values()) yield* judgeTopic(fact, options.createTopics)
  const changelog = facts.get(internal.changelog)!
  const partitions = changelog.partitions.map((_, partition) => ({ topic: changelog.topic, partition }))
  const ends = partitions.length === 0 ? [] : await kafka.admin.listOffsets(partitions, 'latest')
  yield* judgePartitions(
    changelog,
    facts.get(internal.repartition)!,
    ends.some(({ position }) => position > 0),
  )
}

async function configsOf(kafka: Kafka, topic: string): Promise<ReadonlyMap<string, string> | null> {
  try {
    return await kafka.admin.configs(topic)
  } catch (error) {
    if (error instanceof KafkaRefused) return null
    throw error
  }
}

/** Describe is asked for; Write cannot be without taking the id from whoever has it. */
async function transactionalId({ kafka, options }: DoctorContext): Promise<Finding> {
  const id = `${options.application}-doctor`
  const { code } = await kafka.transactions.describe(id)
  return code === codes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    ? fail(
        'rights.transactional-id',
        `${options.application}-…: Describe not allowed`,
        `kafka-acls.sh --add --allow-principal … --operation Write --operation Describe --transactional-id ${options.application}- --resource-pattern-type prefixed`,
      )
    : ok(
        'rights.transactional-id',
        `${options.application}-…: Describe is allowed; Write shows when the service starts`,
      )
}

/** Where the service looks when a broker has lost the markers of a transaction. */
async function mending({ operator, options }: DoctorContext): Promise<Finding> {
  const sinks = options.topology.sinks.map(({ topic }) => options.topicNames[topic] ?? topic)
  const names = [...sinks, internalTopics(options.application).deadLetters, OFFSETS_TOPIC, TRANSACTIONS_TOPIC]
  const states = await operator.topics(names)
  return judgeMending(
    names.map((topic) => ({
      topic,
      code: states.get(topic)?.code ?? codes.UNKNOWN_TOPIC_OR_PARTITION,
      operations: states.get(topic)?.operations ?? null,
    })),
  )
}

async function* examineOffsets({ kafka, options }: DoctorContext): AsyncGenerator<Finding> {
  try {
    const plan = await findDeployment(kafka, options)
    const { tasks } = await gatherFacts({ kafka, plan })
    const missing = missingSources(plan, options)
    yield* judgeOffsets(tasks.flatMap((task) => offsetRows(plan, task, missing)))
  } catch (error) {
    if (!(error instanceof OperationError)) throw error
    yield error.code === 'deployment.missing'
      ? skipped('group.offsets', 'the service has not run yet')
      : fail('group.offsets', error.message, `docs/errors.md has ${error.code}`)
  }
}

function kafkaFailed(error: unknown): Finding {
  const remedy = 'Check BOOTSTRAP_SERVERS, the security settings and that the cluster is up'
  if (error instanceof RequestLost) return fail('kafka.reachable', error.message, remedy)
  if (error instanceof KafkaRefused || error instanceof OperationError)
    return fail('kafka.refused', error.message, 'Grant the right, or mend what it names')
  throw error
}

async function* examineStore({ admin }: DoctorContext): AsyncGenerator<Finding> {
  try {
    const server = await admin.server()
    yield ok('redis.reachable', 'it answers')
    yield* judgeStore(server)
    yield await storeClock(admin)
  } catch (error) {
    if (!(error instanceof StoreLost)) throw error
    yield fail('redis.reachable', error.message, 'Check REDIS_URL, user and password, and that Redis is up')
  }
}

async function storeClock(admin: StoreAdmin): Promise<Finding> {
  try {
    const { skewMs, roundTripMs } = await timed(
      () => admin.timeMs(),
      (timeMs) => timeMs,
    )
    return judgeClock('redis.clock', skewMs, roundTripMs)
  } catch (error) {
    if (!(error instanceof StoreLost)) throw error
    // A user without the right to TIME is no failure of the service's.
    return skipped('redis.clock', error.message)
  }
}

/** The other's clock minus ours in the middle of the request. The first one may open a connection: the second is measured. */
async function timed<T>(
  ask: () => Promise<T>,
  timeOf: (value: T) => number | null,
): Promise<{ value: T; skewMs: number | null; roundTripMs: number }> {
  await ask()
  const startedAtMs = Date.now()
  const started = performance.now()
  const value = await ask()
  const roundTripMs = performance.now() - started
  const timeMs = timeOf(value)
  return { value, skewMs: timeMs === null ? null : timeMs - (startedAtMs + roundTripMs / 2), roundTripMs }
}
