/** docs/metrics.md against the registry: every metric with its type, labels and meaning. */
import { describe, expect, test } from 'vitest'
import { Metrics } from '../../api/metrics.ts'
import { read, rows, section } from './pages.ts'

const table = rows(section(read('docs/metrics.md'), 'Metrics')).map(([name, type, labels, meaning]) => ({
  name,
  type,
  labels: (labels ?? '').match(/[a-z_]+/g) ?? [],
  help: meaning,
}))
const registered = new Metrics('test').describe()

describe('docs/metrics.md', () => {
  test('has every metric of the service, and no other', () => {
    expect(registered.length).toBeGreaterThan(20)
    expect(table.map(({ name }) => name).sort()).toEqual(registered.map(({ name }) => name).sort())
  })

  test.each(registered.map((metric) => [metric.name, metric] as const))('%s', (name, metric) => {
    expect(table.find((row) => row.name === name)).toEqual({ ...metric, labels: [...metric.labels] })
  })

  test('has those that were agreed on', () => {
    const agreed = [
      'topology_records_processed_total{topic,type}',
      'topology_records_dropped_total{reason}',
      'topology_dead_letters_total{topic,reason}',
      'topology_record_e2e_latency_seconds{}',
      'topology_consumer_lag_records{topic,partition}',
      'topology_transaction_duration_seconds{result}',
      'topology_transactions_total{result}',
      'topology_batch_records{}',
      'topology_task_state{partition,state}',
      'topology_restore_remaining_records{partition}',
      'topology_redis_apply_duration_seconds{}',
      'topology_redis_lag_batches{partition}',
      'topology_rebalances_total{}',
      'topology_key_mismatch_total{}',
      'topology_forwarded_total{}',
      'topology_ids_remaining{partition}',
    ]
    const there = registered.map(({ name, labels }) => `${name}{${labels.join(',')}}`)
    expect(agreed.filter((metric) => !there.includes(metric))).toEqual([])
  })
})
