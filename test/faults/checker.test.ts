/** The checker finds what it is for: honest logs pass, and each forged one is named by its kind. */
import { describe, expect, test } from 'vitest'
import type { TopicDump } from '../java/log-dump.ts'
import type { LogRecord } from '../java/log-record.ts'
import { EXPECT_HEADER } from './checker/causes.ts'
import { check, type Evidence } from './checker/checker.ts'
import { checkSame } from './checker/exact.ts'
import { characterKey, partitionOf } from './checker/murmur2.ts'
import { type AnomalyKind, Report } from './checker/report.ts'
import { headersOf, TENANTS, traceOf } from './feed/message.ts'

const TASKS = 4
const TENANT = TENANTS[0]
const NIL = '00000000-0000-0000-0000-000000000000'
const CHARACTER = 1
const HOME = partitionOf(CHARACTER, TASKS)
const idOf = (sequence: number): number => sequence * TASKS + HOME + 1
const timeOf = (ms: number): string => new Date(ms).toISOString()

/** Mutable on purpose: each test breaks one thing. */
interface Forged {
  commands: LogRecord[]
  characters: LogRecord[]
  status: LogRecord[]
  saga: LogRecord[]
  deadLetters: LogRecord[]
  changelog: LogRecord[]
  redis: {
    notes: Map<string, unknown>
    inOrder: Set<string>
    byTenant: Set<string>
    checkpoints: Record<string, any>[]
    strays: string[]
  }
  committed: Map<string, number>
  dumps: Map<string, TopicDump>
  exact: boolean
}

let span = 0
const headersFor = (trace: string): LogRecord['headers'] =>
  Object.entries({
    ...headersOf(TENANT, trace),
    traceparent: Buffer.from(`00-${trace}-${(++span).toString(16).padStart(16, '0')}-01`),
  })

function record(
  partition: number,
  offset: number,
  timestampMs: number,
  headers: LogRecord['headers'],
  value: unknown,
): LogRecord {
  return {
    partition,
    offset,
    timestampMs,
    headers,
    key: characterKey(CHARACTER),
    value: Buffer.from(JSON.stringify(value)),
  }
}

const note = (ms: number) => ({ senderId: 77, message: `m${ms}`, flag: 0, time: timeOf(ms) })

/** CREATE, CREATE, DISCARD of the first, and a bad record, all at home; everything as it should be. */
function honest(): Forged {
  const trace = (i: number): string => traceOf(9, i)
  const command = (i: number, type: string, body: unknown): LogRecord =>
    record(HOME, i, 1000 + i, Object.entries(headersOf(TENANT, trace(i))), {
      worldId: 3,
      channelId: 4,
      characterId: CHARACTER,
      type,
      body,
    })
  const bad: LogRecord = {
    ...record(HOME, 3, 1003, [[EXPECT_HEADER, Buffer.from('value.not_json')]], ''),
    value: Buffer.from('{'),
  }
  const commands = [
    command(0, 'CREATE', { senderId: 77, message: 'm1000', flag: 0 }),
    command(1, 'CREATE', { senderId: 77, message: 'm1001', flag: 0 }),
    command(2, 'DISCARD', { noteIds: [idOf(0)] }),
    bad,
  ]
  const event = (offset: number, cause: number, type: string, body: unknown): LogRecord =>
    record(HOME, offset, 1000 + cause, headersFor(trace(cause)), {
      transactionId: NIL,
      characterId: CHARACTER,
      type,
      body,
    })
  const created = (offset: number, cause: number): LogRecord =>
    event(offset, cause, 'CREATED', { noteId: idOf(cause), ...note(1000 + cause) })
  const sagaId = '6fa459ea-ee8a-5ca4-894e-db77e160355e'
  const step = {
    stepId: `award-fame-77-${idOf(0)}`,
    status: 'pending',
    action: 'award_fame',
    payload: { characterId: 77, worldId: 3, channelId: 4, amount: 1 },
    createdAt: timeOf(1002),
    updatedAt: timeOf(1002),
  }
  const saga = {
    transactionId: sagaId,
    sagaType: 'inventory_transaction',
    initiatedBy: 'note-discard-fame',
    steps: [step],
  }
  const facts: [string, string][] = [
    ['reason', 'value.not_json'],
    ['message', 'it is not JSON'],
    ['topic', 'commands'],
    ['partition', String(HOME)],
    ['offset', '3'],
    ['timestamp', '1003'],
  ]
  const entry = (offset: number, name: string, value: unknown): LogRecord => ({
    ...record(HOME, offset, 0, [], value),
    key: Buffer.from(name),
    ...(value === null ? { value: null } : {}),
  })
  const owner = `${TENANT}:${CHARACTER}`
  const checkpoint = (batch: number, at: number) => ({ batch, positions: { commands: { [HOME]: at } } })
  return {
    commands,
    characters: [],
    status: [created(0, 0), created(1, 1), event(2, 2, 'DELETED', { noteId: idOf(0) })],
    saga: [{ ...record(HOME, 0, 1002, headersFor(trace(2)), saga), key: Buffer.from(sagaId) }],
    deadLetters: [
      { ...bad, headers: [...bad.headers, ...facts.map(([n, v]) => [`dead-letter.${n}`, Buffer.from(v)] as const)] },
    ],
    changelog: [
      entry(0, `notes/${owner}/${idOf(0)}`, note(1000)),
      entry(1, `notes/${owner}/${idOf(1)}`, note(1001)),
      entry(2, 'checkpoint', checkpoint(1, 2)),
      entry(4, `notes/${owner}/${idOf(0)}`, null),
      entry(5, 'checkpoint', checkpoint(2, 4)),
    ],
    redis: {
      notes: new Map<string, unknown>([[`${owner}:${idOf(1)}`, note(1001)]]),
      inOrder: new Set<string>(),
      byTenant: new Set([`${owner}:${idOf(1)}`]),
      checkpoints: Array.from({ length: TASKS }, (_, task) => ({ batch: task === HOME ? 2 : 0 })),
      strays: [],
    },
    committed: new Map([[`commands-${HOME}`, 4]]),
    dumps: new Map(),
    exact: false,
  }
}

function report(forged: Forged): Report {
  const evidence: Evidence = {
    ...forged,
    inputs: [
      { topic: 'commands', role: 'commands', records: forged.commands },
      { topic: 'characters', role: 'characters', records: forged.characters },
    ],
    statusPartitions: TASKS,
    repartition: { committed: [], dirty: [], ends: [] },
    repartitionTopic: 'repartition',
    statusTopic: 'status',
    sagaTopic: 'saga',
    tasks: TASKS,
    stride: TASKS,
  }
  return check(evidence)
}

function rewritten(of: LogRecord, change: (value: any) => void): LogRecord {
  const value = JSON.parse(of.value!.toString())
  change(value)
  return { ...of, value: Buffer.from(JSON.stringify(value)) }
}

test('an honest run has no anomaly', () => {
  expect(report(honest()).text).toBe('')
})

test('an exact run has none, either, without what it cannot fold', () => {
  const run = honest()
  run.commands.pop()
  run.deadLetters.pop()
  run.committed.set(`commands-${HOME}`, 4)
  run.exact = true
  expect(report(run).text).toBe('')
})

/** The dump of a topic that is as it was read, with what may be changed in it. */
const dumpOf = (read: readonly LogRecord[], dirty: readonly LogRecord[] = []): TopicDump => ({
  committed: read,
  dirty,
  ends: [],
})

// Names in brackets: Jepsen's Kafka workload, Adya.
const forgeries: readonly (readonly [string, AnomalyKind, (run: Forged) => void])[] = [
  // (lost write)
  ['an event is missing', 'lost', (run) => run.status.splice(1, 1)],
  ['the saga is missing', 'lost', (run) => run.saga.pop()],
  ['a note was not removed', 'lost', (run) => run.status.pop()],
  ['the dead letter is missing', 'lost', (run) => run.deadLetters.pop()],
  ['a record lies behind the committed offset', 'lost', (run) => run.committed.set(`commands-${HOME}`, 3)],
  // (duplicate)
  ['the same event is committed twice', 'doubled', (run) => run.status.push({ ...run.status[1]!, offset: 9 })],
  [
    'a CREATE made two notes',
    'doubled',
    (run) =>
      run.status.push(
        rewritten(
          { ...run.status[1]!, offset: 9, headers: headersFor(traceOf(9, 1)) },
          (v) => (v.body.noteId = idOf(2)),
        ),
      ),
  ],
  [
    'an id was given twice',
    'doubled',
    (run) => (run.status[1] = rewritten(run.status[1]!, (v) => (v.body.noteId = idOf(0)))),
  ],
  [
    'a sequence number was skipped',
    'doubled',
    (run) => (run.status[1] = rewritten(run.status[1]!, (v) => (v.body.noteId = idOf(7)))),
  ],
  [
    'the saga is sent twice',
    'doubled',
    (run) => run.saga.push({ ...run.saga[0]!, offset: 9, headers: headersFor(traceOf(9, 2)) }),
  ],
  ['a dead letter is written twice', 'doubled', (run) => run.deadLetters.push({ ...run.deadLetters[0]!, offset: 9 })],
  [
    'a committed record was not given to the reader (poll skip)',
    'lost',
    (run) => run.dumps.set('status', dumpOf([...run.status, { ...run.status[2]!, offset: 7 }])),
  ],
  [
    'the reader was given a record twice (nonmonotonic poll)',
    'doubled',
    (run) => {
      run.dumps.set('saga', dumpOf(run.saga))
      run.saga.push(run.saga[0]!)
    },
  ],
  [
    'the reader was given an aborted record (G1a)',
    'phantom',
    (run) => run.dumps.set('status', dumpOf(run.status.slice(0, 2), run.status.slice(2))),
  ],
  ['the reader was given what no log has', 'phantom', (run) => run.dumps.set('status', dumpOf(run.status.slice(0, 2)))],
  ['of a transaction the event is there and the change is not', 'torn', (run) => run.changelog.splice(1, 1)],
  ['of a transaction the change is there and the event is not', 'torn', (run) => run.status.splice(1, 1)],
  ['of a transaction the removal is kept and not told', 'torn', (run) => run.status.pop()],
  ['of a transaction the removal is told and not kept', 'torn', (run) => run.changelog.splice(3, 1)],
  ['of a transaction the saga is there and the removal is not', 'torn', (run) => run.status.pop()],
  [
    'a note is kept as it was before its last event (stale read)',
    'stale',
    (run) => {
      const { noteId, time: _, ...body } = JSON.parse(run.status[1]!.value!.toString()).body
      const updated = { noteId, ...body, message: 'later', time: timeOf(1_005) }
      run.status.push(
        record(HOME, 8, 1_005, headersFor(traceOf(9, 5)), {
          transactionId: NIL,
          characterId: CHARACTER,
          type: 'UPDATED',
          body: updated,
        }),
      )
    },
  ],
  [
    'a note is kept that was removed (stale read)',
    'stale',
    (run) => run.redis.notes.set(`${TENANT}:${CHARACTER}:${idOf(0)}`, note(1000)),
  ],
  // (nonmonotonic)
  [
    'two events changed places',
    'reordered',
    (run) => run.status.splice(0, 2, { ...run.status[0]!, offset: 1 }, { ...run.status[1]!, offset: 0 }),
  ],
  ['DELETED stands before CREATED', 'reordered', (run) => (run.status[2] = { ...run.status[2]!, offset: -1 })],
  [
    'an event has no cause',
    'phantom',
    (run) => run.status.push({ ...run.status[1]!, offset: 9, headers: headersFor(traceOf(8, 1)) }),
  ],
  [
    'a saga has no cause',
    'phantom',
    (run) => run.saga.push({ ...run.saga[0]!, offset: 9, headers: headersFor(traceOf(9, 0)) }),
  ],
  [
    'a good record became a dead letter',
    'phantom',
    (run) =>
      run.deadLetters.push({
        ...run.deadLetters[0]!,
        headers: run.deadLetters[0]!.headers.map(([n, v]) => [n, n === 'dead-letter.offset' ? Buffer.from('1') : v]),
      }),
  ],
  [
    'a message differs',
    'wrong',
    (run) => (run.status[0] = rewritten(run.status[0]!, (v) => (v.body.message = 'other'))),
  ],
  [
    'a tenant header differs',
    'wrong',
    (run) =>
      (run.status[0] = {
        ...run.status[0]!,
        headers: run.status[0]!.headers.map(([n, v]) => [n, n === 'REGION' ? Buffer.from('EMS') : v]),
      }),
  ],
  [
    'a header of the cause was carried on',
    'wrong',
    (run) => (run.status[0] = { ...run.status[0]!, headers: [...run.status[0]!.headers, ['other', null]] }),
  ],
  ['a timestamp differs', 'wrong', (run) => (run.saga[0] = { ...run.saga[0]!, timestampMs: 1 })],
  [
    'the code of a dead letter differs',
    'wrong',
    (run) => (run.commands[3] = { ...run.commands[3]!, headers: [[EXPECT_HEADER, Buffer.from('value.empty')]] }),
  ],
  [
    'an event is on another partition',
    'misplaced',
    (run) => (run.status[2] = { ...run.status[2]!, partition: (HOME + 1) % TASKS }),
  ],
  ['Redis lacks a note', 'state', (run) => run.redis.notes.clear()],
  ['Redis has a note too many', 'state', (run) => run.redis.notes.set(`${TENANT}:${CHARACTER}:${idOf(0)}`, note(1000))],
  ['a value in Redis differs', 'state', (run) => run.redis.notes.set(`${TENANT}:${CHARACTER}:${idOf(1)}`, note(1))],
  ['an index lacks a note', 'state', (run) => run.redis.byTenant.clear()],
  ['the order of notes lacks one', 'state', (run) => run.redis.inOrder.add(`${TENANT}:${CHARACTER}:999`)],
  ['a key of no live version is left', 'state', (run) => run.redis.strays.push('{x:0}:v:notes:y')],
  ['Redis is behind', 'state', (run) => (run.redis.checkpoints[HOME]!['batch'] = 1)],
  ['the changelog lacks a change', 'state', (run) => run.changelog.splice(3, 1)],
  ['a batch number came twice', 'offsets', (run) => run.changelog.splice(3, 0, { ...run.changelog[2]!, offset: 3 })],
  ['the group stands elsewhere than the changelog', 'offsets', (run) => run.committed.set(`commands-${HOME}`, 5)],
  [
    'a transaction is open',
    'open',
    (run) => run.dumps.set('status', { ...dumpOf(run.status), ends: [{ lastStableOffset: 3, highWatermark: 5 }] }),
  ],
]

describe('a forged log is named', () => {
  test.each(forgeries)('%s: %s', (_, kind, forge) => {
    const run = honest()
    forge(run)
    const found = report(run)
    expect(found.count(kind), found.text).toBeGreaterThan(0)
  })
})

test('in an exact run an event behind its time is found by position alone', () => {
  const run = honest()
  run.commands.pop()
  run.deadLetters.pop()
  run.exact = true
  run.status.push({ ...run.status[0]!, offset: 9 })
  expect(report(run).text).toContain('1 events too many')
})

describe('byte for byte', () => {
  const same = (change: (status: LogRecord[]) => void): string => {
    const { status } = honest()
    const other = status.map((r) => ({ ...r, offset: r.offset + 5 }))
    change(other)
    const found = new Report()
    checkSame('status', status, other, found)
    return found.text
  }
  test('offsets may differ', () => expect(same(() => {})).toBe(''))
  test('a record too few', () => expect(same((s) => s.pop())).toContain('record 2'))
  test('another header', () =>
    expect(same((s) => (s[1] = { ...s[1]!, headers: headersFor(traceOf(9, 1)) }))).toContain('record 1'))
  test('another order', () => expect(same((s) => s.reverse())).toContain('record 0'))
})
