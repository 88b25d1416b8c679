/** Kills of service processes, and the coordinator's word on whether a transaction was open when it fell. */
import { setTimeout as sleep } from 'node:timers/promises'
import { below, type Random } from '../feed/random.ts'
import type { Application } from './application.ts'
import type { Cluster } from './cluster.ts'
import type { ServiceProcess } from './service-process.ts'
import { holdsRecords } from './transactions.ts'

export interface Kill {
  /** After the process was gone the coordinator still had its transaction open. */
  readonly insideTransaction: boolean
  /** It had written more than offsets. */
  readonly withRecords: boolean
}

const PATIENCE_MS = 5_000

/** SIGKILL while a transaction of the application is open; at the deadline, at once. */
export async function killInTransaction(
  cluster: Cluster,
  scenario: Application,
  service: ServiceProcess,
  withRecords = false,
): Promise<Kill> {
  const { transactions } = cluster
  const prefix = scenario.transactionalIdPrefix
  const end = performance.now() + PATIENCE_MS
  while (await transactions.untilOpen(prefix, withRecords, end - performance.now())) {
    // Seen open is not open any more: only a process that stands still ends none meanwhile.
    service.signal('SIGSTOP')
    if (await transactions.isOpen(prefix, withRecords)) break
    service.signal('SIGCONT')
  }
  return killNow(cluster, scenario, service)
}

/** SIGKILL after a random while. */
export async function killAtRandom(
  cluster: Cluster,
  scenario: Application,
  service: ServiceProcess,
  random: Random,
  withinMs: number,
): Promise<Kill> {
  await sleep(below(random, withinMs))
  return killNow(cluster, scenario, service)
}

export async function killNow(cluster: Cluster, scenario: Application, service: ServiceProcess): Promise<Kill> {
  service.signal('SIGKILL')
  const exited = service.exited
  const ids = await cluster.transactions.ongoing(scenario.transactionalIdPrefix)
  await exited
  // Seen open after the process was gone: nobody but a successor or the coordinator's clock ends it now.
  const open = (await cluster.transactions.describe(ids)).filter(({ state }) => state === 'Ongoing')
  return { insideTransaction: open.length > 0, withRecords: open.some(holdsRecords) }
}
