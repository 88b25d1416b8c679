/** What must be true at rest, of outputs, ids, dead letters, offsets, logs and store: rules I1, I2, I3, I4, I5, I7, I12. */
import { keyOf, readHeaders, valueOf } from '../../../engine/core/headers.ts'
import { position } from '../../../engine/core/numbers.ts'
import { type Plan, partitionsOf } from '../../../engine/core/plan.ts'
import type { Keyspace } from '../../../stores/memory/keyspace.ts'
import type { Expected } from '../ledger.ts'
import type { SimKafka } from '../model/kafka.ts'
import type { Mirror } from './mirror.ts'
import { judgeRequests } from './requests.ts'
import { compare, judgeStore } from './store.ts'
import { Violation } from './violation.ts'

export interface Rest {
  readonly plan: Plan
  readonly kafka: SimKafka
  readonly keyspace: Keyspace
  readonly mirrors: readonly Mirror[]
  readonly expected: Expected
  /** See judge/store.ts. */
  readonly spoilt: ReadonlySet<string>
}

export function judgeRest(rest: Rest): void {
  judgeDeadLetters(rest)
  judgeOutputs(rest)
  judgeIds(rest)
  judgeOffsets(rest)
  judgeLogs(rest)
  const { plan, keyspace, mirrors, expected, spoilt } = rest
  mirrors.forEach((mirror, task) => {
    judgeStore(keyspace, plan.application, task, mirror, spoilt)
    compare(
      `task ${task}, changelog against inputs`,
      expected.state[task]!,
      judgeRequests(task, mirror.stateAt(mirror.checkpoints.at(-1)?.offset ?? -1)!, expected.requests[task]!),
    )
  })
}

function judgeOutputs({ kafka, expected }: Rest): void {
  const found = new Map<string, string[]>()
  const places = new Map<string, number>()
  kafka.cluster.topics.get('out')!.logs.forEach((log, partition) => {
    for (const { view } of log.committed(position(0))) {
      const key = String(keyOf(view))
      const texts = found.get(key) ?? []
      if ((places.get(key) ?? partition) !== partition)
        throw new Violation('I3', `outputs of ${key} are in two partitions`)
      places.set(key, partition)
      texts.push(String(valueOf(view)))
      found.set(key, texts)
    }
  })
  for (const key of new Set([...expected.outputs.keys(), ...found.keys()])) {
    const should = expected.outputs.get(key) ?? []
    const are = found.get(key) ?? []
    const at = Array.from({ length: Math.max(should.length, are.length) }, (_, i) => i).find(
      (i) => should[i] !== are[i],
    )
    if (at === undefined) continue
    const counted = `${are.length} of ${should.length} outputs`
    const rule =
      are.length === should.length && new Set(are).size === are.length && are.every((text) => should.includes(text))
        ? 'I3'
        : 'I1'
    throw new Violation(
      rule,
      `${key}: ${counted}; output ${at} is ${are[at] ?? 'missing'} and should be ${should[at] ?? 'none'}`,
    )
  }
}

function judgeIds({ kafka, plan, expected }: Rest): void {
  const given = new Map<number, number[]>()
  for (const log of kafka.cluster.topics.get('ids')!.logs)
    for (const { view } of log.committed(position(0))) {
      const { id } = JSON.parse(String(valueOf(view))) as { id: number }
      const task = id % plan.stride
      given.set(task, [...(given.get(task) ?? []), Math.floor(id / plan.stride)])
    }
  for (let task = 0; task < plan.tasks; task++) {
    const sequences = (given.get(task) ?? []).sort((a, b) => a - b)
    const wrong = sequences.findIndex((sequence, i) => sequence !== i)
    if (wrong >= 0) throw new Violation('I1', `task ${task} gave id number ${sequences[wrong]} where ${wrong} was due`)
    if (sequences.length !== (expected.ids.get(task) ?? 0))
      throw new Violation('I1', `task ${task} gave ${sequences.length} ids instead of ${expected.ids.get(task) ?? 0}`)
  }
}

function judgeDeadLetters({ kafka, plan, expected }: Rest): void {
  const found = new Set<string>()
  for (const log of kafka.cluster.topics.get(plan.deadLetters.topic)!.logs)
    for (const { view } of log.committed(position(0))) {
      const headers = new Map(readHeaders(view).map(({ name, value }) => [name, String(value)]))
      const origin = `${headers.get('dead-letter.topic')}:${headers.get('dead-letter.partition')}:${headers.get('dead-letter.offset')}`
      if (!expected.deadLetters.has(origin))
        throw new Violation(
          'I1',
          `${origin} is a dead letter: ${headers.get('dead-letter.reason')}, ${headers.get('dead-letter.message')}`,
        )
      if (found.has(origin)) throw new Violation('I1', `${origin} is a dead letter twice`)
      found.add(origin)
    }
  for (const origin of expected.deadLetters)
    if (!found.has(origin)) throw new Violation('I1', `${origin} should be a dead letter`)
}

function judgeOffsets({ kafka, plan, mirrors }: Rest): void {
  mirrors.forEach((mirror, task) => {
    const { offsets } = kafka.group(plan.groupId).offsets.fetch(partitionsOf(plan, task), false)
    const positions = mirror.checkpoints.at(-1)?.record.positions
    for (const { topic, partition, position: at } of offsets)
      if (positions?.[topic]?.[partition] !== at)
        throw new Violation(
          'I4',
          `${topic}-${partition}: committed ${at}, the changelog says ${positions?.[topic]?.[partition]}`,
        )
  })
}

function judgeLogs({ kafka }: Rest): void {
  for (const [topic, { logs }] of kafka.cluster.topics)
    logs.forEach((log, partition) => {
      if (log.lastStableOffset !== log.end)
        throw new Violation(
          'I7',
          `${topic}-${partition}: stable up to ${log.lastStableOffset}, written up to ${log.end}`,
        )
    })
}
