/**
 * Brings the store to the end of a task's changelog, step (f) of a takeover. Has a fetch connection of its own, so that a
 * task that restores holds up no other. Owns nothing behind its call.
 */

import type { CheckpointRecord } from '../stores/core/changelog.ts'
import type { Checkpoint, TaskStore } from '../stores/ports.ts'
import { type Clock, sleep } from './clock.ts'
import { codes, nameOf } from './core/kafka-errors.ts'
import type { Position } from './core/numbers.ts'
import type { Plan } from './core/plan.ts'
import { NO_OFFSET, RestoreCore } from './core/restore.ts'
import type { RestorePlan } from './core/takeover.ts'
import type { Listener } from './events.ts'
import { fetchPortion } from './log-reading.ts'
import { type FetchClient, RequestLost } from './ports.ts'
import type { FetchedRecords } from './wire/fetched-records.ts'

export interface RestoreContext {
  readonly plan: Plan
  readonly task: number
  readonly store: TaskStore
  readonly fetch: FetchClient
  readonly clock: Clock
  readonly listener: Listener
  /** False: the attempt is over, stop. */
  readonly alive: () => boolean
  /** Ends of the output topics: what predecessors have published lies below, and the store has all of it once restored. */
  readonly published: Checkpoint['published']
  /** The end of the readable log has not moved for a while: a transaction is open below the end. */
  readonly stuck: (at: Position) => Promise<void>
}

export type RestoreResult =
  | { readonly kind: 'restored'; readonly last: CheckpointRecord | null; readonly checkpoint: Checkpoint }
  | { readonly kind: 'rebuild'; readonly reason: string }
  | { readonly kind: 'stop'; readonly code: string; readonly message: string }
  | { readonly kind: 'superseded' }

const FETCH_BYTES_MAX = 4 * 1024 * 1024
const FETCH_WAIT_MS = 50
const RETRY_MS = 50
const STUCK_AFTER_MS = 1_000
const CORRUPT_MAX_MS = 30_000

/** Throws StoreLost, StoreRefused. */
export async function restore(context: RestoreContext, restorePlan: RestorePlan): Promise<RestoreResult> {
  const { task, store, clock, listener, alive } = context
  const { from, end, rebuild, base } = restorePlan
  const core = new RestoreCore(restorePlan, context.plan.topology.stores)
  const startedAtMs = clock.elapsedMs()
  const stateVersion = rebuild ? await store.beginRebuild() : base!.stateVersion
  listener({ kind: 'restore.started', task, from, end, rebuild })
  let at: Position = from
  let records = 0
  let movedAtMs = startedAtMs
  // A log that looks empty is asked, too: it may be another topic of the name, and nothing of it may replace the state.
  let isAsked = !rebuild
  let corruptSinceMs: number | null = null
  while (at < end || !isAsked) {
    if (!alive()) return { kind: 'superseded' }
    const answer = await fetchOnce(context, at, at < end ? FETCH_WAIT_MS : 0)
    if (answer.kind === 'stop') return answer
    isAsked ||= answer.kind === 'records' || answer.kind === 'empty'
    if (answer.kind === 'corrupt') {
      corruptSinceMs ??= clock.elapsedMs()
      if (clock.elapsedMs() - corruptSinceMs > CORRUPT_MAX_MS)
        return { kind: 'stop', code: 'changelog.corrupt', message: answer.message }
    }
    if (answer.kind !== 'records') {
      if (clock.elapsedMs() - movedAtMs > STUCK_AFTER_MS) {
        movedAtMs = clock.elapsedMs()
        await context.stuck(at)
      }
      continue
    }
    movedAtMs = clock.elapsedMs()
    corruptSinceMs = null
    for (let view = answer.records.next(); view; view = answer.records.next()) {
      const verdict = core.take(view)
      if (verdict.kind !== 'go-on') return verdict
      records++
    }
    at = answer.end
    if (core.due) await store.replay(core.drain(), null)
    listener({ kind: 'restore.progress', task, done: Math.min(at, end) - from, total: end - from })
  }
  const verdict = core.finish()
  if (verdict.kind !== 'go-on') return verdict
  if (!alive()) return { kind: 'superseded' }

  const checkpoint = checkpointOf(context, core, stateVersion)
  if (rebuild) {
    await store.replay(core.drain(), null)
    await store.switchTo(checkpoint)
  } else {
    await store.replay(core.drain(), checkpoint)
  }
  listener({ kind: 'restore.done', task, records, durationMs: clock.elapsedMs() - startedAtMs })
  return { kind: 'restored', last: core.last?.record ?? null, checkpoint }

  function checkpointOf({ plan, published }: RestoreContext, { last }: RestoreCore, version: string): Checkpoint {
    return {
      batch: last?.record.batch ?? 0,
      offset: last?.offset ?? NO_OFFSET,
      firstOffset: last?.firstOffset ?? NO_OFFSET,
      // Complete as of now, whenever the batch was committed.
      committedAtMs: clock.nowMs(),
      clusterId: plan.clusterId,
      changelogTopicId: plan.changelog.topicId,
      groupId: plan.groupId,
      stateVersion: version,
      counters: last?.record.counters ?? {},
      published: { ...base?.published, ...published },
      positions: last?.record.positions ?? {},
    }
  }
}

type Fetched =
  | { kind: 'records'; records: FetchedRecords; end: Position }
  /** Readable, and there is nothing below its stable end. */
  | { kind: 'empty' }
  | { kind: 'nothing' }
  /** Another replica may have it whole: for a while it is asked again. */
  | { kind: 'corrupt'; message: string }
  | { kind: 'stop'; code: string; message: string }

async function fetchOnce({ plan, task, fetch, clock }: RestoreContext, at: Position, waitMs: number): Promise<Fetched> {
  const topic = plan.changelog.topic
  try {
    const { answer, records, end } = await fetchPortion(fetch, { topic, partition: task }, at, {
      maxBytes: FETCH_BYTES_MAX,
      maxWaitMs: waitMs,
    })
    if (records) return { kind: 'records', records, end }
    if (answer?.code === 0 && answer.records.length === 0) return { kind: 'empty' }
    if (answer?.code === 0 || answer?.code === codes.CORRUPT_MESSAGE) {
      await sleep(clock, RETRY_MS)
      return { kind: 'corrupt', message: `${topic}-${task}: what the broker has at offset ${at} is no whole batch` }
    }
    if (answer?.code === codes.OFFSET_OUT_OF_RANGE)
      return {
        kind: 'stop',
        code: 'offset.out_of_range',
        message: `${topic}-${task}: position ${at} is outside the log`,
      }
    if (answer?.code === codes.UNKNOWN_TOPIC_ID)
      return {
        kind: 'stop',
        code: 'topic.recreated',
        message: `${topic} is another topic than the one at start (${plan.changelog.topicId})`,
      }
    if (answer?.code === codes.TOPIC_AUTHORIZATION_FAILED)
      return { kind: 'stop', code: 'topic.refused', message: `${topic}-${task}: ${nameOf(answer.code)}` }
  } catch (error) {
    if (!(error instanceof RequestLost)) throw error
  }
  await sleep(clock, RETRY_MS)
  return { kind: 'nothing' }
}
