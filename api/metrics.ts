/** Metrics in Prometheus form, from engine events and, when scraped, from the instance's state. No unbounded labels. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { AUDIT_KINDS, AUDIT_RESULTS } from '../engine/core/audit.ts'
import type { FlowCounts } from '../engine/core/instance-card.ts'
import type { EngineEvent, TaskState } from '../engine/events.ts'
import type { Instance } from '../engine/instance.ts'
import { committedBuckets, sums } from './counted.ts'
import { registerEventMetrics } from './events/metrics.ts'
import type { EventStats } from './events/subscriber.ts'
import { LatencyHistogram } from './latency-histogram.ts'

const STATES: readonly TaskState[] = ['taking-over', 'restoring', 'running', 'waiting', 'stopped', 'lost']
const DURATIONS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
/** From what a quiet service takes to what a catch-up of a day looks like. */
const AGES_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600, 86_400]
const SIZES_RECORDS = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000]
const RESULTS = ['committed', 'aborted', 'unknown']
const MEND_REASONS = ['audit.difference', 'redis.evicted']
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS'])

/** The others are prom-client's. */
const OWN = /^(topology|http)_/

/** How many ids a task can still give, by its counters; null: it gives none. */
export type IdsRemaining = (task: number, counters: ReadonlyMap<string, number>) => number | null

export class Metrics {
  readonly #registry = new Registry()
  readonly #processed = this.#counter(
    'topology_records_processed_total',
    'Records whose transform ran, by source topic and message type',
    ['topic', 'type'],
  )
  readonly #written = this.#counter('topology_records_written_total', 'Records written to sinks, by topic', ['topic'])
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
  readonly #mends = this.#counter(
    'topology_task_mends_total',
    'Rebuilds of a task because its state in Redis was wrong, by what found it',
    ['reason'],
  )
  readonly #auditPasses = this.#counter('topology_audit_passes_total', 'Passes of the background audit by result', [
    'result',
  ])
  readonly #auditEntries = this.#counter(
    'topology_audit_entries_total',
    'Entries that the background audit has compared with Redis',
    [],
  )
  readonly #auditDifferences = this.#counter(
    'topology_audit_differences_total',
    'Differences that the background audit has seen twice, by kind',
    ['kind'],
  )
  readonly #warnings = this.#counter('topology_warnings_total', 'Warnings by code, as in the log', ['code'])
  readonly #latency = new LatencyHistogram({
    name: 'topology_record_e2e_latency_seconds',
    help: 'From the timestamp of a record to the known commit of what it caused',
    bucketsSeconds: AGES_SECONDS,
    registers: [this.#registry],
  })
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
  readonly #requestSeconds = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of HTTP requests by method, route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: DURATIONS_SECONDS,
    registers: [this.#registry],
  })
  #instance: Instance | null = null
  #idsRemaining: IdsRemaining = () => null
  #writesWaiting: () => number = () => 0
  #events: EventStats = { subscribers: 0, sent: 0, slowClients: 0, releasedByTimeout: 0 }

  constructor(application: string) {
    this.#registry.setDefaultLabels({ application })
    collectDefaultMetrics({ register: this.#registry })
    // From 0 on, for what an alert asks for: an increase from nothing to 1 is none to Prometheus.
    for (const result of RESULTS) this.#transactions.inc({ result }, 0)
    for (const reason of MEND_REASONS) this.#mends.inc({ reason }, 0)
    for (const result of AUDIT_RESULTS) this.#auditPasses.inc({ result }, 0)
    for (const kind of AUDIT_KINDS) this.#auditDifferences.inc({ kind }, 0)
    this.#warnings.inc({ code: 'audit.unmended' }, 0)
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
      name: 'topology_task_paused',
      help: '1 while an operator has paused the task: it takes no records',
      labelNames: ['partition'],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const [partition, task] of instance()?.tasks ?? []) this.set({ partition }, task.order ? 1 : 0)
      },
    })
    new Gauge({
      name: 'topology_redis_lag_batches',
      help: 'Batches that are committed and not yet in Redis',
      labelNames: ['partition'],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const [partition, task] of instance()?.tasks ?? []) this.set({ partition }, task.unapplied)
      },
    })
    const idsRemaining: IdsRemaining = (task, counters) => this.#idsRemaining(task, counters)
    new Gauge({
      name: 'topology_ids_remaining',
      help: 'Ids that the task can still give',
      labelNames: ['partition'],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const [partition, task] of instance()?.tasks ?? []) {
          const remaining = task.progress && idsRemaining(partition, task.progress.counters)
          if (remaining !== null) this.set({ partition }, remaining)
        }
      },
    })
    new Gauge({
      name: 'topology_ids_capacity',
      help: 'Ids that the task could give at first',
      labelNames: ['partition'],
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const [partition] of instance()?.tasks ?? []) {
          const capacity = idsRemaining(partition, new Map())
          if (capacity !== null) this.set({ partition }, capacity)
        }
      },
    })
    new Gauge({
      name: 'topology_tasks',
      help: 'Tasks of the application, of all its processes',
      registers: [this.#registry],
      collect() {
        this.reset()
        const tasks = instance()?.plan.tasks
        if (tasks !== undefined) this.set(tasks)
      },
    })
    registerEventMetrics(this.#registry, () => this.#events)
    const waiting = (): number => this.#writesWaiting()
    new Gauge({
      name: 'http_writes_waiting',
      help: 'Writes over HTTP that wait for their outcome',
      registers: [this.#registry],
      collect() {
        this.set(waiting())
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
          for (const { topic, partition, records } of task.lags()) this.set({ topic, partition }, records)
      },
    })
  }

  /** What is read when scraped. */
  observe(instance: Instance, idsRemaining: IdsRemaining = () => null): void {
    this.#instance = instance
    this.#idsRemaining = idsRemaining
  }

  /** As observe. */
  observeWrites(waiting: () => number): void {
    this.#writesWaiting = waiting
  }

  /** As observe. */
  observeEvents(stats: EventStats): void {
    this.#events = stats
  }

  /** What has flowed since the process began. */
  async flow(): Promise<FlowCounts> {
    const read = await sums(this.#processed, ({ topic, type }) => `${topic}\0${type}`)
    const [forwarded = 0] = Object.values(await sums(this.#forwarded, () => ''))
    const transactions = (await sums(this.#transactions, ({ result }) => String(result)))['committed'] ?? 0
    return {
      records: Object.values(read).reduce((sum, count) => sum + count, 0),
      forwarded,
      transactions,
      read,
      written: await sums(this.#written, ({ topic }) => String(topic)),
      buried: await sums(this.#deadLetters, ({ topic }) => String(topic)),
      endToEnd: this.#latency.counted,
      transaction: await committedBuckets(this.#transactionSeconds),
    }
  }

  /** `route` is the pattern, undefined where none fits: what clients make up must not become labels. */
  request(method: string, route: string | undefined, status: number, seconds: number): void {
    const known = METHODS.has(method) ? method : 'other'
    this.#requestSeconds.observe({ method: known, route: route ?? 'none', status }, seconds)
  }

  hear(event: EngineEvent): void {
    switch (event.kind) {
      case 'batch.committed': {
        const { tally } = event
        this.#batchRecords.observe(tally.records)
        this.#latency.observeRuns(tally.timestamps, event.atMs)
        for (const [topic, types] of tally.byType)
          for (const [type, count] of types) this.#processed.inc({ topic, type }, count)
        for (const [topic, count] of tally.written) this.#written.inc({ topic }, count)
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
      case 'restore.done':
        this.#restoreRemaining.set({ partition: event.task }, 0)
        break
      case 'task.state':
        if (event.state === 'lost') this.#restoreRemaining.remove({ partition: event.task })
        break
      case 'task.mending':
        this.#mends.inc({ reason: event.code })
        break
      case 'audit.pass':
        this.#auditPasses.inc({ result: event.result })
        this.#auditEntries.inc(event.entries)
        break
      case 'audit.differences':
        for (const { kind } of event.differences) this.#auditDifferences.inc({ kind })
        break
      case 'warning':
        this.#warnings.inc({ code: event.code })
        break
      default:
    }
  }

  /** Every metric of the service's own, for its documentation. */
  describe(): readonly { name: string; type: string; labels: readonly string[]; help: string }[] {
    return this.#registry.getMetricsAsArray().flatMap((metric) => {
      const { name, help, type, labelNames = [] } = metric as typeof metric & { labelNames?: readonly string[] }
      return OWN.test(name) ? [{ name, type: String(type), labels: labelNames, help }] : []
    })
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
