/** Input that must not be processed, or is hard to: aborted transactions of others, and bad records of every kind. */
import { setTimeout as sleep } from 'node:timers/promises'
import { runJavaProgram } from '../../java/java-program.ts'
import { dumpTopics } from '../../java/log-dump.ts'
import { EXPECT_HEADER, traceOf } from '../checker/causes.ts'
import { characterKey } from '../checker/murmur2.ts'
import { badInputs, strangeInputs, tooLarge, tooLate } from '../feed/bad-inputs.ts'
import type { Message } from '../feed/message.ts'
import type { Stage } from '../run/stage.ts'
import { type Fault, nothingLost, type Scene, type WorkloadName } from './fault.ts'

const input = (name: string, injects: string, inject: Fault['inject'], only?: WorkloadName): Fault => ({
  name,
  group: 'input',
  injects,
  when: 'outputs flow',
  expected: nothingLost,
  ...(only ? { only } : {}),
  inject,
})

const DAY_MS = 24 * 60 * 60 * 1000
const EVENT_BYTES_MAX = 4_096

async function deadLetters(stage: Stage, reason: string): Promise<number> {
  const counts = await Promise.all(stage.services.map((s) => s.metric('topology_dead_letters_total', { reason })))
  return counts.reduce((a, b) => a + b, 0)
}

/** Sends them between good ones, and waits for as many dead letters of the code. */
async function poison(stage: Stage, code: string, messages: readonly Message[]): Promise<number> {
  const before = await deadLetters(stage, code)
  for (const message of messages) {
    if (!(await stage.app.sender.send([message]))) throw new Error('not sent')
  }
  let hits = 0
  await stage.until(async () => {
    hits = (await deadLetters(stage, code)) - before
    return hits >= messages.length
  }, `dead letters ${code}`)
  return hits
}

const poisonOf = (name: string, code: string, injects: string): Fault =>
  input(
    name,
    injects,
    (stage) => {
      const { commands } = stage.notes.topics
      return poison(
        stage,
        code,
        badInputs(commands, 4, Date.now()).filter(({ headers }) => headers[EXPECT_HEADER]!.toString() === code),
      )
    },
    'notes',
  )

/** Good records that look bad: each has its event, as any other. */
const strange = (name: string, injects: string, kind: keyof typeof strangeInputs): Fault =>
  input(
    name,
    injects,
    async (stage) => {
      const messages = strangeInputs[kind](stage.notes.topics.commands, stage.below(0x7fffffff), Date.now())
      const from = stage.app.arrivals.length
      if (!(await stage.app.sender.send(messages))) throw new Error('not sent')
      const traces = new Set(messages.map(({ headers }) => headers['traceparent']!.toString().slice(3, 35)))
      const seen = (): number =>
        stage.app.arrivals.slice(from).filter(({ record }) => traces.has(traceOf(record) ?? '')).length
      await stage.until(() => seen() >= messages.length, 'their events')
      return seen()
    },
    'notes',
  )

/** Records of transactions that a Java producer has aborted: how many there were. */
const aborted = (name: string, injects: string, kind: string, transactions: number): Fault =>
  input(
    name,
    injects,
    async (stage) => {
      const { bootstrapServers } = stage.cluster
      const seed = stage.below(0x7fffffff)
      const args = [bootstrapServers, stage.app.input, '4', String(seed), String(transactions), kind]
      const [committed = 0, count = 0] = (await runJavaProgram('TransactionalFeed', args)).trim().split(' ').map(Number)
      const seen = await dirty(stage)
      stage.say(
        `${committed} records committed, ${count} aborted; a read_uncommitted client sees ${seen} too many by now`,
      )
      return kind === 'empty' ? transactions : seen > 0 ? count : 0
    },
    'notes',
  )

/** What only a read_uncommitted client sees of the input. */
const dirty = async (stage: Stage): Promise<number> =>
  (await dumpTopics(stage.cluster.bootstrapServers, [stage.app.input])).get(stage.app.input)!.dirty.length

export const inputScene: Scene = {
  name: 'input',
  cluster: 'bare',
  instances: 2,
  notes: {
    inputConfigs: { 'message.timestamp.after.max.ms': String(10 * DAY_MS) },
    statusConfigs: { 'max.message.bytes': String(EVENT_BYTES_MAX) },
  },
  faults: [
    aborted('aborted: interleaved, all compressions', 'five producers, two transactions at a time', 'mixed', 60),
    aborted('aborted: several of one producer in one fetch', 'one producer, short transactions', 'single', 120),
    aborted('aborted: cut by the size of a fetch', 'transactions of 3 MB, their markers in later fetches', 'large', 6),
    aborted('aborted: empty transactions', 'transactions without records, committed and aborted', 'empty', 60),
    poisonOf('no value, no bytes, null key', 'value.empty', 'records without value and key'),
    poisonOf('invalid UTF-8', 'value.not_utf8', 'bytes that are no UTF-8'),
    poisonOf('bad JSON', 'value.not_json', 'cut, with a comma too many, a byte-order mark, garbage behind it'),
    poisonOf('wrong types', 'value.wrong_type', 'no object, fields of other types, missing fields'),
    poisonOf('numbers out of range', 'value.out_of_range', 'negative, fractional, beyond their type'),
    poisonOf('unknown commands, __proto__ as type', 'command.unknown_type', 'types that nobody knows'),
    poisonOf('invalid updates', 'update.invalid', 'sender 0, empty message'),
    poisonOf(
      'missing or malformed headers',
      'headers.tenant_invalid',
      'each tenant header missing, malformed, misspelt',
    ),
    input(
      'over-large output',
      'records whose event does not fit into the topic',
      (stage) =>
        poison(
          stage,
          'output.too_large',
          [0, 1, 2, 3].map((p) => tooLarge(stage.notes.topics.commands, p, Date.now(), EVENT_BYTES_MAX)),
        ),
      'notes',
    ),
    input(
      'output that the broker refuses',
      'timestamps that the output topic does not take',
      (stage) =>
        poison(
          stage,
          'output.refused',
          [0, 1, 2, 3].map((p) => tooLate(stage.notes.topics.commands, p, Date.now() + 2 * DAY_MS)),
        ),
      'notes',
    ),
    strange('deep JSON', 'unknown fields, 20,000 levels deep', 'deep'),
    strange('__proto__ and constructor as fields', 'names that objects have by themselves', 'proto'),
    strange('duplicate headers', 'each header twice, the first one malformed', 'duplicate'),
    input(
      'bad transfers',
      'no JSON, wrong types, no bytes',
      async (stage) => {
        const one = (code: string, value: Buffer | null, partition: number): Message => ({
          topic: stage.app.input,
          partition,
          key: characterKey(3),
          value,
          headers: { [EXPECT_HEADER]: Buffer.from(code) },
          timestampMs: Date.now(),
        })
        const bad = [0, 1, 2, 3].flatMap((partition) =>
          [
            ['value.not_json', Buffer.from('{"type":"TRANSFER",')] as const,
            ['value.empty', Buffer.alloc(0)] as const,
            ['transfer.malformed', Buffer.from('{"type":"TRANSFER","id":"x"}')] as const,
          ].map(([code, value]) => [code, one(code, value, partition)] as const),
        )
        let hits = 0
        for (const [code, of] of Map.groupBy(bad, ([name]) => name))
          hits += await poison(
            stage,
            code,
            of.map(([, message]) => message),
          )
        return hits
      },
      'ledger',
    ),
  ],
}

export const compactedInputScene: Scene = {
  name: 'compacted input',
  cluster: 'bare',
  own: () => ({ kafka: { 'log.cleaner.backoff.ms': '200' } }),
  instances: 1,
  notes: {
    inputConfigs: {
      'cleanup.policy': 'compact',
      'segment.ms': '1000',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '100',
    },
  },
  faults: [
    input(
      'aborted: compacted away',
      'aborted records and their markers removed by the cleaner before they are read',
      async (stage) => {
        await stage.stopAll()
        const args = [stage.cluster.bootstrapServers, stage.app.input, '4', String(stage.seed), '60', 'compacted']
        const [, count = 0] = (await runJavaProgram('TransactionalFeed', args)).trim().split(' ').map(Number)
        let left = count
        await stage.until(
          async () => {
            await sleep(1_000)
            left = await dirty(stage)
            return left < count / 4
          },
          () => `the cleaner removes aborted records: ${left} of ${count} left`,
          120_000,
        )
        await stage.startAll()
        return count - left
      },
      'notes',
    ),
  ],
}
