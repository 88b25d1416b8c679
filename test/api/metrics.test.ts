/** What /metrics says of what the engine tells. */
import { expect, test } from 'vitest'
import { Metrics } from '../../api/metrics.ts'
import { BatchTally } from '../../engine/core/tally.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { noteIdOf, noteIdsRemaining } from '../../topology/notes/ids.ts'

const NOW = 1_700_000_000_000

function committed(timestamps: readonly number[]): EngineEvent {
  const tally = new BatchTally()
  for (const timestampMs of timestamps) {
    tally.records++
    tally.ended(timestampMs)
  }
  return { kind: 'batch.committed', task: 0, batch: 1, atMs: NOW, tally, trace: null }
}

const linesOf = async (metrics: Metrics, name: string): Promise<readonly string[]> =>
  (await metrics.text())
    .split('\n')
    .filter((line) => line.startsWith(name))
    .map((line) => line.replace(/,?application="app"/, '').replace('{}', ''))

test('latency counts every record of a batch, in the bucket of its own age', async () => {
  const metrics = new Metrics('app')
  const name = 'topology_record_e2e_latency_seconds'
  // Ages 3, 3, 7, 2000, 0 (ahead of the clock), 100 (a bound belongs to its bucket), and ten days.
  const ages = [3, 3, 7, 2_000, -50, 100, 864_000_000]
  metrics.hear(committed(ages.map((age) => NOW - age)))
  metrics.hear(committed([NOW - 3]))
  const lines = await linesOf(metrics, name)
  const at = (le: string) => Number(lines.find((line) => line.includes(`le="${le}"`))?.split(' ')[1])
  expect([at('0.005'), at('0.01'), at('0.05'), at('0.1'), at('1'), at('2.5'), at('86400'), at('+Inf')]).toEqual([
    4, 5, 5, 6, 6, 7, 7, 8,
  ])
  expect(lines.at(-1)).toBe(`${name}_count 8`)
  expect(lines.at(-2)).toBe(`${name}_sum ${(3 * 3 + 7 + 2_000 + 100 + 864_000_000) / 1000}`)
})

test('the tally keeps one pair per run of equal timestamps', () => {
  const tally = new BatchTally()
  for (const at of [5, 5, 5, 6, 5]) tally.ended(at)
  expect(tally.timestamps).toEqual([5, 3, 6, 1, 5, 1])
})

test('the audit, what it mends, and warnings', async () => {
  const metrics = new Metrics('app')
  const pass = { kind: 'audit.pass', task: 1, entries: 30, changed: 2, records: 900, durationMs: 5 } as const
  metrics.hear({ ...pass, result: 'agreed' })
  metrics.hear({ ...pass, result: 'differed' })
  metrics.hear({ kind: 'audit.differences', task: 1, differences: [{ kind: 'value', what: 'notes/a/1' }] })
  metrics.hear({ kind: 'task.mending', task: 1, code: 'audit.difference', reason: 'r' })
  metrics.hear({ kind: 'warning', code: 'redis.evicted', message: 'm' })
  const counted = async (name: string) => (await linesOf(metrics, name)).filter((line) => !line.endsWith(' 0'))
  expect(await counted('topology_audit')).toEqual([
    'topology_audit_passes_total{result="agreed"} 1',
    'topology_audit_passes_total{result="differed"} 1',
    'topology_audit_entries_total 60',
    'topology_audit_differences_total{kind="value"} 1',
  ])
  expect(await counted('topology_task_mends')).toEqual(['topology_task_mends_total{reason="audit.difference"} 1'])
  expect(await counted('topology_warnings')).toEqual(['topology_warnings_total{code="redis.evicted"} 1'])
})

test('restore: 0 when it is done, gone when the task is', async () => {
  const metrics = new Metrics('app')
  metrics.hear({ kind: 'restore.progress', task: 2, done: 10, total: 50 })
  expect(await linesOf(metrics, 'topology_restore')).toEqual(['topology_restore_remaining_records{partition="2"} 40'])
  metrics.hear({ kind: 'restore.done', task: 2, records: 50, durationMs: 1 })
  expect(await linesOf(metrics, 'topology_restore')).toEqual(['topology_restore_remaining_records{partition="2"} 0'])
  metrics.hear({ kind: 'task.state', task: 2, state: 'lost', reason: null })
  expect(await linesOf(metrics, 'topology_restore')).toEqual([])
})

test('ids remaining: as many as are given until there is none', () => {
  for (const [stride, task] of [
    [4, 0],
    [4, 3],
    [65_536, 65_535],
    [1, 0],
  ] as const) {
    const at = { stride, task }
    const all = noteIdsRemaining(0, at)
    expect(noteIdOf(all - 1, at), `stride ${stride}, task ${task}`).toBeDefined()
    expect(noteIdOf(all, at)).toBeUndefined()
    expect(noteIdsRemaining(all, at)).toBe(0)
    expect(noteIdsRemaining(all + 5, at)).toBe(0)
    expect(noteIdsRemaining(all - 1, at)).toBe(1)
  }
})

test('what alerts ask the increase of is there from 0 on', async () => {
  const metrics = new Metrics('app')
  expect(await linesOf(metrics, 'topology_task_mends_total')).toEqual([
    'topology_task_mends_total{reason="audit.difference"} 0',
    'topology_task_mends_total{reason="redis.evicted"} 0',
  ])
  expect(await linesOf(metrics, 'topology_warnings_total')).toEqual([
    'topology_warnings_total{code="audit.unmended"} 0',
  ])
  expect(await linesOf(metrics, 'topology_audit_differences_total')).toHaveLength(5)
})
