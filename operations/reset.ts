/**
 * Makes the application begin anew: its internal topics, its state in Redis and its offsets go; its input and output topics
 * stay as they are. Owns the order, in which a reset that broke off anywhere cannot run as if it were whole:
 *
 * to earliest  repartition topic, changelog, Redis, offsets. Without the repartition topic and with a changelog no process
 *              starts (`topic.internal_missing`); without a changelog, state in Redis stops a task (`state.foreign`), and
 *              offsets do (`offsets.foreign`) until they go, all at once, as the last step.
 * to latest    offsets to the ends first, which the old state does not agree with (`offsets.mismatch`); then as above, but
 *              the offsets stay (`offsets.foreign`) until each task's first checkpoint record is written, as the last step.
 *
 * Dead letters, where they are to go, go behind all that: an application of which neither an internal topic nor a key is there
 * is taken for a mistyped one and refused, and the group that it names may be another's. So something of it must be there for
 * as long as a reset that broke off has anything left to do.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../engine/clock.ts'
import { codes, nameOf } from '../engine/core/kafka-errors.ts'
import { position } from '../engine/core/numbers.ts'
import { internalTopics, type Plan, partitionsOf } from '../engine/core/plan.ts'
import type { KafkaOperator } from '../engine/kafka/operator.ts'
import type { Kafka, OffsetToCommit } from '../engine/ports.ts'
import { type PreparationOptions, prepare } from '../engine/preparation.ts'
import type { StoreAdmin } from '../stores/ports.ts'
import { planAdopt } from './core/offsets.ts'
import { OperationError } from './errors.ts'
import { deleteTopic, OPEN_STATES, openTransactions } from './leftovers.ts'
import { commitOffsets, gatherFacts, writePlan } from './offsets.ts'
import { answerOf, PATIENCE_MS } from './patience.ts'
import { logRanges } from './records.ts'

export interface ResetContext {
  readonly kafka: Kafka
  readonly operator: KafkaOperator
  readonly admin: StoreAdmin
  readonly options: PreparationOptions
}

export interface ResetRequest {
  readonly to: 'earliest' | 'latest'
  /** Removes the dead letters, too. */
  readonly deadLetters: boolean
  /** False: nothing is written. */
  readonly execute: boolean
  /** Hears of every step before it is taken. */
  readonly step?: (what: string) => void
}

export interface ResetReport {
  /** What it does, or would do, in this order; empty: there is nothing to reset. */
  readonly steps: readonly string[]
  readonly refused: readonly string[]
  readonly executed: boolean
}

interface Step {
  readonly what: string
  readonly take: () => Promise<void>
}

const KEYS_COUNTED_MAX = 1_000_000
const POLL_MS = 50

/** Throws OperationError (`deployment.missing`: nothing is done), RequestLost, KafkaRefused, StoreLost: then the same call goes on. */
export async function reset(context: ResetContext, request: ResetRequest): Promise<ResetReport> {
  const { operator, options } = context
  const group = await answerOf(
    `group ${options.groupId}`,
    'group',
    () => operator.group(options.groupId),
    ({ code }) => code,
  )
  const refused = group.members.map(
    ({ instanceId, memberId, host }) =>
      `group ${options.groupId} has an active member, ${instanceId ?? memberId} at ${host}: stop the service first`,
  )
  const steps = await plannedSteps(context, request, group.state !== 'Dead')
  const executed = request.execute && refused.length === 0 && steps.length > 0
  if (executed)
    for (const { what, take } of steps) {
      request.step?.(what)
      await take()
    }
  return { steps: steps.map(({ what }) => what), refused, executed }
}

async function plannedSteps(context: ResetContext, request: ResetRequest, groupIsThere: boolean): Promise<Step[]> {
  const { operator, options, admin, kafka } = context
  const { application, groupId } = options
  const internal = internalTopics(application)
  const named = (topic: string): string => options.topicNames[topic] ?? topic
  const sources = options.topology.sources.map(({ topic }) => named(topic))
  const topics = await operator.topics([...sources, ...Object.values(internal)])
  const exists = (topic: string): boolean => topics.get(topic)?.code === 0
  const { keys, complete } = await admin.count(KEYS_COUNTED_MAX)
  if (keys === 0 && !Object.values(internal).some(exists))
    throw new OperationError(
      'deployment.missing',
      'usage',
      `there is no topic ${Object.values(internal).join(', ')} and no key of ${application} in Redis: nothing is left to reset, or APPLICATION_ID is not ${application}`,
    )
  const steps: Step[] = []
  const step = (what: string, take: () => Promise<void>): void => void steps.push({ what, take })

  for (const id of await openTransactions(kafka, application))
    step(`end the open transaction of ${id}, whose process is gone`, () => endTransaction(kafka, id))
  if (request.to === 'latest') {
    const ends = await endsOf(kafka, topics, sources.filter(exists))
    const places = ends.map(({ topic, partition, position }) => `${topic}-${partition}@${position}`)
    step(`set the offsets of group ${groupId} to ${places.join(', ')}`, async () =>
      commitOffsets({ kafka, groupId }, await endsOf(kafka, topics, sources.filter(exists))),
    )
  }
  for (const topic of [internal.repartition, internal.changelog].filter(exists))
    step(`delete topic ${topic}`, () => deleteTopic(operator, topic))
  if (keys > 0)
    step(
      `remove the ${complete ? keys : `more than ${keys}`} keys of ${application} from Redis, but for pauses`,
      async () => {
        await admin.clear()
      },
    )
  if (request.to === 'latest')
    step('create the internal topics, with a first checkpoint for each task at these offsets', () => adopt(context))
  else if (groupIsThere)
    step(`delete group ${groupId} with its offsets, so that every input is read from its start`, () =>
      deleteGroup(operator, groupId),
    )
  if (request.deadLetters && exists(internal.deadLetters))
    step(`delete topic ${internal.deadLetters}`, () => deleteTopic(operator, internal.deadLetters))
  return steps
}

/** Its offsets and records would else appear, or vanish, behind the reset. */
async function endTransaction(kafka: Kafka, transactionalId: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (let fenced = false; ; ) {
    const described = await kafka.transactions.describe(transactionalId)
    if (!OPEN_STATES.includes(described.state)) return
    // Once: again, it would count for whoever has started under that id meanwhile.
    if (!fenced && described.state === 'Ongoing') await kafka.transactions.fence(transactionalId, described)
    fenced ||= described.state === 'Ongoing'
    if (performance.now() > deadline)
      throw new OperationError('kafka.transaction_open', 'unreachable', `${transactionalId} does not end`)
    await sleep(POLL_MS)
  }
}

async function endsOf(
  kafka: Kafka,
  topics: Awaited<ReturnType<KafkaOperator['topics']>>,
  names: readonly string[],
): Promise<readonly OffsetToCommit[]> {
  const partitions = names.flatMap((topic) =>
    (topics.get(topic)?.partitions ?? []).map((_, partition) => ({ topic, partition })),
  )
  const logs = await logRanges(kafka, partitions)
  return partitions.map((at) => ({ ...at, position: position(logs.get(`${at.topic}-${at.partition}`)!.end) }))
}

async function deleteGroup(operator: KafkaOperator, groupId: string): Promise<void> {
  await answerOf(
    `deleting group ${groupId}`,
    'group',
    () => operator.deleteGroup(groupId),
    (code) => {
      if (code === codes.NON_EMPTY_GROUP)
        throw new OperationError(
          'group.active',
          'refused',
          `group ${groupId} has members by now: stop the service first`,
        )
      if (code === codes.GROUP_ID_NOT_FOUND) return 0
      if (code !== 0 && code !== codes.COORDINATOR_NOT_AVAILABLE && code !== codes.NOT_COORDINATOR)
        throw new OperationError('kafka.refused', 'unreachable', `deleting group ${groupId}: ${nameOf(code)}`)
      return code
    },
  )
}

/** The topics as the service would create them, then what each task's first batch would have written. */
async function adopt({ kafka, options }: ResetContext): Promise<void> {
  const { plan } = await prepare(kafka, systemClock, () => {}, options)
  const { groupId } = options
  await commitOffsets({ kafka, groupId }, repartitionStarts(plan))
  const facts = await gatherFacts({ kafka, plan })
  const planned = planAdopt(facts)
  if (planned.problems.length > 0)
    throw new OperationError('reset.failed', 'refused', `${planned.problems[0]}: run it again`)
  await writePlan({ kafka, plan }, planned)
}

const repartitionStarts = (plan: Plan): readonly OffsetToCommit[] =>
  Array.from({ length: plan.tasks }, (_, task) => task)
    .flatMap((task) => partitionsOf(plan, task))
    .filter(({ topic }) => topic === plan.repartition.topic)
    .map((at) => ({ ...at, position: position(0) }))
