/** The stock client as the canaries take it up: what a test opens is closed behind it. None of this is used by the engine. */
import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, FetchIsolationLevels, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { afterEach } from 'vitest'
import { testBootstrap } from '../support/stack.ts'

export const base = { clientId: 'canary', bootstrapBrokers: testBootstrap().split(','), retries: 20, retryDelay: 20 }
/** No producer id yet: asks for one. */
export const minusOne = { producerId: -1n, producerEpoch: -1 }

interface Client {
  close(force?: boolean): Promise<void> | void
}

/** A stock client that is closed in the middle of a rebalance may never come back from it. */
const CLOSE_MAX_MS = 2_000

/** To be called once, at the top of a file of tests. */
export function stockClients() {
  /** Closed after each test, in reverse, whatever state they are in. */
  const open: Client[] = []
  afterEach(async () => {
    for (const client of open.splice(0).reverse()) {
      const closed = Promise.resolve(client.close(true)).catch(() => {})
      await Promise.race([closed, sleep(CLOSE_MAX_MS, undefined, { ref: false })])
    }
  })
  function keep<T extends Client>(client: T): T {
    open.push(client)
    // What goes wrong is seen by what a test waits for; an 'error' nobody listens to would end the run.
    if (client instanceof EventEmitter) client.on('error', () => {})
    return client
  }
  return {
    keep,
    producer: (transactionalId: string, extra: object) =>
      keep(new Producer({ ...base, idempotent: true, transactionalId, serializers: stringSerializers, ...extra })),
    consumer: (groupId: string, sessionMs: number, extra: object) =>
      keep(
        new Consumer({
          ...base,
          groupId,
          deserializers: stringDeserializers,
          isolationLevel: FetchIsolationLevels.READ_COMMITTED,
          maxWaitTime: 100,
          sessionTimeout: sessionMs,
          rebalanceTimeout: sessionMs,
          heartbeatInterval: 100,
          ...extra,
        }),
      ),
  }
}
