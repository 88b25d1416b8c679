/** Health and metrics alone, for a topology without an interface of its own. Owns its socket. */
import type { AddressInfo } from 'node:net'
import { createBaseApp } from './base-app.ts'
import type { Health } from './health.ts'
import type { Metrics } from './metrics.ts'

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

export async function createHealthServer(
  host: string,
  port: number,
  health: Health,
  metrics: Metrics,
): Promise<HealthServer> {
  const app = await createBaseApp({ health, metrics, problem: () => {} })
  await app.listen({ host, port })
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
}
