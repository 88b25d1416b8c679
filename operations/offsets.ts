/**
 * What `tributary offsets` asks and writes. The order of writing: committed offsets first, which the broker refuses while
 * the group has members, then the first checkpoint records; a task that sees only the first part stops as before.
 */

import { NO_HEADERS } from '../engine/core/headers.ts'
import { codes } from '../engine/core/kafka-errors.ts'
import { position } from '../engine/core/numbers.ts'
import { partitionsOf } from '../engine/core/plan.ts'
import type { Kafka, OffsetToCommit } from '../engine/ports.ts'
import { PLAIN_STAMP, RecordBatchBuilder } from '../engine/wire/record-batch-builder.ts'
import { CHECKPOINT_KEY, encodeCheckpointRecord } from '../stores/core/changelog.ts'
import type { KafkaContext } from './context.ts'
import type { OffsetFacts, OffsetPlan, TaskOffsets } from './core/offsets.ts'
import { OperationError } from './errors.ts'
import { readTaskOffsets } from './group-offsets.ts'
import { answerOf, worstOf } from './patience.ts'
import { logRanges } from './records.ts'

/** In the place of an owner's, in what is written by hand. */
export const TRANSACTIONAL_ID = 'tributary-cli'
/** Throws OperationError. */
export async function gatherFacts({ plan, kafka }: KafkaContext): Promise<OffsetFacts> {
  const group = kafka.groupClient(plan.groupId)
  const fetch = kafka.fetchClient()
  try {
    const tasks: TaskOffsets[] = []
    for (let task = 0; task < plan.tasks; task++) tasks.push(await readTaskOffsets({ plan, kafka, group, fetch }, task))
    const gone = plan.repartition.partitions === 0 ? plan.repartition.topic : null
    const readable = tasks.flatMap(({ task }) => partitionsOf(plan, task)).filter(({ topic }) => topic !== gone)
    return { plan, tasks, logs: await logRanges(kafka, readable), transactionalId: TRANSACTIONAL_ID }
  } finally {
    await group.close()
    await fetch.close()
  }
}

/** One line per member of the group. Throws OperationError. */
export async function groupMembers({ plan, kafka }: KafkaContext): Promise<readonly string[]> {
  const admin = kafka.groupAdmin(plan.groupId)
  try {
    const { members } = await answerOf(
      `group ${plan.groupId}`,
      'group',
      () => admin.describe(),
      ({ code }) => code,
    )
    return members.map(({ memberId, instanceId, host }) => `${instanceId ?? memberId} at ${host}`)
  } finally {
    await admin.close()
  }
}

/** Why nothing may be written while the group has members, a line for each. Throws OperationError. */
export const membersInTheWay = async (context: KafkaContext): Promise<readonly string[]> =>
  (await groupMembers(context)).map((member) => `the group has an active member, ${member}: stop the service first`)

/** Throws OperationError; what is half written is written again by the same command. */
export async function writePlan(context: KafkaContext, { changes, records }: OffsetPlan): Promise<void> {
  if (changes.length > 0)
    await commitOffsets(
      { kafka: context.kafka, groupId: context.plan.groupId },
      changes.map(({ topic, partition, to }) => ({ topic, partition, position: position(to) })),
    )
  if (records.length > 0) await append(context, records)
}

/** Throws OperationError, also `group.active`. */
export async function commitOffsets(
  { kafka, groupId }: { readonly kafka: Kafka; readonly groupId: string },
  offsets: readonly OffsetToCommit[],
): Promise<void> {
  const admin = kafka.groupAdmin(groupId)
  try {
    await answerOf(
      `committing offsets of group ${groupId}`,
      'group',
      async () => {
        const answers = await admin.commit(offsets)
        if (answers.some(({ code }) => code === codes.UNKNOWN_MEMBER_ID))
          throw new OperationError(
            'group.active',
            'refused',
            `group ${groupId} has members by now: stop the service first`,
          )
        return answers
      },
      worstOf,
    )
  } finally {
    await admin.close()
  }
}

/** Appended outside of a transaction: one record per task, and the same record twice does no harm. */
async function append({ plan, kafka }: KafkaContext, records: OffsetPlan['records']): Promise<void> {
  const publisher = kafka.publisher()
  try {
    const batches = records.map(({ task, record }) => {
      const builder = new RecordBatchBuilder()
      builder.add(Date.now(), Buffer.from(CHECKPOINT_KEY), encodeCheckpointRecord(record), NO_HEADERS)
      return { topic: plan.changelog.topic, partition: task, bytes: builder.finish(PLAIN_STAMP) }
    })
    await answerOf(`writing to ${plan.changelog.topic}`, 'transaction', () => publisher.publish(batches), worstOf)
  } finally {
    await publisher.close()
  }
}
