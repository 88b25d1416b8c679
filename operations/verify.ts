/**
 * `tributary verify`: is Redis the fold of the changelog, and are the group's offsets those of its checkpoint record?
 * Owns the order of the reads, which is what makes the answer right while the service goes on: the store's checkpoint,
 * the changelog up to now, the dump, then the changelog up to then. One task at a time, so that memory is bounded by
 * the state of one task. The rule itself: cli/core/comparison.ts.
 */
import { changelogEntry } from '../engine/core/changelog-entry.ts'
import { type Position, position } from '../engine/core/numbers.ts'
import { type Plan, partitionName } from '../engine/core/plan.ts'
import type { FetchClient, Kafka } from '../engine/ports.ts'
import { type StateReader, type StoreLayout, StoreLost } from '../stores/ports.ts'
import { storeLayoutOf } from '../stores/store-layout.ts'
import { TaskComparison } from './core/comparison.ts'
import { type Difference, DifferenceList } from './core/differences.ts'
import { isBad, offsetRows, stopOf } from './core/offsets.ts'
import { OperationError } from './errors.ts'
import { type OffsetSources, readTaskOffsets } from './group-offsets.ts'
import { logEnd, logRange, readRecords } from './records.ts'

/** A rebuild that ends during the dump makes it void. */
const TRIES = 5

export interface VerifySources {
  readonly plan: Plan
  readonly kafka: Kafka
  readonly reader: StateReader
}

export interface TaskReport {
  readonly task: number
  /** Newest batch in the changelog; 0: none yet. */
  readonly batch: number
  /** Batches that the changelog has and the store had not yet when the dump began. */
  readonly behind: number
  readonly entries: number
  readonly members: number
  readonly changed: number
  readonly undecided: number
  readonly differences: number
  /** Up to the limit. */
  readonly listed: readonly Difference[]
}

export interface VerifyOptions {
  readonly tasks: readonly number[]
  /** Differences to list per task. */
  readonly limit: number
  /** Sources that do not exist (deployment.ts, missingSources): their offsets are of nothing. */
  readonly missing?: ReadonlySet<string>
}

/** Reports task by task. Throws OperationError, StoreLost, RequestLost, WireError. */
export async function* verify(sources: VerifySources, options: VerifyOptions): AsyncGenerator<TaskReport> {
  const { kafka, plan } = sources
  const layout = storeLayoutOf(plan.topology, plan.application)
  const fetch = kafka.fetchClient()
  const group = kafka.groupClient(plan.groupId)
  try {
    for (const task of options.tasks) {
      const { comparison, batch } = await compareTask(sources, layout, fetch, task, options.limit)
      await compareOffsets({ plan, kafka, group, fetch }, options.missing, task, comparison.differences)
      const { behind, entries, members, changed, undecided, differences } = comparison
      const counts = { behind, entries, members, changed, undecided, differences: differences.count }
      yield { task, batch, ...counts, listed: differences.listed }
    }
  } finally {
    await group.close()
    await fetch.close()
  }
}

async function compareTask(
  sources: VerifySources,
  layout: StoreLayout,
  fetch: FetchClient,
  task: number,
  limit: number,
): Promise<{ comparison: TaskComparison; batch: number }> {
  for (let tries = 1; ; tries++) {
    try {
      const comparison = await compareOnce(sources, layout, fetch, task, limit)
      return { comparison, batch: comparison.last?.record.batch ?? 0 }
    } catch (error) {
      if (!(error instanceof StoreLost) || error.code !== 'reader.switched' || tries === TRIES) throw error
    }
  }
}

async function compareOnce(
  { plan, kafka, reader }: VerifySources,
  layout: StoreLayout,
  fetch: FetchClient,
  task: number,
  limit: number,
): Promise<TaskComparison> {
  const at = { topic: plan.changelog.topic, partition: task }
  const differences = new DifferenceList(limit)
  const checkpoint = (await reader.task(task))?.checkpoint ?? null
  const foreign =
    checkpoint !== null &&
    (checkpoint.clusterId !== plan.clusterId || checkpoint.changelogTopicId !== plan.changelog.topicId)
  const comparison = new TaskComparison(layout, foreign ? -1 : (checkpoint?.offset ?? -1), differences)
  if (foreign) {
    // Its offsets mean another log: nothing can be compared.
    const { clusterId, changelogTopicId } = checkpoint
    const ours = `cluster ${plan.clusterId}, changelog ${plan.changelog.topicId}`
    differences.add('checkpoint', 'checkpoint', ours, `cluster ${clusterId}, changelog ${changelogTopicId}`)
    return comparison
  }
  const fold = async (from: Position): Promise<Position> => {
    const end = await logEnd(kafka, at)
    await readRecords(fetch, at, from, end, 'wait', (view) => comparison.take(view.offset, changelogEntry(view)))
    return position(Math.max(from, end))
  }
  const { start } = await logRange(kafka, at)
  const end = await fold(position(start))
  try {
    for await (const change of reader.dump(task)) comparison.see(change)
    for (const index of layout.indexes) {
      comparison.beginIndex(index)
      for await (const entry of reader.dumpIndex(task, index.name)) comparison.seeMember(index, entry)
      comparison.endIndex(index)
    }
  } catch (error) {
    if (!(error instanceof StoreLost) || error.code !== 'redis.wrongtype') throw error
    differences.add('store', `task ${task}`, 'keys of the right type', error.message)
    return comparison
  }
  await fold(end)
  comparison.conclude(checkpoint)
  return comparison
}

async function compareOffsets(
  sources: OffsetSources,
  missing: ReadonlySet<string> | undefined,
  task: number,
  differences: DifferenceList,
): Promise<void> {
  try {
    const rows = offsetRows(sources.plan, await readTaskOffsets(sources, task), missing)
    for (const { topic, partition, changelog, committed, state } of rows) {
      if (!isBad(state)) continue
      const found = numberText(committed)
      // Offsets of another topic: the broker forgets them with it, or they happen to be the same.
      const said = state === 'recreated' || state === 'removed' ? `${found ?? 'none'} (${stopOf(state)})` : found
      differences.add('offset', partitionName({ topic, partition }), numberText(changelog), said)
    }
  } catch (error) {
    if (!(error instanceof OperationError) || error.kind !== 'refused') throw error
    differences.add('changelog', `task ${task}`, null, error.message)
  }
}

const numberText = (value: number | null): string | null => (value === null ? null : String(value))
