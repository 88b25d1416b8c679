/** One batch, stepped: what it takes, what it reads, on what it is computed, and what comes of it. */
import { describe, expect, test } from 'vitest'
import { BATCH_LIMITS, Batch, type BatchLimits, type Refusal } from '../../engine/core/batch.ts'
import type { Item } from '../../engine/core/classify.ts'
import { PartitionIntake, TaskIntake } from '../../engine/core/intake.ts'
import { offset, position } from '../../engine/core/numbers.ts'
import type { Plan } from '../../engine/core/plan.ts'
import { Progress } from '../../engine/core/progress.ts'
import { CHECKPOINT_KEY } from '../../stores/core/changelog.ts'
import { EntryCache } from '../../stores/core/memory-cache.ts'
import type { Overlay } from '../../stores/core/overlay.ts'
import type { ReadAnswer } from '../../stores/ports.ts'
import { drop, type Effect, reject } from '../../topology/effects.ts'
import { DeadLetter } from '../../topology/errors.ts'
import { sink } from '../../topology/sinks.ts'
import type { Handler, State } from '../../topology/sources.ts'
import { counter, map } from '../../topology/stores.ts'
import {
  cursorOf,
  entries,
  type Given,
  KeptOutputs,
  moves,
  type Order,
  other,
  out,
  planOf,
  recordOf,
  topologyOf,
  totals,
} from './support.ts'

type Act = (state: State, message: Order) => readonly Effect[]

/** What the transform does is named by the record: `do` is the name of an act. */
function handlerOf(acts: Readonly<Record<string, Act>>, reads?: Handler<Order, null>['reads']): Handler<Order, null> {
  return {
    ...(reads ? { reads } : {}),
    transform: ({ message }, state) => acts[message.do]!(state, message),
  }
}

const START = new Progress(
  0,
  new Map([
    ['IN', new Map([[0, position(0)]])],
    ['app-repartition', new Map([[0, position(0)]])],
  ]),
  new Map(),
)

interface Setting {
  readonly before?: Progress
  readonly below?: Overlay
  readonly memory?: EntryCache
  readonly limits?: Partial<BatchLimits>
  readonly refusals?: readonly Refusal[]
  readonly leftover?: readonly Item[]
}

class Bench {
  readonly plan: Plan
  readonly outputs = new KeptOutputs()
  readonly memory: EntryCache
  readonly batch: Batch

  constructor(plan: Plan, records: readonly Given[], setting: Setting = {}) {
    this.plan = plan
    this.memory = setting.memory ?? new EntryCache(1_000_000)
    const limits = { ...BATCH_LIMITS, ...setting.limits }
    const { before = START, below = null, refusals = [] } = setting
    this.batch = new Batch(plan, { task: 0, attempt: 1 }, before, below, this.memory, this.outputs, limits, refusals)
    const intake = new PartitionIntake('IN', 0, position(0))
    if (records.length > 0)
      intake.push(cursorOf(records.map((record, i) => recordOf(i, record))), position(records.length))
    this.batch.collect(setting.leftover ?? [], new TaskIntake([intake]))
  }

  /** Asks until everything has run; `store` answers reads. Answers what was asked, round by round. */
  run(store: Readonly<Record<string, unknown>> = {}): string[][] {
    const rounds: string[][] = []
    for (let i = 0; i < 20; i++) {
      const requests = this.batch.reads()
      if (requests.length > 0) {
        rounds.push(
          requests.map((r) =>
            r.kind === 'members'
              ? `${r.index}/${r.group}@${r.score}`
              : `${r.store}/${r.key}${r.kind === 'all' ? '/*' : r.field === null ? '' : `/${r.field}`}`,
          ),
        )
        this.batch.supply(
          requests.map((r): ReadAnswer => {
            if (r.kind === 'members') {
              const stored = store[`${r.index}/${r.group}@${r.score}`]
              return { kind: 'members', members: (stored ?? []) as string[] }
            }
            if (r.kind === 'entry') {
              const stored = store[`${r.store}/${r.key}${r.field === null ? '' : `/${r.field}`}`]
              return { kind: 'entry', json: stored === undefined ? null : JSON.stringify(stored) }
            }
            const prefix = `${r.store}/${r.key}/`
            const found = Object.entries(store).filter(([name]) => name.startsWith(prefix))
            return {
              kind: 'all',
              entries: found.map(([name, stored]) => [name.slice(prefix.length), JSON.stringify(stored)] as const),
            }
          }),
        )
      }
      if (this.batch.run()) return rounds
    }
    throw new Error('it asks for ever')
  }

  deadLetters(): string[] {
    return this.outputs.of('app-dead-letters').map((w) => w.headers['dead-letter.reason']!)
  }

  texts(topic = 'OUT'): unknown[] {
    return this.outputs.of(topic).map((w) => JSON.parse(w.text!))
  }
}

const order = (what: string, key = 'k', more: Record<string, unknown> = {}): Given => ({
  value: { type: 'ORDER', key, do: what, ...more },
})

const say = (text: unknown): Effect => out.emit(null, text)

describe('what a batch takes', () => {
  const plan = planOf(
    topologyOf(handlerOf({ say: (_, message) => [say(message.n)], long: () => [say('x'.repeat(400))] })),
  )
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => order('say', 'k', { n }))

  test('everything that is due, up to the number of records', () => {
    expect(new Bench(plan, numbers(5)).batch.size).toBe(5)
    expect(new Bench(plan, numbers(5), { limits: { recordsMax: 2 } }).batch.size).toBe(2)
    expect(new Bench(plan, []).batch.size).toBe(0)
  })

  test('up to the bytes of the input, one record at least', () => {
    expect(new Bench(plan, numbers(5), { limits: { inputBytesMax: 1 } }).batch.size).toBe(1)
    expect(
      new Bench(plan, [{ value: null }, { value: null }, { value: 'x'.repeat(100) }, { value: null }], {
        limits: { inputBytesMax: 90 },
      }).batch.size,
    ).toBe(3)
  })

  test('runs until its outputs are large enough, and leaves the rest over, in order', () => {
    const first = new Bench(
      plan,
      [...Array(6)].map(() => order('long')),
      { limits: { outputBytesMax: 1_000 } },
    )
    first.run()
    const left = first.batch.leftover()
    expect(first.texts()).toHaveLength(3)
    expect(left.map((item) => item.view.offset)).toEqual([3, 4, 5])
    const progress = first.batch.seal('t')
    expect(progress.positionsByName().IN).toEqual({ 0: 3 })

    const second = new Bench(plan, [], { leftover: left, before: progress })
    second.run()
    expect(second.batch.leftover()).toEqual([])
    expect(second.batch.seal('t').positionsByName().IN).toEqual({ 0: 6 })
  })

  test('what was left over goes before what is due, and may itself be too much', () => {
    const first = new Bench(plan, numbers(4), { limits: { outputBytesMax: 0 } })
    first.run()
    expect(first.texts()).toEqual([])
    const left = first.batch.leftover()
    expect(left).toHaveLength(4)
    const second = new Bench(plan, [order('say', 'k', { n: 'new' })], { leftover: left, limits: { recordsMax: 2 } })
    second.run()
    expect(second.texts()).toEqual([0, 1])
    expect(second.batch.leftover().map((item) => item.view.offset)).toEqual([2, 3])
    const third = new Bench(plan, [order('say', 'k', { n: 'new' })], { leftover: second.batch.leftover() })
    third.run()
    expect(third.texts()).toEqual([2, 3, 'new'])
  })

  test('the same records give the same outputs, however they are cut', () => {
    const whole = new Bench(plan, numbers(6))
    whole.run()
    let left: readonly Item[] | null = null
    const cut: unknown[] = []
    for (let i = 0; i < 6; i++) {
      const part: Bench = new Bench(plan, left === null ? numbers(6) : [], {
        limits: { outputBytesMax: 1 },
        ...(left ? { leftover: left } : {}),
      })
      part.run()
      cut.push(...part.outputs.of('OUT'))
      left = part.batch.leftover()
    }
    expect(cut).toEqual(whole.outputs.of('OUT'))
  })
})

describe('reads', () => {
  const acts: Record<string, Act> = {
    get: (state, m) => [say(state.get(entries, m.key, 'f') ?? 'absent')],
    total: (state, m) => [say(state.value(totals, m.key) ?? 'absent')],
    all: (state, m) => [say(state.all(entries, m.key))],
    put: (_, m) => [entries.put(m.key, String(m.field ?? 'f'), m.value as number)],
    delete: (_, m) => [entries.delete(m.key, String(m.field ?? 'f'))],
    undeclared: (state) => [say(state.get(entries, 'somewhere', 'else') ?? 'absent')],
  }
  const plan = planOf(
    topologyOf(
      handlerOf(acts, ({ message }) => {
        if (message.do === 'all') return [entries.readAll(message.key)]
        if (message.do === 'total') return [totals.read(message.key)]
        return message.do === 'get' ? [entries.read(message.key, 'f')] : []
      }),
    ),
  )

  test('of the whole batch go in one round, each once', () => {
    const bench = new Bench(plan, [
      order('get', 'a'),
      order('get', 'b'),
      order('get', 'a'),
      order('total', 'a'),
      order('all', 'a'),
      order('all', 'a'),
    ])
    expect(bench.run({ 'entries/a/f': 1, 'totals/a': 9 })).toEqual([
      ['entries/a/f', 'entries/b/f', 'totals/a', 'entries/a/*'],
    ])
    expect(bench.texts()).toEqual([1, 'absent', 1, 9, [['f', 1]], [['f', 1]]])
  })

  test('what memory knows is not asked for, absences neither', () => {
    const memory = new EntryCache(10_000)
    memory.set('entries/a/f', '5')
    memory.set('entries/b/f', null)
    const bench = new Bench(plan, [order('get', 'a'), order('get', 'b')], { memory })
    expect(bench.run({ 'entries/a/f': 'never asked', 'entries/b/f': 'never asked' })).toEqual([])
    expect(bench.texts()).toEqual([5, 'absent'])
  })

  test('what memory knew stays known for the batch, though memory forgets it', () => {
    const memory = new EntryCache(10_000)
    memory.set('entries/a/f', '5')
    const bench = new Bench(plan, [order('get', 'a')], { memory })
    expect(bench.batch.reads()).toEqual([])
    memory.clear()
    expect(bench.batch.run()).toBe(true)
    expect(bench.texts()).toEqual([5])
  })

  test('a memory of one entry that evicts what the batch has read', () => {
    // One entry of this size and no other.
    const memory = new EntryCache(150)
    memory.set('entries/a/f', '5')
    const bench = new Bench(plan, [order('get', 'a'), order('get', 'b'), order('get', 'a')], { memory })
    bench.run({ 'entries/a/f': 5, 'entries/b/f': 6 })
    memory.set('entries/z/f', '1')
    expect(memory.size).toBe(1)
    expect(bench.texts()).toEqual([5, 6, 5])
    bench.batch.mergeInto(memory)
    expect(memory.size).toBe(1)
  })

  test('a record sees what records before it did', () => {
    const bench = new Bench(plan, [
      order('put', 'a', { value: 1 }),
      order('get', 'a'),
      order('delete', 'a'),
      order('get', 'a'),
      order('put', 'a', { value: 2 }),
      order('get', 'a'),
    ])
    bench.run({ 'entries/a/f': 'stored' })
    expect(bench.texts()).toEqual([1, 'absent', 2])
  })

  test('a batch sees what the batch below it did, and nothing of that is asked for', () => {
    const below = new Bench(plan, [order('put', 'a', { value: 1 }), order('delete', 'b')])
    below.run()
    const bench = new Bench(plan, [order('get', 'a'), order('get', 'b'), order('get', 'c')], {
      below: below.batch.overlay,
    })
    expect(bench.run({ 'entries/a/f': 'stored', 'entries/b/f': 'stored', 'entries/c/f': 7 })).toEqual([['entries/c/f']])
    expect(bench.texts()).toEqual([1, 'absent', 7])
  })

  test('its own changes lie over those of the batch below', () => {
    const below = new Bench(plan, [order('put', 'a', { value: 1 }), order('put', 'b', { value: 1 })])
    below.run()
    const bench = new Bench(
      plan,
      [order('delete', 'a'), order('put', 'b', { value: 2 }), order('get', 'a'), order('get', 'b')],
      { below: below.batch.overlay },
    )
    bench.run()
    expect(bench.texts()).toEqual(['absent', 2])
  })

  test('all fields of a key: the store’s, then the batch below, then its own; in order of their text', () => {
    const below = new Bench(plan, [
      order('put', 'a', { field: 'c', value: 3 }),
      order('delete', 'a', { field: 'b' }),
      order('put', 'a', { field: 'aa', value: 2 }),
    ])
    below.run()
    const records = [
      order('put', 'a', { field: 'aa', value: 22 }),
      order('delete', 'a', { field: 'c' }),
      order('put', 'a', { field: '0', value: 0 }),
      order('all', 'a'),
    ]
    const bench = new Bench(plan, records, { below: below.batch.overlay })
    bench.run({ 'entries/a/a': 1, 'entries/a/b': 'gone', 'entries/a/d': 4, 'entries/b/x': 'of another key' })
    expect(bench.texts()).toEqual([
      [
        ['0', 0],
        ['a', 1],
        ['aa', 22],
        ['d', 4],
      ],
    ])
  })

  test('the order of all fields does not tell where one batch ended', () => {
    const puts = ['d', 'a', 'c', 'b'].map((field, i) => order('put', 'k', { field, value: i }))
    const together = new Bench(plan, [...puts, order('all')])
    together.run()
    const apart = new Bench(plan, [order('all')])
    apart.run({ 'entries/k/a': 1, 'entries/k/b': 3, 'entries/k/c': 2, 'entries/k/d': 0 })
    expect(together.texts()).toEqual(apart.texts())
  })

  test('what a record reads does not tell whether it was written in this batch, below it, or long ago', () => {
    const written = { at: new Date(5), none: undefined, list: [1, undefined], n: Number.NaN }
    const changing = planOf(
      topologyOf(
        handlerOf(
          {
            put: () => [totals.put('a', written as never), entries.put('k', 'f', written as never)],
            get: (state) => {
              const [, whole] = state.all(entries, 'k')[0] as unknown as [string, Record<string, unknown>]
              const single = state.value(totals, 'a') as unknown as Record<string, unknown>
              const seen = [typeof single.at, Object.keys(single), JSON.stringify(single), Object.keys(whole)]
              // A transform should not do this; the next one must not notice.
              single.at = 'spoilt'
              whole.at = 'spoilt'
              return [say(seen)]
            },
          },
          ({ message }) => (message.do === 'get' ? [totals.read('a'), entries.readAll('k')] : []),
        ),
      ),
    )
    const own = new Bench(changing, [order('put'), order('get'), order('get')])
    own.run()
    const below = new Bench(changing, [order('put')])
    below.run()
    const above = new Bench(changing, [order('get'), order('get')], { below: below.batch.overlay })
    above.run()
    const later = new Bench(changing, [order('get'), order('get')])
    later.run({ 'totals/a': written, 'entries/k/f': written })
    expect(own.texts()).toEqual(later.texts())
    expect(above.texts()).toEqual(later.texts())
    expect(later.texts()[0]).toEqual(later.texts()[1])
  })

  test('a read that was not declared is a dead letter, not a miss', () => {
    const bench = new Bench(plan, [order('undeclared'), order('get', 'a')])
    bench.run()
    expect(bench.deadLetters()).toEqual(['transform.failed'])
    expect(bench.texts()).toEqual(['absent'])
  })

  test('reads that throw are the transform’s failure', () => {
    const failing = planOf(
      topologyOf(
        handlerOf({ get: (state, m) => [say(state.get(entries, m.key, 'f') ?? 'absent')] }, ({ message }) => {
          if (message.broken) throw new Error('broken')
          return [entries.read(message.key, 'f')]
        }),
      ),
    )
    const bench = new Bench(failing, [order('get', 'a', { broken: true }), order('get', 'b')])
    bench.run()
    expect(bench.deadLetters()).toEqual(['transform.failed'])
    expect(bench.texts()).toEqual(['absent'])
  })
})

describe('reads that depend on counters', () => {
  /** Each record reads the entry that the counter names, and moves the counter. */
  const plan = planOf(
    topologyOf(
      handlerOf(
        {
          step: (state, m) => {
            const n = state.counter(moves)
            return [say(state.get(entries, m.key, String(n)) ?? `no ${n}`), moves.set(n + 1)]
          },
        },
        ({ message }, count) => [entries.read(message.key, String(count(moves)))],
      ),
    ),
  )
  const steps = (count: number) => Array.from({ length: count }, () => order('step', 'q'))

  test('are declared again once a record before has moved them', () => {
    const bench = new Bench(plan, steps(3))
    expect(bench.run({ 'entries/q/0': 'zero', 'entries/q/1': 'one' })).toEqual([
      ['entries/q/0'],
      ['entries/q/1'],
      ['entries/q/2'],
    ])
    expect(bench.texts()).toEqual(['zero', 'one', 'no 2'])
    expect(bench.deadLetters()).toEqual([])
  })

  describe('and are foretold', () => {
    const expecting = (by: number) =>
      planOf(
        topologyOf({
          ...handlerOf({
            step: (state, m) => {
              const n = state.counter(moves)
              return [say(state.get(entries, m.key, String(n)) ?? `no ${n}`), ...(m.stay ? [] : [moves.set(n + 1)])]
            },
          }),
          reads: ({ message }, count) => [entries.read(message.key, String(count(moves)))],
          expects: (_, count) => [moves.set(count(moves) + by)],
        }),
      )

    test('are declared in one round', () => {
      const bench = new Bench(expecting(1), steps(3))
      expect(bench.run({ 'entries/q/0': 'zero', 'entries/q/1': 'one' })).toEqual([
        ['entries/q/0', 'entries/q/1', 'entries/q/2'],
      ])
      expect(bench.texts()).toEqual(['zero', 'one', 'no 2'])
      expect(bench.batch.seal('t').counters.get('moves')).toBe(3)
    })

    test('too high: what is behind was declared by those before', () => {
      const bench = new Bench(expecting(1), [order('step', 'q', { stay: true }), ...steps(2)])
      expect(bench.run({ 'entries/q/0': 'zero', 'entries/q/1': 'one' })).toEqual([
        ['entries/q/0', 'entries/q/1', 'entries/q/2'],
      ])
      expect(bench.texts()).toEqual(['zero', 'zero', 'one'])
    })

    test('wrongly: it costs a round trip and changes nothing', () => {
      const bench = new Bench(expecting(5), steps(3))
      expect(bench.run({ 'entries/q/0': 'zero', 'entries/q/1': 'one' })).toEqual([
        ['entries/q/0', 'entries/q/5', 'entries/q/10'],
        ['entries/q/1', 'entries/q/6'],
        ['entries/q/2'],
      ])
      expect(bench.texts()).toEqual(['zero', 'one', 'no 2'])
      expect(bench.batch.seal('t').counters.get('moves')).toBe(3)
    })
  })

  test('begin with the counters as of the batch before', () => {
    const before = new Progress(3, START.positions, new Map([['moves', 7]]))
    const bench = new Bench(plan, steps(1), { before })
    expect(bench.run({ 'entries/q/7': 'seven' })).toEqual([['entries/q/7']])
    expect(bench.batch.seal('t').counters.get('moves')).toBe(8)
  })

  test('are found in memory without a round trip', () => {
    const memory = new EntryCache(10_000)
    for (let n = 0; n < 3; n++) memory.set(`entries/q/${n}`, JSON.stringify(`memory ${n}`))
    const bench = new Bench(plan, steps(3), { memory })
    expect(bench.run()).toEqual([])
    expect(bench.deadLetters()).toEqual([])
    expect(bench.texts()).toEqual(['memory 0', 'memory 1', 'memory 2'])
  })

  test('are found in the batch below', () => {
    const put = planOf(topologyOf(handlerOf({ put: () => [entries.put('q', '1', 11)] })))
    const below = new Bench(put, [order('put')])
    below.run()
    const bench = new Bench(plan, steps(2), { below: below.batch.overlay })
    expect(bench.run({ 'entries/q/0': 'zero' })).toEqual([['entries/q/0']])
    expect(bench.texts()).toEqual(['zero', 11])
  })
})

describe('what comes of it', () => {
  const stray = sink<unknown>({ topic: 'STRAY' })
  const strayStore = map<string, string, number>({ name: 'stray', key: String })
  const acts: Record<string, Act> = {
    work: (state, m) => [
      entries.put(m.key, 'f', 1),
      totals.put(m.key, 2),
      moves.set(state.counter(moves) + 1),
      say('done'),
      other.emit(Buffer.from('o'), 'too'),
    ],
    count: (state) => [moves.set(state.counter(moves) + 1)],
    throw: () => {
      throw new Error('out of paper')
    },
    dead: () => {
      throw new DeadLetter('order.impossible', 'cannot be')
    },
    reject: (_, m) => [entries.put(m.key, 'f', 9), say('never'), reject('order.refused', 'will not'), moves.set(99)],
    drop: () => [drop('order.useless', 2), drop('order.useless')],
    nothing: () => [],
    stray: () => [say('never'), stray.emit(null, 1)],
    strayStore: () => [strayStore.put('a', 'b', 1)],
    strayCounter: () => [counter({ name: 'stray' }).set(1)],
    large: () => [say('first'), entries.put('a', 'b', 1), moves.set(7), say('x'.repeat(2_000))],
    largeState: () => [say('never'), entries.put('a', 'b', 'x'.repeat(2_000) as never)],
    unwritable: () => [entries.put('a', 'b', undefined as never)],
    circular: () => {
      const circle: unknown[] = []
      circle.push(circle)
      return [totals.put('a', circle as never)]
    },
    badCounter: (_, m) => [moves.set(Number(m.n))],
  }
  const plan = planOf(topologyOf(handlerOf(acts)), { outBytesMax: 1_500 })

  test('outputs, changes as they are last, counters, and one checkpoint record, last of all', () => {
    const bench = new Bench(plan, [order('work', 'a'), order('work', 'a'), order('work', 'b')])
    bench.run()
    const progress = bench.batch.seal('app-x')
    expect(bench.texts()).toEqual(['done', 'done', 'done'])
    expect(bench.outputs.of('OTHER').map((w) => w.key)).toEqual(['o', 'o', 'o'])
    const changelog = bench.outputs.of('app-changelog')
    expect(changelog.map((w) => [w.key, w.key === CHECKPOINT_KEY ? null : w.text])).toEqual([
      ['entries/a/f', '1'],
      ['totals/a', '2'],
      ['entries/b/f', '1'],
      ['totals/b', '2'],
      [CHECKPOINT_KEY, null],
    ])
    expect(JSON.parse(changelog.at(-1)!.text!)).toMatchObject({
      batch: 1,
      clusterId: 'cluster-1',
      tasks: 1,
      positions: { IN: { 0: 3 }, 'app-repartition': { 0: 0 } },
      topicIds: { IN: 'id-IN', 'app-repartition': 'id-repartition' },
      counters: { moves: 3 },
      stores: { entries: 'map', totals: 'value' },
      transactionalId: 'app-x',
    })
    expect(progress.batch).toBe(1)
    expect(bench.batch.changes()).toMatchObject([
      { store: 'entries', key: 'a', field: 'f', json: '1' },
      { store: 'totals', key: 'a', field: null, json: '2' },
      { store: 'entries', key: 'b', field: 'f', json: '1' },
      { store: 'totals', key: 'b', field: null, json: '2' },
    ])
  })

  test('sealing again gives the same and writes nothing', () => {
    const bench = new Bench(plan, [order('work')])
    bench.run()
    const progress = bench.batch.seal('t')
    const { length } = bench.outputs.written
    expect(bench.batch.seal('t')).toBe(progress)
    expect(bench.outputs.written).toHaveLength(length)
  })

  test('a batch without outputs still moves the offsets', () => {
    const bench = new Bench(plan, [order('nothing'), order('nothing')])
    bench.run()
    expect(bench.batch.seal('t').positionsByName().IN).toEqual({ 0: 2 })
    expect(bench.outputs.written.map((w) => w.topic)).toEqual(['app-changelog'])
  })

  test('the tally has no age of what was replayed, be it processed or buried again', () => {
    const replayed = { timestampMs: 5, headers: { 'dead-letter.replayed-from': '0@3' } }
    const bench = new Bench(planOf(topologyOf(handlerOf({ say: () => [say(1)] }))), [
      order('say'),
      { ...order('say'), ...replayed },
      { ...order('say'), ...replayed },
      { value: 'no JSON', ...replayed },
      { value: 'no JSON', timestampMs: 900 },
    ])
    bench.run()
    const { tally } = bench.batch
    expect([tally.records, bench.texts().length, bench.deadLetters().length]).toEqual([5, 3, 2])
    expect(tally.timestamps).toEqual([1_000, 1, 900, 1])
  })

  test('the tally counts each thing once', () => {
    const bench = new Bench(plan, [order('work'), order('drop'), order('throw'), { value: 'no JSON' }])
    bench.run()
    const { tally } = bench.batch
    expect(tally.records).toBe(4)
    expect([...tally.written]).toEqual([
      ['OUT', 1],
      ['OTHER', 1],
    ])
    expect([...tally.drops]).toEqual([['order.useless', 3]])
    expect([...tally.deadLetters]).toEqual([
      ['IN\0transform.failed', 1],
      ['IN\0value.not_json', 1],
    ])
  })

  test.each<[string, string, string]>([
    ['throw', 'transform.failed', 'out of paper'],
    ['dead', 'order.impossible', 'cannot be'],
    ['reject', 'order.refused', 'will not'],
    ['stray', 'transform.failed', 'sink STRAY is not part of the topology'],
    ['strayStore', 'transform.failed', 'store stray is not part of the topology'],
    ['strayCounter', 'transform.failed', 'counter stray is not part of the topology'],
    ['large', 'output.too_large', 'bytes for OUT'],
    ['largeState', 'output.too_large', 'bytes for app-changelog'],
    ['unwritable', 'transform.failed', 'no JSON'],
    ['circular', 'transform.failed', 'circular'],
  ])('a transform that goes wrong (%s) has done nothing but one dead letter', (what, code, message) => {
    const bench = new Bench(plan, [order('count'), order(what), order('count')])
    bench.run()
    expect(bench.deadLetters()).toEqual([code])
    expect(bench.outputs.of('app-dead-letters')[0]?.headers['dead-letter.message']).toContain(message)
    expect(bench.texts()).toEqual([])
    expect(bench.batch.changes()).toEqual([])
    const progress = bench.batch.seal('t')
    expect([...progress.counters]).toEqual([['moves', 2]])
    expect(progress.positionsByName().IN).toEqual({ 0: 3 })
  })

  test.each([-1, 0.5, Number.NaN, 2 ** 53])('a counter is not set to %d: the changelog could not carry it', (n) => {
    const bench = new Bench(plan, [
      order('count'),
      { value: `{"type":"ORDER","key":"k","do":"badCounter","n":${Number.isNaN(n) ? '"x"' : n}}` },
    ])
    bench.run()
    expect(bench.deadLetters()).toEqual(['transform.failed'])
    expect(bench.batch.seal('t').counters.get('moves')).toBe(1)
  })

  test('with onTransformError: stop the error goes up', () => {
    const stopping = planOf(topologyOf(handlerOf(acts), { onTransformError: 'stop' }))
    const bench = new Bench(stopping, [order('throw')])
    bench.batch.reads()
    expect(() => bench.batch.run()).toThrow('out of paper')
  })

  test('the record that was refused alone is a dead letter wherever it stands, the others are not', () => {
    const refusal = { code: 'output.refused', message: 'OUT refused it', topic: 'IN', partition: 0, offset: offset(1) }
    const bench = new Bench(plan, [order('work', 'a'), order('work', 'b'), order('work', 'c')], { refusals: [refusal] })
    bench.run()
    expect(bench.deadLetters()).toEqual(['output.refused'])
    expect(bench.batch.changes().map((change) => change.key)).toEqual(['a', 'a', 'c', 'c'])
    expect(bench.batch.first).toEqual({ topic: 'IN', partition: 0, offset: 0 })
  })
})

describe('memory', () => {
  const plan = planOf(
    topologyOf(
      handlerOf(
        {
          both: (state, m) => [
            say(state.get(entries, m.key, 'f') ?? 'absent'),
            entries.put(m.key, 'g', 2),
            entries.delete(m.key, 'h'),
          ],
        },
        ({ message }) => [entries.read(message.key, 'f')],
      ),
    ),
  )

  test('learns of a batch only when it is merged: what it read and what it changed, deletions as absences', () => {
    const bench = new Bench(plan, [order('both', 'a'), order('both', 'b')])
    bench.run({ 'entries/a/f': 1 })
    bench.batch.seal('t')
    expect(bench.memory.size).toBe(0)
    bench.batch.mergeInto(bench.memory)
    const known = ['entries/a/f', 'entries/b/f', 'entries/a/g', 'entries/a/h', 'entries/c/f'].map((name) =>
      bench.memory.get(name),
    )
    expect(known).toEqual(['1', null, '2', null, undefined])
  })

  test('takes a change over what was read of the same entry', () => {
    const changing = planOf(
      topologyOf(
        handlerOf(
          { both: (state, m) => [entries.put(m.key, 'f', (state.get(entries, m.key, 'f') ?? 0) + 1)] },
          ({ message }) => [entries.read(message.key, 'f')],
        ),
      ),
    )
    const bench = new Bench(changing, [order('both', 'a'), order('both', 'a')])
    bench.run({ 'entries/a/f': 40 })
    bench.batch.mergeInto(bench.memory)
    expect(bench.memory.get('entries/a/f')).toBe('42')
  })
})
