/** What is known of each task: owner, checkpoint and pause from Redis, offsets, ends and lag from Kafka. */

import { setImmediate } from 'node:timers/promises'
import type { LogRange } from '../engine/core/log-windows.ts'
import { position } from '../engine/core/numbers.ts'
import { partitionName, partitionsOf } from '../engine/core/plan.ts'
import type { TopicPartition } from '../engine/ports.ts'
import { fetchEnd } from '../engine/wire/fetch-end.ts'
import { FetchedRecords } from '../engine/wire/fetched-records.ts'
import type { Pause } from '../stores/ports.ts'
import type { Context, KafkaContext } from './context.ts'
import { committedOffsets } from './group-offsets.ts'
import { answerOf } from './patience.ts'
import { logRanges } from './records.ts'

export interface TaskView {
  readonly task: number
  /** Whoever claimed it last; it may be gone. */
  readonly instance: string | null
  readonly transactionalId: string | null
  /** Who holds the lease now: a label that its owner renews, so without it the owner is probably gone. */
  readonly lease: string | null
  /** An operator's order: it keeps its owner and takes no records. */
  readonly paused: Pause | null
  /** Redis' checkpoint. */
  readonly batch: number | null
  readonly checkpointOffset: number | null
  readonly checkpointAgeMs: number | null
  readonly changelogEnd: number
  readonly partitions: readonly PartitionView[]
}

export interface PartitionView extends TopicPartition {
  readonly committed: number | null
  readonly end: number
  /** Records that wait; an upper bound where `exact` is false, for markers of transactions take offsets too. */
  readonly lag: number
  readonly exact: boolean
}

export interface GroupView {
  readonly id: string
  readonly state: string
  readonly members: readonly { readonly memberId: string; readonly instanceId: string | null; readonly host: string }[]
}

/** Longest look at one partition that is behind: enough to tell markers from records near the end. */
const LOOK_BYTES_MAX = 64 * 1024
const LOOK_BYTES_TOTAL_MAX = 16 * 1024 * 1024

/** Tasks whose hashes are asked for at once: their answers are read in one turn of the event loop. */
const SLICE_TASKS = 50

export interface ViewOptions {
  /**
   * Who holds leases, and how many records really wait where markers of transactions may be counted in: the one is a
   * command per task, the other reads records. False for those who look every other second.
   */
  readonly exact?: boolean
}

/** Throws OperationError, StoreLost. */
export async function viewTasks(
  context: Context,
  { exact = true }: ViewOptions = {},
): Promise<{ group: GroupView; tasks: readonly TaskView[] }> {
  const { plan, reader, admin, kafka } = context
  const numbers = Array.from({ length: plan.tasks }, (_, task) => task)
  const stored = await inSlices(numbers, (task) => reader.task(task))
  const holders = exact ? await inSlices(numbers, (task) => admin.leaseHolder(task)) : []
  const pauses = await admin.pauses(numbers)
  const partitions = numbers.flatMap((task) => partitionsOf(plan, task))
  const committed = await committedOf(context, partitions)
  const changelog = numbers.map((partition) => ({ topic: plan.changelog.topic, partition }))
  const logs = await logRanges(kafka, [...partitions, ...changelog])
  const lags = await lagsOf(context, partitions, committed, logs, exact)
  const nowMs = Date.now()
  const tasks = numbers.map((task) => {
    const { instance = null, transactionalId = null, checkpoint = null } = stored[task] ?? {}
    return {
      task,
      instance,
      transactionalId,
      lease: holders[task] ?? null,
      paused: pauses[task] ?? null,
      batch: checkpoint?.batch ?? null,
      checkpointOffset: checkpoint && checkpoint.batch > 0 ? checkpoint.offset : null,
      checkpointAgeMs: checkpoint && Math.max(0, nowMs - checkpoint.committedAtMs),
      changelogEnd: logs.get(partitionName({ topic: plan.changelog.topic, partition: task }))?.end ?? 0,
      partitions: partitionsOf(plan, task).map((at) => lags.get(partitionName(at))!),
    }
  })
  return { group: await groupOf(context), tasks }
}

/** In the order of the tasks. Between slices the event loop does other work: whoever looks may be a process that runs tasks. */
async function inSlices<T>(tasks: readonly number[], ask: (task: number) => Promise<T>): Promise<readonly T[]> {
  const answers: T[] = []
  for (let from = 0; from < tasks.length; from += SLICE_TASKS) {
    answers.push(...(await Promise.all(tasks.slice(from, from + SLICE_TASKS).map(ask))))
    await setImmediate()
  }
  return answers
}

async function groupOf({ plan, kafka }: KafkaContext): Promise<GroupView> {
  const admin = kafka.groupAdmin(plan.groupId)
  try {
    const { state, members } = await answerOf(
      `group ${plan.groupId}`,
      'group',
      () => admin.describe(),
      ({ code }) => code,
    )
    return {
      id: plan.groupId,
      state,
      members: members.map(({ memberId, instanceId, host }) => ({ memberId, instanceId, host })),
    }
  } finally {
    await admin.close()
  }
}

/** Without requireStable: an open transaction must not keep an operator waiting, and a view may be a moment old. */
async function committedOf(
  { plan, kafka }: KafkaContext,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, number>> {
  const group = kafka.groupClient(plan.groupId)
  try {
    return await committedOffsets({ plan, group }, partitions, false)
  } finally {
    await group.close()
  }
}

async function lagsOf(
  { kafka }: KafkaContext,
  partitions: readonly TopicPartition[],
  committed: ReadonlyMap<string, number>,
  logs: ReadonlyMap<string, LogRange>,
  exact: boolean,
): Promise<Map<string, PartitionView>> {
  const views = new Map<string, PartitionView>()
  const behind: TopicPartition[] = []
  for (const { topic, partition } of partitions) {
    const name = partitionName({ topic, partition })
    const { start, end } = logs.get(name)!
    const at = committed.get(name) ?? null
    const lag = Math.max(0, end - (at ?? start))
    views.set(name, { topic, partition, committed: at, end, lag, exact: lag === 0 })
    if (lag > 0) behind.push({ topic, partition })
  }
  if (behind.length === 0 || !exact) return views
  const fetch = kafka.fetchClient()
  try {
    const requests = behind.map((at) => {
      const name = partitionName(at)
      return { ...at, position: position(committed.get(name) ?? logs.get(name)!.start), maxBytes: LOOK_BYTES_MAX }
    })
    const answers = await fetch.fetch(requests, { maxWaitMs: 0, minBytes: 0, maxBytes: LOOK_BYTES_TOTAL_MAX })
    for (const answer of answers) {
      const name = partitionName(answer)
      const view = views.get(name)!
      if (answer.code !== 0 || fetchEnd(answer.records, answer.asked) < view.end) continue
      const records = new FetchedRecords(answer.records, answer.aborted, answer.asked)
      let lag = 0
      for (let record = records.next(); record; record = records.next()) if (record.offset < view.end) lag++
      views.set(name, { ...view, lag, exact: true })
    }
  } finally {
    await fetch.close()
  }
  return views
}
