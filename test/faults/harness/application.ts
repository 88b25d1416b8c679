/**
 * One application under proof: its own topics and group on the cluster, service processes, a feed, and at the end a checker
 * over everything. Owns the processes; `close` ends them whatever has happened. What is fed and how it is checked is the
 * subclass's: scenario.ts for notes, ../ledger/ledger-scenario.ts for transfers.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../../../embedded/free-port.ts'
import type { ConsoleConsumer } from '../../java/console-consumer.ts'
import type { TopicDump } from '../../java/log-dump.ts'
import type { LogRecord } from '../../java/log-record.ts'
import { partitionOf } from '../checker/murmur2.ts'
import type { Report } from '../checker/report.ts'
import { Sender } from '../feed/sender.ts'
import type { Cluster } from './cluster.ts'
import { ServiceProcess } from './service-process.ts'

export interface Arrival {
  readonly record: LogRecord
  readonly atMs: number
}

export interface Feeding {
  readonly seed: number
  readonly mode: 'spread' | 'home'
  readonly perSecond: number
  readonly population?: number
  readonly uniqueKeys?: boolean
}

/** Of the embedded broker. */
const OFFSETS_PARTITIONS = 8
/** How long outputs may take that are due, once nobody breaks anything any more. */
const SETTLE_MS = 60_000
const POLL_MS = 50

export abstract class Application {
  readonly application = `proof-${randomBytes(4).toString('hex')}`
  readonly processes: ServiceProcess[] = []
  /** Committed outputs of one topic as they came, with the time of this process. Keyed by the canonical key. */
  readonly arrivals: Arrival[] = []
  readonly sender: Sender
  /** Set when the changelog was compacted meanwhile: not every batch can be followed then. */
  compacted = false
  abstract readonly name: 'notes' | 'ledger'
  abstract readonly tasks: number
  /** Program of a service process, from the root. */
  protected abstract readonly entry: string
  protected readonly cluster: Cluster

  protected constructor(cluster: Cluster) {
    this.cluster = cluster
    this.sender = new Sender(cluster.bootstrapServers)
  }

  /** The transactional ids of this application begin so. */
  get transactionalIdPrefix(): string {
    return `${this.application}-`
  }

  /** Every topic by its number of partitions, but for Kafka's own. */
  abstract get partitions(): ReadonlyMap<string, number>
  /** Input topic that most records come from. */
  abstract get input(): string
  /** Output topic of `arrivals`. */
  abstract get output(): string
  /** Inputs whose outputs have not all been seen. */
  protected abstract get awaited(): number
  abstract get environment(): Readonly<Record<string, string>>

  /** Feeds until `stopFeeding`. */
  abstract startFeeding(options: Feeding): void
  abstract stopFeeding(): Promise<void>
  /** Waits for what is due, ends the processes, reads everything by clients that are not ours, and checks it. */
  abstract finish(exact?: boolean, say?: (line: string) => void): Promise<Report>
  /** State in Redis against the changelog, processes running or not: exit code and what is said. */
  abstract verify(): Promise<{ code: number; output: string }>

  /** Names of the internal topics. */
  get internal(): { readonly changelog: string; readonly repartition: string; readonly deadLetters: string } {
    const { application } = this
    return {
      changelog: `${application}-changelog`,
      repartition: `${application}-repartition`,
      deadLetters: `${application}-dead-letters`,
    }
  }

  /** Starts one more process; it may not be ready yet. */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    const [port = 0] = await freePorts(1)
    const service = await ServiceProcess.start(
      { ...this.environment, REST_PORT: String(port), ...environment },
      this.entry,
    )
    this.processes.push(service)
    return service
  }

  /** Starts one and waits until it is ready. */
  async ready(environment: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    const service = await this.start(environment)
    await service.ready
    return service
  }

  /** Starts `count` and waits until each is ready. */
  async readyAll(
    count: number,
    environment: (place: number) => Readonly<Record<string, string>> = () => ({}),
  ): Promise<ServiceProcess[]> {
    return Promise.all(Array.from({ length: count }, (_, place) => this.ready(environment(place))))
  }

  /** False when outputs that are due have not come: the check will name them. */
  async settled(deadlineMs = SETTLE_MS): Promise<boolean> {
    return eventually(() => this.awaited === 0, deadlineMs)
  }

  async until(enough: (arrivals: readonly Arrival[]) => boolean, deadlineMs = SETTLE_MS): Promise<boolean> {
    return eventually(() => enough(this.arrivals), deadlineMs)
  }

  /** Tasks of which an output has been seen of an input that was sent at this time or later. */
  heardSince(sentMs: number, from = 0): ReadonlySet<number> {
    const heard = new Set<number>()
    for (let i = this.arrivals.length - 1; i >= from && heard.size < this.tasks; i--) {
      const { record } = this.arrivals[i]!
      if (record.timestampMs >= sentMs) heard.add(partitionOf(record.key!.readUInt32LE(0), this.tasks))
    }
    return heard
  }

  /** See TransactionWatch: what the broker itself has broken. */
  markersLost(): Promise<readonly string[]> {
    return this.cluster.transactions.hanging(
      new Map([...this.partitions, ['__consumer_offsets', OFFSETS_PARTITIONS] as const]),
    )
  }

  async close(): Promise<void> {
    for (const service of this.processes) {
      service.signal('SIGCONT')
      if (service.running) await service.kill()
    }
    await this.sender.close()
  }
}

/** Once the console consumer has printed the last record of each partition. Throws when it does not. */
export async function printed(consumer: ConsoleConsumer, dump: TopicDump): Promise<readonly LogRecord[]> {
  const last = new Map<number, number>()
  for (const { partition, offset } of dump.committed) last.set(partition, offset)
  const reached = (): boolean => {
    const seen = new Map<number, number>()
    for (const { partition, offset } of consumer.records)
      seen.set(partition, Math.max(offset, seen.get(partition) ?? -1))
    return [...last].every(([partition, offset]) => (seen.get(partition) ?? -1) >= offset)
  }
  if (!(await eventually(reached, 60_000))) throw new Error('the console consumer has not printed what is committed')
  return consumer.records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
}

export async function eventually(right: () => boolean, deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs
  while (!right()) {
    if (performance.now() > end) return false
    await sleep(POLL_MS)
  }
  return true
}
