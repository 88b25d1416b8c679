/** A run of random faults under a paced feed, and the checker over what came of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Report } from '../checker/report.ts'
import { below, pick, seeded } from '../feed/random.ts'
import type { Cluster } from './cluster.ts'
import { FAULTS, type FaultName, type Fleet } from './faults.ts'
import { Scenario } from './scenario.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly instances: number
  /** With GROUP_INSTANCE_ID, so that a process that comes back is the same member. */
  readonly named: boolean
  readonly mode: 'spread' | 'home'
  readonly perSecond: number
  readonly faults: readonly FaultName[]
  readonly rounds: number
  readonly say?: (line: string) => void
}

export interface ChaosResult {
  readonly report: Report
  readonly done: ReadonlyMap<FaultName, number>
  readonly killsInside: number
  readonly killsWithRecords: number
  /** The last lines of every process. */
  readonly logs: string
}

const READY_MS = 60_000
/** Fed on after the last fault. */
const CALM_MS = 1_500

export async function chaos(cluster: Cluster, options: ChaosOptions): Promise<ChaosResult> {
  const { seed, instances, named, mode, perSecond, faults, rounds, say = () => {} } = options
  const random = seeded(seed)
  const scenario = await Scenario.create(cluster)
  const environment = (place: number): Record<string, string> => (named ? { GROUP_INSTANCE_ID: `place-${place}` } : {})
  const done = new Map<FaultName, number>()
  try {
    const services = await Promise.all(Array.from({ length: instances }, (_, i) => scenario.ready(environment(i))))
    const fleet: Fleet = { cluster, scenario, random, services, environment, kills: [] }
    const feeder = scenario.feed({ seed, mode, perSecond })
    let enough = false
    const feeding = feeder.run(() => enough)
    for (let round = 0; round < rounds; round++) {
      const name = pick(random, faults)
      say(`round ${round}: ${name} (sent ${feeder.sent}, seen ${scenario.arrivals.length})`)
      await FAULTS[name](fleet)
      done.set(name, (done.get(name) ?? 0) + 1)
      // Often at once into what the last fault began; else let it heal.
      if (random() < 0.5)
        await Promise.race([Promise.all(services.map((s) => s.ready.catch(() => {}))), sleep(READY_MS)])
      else await sleep(below(random, 2_000))
    }
    for (const service of services) await service.ready
    await sleep(CALM_MS)
    enough = true
    await feeding
    say(`fed ${feeder.sent}`)
    const settled = await scenario.settled()
    // Markers that the broker has lost are the service's to mend; here they only tell why nothing goes on.
    const hanging = settled ? [] : await scenario.markersLost()
    const transactions = settled ? '' : `hanging: ${hanging.join(', ')}\n${await cluster.transactions.known()}`
    const report = await scenario.finish(false, say)
    return {
      report,
      done,
      killsInside: fleet.kills.filter((k) => k.insideTransaction).length,
      killsWithRecords: fleet.kills.filter((k) => k.withRecords).length,
      logs: `${transactions}\n${logsOf(scenario)}`,
    }
  } catch (error) {
    throw new Error(
      `chaos with seed ${seed} failed: ${error instanceof Error ? error.stack : error}\n${logsOf(scenario)}`,
      { cause: error },
    )
  } finally {
    await scenario.close()
  }
}

const logsOf = (scenario: Scenario): string =>
  scenario.processes.map((p) => `--- process ${p.pid}\n${p.tail(40)}`).join('\n')
