/** Finding an entry by its score: what the store answered, and what batches did since. And records whose home is told. */
import { describe, expect, test } from 'vitest'
import { BATCH_LIMITS, Batch } from '../../engine/core/batch.ts'
import { PartitionIntake, TaskIntake } from '../../engine/core/intake.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { position } from '../../engine/core/numbers.ts'
import type { Plan } from '../../engine/core/plan.ts'
import { Progress } from '../../engine/core/progress.ts'
import { entryName } from '../../stores/core/layout.ts'
import { EntryCache } from '../../stores/core/memory-cache.ts'
import { Overlay } from '../../stores/core/overlay.ts'
import type { ReadAnswer, ReadRequest } from '../../stores/ports.ts'
import { defineTopology } from '../../topology/define.ts'
import { onBehalfOf } from '../../topology/effects.ts'
import { json } from '../../topology/json.ts'
import { sink } from '../../topology/sinks.ts'
import { type Decoder, type Handler, type Source, source } from '../../topology/sources.ts'
import { map, searchableIndex } from '../../topology/stores.ts'
import { cursorOf, KeptOutputs, planOf, recordOf } from './support.ts'

type Act = Named &
  ({ readonly type: 'PUT' } | { readonly type: 'REMOVE' } | { readonly type: 'FIND' } | { readonly type: 'MOVE' })

interface Named {
  readonly key: string
  readonly id: number
  readonly home?: number
  /** Another key to write for. */
  readonly behalf?: string
}

const things = map<string, number, string>({ name: 'things', key: (key) => key, parseField: Number })
const byId = searchableIndex({
  name: 'by-id',
  of: things,
  group: (key) => key.slice(0, 1),
  member: (key, field) => `${key}:${field}`,
  score: (_, field) => Number(field),
  entry: (_, member) => ({ key: member.split(':')[0]!, field: Number(member.split(':')[1]) }),
})
const out = sink<unknown>({ topic: 'OUT' })
const decode: Decoder<Act> = json((object) => object as unknown as Act)

const found: Handler<Act, null> = {
  reads: ({ message: { key, id } }) => [byId.find(key, id)],
  transform: ({ message: { key, id } }, state) => [out.emit(null, state.find(byId, key, id) ?? null)],
}
const acts = (home?: Source['home']): Source<Act, null> =>
  source({
    topic: 'IN',
    decode,
    key: (message: Act) => Buffer.from(message.key),
    ...(home ? { home: home as never } : {}),
    on: {
      PUT: { transform: ({ message: { key, id } }) => [things.put(key, id, `${key} ${id}`)] },
      REMOVE: { transform: ({ message: { key, id } }) => [things.delete(key, id)] },
      FIND: found,
      MOVE: {
        transform: ({ message }) =>
          onBehalfOf(Buffer.from(message.behalf ?? message.key), [
            out.emit(Buffer.from('k'), message.id),
            things.put('a', 1, 'x'),
          ]),
      },
    },
  })

const topologyOf = (home?: Source['home']) =>
  defineTopology<null>({
    name: 'small',
    context: { read: () => null, write: () => [] },
    sources: [acts(home)],
    stores: [things],
    indexes: [byId],
    sinks: [out],
  })

const START = new Progress(0, new Map([['IN', new Map([[0, position(0)]])]]), new Map())

interface Setting {
  readonly stored?: Readonly<Record<string, readonly string[]>>
  readonly below?: Overlay
  readonly memory?: EntryCache
  readonly plan?: Plan
  readonly task?: number
}

function run(records: readonly Act[], { stored = {}, below, memory, plan, task = 0 }: Setting = {}) {
  const outputs = new KeptOutputs()
  const used = memory ?? new EntryCache(100_000)
  const own = plan ?? planOf(topologyOf())
  const batch = new Batch(own, { task, attempt: 1 }, START, below ?? null, used, outputs, BATCH_LIMITS)
  const intake = new PartitionIntake('IN', 0, position(0))
  intake.push(cursorOf(records.map((value, i) => recordOf(i, { value }))), position(records.length))
  batch.collect([], new TaskIntake([intake]))
  const rounds: ReadRequest[][] = []
  const answer = (request: ReadRequest): ReadAnswer => {
    if (request.kind === 'members')
      return { kind: 'members', members: stored[`${request.group}@${request.score}`] ?? [] }
    if (request.kind === 'all') throw new Error('nobody asks for that')
    return { kind: 'entry', json: JSON.stringify(`stored ${request.key} ${request.field}`) }
  }
  do {
    const reads = [...batch.reads()]
    if (reads.length > 0) rounds.push(reads)
    batch.supply(reads.map(answer))
  } while (!batch.run())
  return { rounds, texts: outputs.of('OUT').map((w) => JSON.parse(w.text!)), outputs, batch }
}

const put = (key: string, id: number): Act => ({ type: 'PUT', key, id })
const remove = (key: string, id: number): Act => ({ type: 'REMOVE', key, id })
const find = (id: number, group = 'a'): Act => ({ type: 'FIND', key: group, id })
const overlayOf = (key: string, id: number, text: string | null): Overlay => {
  const overlay = new Overlay()
  const name = entryName('things', key, String(id))
  overlay.set({
    name,
    store: 'things',
    key,
    field: String(id),
    json: text && JSON.stringify(text),
    timestampMs: 1,
    causeAt: { topic: 't', partition: 0 },
    causeOffset: 0,
  })
  return overlay
}

describe('a search', () => {
  test('asks where the entry is, then for the entry: two rounds for the whole batch', () => {
    const stored = { 'a@1': ['a1:1'], 'a@2': ['a2:2'] }
    const { rounds, texts } = run([find(1), find(2), find(1)], { stored })
    expect(rounds.map((round) => round.map((r) => r.kind))).toEqual([
      ['members', 'members'],
      ['entry', 'entry'],
    ])
    expect(texts).toEqual([
      { key: 'a1', field: 1, value: 'stored a1 1' },
      { key: 'a2', field: 2, value: 'stored a2 2' },
      { key: 'a1', field: 1, value: 'stored a1 1' },
    ])
  })

  test('of what is not there is done after one round', () => {
    const { rounds, texts } = run([find(1)])
    expect([rounds.length, texts]).toEqual([1, [null]])
  })

  test('takes the entry from memory where it is known', () => {
    const memory = new EntryCache(100_000)
    memory.set(entryName('things', 'a1', '1'), '"remembered"')
    const { rounds, texts } = run([find(1)], { memory, stored: { 'a@1': ['a1:1'] } })
    expect(rounds).toHaveLength(1)
    expect(texts).toEqual([{ key: 'a1', field: 1, value: 'remembered' }])
  })

  test('sees what records before it in the batch did, and not those behind', () => {
    const { texts } = run([find(1), put('a1', 1), find(1), remove('a1', 1), find(1), put('a2', 1), find(1)])
    expect(texts).toEqual([null, { key: 'a1', field: 1, value: 'a1 1' }, null, { key: 'a2', field: 1, value: 'a2 1' }])
  })

  test('sees what the batch below did and the store does not show yet', () => {
    expect(run([find(1)], { below: overlayOf('a1', 1, 'below') }).texts).toEqual([
      { key: 'a1', field: 1, value: 'below' },
    ])
    const stored = { 'a@1': ['a1:1'] }
    expect(run([find(1)], { stored, below: overlayOf('a1', 1, null) }).texts).toEqual([null])
    // It may have been applied by the time of the read: again is harmless.
    expect(run([find(1)], { stored, below: overlayOf('a1', 1, 'below') }).texts).toEqual([
      { key: 'a1', field: 1, value: 'below' },
    ])
    expect(run([remove('a1', 1), find(1)], { stored, below: overlayOf('a1', 1, 'below') }).texts).toEqual([null])
  })

  test("stays within its group: another's entry with the same score is not found", () => {
    expect(run([put('b1', 1), find(1), find(1, 'b')]).texts).toEqual([null, { key: 'b1', field: 1, value: 'b1 1' }])
  })

  test('that was not declared makes the record a dead letter', () => {
    const { rounds, outputs } = run([{ type: 'FIND', key: 'a', id: 1 }], {
      plan: planOf(
        defineTopology<null>({
          ...topologyOf(),
          context: { read: () => null, write: () => [] },
          sources: [
            source({
              topic: 'IN',
              decode,
              key: (message: Act) => Buffer.from(message.key),
              on: { FIND: { ...found, reads: () => [byId.find('b', 1)] } },
            }),
          ],
        } as never),
      ),
    })
    expect(rounds).toHaveLength(1)
    expect(outputs.of('app-dead-letters').map((w) => w.headers['dead-letter.reason'])).toEqual(['transform.failed'])
  })
})

describe('a record whose home is told', () => {
  const homeOf: Source['home'] = (message) => (message as Act).home
  const topology = topologyOf(homeOf)
  const plan = planOf(topology, { tasks: 4, stride: 4, partitions: 4 })
  const KEY = 'key-5'

  const at = (task: number, record: Partial<Act>) =>
    run([{ type: 'MOVE', key: KEY, id: 1, ...record } as Act], { plan, task })
  const home = partitionFor(Buffer.from(KEY), 4)
  const other = (home + 1) % 4

  test('is processed there and forwarded from elsewhere, whatever its key says', () => {
    expect(at(other, { home: other }).outputs.of('app-repartition')).toEqual([])
    expect(
      at(home, { home: other })
        .outputs.of('app-repartition')
        .map((w) => w.partition),
    ).toEqual([other])
  })

  test('without one, the key says', () => {
    expect(at(home, {}).outputs.of('app-repartition')).toEqual([])
    expect(
      at(other, {})
        .outputs.of('app-repartition')
        .map((w) => w.partition),
    ).toEqual([home])
  })

  test.each([4, -1, 0.5])('that is no task (%d) is a dead letter', (wrong) => {
    const { outputs } = at(0, { home: wrong })
    expect(outputs.of('app-dead-letters').map((w) => w.headers['dead-letter.reason'])).toEqual(['decode.failed'])
  })

  test('writes on behalf of a key of this task, into the partition of that key', () => {
    const many = { ...plan, sinks: new Map([[out, { topic: 'OUT', partitions: 64, messageBytesMax: 1_000_000 }]]) }
    const record: Act = { type: 'MOVE', key: 'its own', id: 1, home, behalf: KEY }
    const { outputs } = run([record], { plan: many, task: home })
    expect(partitionFor(Buffer.from('its own'), 64)).not.toBe(partitionFor(Buffer.from(KEY), 64))
    expect(outputs.of('OUT').map((w) => [w.partition, w.key, w.text])).toEqual([
      [partitionFor(Buffer.from(KEY), 64), 'k', '1'],
    ])
  })

  test('cannot write on behalf of a key of another task', () => {
    const { outputs } = at(other, { home: other })
    expect(outputs.of('OUT')).toEqual([])
    expect(outputs.of('app-dead-letters').map((w) => w.headers['dead-letter.reason'])).toEqual(['transform.failed'])
  })
})
