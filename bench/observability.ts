/**
 * What it costs to be watched: latency per record, a changelog record that the audit passes by, and a traced record.
 *
 *   node bench/observability.ts
 */

import { trace } from '@opentelemetry/api'
import { Histogram, Registry } from 'prom-client'
import { LatencyHistogram } from '../api/latency-histogram.ts'
import { GivenIds } from '../api/tracing/given-ids.ts'
import { isTracing, traceEvents } from '../api/tracing/spans.ts'
import { AUDIT_RECORDS_PER_SECOND } from '../engine/auditor.ts'
import { AuditCore } from '../engine/core/audit.ts'
import type { BatchTrace, TracedRecord } from '../engine/core/batch-trace.ts'
import { TRACED_RECORDS_MAX } from '../engine/core/batch-trace.ts'
import { NO_HEADERS } from '../engine/core/headers.ts'
import { position } from '../engine/core/numbers.ts'
import { BatchTally } from '../engine/core/tally.ts'
import { FetchedRecords } from '../engine/wire/fetched-records.ts'
import { PLAIN_STAMP, RecordBatchBuilder } from '../engine/wire/record-batch-builder.ts'
import { entryName } from '../stores/core/layout.ts'
import { noteTopology } from '../topology/notes/topology.ts'

const ROUNDS = 200
const RECORDS = 10_000
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600, 86_400]
const NOW = 1_700_000_000_000

/** Best of the rounds, ns for each of `count`. */
function nsEach(count: number, work: () => void, rounds = ROUNDS): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    work()
    best = Math.min(best, performance.now() - began)
  }
  return (best * 1e6) / count
}

const say = (what: string, ns: number, more = ''): void =>
  console.log(`${what.padEnd(64)} ${ns.toFixed(ns < 100 ? 1 : 0).padStart(8)} ns${more}`)

function latency(): void {
  const registers = [new Registry()]
  const ours = new LatencyHistogram({ name: 'ours', help: 'h', bucketsSeconds: BOUNDS, registers })
  const theirs = new Histogram({ name: 'theirs', help: 'h', buckets: BOUNDS, registers })
  const cases: readonly (readonly [string, (i: number) => number])[] = [
    ['all of one millisecond', () => NOW - 30],
    ['ten to a millisecond', (i) => NOW - 1_000 + Math.floor(i / 10)],
    ['each of its own millisecond, over all buckets', (i) => NOW - ((i * 7_919) % 400_000)],
  ]
  for (const [what, at] of cases) {
    const timestamps = Array.from({ length: RECORDS }, (_, i) => at(i))
    say(
      `latency, per record: ${what}`,
      nsEach(RECORDS, () => {
        const tally = new BatchTally()
        for (const timestampMs of timestamps) tally.ended(timestampMs)
        ours.observeRuns(tally.timestamps, NOW)
      }),
    )
  }
  const single = nsEach(
    RECORDS,
    () => {
      for (let i = 0; i < RECORDS; i++) theirs.observe(0.03)
    },
    20,
  )
  say('latency, per record: prom-client, once per record (not used)', single)
}

function audit(): void {
  const builder = new RecordBatchBuilder()
  const value = JSON.stringify({ senderId: 9, message: 'm'.repeat(80), flag: 0, time: '2026-01-01T00:00:00.000Z' })
  for (let i = 0; i < RECORDS; i++) {
    const name = entryName('notes', `083839c6-c47c-42a6-9585-76492795d123:${i % 500}`, String(i))
    builder.add(NOW, Buffer.from(name), value, NO_HEADERS)
  }
  const bytes = builder.finish({ ...PLAIN_STAMP, compression: 'lz4' })
  const layout = { application: 'app', stores: noteTopology.stores, indexes: noteTopology.indexes }
  const ns = nsEach(
    RECORDS,
    () => {
      const core = new AuditCore(layout)
      let first = true
      const records = new FetchedRecords(Buffer.from(bytes), [], position(0))
      for (let view = records.next(); view; view = records.next()) {
        core.take(view)
        if (first && core.full) {
          core.requests()
          first = false
        }
      }
    },
    50,
  )
  const share = (ns * AUDIT_RECORDS_PER_SECOND) / 1e9
  say(
    'audit, per changelog record (lz4, decoded)',
    ns,
    `, ${(share * 100).toFixed(2)} % of a core at the most it reads`,
  )
}

function tracing(): void {
  say(
    'tracing, per batch without an SDK',
    nsEach(RECORDS, () => {
      for (let i = 0; i < RECORDS; i++) isTracing()
    }),
  )
  const ids = new GivenIds()
  const span = {
    isRecording: () => true,
    end: () => {},
    addLink: () => span,
    spanContext: () => ({ traceId: '', spanId: '', traceFlags: 1 }),
  }
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: () => span }) } as never)
  const records = Array.from(
    { length: TRACED_RECORDS_MAX },
    (_, i): TracedRecord => ({
      topic: 'IN',
      span: { traceId: 'a'.repeat(32), flags: '01', tracestate: null, baggage: null, continued: true },
      parentSpanId: 'b'.repeat(16),
      outputs: [{ topic: 'OUT', partition: 0, spanId: String(i).padStart(16, '0') }],
    }),
  )
  const batch = { startedAtMs: NOW, records, untraced: 0 } as unknown as BatchTrace
  const event = {
    kind: 'batch.committed',
    task: 0,
    batch: 1,
    atMs: NOW,
    tally: new BatchTally(),
    trace: batch,
  } as const
  const listener = traceEvents({ application: 'app', group: 'g' }, ids)
  say(
    'tracing, per traced record, without what the SDK does',
    nsEach(TRACED_RECORDS_MAX, () => listener(event)),
  )
}

latency()
audit()
tracing()
