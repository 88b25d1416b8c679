/** The service in the process of a test. */
import pino from 'pino'
import { type RunningService, startService } from '../../service.ts'

/** Resolves once every task runs; throws what it has stopped with instead. */
export async function startReady(config: Parameters<typeof startService>[0]): Promise<RunningService> {
  const service = await startService(config, pino({ level: 'silent' }))
  await Promise.race([
    service.ready,
    service.stopped.then(({ code, message }) => Promise.reject(new Error(`${code}: ${message}`))),
  ])
  return service
}
