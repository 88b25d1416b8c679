/** The operators' side of the note service: connections of its own, so that a look never waits in the way of a batch. */
import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'
import type { Logger } from 'pino'
import { STORE_DEADLINE_MS } from './api/limits.ts'
import type { Notices } from './api/notices.ts'
import { type Config, maskedConfig } from './config.ts'
import { type ConsoleBackend, createConsole } from './console/backend.ts'
import { systemClock } from './engine/clock.ts'
import type { Plan } from './engine/core/plan.ts'
import { connectKafkaOperator } from './engine/kafka/operator.ts'
import type { Kafka } from './engine/ports.ts'
import { kafkaOptions, preparationOf } from './service-options.ts'
import type { StoreLayout } from './stores/ports.ts'
import { openStoreAdmin } from './stores/redis/admin.ts'
import { openStateReader } from './stores/redis/stores.ts'

export const VERSION = (
  JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as { version: string }
).version

export interface ConsoleParts {
  readonly config: Config & { BOOTSTRAP_SERVERS: string; REDIS_URL: string }
  readonly plan: Plan
  readonly kafka: Kafka
  readonly name: string
  readonly layout: StoreLayout
  readonly notices: Notices
  readonly log: Logger
}

export function openConsole({ config, plan, kafka, name, layout, notices, log }: ConsoleParts): ConsoleBackend {
  const address = { url: config.REDIS_URL, commandDeadlineMs: STORE_DEADLINE_MS, connectDeadlineMs: STORE_DEADLINE_MS }
  const instance = `console-${name}`
  const reader = openStateReader({ ...address, layout, instance })
  const admin = openStoreAdmin({ ...address, application: config.APPLICATION_ID, instance })
  const operator = connectKafkaOperator(kafkaOptions(config))
  return createConsole({
    context: { plan, kafka, reader, admin },
    clock: systemClock,
    instance: name,
    version: VERSION,
    config: maskedConfig(config),
    doctor: {
      kafka,
      operator,
      admin,
      options: preparationOf(config),
      process: {
        nodeVersion: process.version,
        // As of the examination, not of the start.
        get freeBytes() {
          return freemem()
        },
      },
    },
    notice: (level, code, text) => notices.add(level, code, text),
    audit: (fields, what) => log.warn(fields, what),
    close: async () => {
      await Promise.all([reader.close(), admin.close(), operator.close()])
    },
  })
}
