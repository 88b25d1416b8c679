/** History, export and load: what is made of records and looks. */
import { expect, test } from 'vitest'
import { CauseSection, readCause } from '../../engine/core/cause.ts'
import { encodeHeaders, viewOf } from '../../engine/core/headers.ts'
import { HistoryFold } from '../../operations/core/history.ts'
import { loadOf } from '../../operations/core/load.ts'
import { parseMetrics, sumOf } from '../../operations/core/prometheus.ts'
import { StateFold } from '../../operations/core/state-fold.ts'
import { passes } from '../../operations/events.ts'
import type { TaskView } from '../../operations/tasks.ts'
import type { ChangelogEntry } from '../../stores/core/changelog.ts'

const change = (field: string, json: string | null): ChangelogEntry => ({
  kind: 'change',
  change: { store: 'notes', key: 't:1', field, json },
})
const checkpoint = (batch: number): ChangelogEntry =>
  ({ kind: 'checkpoint', checkpoint: { batch } }) as unknown as ChangelogEntry
const sections = new CauseSection()
const view = (offset: number, headers?: Buffer) =>
  viewOf({ offset, timestampMs: 1_000 + offset, key: null, value: null, ...(headers ? { headers } : {}) })

test('a cause is read back, from a section that is used again; what is none is none', () => {
  const causes = [
    { topic: 'a', partition: 0, offset: 0 },
    { topic: 'x'.repeat(249), partition: 2_147_483_647, offset: Number.MAX_SAFE_INTEGER },
    { topic: 'b', partition: 1, offset: 5 },
  ]
  for (const cause of causes) expect(readCause(view(0, Buffer.from(sections.of(cause, cause.offset))))).toEqual(cause)
  expect(readCause(view(0))).toBeNull()
  for (const text of ['', 'a', 'a:1', 'a:1:-2', 'a:1:2:'])
    expect(readCause(view(0, encodeHeaders([['cause', Buffer.from(text)]]))), text).toBeNull()
  expect(readCause(view(0, Buffer.of(9, 9)))).toBeNull()
})

test('history: batches are told where checkpoints are, with their causes, the newest so many', () => {
  const history = new HistoryFold(({ field }) => field === '4', 3)
  const cause = { topic: 'in', partition: 1, offset: 7 }
  history.take(view(0), change('4', '1'))
  history.take(view(1), change('5', '1'))
  history.take(view(2), checkpoint(1))
  history.take(view(3, Buffer.from(sections.of(cause, cause.offset))), change('4', '2'))
  history.take(view(4), checkpoint(2))
  history.take(view(9), change('4', null))
  history.take(view(10), checkpoint(7))
  history.take(view(11), change('4', '3'))
  const { changes, complete } = history.result()
  expect(complete).toBe(false)
  expect(changes.map(({ change, batch, batchExact }) => [change.json, batch, batchExact])).toEqual([
    ['2', 2, true],
    [null, 7, false],
    ['3', null, false],
  ])
  expect(changes[0]).toMatchObject({ cause, offset: 3, timestampMs: 1_003 })
  expect(new HistoryFold(() => true, 3).result()).toEqual({ changes: [], complete: true })
})

test('export: as of the last whole batch', () => {
  const fold = new StateFold()
  expect(fold.last).toBeNull()
  const log = [change('1', 'a'), change('2', 'b'), checkpoint(1), change('1', 'c'), change('2', null), change('3', 'd')]
  for (const [at, entry] of log.entries()) fold.take(at, entry)
  const entries = () => [...fold.entries()].map(({ field, json }) => `${field}${json}`).sort()
  expect(entries()).toEqual(['1a', '2b'])
  expect(fold.last).toMatchObject({ offset: 2, checkpoint: { batch: 1 } })
  fold.take(6, checkpoint(2))
  expect(entries()).toEqual(['1c', '3d'])
})

test('metrics are read, with escapes, and others’ lines left out', () => {
  const samples = parseMetrics(
    '# HELP a b\na{x="1",y="q\\"\\\\\\n"} 2\na{x="1"} 3.5\na{x="2"} 1\nb 7 123\nbroken{ 1\nc NaN\n',
  )
  expect(samples[0]).toEqual({ name: 'a', labels: { x: '1', y: 'q"\\\n' }, value: 2 })
  expect(sumOf(samples, 'a', { x: '1' })).toBe(5.5)
  expect(sumOf(samples, 'b')).toBe(7)
  expect(sumOf(samples, 'nothing')).toBe(0)
})

const task = (committed: number, batch: number, lag = 0): TaskView => ({
  task: 0,
  instance: 'i',
  transactionalId: 'x',
  lease: null,
  paused: null,
  batch,
  checkpointOffset: 1,
  checkpointAgeMs: 5,
  changelogEnd: 9,
  partitions: [{ topic: 't', partition: 0, committed, end: committed + lag, lag, exact: true }],
})
const metrics = (count: number, seconds: number, application = 'app') =>
  `topology_transaction_duration_seconds_count{result="committed",application="${application}"} ${count}
topology_transaction_duration_seconds_sum{result="committed",application="${application}"} ${seconds}
topology_task_state{partition="0",state="running",application="${application}"} 1
topology_task_state{partition="0",state="stopped",application="${application}"} 0`

test('load: two looks make rates; another application’s metrics do not count', () => {
  const first = { atMs: 0, tasks: [task(100, 5)], metrics: [metrics(10, 1)] }
  const once = loadOf('app', null, first)
  expect(once).toMatchObject({ recordsPerSecond: null, transactionMs: 100, transactionsPerSecond: null, instances: 1 })
  const second = { atMs: 2_000, tasks: [task(300, 9, 4)], metrics: [metrics(30, 1.5)] }
  const load = loadOf('app', first, second)
  expect(load).toMatchObject({ recordsPerSecond: 100, transactionsPerSecond: 10, transactionMs: 25, lag: 4 })
  expect(load.tasks[0]).toMatchObject({ state: 'running', batchesPerSecond: 2, lag: 4 })
  const other = { ...second, metrics: [metrics(30, 1.5, 'other')] }
  expect(loadOf('app', null, other)).toMatchObject({ transactionMs: null, tasks: [{ state: null }] })
  // Offsets that were set back, an instance that began anew: no rate below nothing.
  expect(loadOf('app', second, { ...first, atMs: 4_000 })).toMatchObject({ recordsPerSecond: 0, transactionMs: null })
})

test('load: what was forwarded counts where it was read, not again where it came back', () => {
  const at = (topic: string, committed: number) => ({ topic, partition: 0, committed, end: 0, lag: 0, exact: true })
  const look = (atMs: number, input: number, forwarded: number) => ({
    atMs,
    tasks: [{ ...task(0, 1), partitions: [at('in', input), at('app-repartition', forwarded)] }],
    metrics: [],
  })
  expect(loadOf('app', look(0, 0, 0), look(1_000, 50, 60)).recordsPerSecond).toBe(50)
})

test('events are filtered by tenant, character and type', () => {
  const all = { tenant: null, character: null, type: null }
  const event = { tenant: 'a', value: { type: 'CREATED', characterId: 7 } }
  expect(passes(all, event)).toBe(true)
  expect(passes({ ...all, tenant: 'b' }, event)).toBe(false)
  expect(passes({ ...all, character: 7, type: 'CREATED' }, event)).toBe(true)
  expect(passes({ ...all, character: 8 }, event)).toBe(false)
  expect(passes({ ...all, type: 'DELETED' }, { tenant: null, value: 'not JSON' })).toBe(false)
  expect(passes(all, { tenant: null, value: null })).toBe(true)
})
