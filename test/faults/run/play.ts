/**
 * Plays a scene: servers, an application, its feed, one fault after the other, and the checker over what came of them all.
 * A fault that fails ends its scene; those behind it are played in a new one. Owns what it starts, but for servers that
 * scenes share (Servers).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Report } from '../checker/report.ts'
import { seeded } from '../feed/random.ts'
import type { Application } from '../harness/application.ts'
import { Cluster } from '../harness/cluster.ts'
import { Scenario } from '../harness/scenario.ts'
import { withDeadline } from '../harness/service-process.ts'
import { LedgerScenario } from '../ledger/ledger-scenario.ts'
import type { ClusterKind, Fault, Scene, WorkloadName } from '../registry/fault.ts'
import { Stage } from './stage.ts'
import type { Row } from './verdict.ts'

export interface PlayOptions {
  readonly scene: Scene
  readonly faults: readonly Fault[]
  readonly workload: WorkloadName
  readonly seed: number
  readonly servers: Servers
  readonly now: (what: string) => void
  readonly done: (row: Row) => void
  readonly say: (line: string) => void
}

export interface Played {
  readonly rows: readonly Row[]
  readonly reports: readonly Report[]
}

const PER_SECOND = 150
/** The coordinator looks every 10 s for transactions that have timed out; here it shall find them while they are tested. */
const QUICK_TIMEOUTS = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000' }
const FAULT_DEADLINE_MS = 300_000
const LOG_LINES = 25

/** Clusters that scenes share, started when the first asks. */
export class Servers {
  readonly #shared = new Map<ClusterKind, Promise<Cluster>>()

  get(kind: ClusterKind): Promise<Cluster> {
    let cluster = this.#shared.get(kind)
    if (!cluster)
      this.#shared.set(kind, (cluster = Cluster.start({ proxies: kind === 'proxied', kafka: QUICK_TIMEOUTS })))
    return cluster
  }

  /** It may be broken: the next scene gets another one. */
  async discard(kind: ClusterKind): Promise<void> {
    const cluster = this.#shared.get(kind)
    this.#shared.delete(kind)
    await cluster?.then((c) => c.stop()).catch(() => {})
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#shared.keys()].map((kind) => this.discard(kind)))
  }
}

export async function play(options: PlayOptions): Promise<Played> {
  const { scene, faults, workload, seed, done } = options
  const skipped = (await scene.impossible?.()) ?? ''
  if (skipped !== '') {
    const rows = faults.map((fault) => ({ ...blank(options, fault), skipped }))
    for (const row of rows) done(row)
    return { rows, reports: [] }
  }
  const rows: Row[] = []
  const reports: Report[] = []
  for (let left = faults; left.length > 0; left = faults.slice(rows.length)) {
    const before = rows.length
    try {
      reports.push(await once({ ...options, faults: left }, (row) => rows.push(row)))
      // What it has left behind must not be the next one's fault.
      if (rows.some((row, i) => i >= before && row.wrong !== '') && !scene.own)
        await options.servers.discard(scene.cluster)
    } catch (error) {
      const text = shortened(error)
      options.say(`${scene.name} (${workload}, seed ${seed}): ${text}`)
      // Its servers did not even start, or the checker could not read.
      if (rows.length === before) {
        rows.push({ ...blank(options, left[0]!), wrong: text })
        done(rows.at(-1)!)
      } else rows[rows.length - 1] = { ...rows.at(-1)!, wrong: rows.at(-1)!.wrong || text }
      if (!scene.own) await options.servers.discard(scene.cluster)
    }
  }
  return { rows, reports }
}

/** The tools of Kafka say a lot before they say what is wrong. */
function shortened(error: unknown): string {
  const lines = (error instanceof Error ? (error.stack ?? error.message) : String(error)).split('\n')
  return lines.length <= 12 ? lines.join('\n') : [...lines.slice(0, 3), '…', ...lines.slice(-9)].join('\n')
}

const blank = ({ scene, workload, seed }: PlayOptions, fault: Fault): Row => ({
  fault,
  workload,
  scene: scene.name,
  seed,
  hits: null,
  healedMs: null,
  wrong: '',
  skipped: '',
})

async function once(options: PlayOptions, add: (row: Row) => void): Promise<Report> {
  const { scene, faults, workload, seed, servers, now, say } = options
  const folder = mkdtempSync(join(tmpdir(), 'tributary-faults-'))
  let own: Cluster | null = null
  let app: Application | null = null
  try {
    own = scene.own ? await Cluster.start(scene.own(folder)) : null
    const cluster = own ?? (await servers.get(scene.cluster))
    now(`${scene.name} (${workload}): starting`)
    app = workload === 'notes' ? await Scenario.create(cluster, scene.notes) : await LedgerScenario.create(cluster)
    const perSecond = scene.perSecond ?? PER_SECOND
    const stage = new Stage({ cluster, app, random: seeded(~seed), seed, perSecond, folder, say })
    await scene.prepare?.(stage)
    await stage.startAll(scene.instances)
    stage.startFeeding()
    await stage.healed()
    const played: Row[] = []
    for (const fault of faults) {
      now(`${scene.name} (${workload}): ${fault.name}`)
      const row = await oneFault(options, stage, fault)
      played.push(row)
      options.done(row)
      // What a fault has broken for good must not be laid at the next one's door.
      if (row.wrong !== '') break
    }
    now(`${scene.name} (${workload}): checking`)
    await stage.app.stopFeeding()
    const report = await judged(options, stage, played).catch((error: unknown) => {
      const unread = new Report()
      unread.add('wrong', `not checked: ${shortened(error)}`)
      return unread
    })
    const wrong = report.text
    for (const row of played) add(row.wrong === '' && wrong !== '' ? { ...row, wrong } : row)
    if (wrong !== '') {
      say(`${scene.name} (${workload}, seed ${seed}) is wrong:\n${wrong}`)
      for (const process of app.processes) say(`process ${process.pid}:\n${process.tail(LOG_LINES)}`)
    }
    return report
  } finally {
    await app?.close()
    await own?.stop()
    scene.release?.(folder)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function oneFault(options: PlayOptions, stage: Stage, fault: Fault): Promise<Row> {
  const { say, workload } = options
  try {
    const hits = await withDeadline(fault.inject(stage), FAULT_DEADLINE_MS, () => `${fault.name} does not end`)
    const healedMs = await stage.healed()
    return { ...blank(options, fault), hits, healedMs, wrong: hits > 0 ? '' : 'the path was never taken' }
  } catch (error) {
    const lost = await stage.app.markersLost().catch(() => [])
    const hanging = lost.length > 0 ? ` (the broker has lost markers: ${lost.join(', ')})` : ''
    const wrong = `${error instanceof Error ? error.message : String(error)}${hanging}`
    say(`${workload}: ${fault.name}: WRONG: ${error instanceof Error ? error.stack : wrong}`)
    for (const process of stage.app.processes.filter((p) => p.running))
      say(`${process.pid}:\n${process.tail(LOG_LINES)}`)
    return { ...blank(options, fault), wrong }
  }
}

/** Where records are lost by what was done, only that it goes on (healed has seen it) and that Redis is right. */
async function judged({ scene, say }: PlayOptions, stage: Stage, played: readonly Row[]): Promise<Report> {
  const { app } = stage
  const report = scene.judge === 'mended' ? new Report() : await app.finish()
  if (scene.judge === 'mended') {
    for (const service of app.processes) {
      if (service.running) await service.terminate()
      for (const line of service.disasters) report.add('wrong', `the service says: ${line}`)
    }
  }
  const { code, output } = await app.verify()
  if (code !== 0 && played.every((row) => row.wrong === '')) report.add('state', `verify: ${output}`)
  const facts = Object.entries(report.facts).map(([name, count]) => `${name} ${count}`)
  say(`${scene.name} (${app.name}) checked, ${report.text === '' ? 'right' : 'WRONG'}: ${facts.join(', ')}`)
  return report
}
