/**
 * The note service as one value: everything between configuration and a running instance. main.ts runs it as a process,
 * tests run it inside theirs.
 */
import { hostname, networkInterfaces } from 'node:os'
import type { Logger } from 'pino'
import { createEvents } from './api/events/events.ts'
import { Health } from './api/health.ts'
import { InstanceBeat } from './api/instance-beat.ts'
import { CardWriter } from './api/instance-card.ts'
import { STORE_DEADLINE_MS } from './api/limits.ts'
import { logEvents } from './api/log-events.ts'
import { Metrics } from './api/metrics.ts'
import { localUrl, ownUrl } from './api/own-address.ts'
import { createBackend } from './api/rest/backend.ts'
import { type HttpServer, startHttpServer } from './api/server.ts'
import { isTracing, traceEvents } from './api/tracing/spans.ts'
import { type Config, maskedConfig } from './config.ts'
import { newToken } from './console/access.ts'
import { assetRoutes } from './console/assets.ts'
import type { ConsoleBackend } from './console/backend.ts'
import { consoleRoutes } from './console/routes.ts'
import { systemClock } from './engine/clock.ts'
import type { EngineEvent } from './engine/events.ts'
import { Instance } from './engine/instance.ts'
import { connectKafka } from './engine/kafka/kafka.ts'
import { watchPolicy } from './engine/policy-watch.ts'
import { prepare } from './engine/preparation.ts'
import { openConsole, VERSION } from './service-console.ts'
import { kafkaOptions, preparationOf, topicNames } from './service-options.ts'
import { createLease } from './stores/lease.ts'
import { openStoreAdmin } from './stores/redis/admin.ts'
import { openRedisStores, openStateReader } from './stores/redis/stores.ts'
import { storeLayoutOf } from './stores/store-layout.ts'
import { noteIdsRemaining } from './topology/notes/ids.ts'
import { noteSequence } from './topology/notes/state.ts'
import { noteTopology } from './topology/notes/topology.ts'

export interface RunningService {
  readonly instance: Instance
  readonly health: Health
  readonly restUrl: string
  /** The console's page; with the token in its fragment when no API_TOKEN is configured and one was made up. */
  readonly consoleUrl: string
  /** Resolves once every task assigned to this process runs; again after each rebalance it is already resolved. */
  readonly ready: Promise<void>
  /** Resolves with the reason when the instance cannot go on. */
  readonly stopped: Promise<{ code: string; message: string }>
  /** Drains within the deadline, leaves the group, closes. */
  close(): Promise<void>
}

/** How long an unreachable Kafka or Redis is tried at start. */
const START_PATIENCE_MS = 60_000
/** What was computed is committed and applied within this, or done again by the successor. */
export const DRAIN_MS = 1_500

/** Throws StartError. `config.BOOTSTRAP_SERVERS` and `config.REDIS_URL` must be set. */
export async function startService(
  config: Config & { BOOTSTRAP_SERVERS: string; REDIS_URL: string },
  log: Logger,
): Promise<RunningService> {
  log.info({ config: maskedConfig(config) }, 'configuration')
  const health = new Health()
  const metrics = new Metrics(config.APPLICATION_ID)
  let url = ''
  const cards = new CardWriter({ health, metrics, version: VERSION, url: () => url })
  const token = config.API_TOKEN ?? newToken()
  let operators: ConsoleBackend | null = null
  const logEvent = logEvents(log)
  const traceEvent = traceEvents({ application: config.APPLICATION_ID, group: config.KAFKA_CONSUMER_GROUP })
  let stop: (why: { code: string; message: string }) => void = () => {}
  const stopped = new Promise<{ code: string; message: string }>((resolve) => {
    stop = resolve
  })
  const listener = (event: EngineEvent): void => {
    logEvent(event)
    health.hear(event)
    metrics.hear(event)
    cards.hear(event)
    traceEvent(event)
    if (event.kind === 'instance.stopped') stop({ code: event.code, message: event.message })
  }
  const problem = (error: unknown): void => log.error({ err: error }, 'request failed')
  const http: HttpServer = await startHttpServer(config.REST_HOST, config.REST_PORT, {
    health,
    metrics,
    token: config.API_TOKEN,
    requestsPerMinute: config.REST_REQUESTS_PER_MINUTE ?? null,
    topicNames: topicNames(config),
    problem,
    extend: (app, hub) => {
      assetRoutes(app, { problem: (error) => log.error({ err: error }, 'the console cannot be made') })
      consoleRoutes(app, {
        backend: () => operators,
        hub,
        isDraining: () => health.draining,
        readiness: () => health.readiness(),
        token,
      })
    },
  })
  url = ownUrl(config.REST_HOST, http.port, { hostname: hostname(), interfaces: networkInterfaces() })
  const here = localUrl(config.REST_HOST, http.port)
  const kafka = connectKafka(kafkaOptions(config))
  const layout = storeLayoutOf(noteTopology, config.APPLICATION_ID)
  const name = config.GROUP_INSTANCE_ID ?? `${hostname()}-${process.pid}`
  const stores = openRedisStores({ url: config.REDIS_URL, layout, instance: name })
  const closers: (() => Promise<unknown> | unknown)[] = [() => http.close(), () => stores.close(), () => kafka.close()]
  const closeAll = async (): Promise<void> => {
    for (const close of closers.reverse()) await close()
  }
  let running: Instance | null = null
  try {
    const watch = await watchPolicy(
      stores,
      systemClock,
      START_PATIENCE_MS,
      (code, message) => listener({ kind: 'warning', code, message }),
      (code, reason) => running?.mend(code, reason),
    )
    closers.push(() => watch.close())
    const { plan, deleteRetentionMs } = await prepare(
      kafka,
      systemClock,
      listener,
      preparationOf(config, START_PATIENCE_MS),
    )
    const lease = createLease(config.REDIS_URL, {
      application: config.APPLICATION_ID,
      onProblem: ({ task, doing, reason }) => log.debug({ task, doing, reason }, 'lease'),
    })
    closers.push(() => lease.close())
    const orders = openStoreAdmin({ url: config.REDIS_URL, application: config.APPLICATION_ID, instance: name })
    closers.push(() => orders.close())
    const instance = new Instance({
      plan,
      kafka,
      stores,
      clock: systemClock,
      listener,
      instanceId: config.GROUP_INSTANCE_ID ?? null,
      deleteRetentionMs,
      compression: config.OUTPUT_COMPRESSION,
      labelOwner: (task) => void lease.acquire(task, instance.transactionalId),
      unlabelOwner: (task) => void lease.release(task),
      orders,
      auditIntervalMs: config.AUDIT_INTERVAL_MS,
      tracing: isTracing,
    })
    running = instance
    cards.observe(instance)
    metrics.observe(instance, (task, counters) =>
      noteIdsRemaining(counters.get(noteSequence.name) ?? 0, { stride: plan.stride, task }),
    )
    health.observe(() => instance.kafkaSilenceMs, watch.away)
    instance.start()
    const reader = openStateReader({
      url: config.REDIS_URL,
      layout,
      instance: name,
      commandDeadlineMs: STORE_DEADLINE_MS,
      connectDeadlineMs: STORE_DEADLINE_MS,
    })
    const backend = createBackend({
      plan,
      reader,
      publisher: kafka.publisher(),
      clock: systemClock,
      lagOf: (task) => lagOf(instance, task),
    })
    closers.push(() => backend.close())
    metrics.observeWrites(() => backend.writes.waiting)
    const events = createEvents({ kafka, plan, reader, clock: systemClock, log })
    closers.push(() => events.close())
    metrics.observeEvents(events.stats)
    http.serve(backend, events)
    const beat = new InstanceBeat({
      board: orders,
      clock: systemClock,
      name,
      card: () => cards.card(),
      problem: (error) => log.debug({ err: error }, 'this instance cannot tell of itself'),
    })
    beat.start()
    closers.push(() => beat.close())
    operators = openConsole({ config, plan, kafka, name, layout, notices: cards.notices, log })
    const opened = operators
    closers.push(() => opened.close())
    let closing: Promise<void> | null = null
    return {
      instance,
      health,
      restUrl: `${here}/api`,
      consoleUrl: `${here}/${config.API_TOKEN === undefined ? `#token=${token}` : ''}`,
      ready: health.ready(),
      stopped,
      close() {
        closing ??= (async () => {
          health.drain()
          await instance.close(DRAIN_MS)
          // Writes that still wait are told where to ask; then nothing is under way.
          await closeAll()
        })()
        return closing
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** Input records that were readable at the last fetch and are not processed; null: the task does not run here. */
function lagOf(instance: Instance, number: number): number | null {
  const task = instance.tasks.get(number)
  if (task?.state !== 'running') return null
  let lag = 0
  for (const { records } of task.lags()) lag += records
  return lag
}
