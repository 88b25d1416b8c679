/** Metrics in Prometheus form, from engine events and, when scraped, from the instance's state. No unbounded labels. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { EngineEvent, TaskState } from '../engine/events.ts'
import type { Instance } from '../engine/instance.ts'

const STATES: readonly TaskState[] = ['taking-over', 'restoring', 'running', 'waiting', 'stopped', 'lost']
const DURATIONS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const SIZES_RECORDS = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000]

export class Metrics {
  readonly #registry = new Registry()
  readonly #processed = this.#counter(
    'topology_records_processed_total',
    'Records whose transform ran, by source topic and message type',
    ['topic', 'type'],
  )
  readonly #dropped = this.#counter(
    'topology_records_dropped_total',
    'Records or parts of records with nothing to act on, by reason',
    ['reason'],
  )
  readonly #deadLetters = this.#counter(
    'topology_dead_letters_total',
    'Records that became dead letters, by source topic and reason',
    ['topic', 'reason'],
  )
  readonly #forwarded = this.#counter('topology_forwarded_total', 'Records forwarded to their home partition', [])
  readonly #keyMismatch = this.#counter(
    'topology_key_mismatch_total',
    'Records whose own key is not their canonical key',
    [],
  )
  readonly #newTraces = this.#counter(
    'topology_span_context_missing_total',
    'Records without a usable traceparent, which started a new trace',
    [],
  )
  readonly #transactions = this.#counter('topology_transactions_total', 'Transactions by result', ['result'])
  readonly #rebalances = this.#counter('topology_rebalances_total', 'Assignments received', [])
  readonly #recoveries = this.#counter('topology_task_recoveries_total', 'Recoveries of tasks', ['partition'])
  readonly #transactionSeconds = new Histogram({
    name: 'topology_transaction_duration_seconds',
    help: 'Duration of transactions by result',
    labelNames: ['result'],
    buckets: DURATIONS_SECONDS,
    registers: [this.#registry],
  })
  readonly #applySeconds = new Histogram({
    name: 'topology_redis_apply_duration_seconds',
    help: 'Duration of applying a batch to Redis',
    buckets: DURATIONS_SECONDS,
    registers: [this.#registry],
  })
  readonly #batchRecords = new Histogram({
    name: 'topology_batch_records',
    help: 'Records per batch of a task',
    buckets: SIZES_RECORDS,
    registers: [this.#registry],
  })
  readonly #restoreRemaining = new Gauge({
    name: 'topology_restore_remaining_records',
    help: 'Changelog offsets left to restore',
    labelNames: ['partition'],
    registers: [this.#registry],
  })
  #instance: Instance | null = null

  constructor(application: string) {
    this.#registry.setDefaultLabels({ application })
    collectDefaultMetrics({ register: this.#registry })
    const instance = (): Instance | null => this.#instance
    new Gauge({
      name: 'topology_task_state',
      help: '1 for the state that the task is in',
      labelNames: ['partition', 'state'],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const [partition, task] of instance()?.tasks ?? [])
          for (const state of STATES) this.set({ partition, state }, task.state === state ? 1 : 0)
      },
    })
    new Gauge({
      name: 'topology_consumer_lag_records',
      help: 'Offsets between the last stable offset and the committed position, as of the last fetch',
      labelNames: ['topic', 'partition'],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const task of instance()?.tasks.values() ?? [])
          for (const { topic, partition, lastStableOffset } of task.intake?.partitions ?? []) {
            const at = task.progress?.position(topic, partition)
            if (at !== undefined) this.set({ topic, partition }, Math.max(0, lastStableOffset - at))
          }
      },
    })
  }

  /** What is read when scraped. */
  observe(instance: Instance): void {
    this.#instance = instance
  }

  hear(event: EngineEvent): void {
    switch (event.kind) {
      case 'batch.committed': {
        const { tally } = event
        this.#batchRecords.observe(tally.records)
        for (const [topic, types] of tally.byType)
          for (const [type, count] of types) this.#processed.inc({ topic, type }, count)
        for (const [reason, count] of tally.drops) this.#dropped.inc({ reason }, count)
        for (const [name, count] of tally.deadLetters) {
          const [topic = '', reason = ''] = name.split('\0')
          this.#deadLetters.inc({ topic, reason }, count)
        }
        if (tally.forwarded > 0) this.#forwarded.inc(tally.forwarded)
        if (tally.keyMismatches > 0) this.#keyMismatch.inc(tally.keyMismatches)
        if (tally.newTraces > 0) this.#newTraces.inc(tally.newTraces)
        break
      }
      case 'batch.applied':
        this.#applySeconds.observe(event.durationMs / 1000)
        break
      case 'transaction':
        this.#transactions.inc({ result: event.result })
        this.#transactionSeconds.observe({ result: event.result }, event.durationMs / 1000)
        break
      case 'group.assigned':
        this.#rebalances.inc()
        break
      case 'task.recovering':
        this.#recoveries.inc({ partition: event.task })
        break
      case 'restore.progress':
        this.#restoreRemaining.set({ partition: event.task }, event.total - event.done)
        break
      default:
    }
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  #counter(name: string, help: string, labelNames: string[]): Counter<string> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] })
  }
}
