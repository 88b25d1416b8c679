/**
 * The ledger as a service process: the real engine on the ledger's topology, with health, metrics and log as the note
 * service has them. Configured by the same environment variables.
 */
import pino from 'pino'
import { createBaseApp } from '../../../api/base-app.ts'
import { Health } from '../../../api/health.ts'
import { logEvents } from '../../../api/log-events.ts'
import { Metrics } from '../../../api/metrics.ts'
import { systemClock } from '../../../engine/clock.ts'
import type { EngineEvent } from '../../../engine/events.ts'
import { Instance } from '../../../engine/instance.ts'
import { connectKafka } from '../../../engine/kafka/kafka.ts'
import { watchPolicy } from '../../../engine/policy-watch.ts'
import { prepare, StartError } from '../../../engine/preparation.ts'
import { openRedisStores } from '../../../stores/redis/stores.ts'
import { storeLayoutOf } from '../../../stores/store-layout.ts'
import { ledgerTopology, otherTopology } from './topology.ts'

const PATIENCE_MS = 60_000
const DRAIN_MS = 1_500

const env = process.env as Record<string, string | undefined>
const application = env['APPLICATION_ID']!
const topology = env['LEDGER_VERSION'] === 'other' ? otherTopology : ledgerTopology
const log = pino({ level: env['LOG_LEVEL'] ?? 'info', base: null }, pino.destination({ dest: 2, sync: true }))
const health = new Health()
const metrics = new Metrics(application)
const logEvent = logEvents(log)
let stopping = false
let stop = (code: number): void => process.exit(code)
const listener = (event: EngineEvent): void => {
  logEvent(event)
  health.hear(event)
  metrics.hear(event)
  if (event.kind === 'instance.stopped') stop(1)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (stopping) process.exit(130)
    stop(0)
  })

try {
  const http = await createBaseApp({ health, metrics, problem: () => {} })
  await http.listen({ host: '127.0.0.1', port: Number(env['REST_PORT']) })
  const kafka = connectKafka({ bootstrapServers: env['BOOTSTRAP_SERVERS']!, clientId: application })
  const stores = openRedisStores({
    url: env['REDIS_URL']!,
    layout: storeLayoutOf(topology, application),
    instance: env['GROUP_INSTANCE_ID'] ?? `${process.pid}`,
  })
  const watch = await watchPolicy(stores, systemClock, PATIENCE_MS, (code, message) =>
    listener({ kind: 'warning', code, message }),
  )
  const { plan, deleteRetentionMs } = await prepare(kafka, systemClock, listener, {
    topology,
    application,
    groupId: application,
    topicNames: { transfers: env['LEDGER_TRANSFERS']!, outcomes: env['LEDGER_OUTCOMES']! },
    topicPartitions: 4,
    createTopics: false,
    requireSpanContext: false,
    stride: null,
    patienceMs: PATIENCE_MS,
  })
  const instance = new Instance({
    plan,
    kafka,
    stores,
    clock: systemClock,
    listener,
    instanceId: env['GROUP_INSTANCE_ID'] ?? null,
    deleteRetentionMs,
    compression: 'zstd',
  })
  metrics.observe(instance)
  instance.start()
  stop = (code) => {
    if (stopping) return
    stopping = true
    health.drain()
    void (async () => {
      watch.close()
      await instance.close(DRAIN_MS)
      await Promise.all([stores.close(), kafka.close(), http.close()])
      process.exit(code)
    })()
  }
  await health.ready()
  process.stdout.write(`${JSON.stringify({ msg: 'ready' })}\n`)
} catch (error) {
  const known = error instanceof StartError
  process.stderr.write(`${known ? `${error.code}: ${error.message}` : (error as Error).stack}\n`)
  process.exit(1)
}
