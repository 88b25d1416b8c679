/**
 * This example shows how to run a topology of one's own as a service: as service.ts does for notes, without HTTP. It
 * runs the visit counter of example 01 until SIGINT or SIGTERM. In one terminal `npm run stack`, in another, with the
 * addresses of its ready line:
 *
 *   BOOTSTRAP_SERVERS=… REDIS_URL=… npx node examples/03-run-as-a-service.ts
 */
import { systemClock } from '../engine/clock.ts'
import { remedyOf } from '../engine/core/stop-codes.ts'
import type { EngineEvent } from '../engine/events.ts'
import { Instance } from '../engine/instance.ts'
import { connectKafka } from '../engine/kafka/kafka.ts'
import { watchPolicy } from '../engine/policy-watch.ts'
import { prepare, StartError } from '../engine/preparation.ts'
import { openRedisStores } from '../stores/redis/stores.ts'
import { storeLayoutOf } from '../stores/store-layout.ts'
import { visitCounter } from './01-counter-per-key.ts'

const APPLICATION = process.env.APPLICATION_ID || 'visits'
const PATIENCE_MS = 60_000
const DRAIN_MS = 1_500

const { BOOTSTRAP_SERVERS: bootstrapServers, REDIS_URL: url } = process.env
if (!bootstrapServers || !url) {
  console.error('BOOTSTRAP_SERVERS and REDIS_URL must be set: npm run stack starts both and prints them')
  process.exit(2)
}

const stopped = Promise.withResolvers<number>()
const listener = (event: EngineEvent): void => {
  if (event.kind === 'task.state') console.log(`task ${event.task}: ${event.state}`)
  else if (event.kind === 'warning') console.error(`${event.code}: ${event.message}`)
  else if (event.kind === 'task.stopped') console.error(`${event.code}: ${event.message}. ${remedyOf(event.code)}`)
  else if (event.kind === 'instance.stopped') {
    console.error(`${event.code}: ${event.message}. ${remedyOf(event.code)}`)
    stopped.resolve(1)
  }
}

const kafka = connectKafka({ bootstrapServers, clientId: APPLICATION })
const stores = openRedisStores({ url, layout: storeLayoutOf(visitCounter, APPLICATION), instance: `${process.pid}` })
let exitCode = 1
let running: Instance | null = null
try {
  const warn = (code: string, message: string): void => listener({ kind: 'warning', code, message })
  const mend = (code: string, reason: string): void => running?.mend(code, reason)
  const watch = await watchPolicy(stores, systemClock, PATIENCE_MS, warn, mend)
  const { plan, deleteRetentionMs } = await prepare(kafka, systemClock, listener, {
    topology: visitCounter,
    application: APPLICATION,
    groupId: APPLICATION,
    topicNames: {},
    topicPartitions: 4,
    createTopics: true,
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
    instanceId: null,
    deleteRetentionMs,
    compression: 'lz4',
    auditIntervalMs: 5_000,
  })
  running = instance
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.resolve(0))
  instance.start()
  exitCode = await stopped.promise
  watch.close()
  await instance.close(DRAIN_MS)
} catch (error) {
  if (!(error instanceof StartError)) throw error
  console.error(error.message)
} finally {
  await stores.close()
  await kafka.close()
}
process.exit(exitCode)
