/**
 * The checker: what went in against what came out and what is kept. Shares nothing with engine, stores or topology; its
 * records are read by Java clients and its state by a plain Redis client.
 */

import type { TopicDump } from '../../java/log-dump.ts'
import type { LogRecord } from '../../java/log-record.ts'
import { checkStale, checkTorn, checkWitness } from './anomalies.ts'
import { type Cause, causesOf, type Input } from './causes.ts'
import { checkDeadLetters } from './dead-letters.ts'
import { checkExact } from './exact.ts'
import { checkIds } from './ids.ts'
import { checkOutputs, type Note } from './outputs.ts'
import { Report } from './report.ts'
import { checkNotes, checkPositions, checkRedis, foldChangelog, type RedisState } from './state.ts'

export interface Evidence {
  readonly inputs: readonly Input[]
  /** As the console consumer printed it, read_committed. */
  readonly status: readonly LogRecord[]
  readonly saga: readonly LogRecord[]
  readonly statusPartitions: number
  readonly deadLetters: readonly LogRecord[]
  readonly changelog: readonly LogRecord[]
  readonly repartition: TopicDump
  readonly repartitionTopic: string
  readonly tasks: number
  readonly stride: number
  readonly redis: RedisState
  readonly committed: ReadonlyMap<string, number>
  /** Every topic, for what is open and what is dirty. */
  readonly dumps: ReadonlyMap<string, TopicDump>
  /** All input of one source and at home, status topic as wide as there are tasks. */
  readonly exact: boolean
  /** Names of the two output topics in `dumps`: what their readers were given is held against them. */
  readonly statusTopic?: string
  readonly sagaTopic?: string
  /** The changelog was compacted: batches that a later one has overwritten are gone. */
  readonly compacted?: boolean
}

export function check(evidence: Evidence): Report {
  const report = new Report()
  const { tasks, stride, redis } = evidence
  const causes = causesOf(evidence.inputs)
  const left = checkOutputs(causes, evidence, report)
  checkIds(createdNotes(evidence.status), tasks, stride, report)
  if (evidence.exact) checkExact(causes, evidence.status, tasks, stride, report)
  checkDeadLetters(causes, evidence.deadLetters, report)
  const changelog = foldChangelog(evidence.changelog, tasks, report, evidence.compacted)
  checkNotes('the changelog', left, changelog.notes, report)
  checkRedis(left, redis, report)
  checkPositions(changelog, evidence.committed, redis, report)
  checkTaken(evidence, report)
  checkTorn(evidence.status, evidence.saga, evidence.changelog, report, evidence.compacted)
  checkStale(evidence.status, redis.notes, report)
  for (const [what, topic, printed] of [
    ['status', evidence.statusTopic, evidence.status],
    ['saga', evidence.sagaTopic, evidence.saga],
  ] as const) {
    const dump = topic === undefined ? undefined : evidence.dumps.get(topic)
    if (dump) checkWitness(what, printed, dump, report)
  }
  facts(evidence, causes, report)
  return report
}

function createdNotes(status: readonly LogRecord[]): readonly Pick<Note, 'noteId' | 'characterId'>[] {
  return status.flatMap((record) => {
    const value = JSON.parse(record.value!.toString('utf8'))
    return value.type === 'CREATED' ? [{ noteId: value.body.noteId, characterId: value.characterId }] : []
  })
}

/** Everything that was put in or forwarded was taken, and nothing is open. */
export function checkTaken(
  {
    inputs,
    repartition,
    repartitionTopic,
    committed,
    dumps,
  }: Pick<Evidence, 'repartition' | 'repartitionTopic' | 'committed' | 'dumps'> & {
    readonly inputs: readonly { readonly topic: string; readonly records: readonly LogRecord[] }[]
  },
  report: Report,
): void {
  for (const [topic, records] of [
    ...inputs.map((i) => [i.topic, i.records] as const),
    [repartitionTopic, repartition.committed] as const,
  ])
    for (const [partition, own] of Map.groupBy(records, (r) => r.partition)) {
      const at = committed.get(`${topic}-${partition}`) ?? 0
      const behind = own.filter((r) => r.offset >= at).length
      if (behind > 0) report.add('lost', `${topic}-${partition}: committed ${at}, ${behind} records behind it`)
    }
  for (const [topic, { ends }] of dumps)
    ends.forEach(({ lastStableOffset, highWatermark }, partition) => {
      if (lastStableOffset !== highWatermark)
        report.add('open', `${topic}-${partition}: last stable offset ${lastStableOffset}, end ${highWatermark}`)
    })
}

function facts(
  { status, saga, deadLetters, repartition, dumps, redis }: Evidence,
  causes: readonly Cause[],
  report: Report,
): void {
  for (const { kind } of causes) report.fact(`input.${kind}`, 1)
  report.fact('inputs', causes.length)
  report.fact('status', status.length)
  report.fact('saga', saga.length)
  report.fact('dead-letters', deadLetters.length)
  report.fact('forwarded', repartition.committed.length)
  report.fact('notes', redis.notes.size)
  for (const { dirty } of dumps.values()) report.fact('dirty', dirty.length)
}
