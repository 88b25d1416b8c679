/**
 * Writes the changelog anew from the state in Redis, for when the topic is gone or has lost records and Redis is whole.
 * Owns the order. Redis is only read until every record is written; until a task's checkpoint names the new topic it is
 * foreign to it, so that what broke off anywhere stops the task (`state.foreign`) and the same command begins again.
 */
import { systemClock } from '../engine/clock.ts'
import { checkpointRecord } from '../engine/core/checkpoint-record.ts'
import { NO_HEADERS } from '../engine/core/headers.ts'
import { type Offset, offset } from '../engine/core/numbers.ts'
import { everyPartition, type Plan, partitionName, partitionsOf } from '../engine/core/plan.ts'
import type { Publisher, TopicPartition } from '../engine/ports.ts'
import { type PreparationOptions, prepare } from '../engine/preparation.ts'
import { PLAIN_STAMP, RecordBatchBuilder } from '../engine/wire/record-batch-builder.ts'
import { CHECKPOINT_KEY, encodeCheckpointRecord } from '../stores/core/changelog.ts'
import { entryName } from '../stores/core/entry-name.ts'
import type { Checkpoint, StateReader } from '../stores/ports.ts'
import type { OperatorContext } from './context.ts'
import { hasBatches, planRewrite, type RewritePlan, type TaskSnapshot } from './core/rewrite.ts'
import { OperationError } from './errors.ts'
import { committedOffsets } from './group-offsets.ts'
import { deleteTopic, openTransactions } from './leftovers.ts'
import { membersInTheWay, TRANSACTIONAL_ID, writePlan } from './offsets.ts'
import { answerOf, worstOf } from './patience.ts'
import { logRanges } from './records.ts'

export interface RewriteRequest {
  /** Records whose changes Redis does not have are processed once more; what they published is published twice. */
  readonly redo: boolean
  /** Also where nothing is seen to be wrong with the topic: a record in it may be unreadable, or somebody else's. */
  readonly anyway: boolean
  /** False: nothing is written. */
  readonly execute: boolean
  /** Hears of every task that is written. */
  readonly step?: (what: string) => void
}

export interface RewriteReport {
  /** Why the changelog is written anew; null: it is whole, and nothing is to be done. */
  readonly reason: string | null
  readonly planned: RewritePlan
  readonly refused: readonly string[]
  /** Entries written, by task; empty until it is executed. */
  readonly written: readonly { readonly task: number; readonly entries: number }[]
}

/** `plan` of the context may lack the changelog (`changelogMayMiss`). Throws OperationError, StartError, StoreLost, RequestLost. */
export async function rewriteChangelog(
  context: OperatorContext,
  options: PreparationOptions,
  { redo, anyway, execute, step }: RewriteRequest,
): Promise<RewriteReport> {
  const snapshots = await snapshotsOf(context)
  const planned = planRewrite(context.plan, snapshots, redo)
  const reason = (await reasonOf(context, snapshots)) ?? (anyway ? ASKED_FOR : null)
  const members = await membersInTheWay(context)
  const open = await openTransactions(context.kafka, context.plan.application)
  const refused = [
    ...members,
    ...open.map((id) => `the transaction of ${id} is still open: its timeout ends it, then run this again`),
    ...planned.problems,
  ]
  if (!execute || reason === null || refused.length > 0) return { reason, planned, refused, written: [] }
  await deleteTopic(context.operator, context.plan.changelog.topic)
  const { plan } = await prepare(context.kafka, systemClock, () => {}, options)
  const { reader, admin, kafka } = context
  const publisher = kafka.publisher()
  const written: Written[] = []
  try {
    for (const one of planned.tasks) {
      step?.(`task ${one.task}: writing its state to ${plan.changelog.topic}`)
      written.push(await writeTask(plan, publisher, reader, one))
    }
  } finally {
    await publisher.close()
  }
  await writePlan({ kafka, plan }, { ...planned, records: [] })
  for (const { task, from, to } of written)
    if (!(await admin.rebase(task, from, to)))
      throw new OperationError(
        'state.changed',
        'refused',
        `task ${task}: its checkpoint in Redis has changed meanwhile: run it again`,
      )
  return { reason, planned, refused, written: written.map(({ task, entries }) => ({ task, entries })) }
}

interface Written {
  readonly task: number
  readonly entries: number
  readonly from: Checkpoint
  /** As it is in the new topic. */
  readonly to: Checkpoint
}

async function writeTask(
  plan: Plan,
  publisher: Publisher,
  reader: StateReader,
  { task, checkpoint: from }: RewritePlan['tasks'][number],
): Promise<Written> {
  const { topic, topicId, messageBytesMax } = plan.changelog
  if (!hasBatches(from)) return { task, entries: 0, from, to: { ...from, changelogTopicId: topicId } }
  const log = new PartitionWriter(publisher, { topic, partition: task }, messageBytesMax)
  let entries = 0
  for await (const { store, key, field, json } of reader.dump(task)) {
    await log.add(from.committedAtMs, entryName(store, key, field), json)
    entries++
  }
  const record = checkpointRecord(plan, from, TRANSACTIONAL_ID)
  await log.add(from.committedAtMs, CHECKPOINT_KEY, encodeCheckpointRecord(record))
  const at = await log.flush()
  // No tombstone is in it that could have been deleted: it is as fresh as can be.
  const to = { ...from, offset: at, firstOffset: at, changelogTopicId: topicId, committedAtMs: Date.now() }
  return { task, entries, from, to }
}

async function snapshotsOf({ plan, kafka, reader }: OperatorContext): Promise<readonly TaskSnapshot[]> {
  const group = kafka.groupClient(plan.groupId)
  try {
    const snapshots: TaskSnapshot[] = []
    for (let task = 0; task < plan.tasks; task++) {
      const committed = await committedOffsets({ plan, group }, partitionsOf(plan, task))
      const { checkpoint = null, isPartial = false } = (await reader.task(task)) ?? {}
      snapshots.push({ task, checkpoint, isPartial, committed })
    }
    return snapshots
  } finally {
    await group.close()
  }
}

/** What is wrong with the changelog that is there. */
async function reasonOf({ plan, kafka }: OperatorContext, snapshots: readonly TaskSnapshot[]): Promise<string | null> {
  const { topic, topicId, partitions } = plan.changelog
  if (topicId === '') return `${topic} does not exist`
  if (partitions !== plan.tasks) return `${topic} has ${partitions} partitions, and there are ${plan.tasks} tasks`
  const logs = await logRanges(kafka, everyPartition(plan.changelog))
  for (const { task, checkpoint } of snapshots) {
    if (checkpoint === null) continue
    const name = partitionName({ topic, partition: task })
    const { start, end } = logs.get(name)!
    if (checkpoint.changelogTopicId !== topicId)
      return `${topic} is another topic than the one that task ${task}'s state was written to`
    if (start > 0) return `${name} begins at offset ${start}: what lay before is gone`
    if (end <= checkpoint.offset) return `${name} ends at ${end}, and its state is as of offset ${checkpoint.offset}`
  }
  return null
}

/** Appends to one partition, outside of transactions: nobody reads it before the checkpoint in Redis says so. */
class PartitionWriter {
  readonly #publisher: Publisher
  readonly #at: TopicPartition
  readonly #limitBytes: number
  readonly #builder = new RecordBatchBuilder()
  #last = offset(0)

  constructor(publisher: Publisher, at: TopicPartition, messageBytesMax: number) {
    this.#publisher = publisher
    this.#at = at
    this.#limitBytes = messageBytesMax
  }

  async add(timestampMs: number, key: string, value: string | null): Promise<void> {
    const name = Buffer.from(key)
    if (this.#builder.sizeBytes >= BATCH_BYTES) await this.flush()
    if (this.#builder.tryAdd(this.#limitBytes, timestampMs, name, value, NO_HEADERS)) return
    await this.flush()
    if (!this.#builder.tryAdd(this.#limitBytes, timestampMs, name, value, NO_HEADERS))
      throw new OperationError(
        'kafka.refused',
        'unreachable',
        `${key} does not fit into ${this.#at.topic}: raise its max.message.bytes`,
      )
  }

  /** Offset of the last record that was written. */
  async flush(): Promise<Offset> {
    const { count } = this.#builder
    if (count === 0) return this.#last
    const batch = { ...this.#at, bytes: this.#builder.finish(PLAIN_STAMP) }
    const what = `writing to ${partitionName(this.#at)}`
    const [answer] = await answerOf(what, 'transaction', () => this.#publisher.publish([batch]), worstOf)
    this.#builder.reset()
    this.#last = offset(answer!.baseOffset + count - 1)
    return this.#last
  }
}

const ASKED_FOR = 'nothing is seen to be wrong with the topic'
const BATCH_BYTES = 512 * 1024
