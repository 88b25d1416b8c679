/**
 * What a failure costs: how long events of a task are silent when its process is killed, or ends in order, or when three
 * are restarted one after the other; and how long those of the other tasks are. Writes docs/benchmarks.md's section between
 * its markers, and a plot.
 *
 *   node bench/failover.ts [--rounds 5] [--rate 2000] [--write]
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startStack } from '../embedded/stack.ts'
import { connectKafka } from '../engine/kafka/kafka.ts'
import { Arrivals, COMMANDS, EVENTS, feed, PARTITIONS, Service } from './failover-fleet.ts'
import { machineText, writeSection } from './page.ts'
import { plotLine } from './plot.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '2000' },
    write: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const perSecond = Number(values.rate)
/** Watched on behind the last silence, so that a later one is seen. */
const WATCH_MS = 2_000
/** A group that has just changed settles. */
const CALM_MS = 1_500
const BUCKET_MS = 200
const say = (line: string): void => void process.stderr.write(`${line}\n`)

interface Pauses {
  /** Of the tasks of the process that was ended, by round: the longest. */
  readonly own: number[]
  readonly others: number[]
  aborted: number
}

const stack = await startStack({ progress: say })
const kafka = connectKafka({ bootstrapServers: stack.bootstrapServers, clientId: 'bench' })
const env = { BOOTSTRAP_SERVERS: stack.bootstrapServers, REDIS_URL: stack.redisUrl, LOG_LEVEL: 'info' }
const running = new Set<Service>()
let over = false
let failed = false
try {
  await kafka.admin.createTopics(
    [COMMANDS, EVENTS].map((topic) => ({ topic, partitions: PARTITIONS, replicationFactor: 1, configs: {} })),
  )
  const arrivals = new Arrivals(kafka)
  await started(2)
  const feeding = feed(kafka, COMMANDS, perSecond, () => over)
  await arrivals.allSince(performance.now())
  await sleep(3 * CALM_MS)

  const kill = emptyPauses()
  let plotted: { x: number; y: number }[] = []
  for (let round = 0; round < rounds; round++) {
    const fromMs = await ended(arrivals, 'SIGKILL', kill)
    if (round === 0) plotted = rates(arrivals, fromMs)
    say(`killed: ${Math.round(kill.own.at(-1)!)} ms, the others ${Math.round(kill.others.at(-1)!)} ms`)
  }
  const term = emptyPauses()
  for (let round = 0; round < rounds; round++) {
    await ended(arrivals, 'SIGTERM', term)
    say(`ended in order: ${Math.round(term.own.at(-1)!)} ms, the others ${Math.round(term.others.at(-1)!)} ms`)
  }
  await started(1)
  await arrivals.allSince(performance.now())
  await sleep(CALM_MS)
  const rolling = await rollingRestart(arrivals)
  say(`rolling restart: ${Math.round(rolling.longestMs)} ms`)
  over = true
  await feeding
  await arrivals.close()
  const result = {
    rounds,
    perSecond,
    killMs: median(kill.own),
    killOthersMs: median(kill.others),
    termMs: median(term.own),
    termOthersMs: median(term.others),
    termAborted: term.aborted,
    rollingMs: rolling.longestMs,
    rollingAborted: rolling.aborted,
    machine: machineText('Kafka and Redis'),
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  if (values.write) write(result, plotted)
} catch (error) {
  failed = true
  say(error instanceof Error ? (error.stack ?? error.message) : String(error))
} finally {
  over = true
  for (const service of running) await service.end('SIGKILL')
  await kafka.close()
  await stack.stop()
}
process.exit(failed ? 1 : 0)

function emptyPauses(): Pauses {
  return { own: [], others: [], aborted: 0 }
}

async function started(count: number): Promise<readonly Service[]> {
  const services = await Promise.all(Array.from({ length: count }, () => Service.start(env)))
  for (const service of services) running.add(service)
  await Promise.all(services.map((s) => s.ready))
  return services
}

/** Ends one of those that run, watches, and puts another in its place. When it began. */
async function ended(arrivals: Arrivals, signal: 'SIGKILL' | 'SIGTERM', into: Pauses): Promise<number> {
  const [victim] = running
  if (!victim) throw new Error('nobody runs')
  const own = new Set(victim.tasks)
  const aborted = arrivals.aborted
  const fromMs = performance.now()
  running.delete(victim)
  await victim.end(signal)
  await arrivals.allSince(performance.now())
  await sleep(WATCH_MS)
  const silences = arrivals.silences(fromMs, performance.now())
  into.own.push(Math.max(...silences.filter((_, task) => own.has(task))))
  into.others.push(Math.max(...silences.filter((_, task) => !own.has(task))))
  into.aborted += arrivals.aborted - aborted
  await started(1)
  await arrivals.allSince(performance.now())
  await sleep(CALM_MS)
  return fromMs
}

async function rollingRestart(arrivals: Arrivals): Promise<{ longestMs: number; aborted: number }> {
  const aborted = arrivals.aborted
  const fromMs = performance.now()
  for (const service of [...running]) {
    running.delete(service)
    await service.end('SIGTERM')
    await started(1)
    await arrivals.allSince(performance.now())
  }
  await sleep(WATCH_MS)
  return { longestMs: Math.max(...arrivals.silences(fromMs, performance.now())), aborted: arrivals.aborted - aborted }
}

function median(of: readonly number[]): number {
  return of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN
}

/** Events a second, from 2 s before a kill to 12 s behind it. */
function rates(arrivals: Arrivals, killedMs: number): { x: number; y: number }[] {
  const fromMs = killedMs - 2_000
  const buckets = new Array<number>(Math.ceil(14_000 / BUCKET_MS)).fill(0)
  for (const own of arrivals.times)
    for (const at of own) {
      const bucket = Math.floor((at - fromMs) / BUCKET_MS)
      if (bucket >= 0 && bucket < buckets.length) buckets[bucket]!++
    }
  return buckets.map((count, i) => ({ x: (i * BUCKET_MS) / 1_000, y: count / (BUCKET_MS / 1_000) }))
}

function write(
  result: Record<string, number | string> & { machine: string; rounds: number; perSecond: number },
  points: readonly { x: number; y: number }[],
): void {
  writeFileSync(
    new URL('../docs/failover.svg', import.meta.url),
    plotLine({
      title: 'Events per second: one of two processes is killed at 2 s',
      xLabel: 'seconds',
      yLabel: 'events/s',
      points,
    }),
  )
  const ms = (name: string): string => `${Math.round(Number(result[name])).toLocaleString('en')} ms`
  writeSection(
    'failover',
    `Machine: ${result.machine}.

| ${result.perSecond.toLocaleString('en')} commands a second on ${PARTITIONS} partitions, medians of ${result.rounds} rounds | its tasks | the others |
|---|---|---|
| kill -9 of one of two processes: longest silence | **${ms('killMs')}** | ${ms('killOthersMs')} |
| SIGTERM of one of two: longest silence | **${ms('termMs')}** | ${ms('termOthersMs')} |
| SIGTERM: transactions done again, in all rounds | ${result['termAborted']} | |
| rolling restart of three: longest silence of any task | ${ms('rollingMs')} | |

![Events per second around a kill](failover.svg)`,
  )
}
