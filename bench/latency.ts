/**
 * From a command to its event: how long until a consumer that reads committed records has it, at steady rates, of this
 * service and of Kafka Streams on the same work, by turns on one broker. Writes docs/benchmarks.md's section between its
 * markers, and a plot.
 *
 *   node bench/latency.ts [--rates 500,2000,8000] [--seconds 30] [--write]
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Listener } from '../demo/listener.ts'
import { startStack } from '../embedded/stack.ts'
import { everyPartition } from '../engine/core/plan.ts'
import { connectKafka } from '../engine/kafka/kafka.ts'
import type { Kafka } from '../engine/ports.ts'
import { feed, PARTITIONS } from './failover-fleet.ts'
import { machineText, writeSection } from './page.ts'
import { plotLines } from './plot.ts'
import { type Contestant, end, placeOf } from './streams/contestant.ts'
import { streams, tributary } from './streams/contestants.ts'

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '500,2000,8000' },
    seconds: { type: 'string', default: '30' },
    write: { type: 'boolean', default: false },
  },
})
const rates = values.rates.split(',').map(Number)
const measuredMs = Number(values.seconds) * 1_000
/** Both compile while they work: fed at the highest rate for so long before anything counts. */
const WARM_UP_MS = 25_000
/** Between two rates. */
const REST_MS = 2_000
/** For events that are still on their way when the feed ends. */
const PATIENCE_MS = 30_000
const POLL_MS = 20
const PLOTTED_MS = 300
const say = (line: string): void => void process.stderr.write(`${line}\n`)

interface Measured {
  readonly rate: number
  /** Of each event, ms, in order of size. */
  readonly latencies: readonly number[]
}

const stack = await startStack({ progress: say })
const peers = await streams(say)
try {
  const kafka = connectKafka({ bootstrapServers: stack.bootstrapServers, clientId: 'bench' })
  const threads = { 'num.stream.threads': '2', 'producer.compression.type': 'lz4' }
  const contestants = [
    tributary('lz4', 1),
    peers.contestant('Kafka Streams', threads),
    peers.contestant('Streams, commit every 10 ms', { ...threads, 'commit.interval.ms': '10' }),
  ]
  const results = new Map<string, readonly Measured[]>()
  for (const [at, contestant] of contestants.entries()) {
    const measured = await play(kafka, contestant, `latency-${at}`)
    results.set(contestant.name, measured)
    for (const one of measured) say(row(contestant.name, one))
  }
  await kafka.close()
  const rows = rates.flatMap((rate) =>
    [...results].map(([name, of]) => row(name, of.find((measured) => measured.rate === rate)!)),
  )
  process.stdout.write(`${rows.join('\n')}\n`)
  if (values.write) write(results, rows)
} finally {
  peers.close()
  await stack.stop()
}
process.exit(0)

async function play(kafka: Kafka, contestant: Contestant, group: string): Promise<readonly Measured[]> {
  const place = placeOf(stack, group, `${group}-commands`, PARTITIONS)
  const topics = [place.commands, place.events, place.sagas]
  await kafka.admin.createTopics(
    topics.map((topic) => ({ topic, partitions: PARTITIONS, replicationFactor: 1, configs: {} })),
  )
  let latencies: number[] = []
  let events = 0
  const listener = new Listener(kafka, everyPartition({ topic: place.events, partitions: PARTITIONS }), (_, view) => {
    events++
    latencies.push(Date.now() - view.timestampMs)
  })
  const children = await contestant.start(place)
  let sent = 0
  const fed = async (perSecond: number, forMs: number): Promise<void> => {
    const untilMs = performance.now() + forMs
    sent += await feed(kafka, place.commands, perSecond, () => performance.now() > untilMs)
    const patienceMs = performance.now() + PATIENCE_MS
    while (events < sent && performance.now() < patienceMs) await sleep(POLL_MS)
    if (events !== sent) throw new Error(`${contestant.name}: ${events} events of ${sent} commands`)
  }
  try {
    await fed(Math.max(...rates), WARM_UP_MS)
    const measured: Measured[] = []
    for (const rate of rates) {
      await sleep(REST_MS)
      latencies = []
      await fed(rate, measuredMs)
      measured.push({ rate, latencies: latencies.sort((a, b) => a - b) })
    }
    return measured
  } finally {
    await listener.close()
    await end(children)
  }
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
}

function row(name: string, { rate, latencies }: Measured): string {
  const at = (part: number): string => `${quantile(latencies, part)} ms`
  return `| ${rate.toLocaleString('en')} | ${name} | **${at(0.5)}** | ${at(0.95)} | ${at(0.99)} | ${latencies.at(-1)} ms |`
}

function write(results: ReadonlyMap<string, readonly Measured[]>, rows: readonly string[]): void {
  const rate = rates[rates.length >> 1]!
  writeFileSync(
    new URL('../docs/latency.svg', import.meta.url),
    plotLines({
      title: `From command to committed event, ${rate.toLocaleString('en')} commands a second`,
      xLabel: 'ms',
      yLabel: '% of events',
      series: [...results].map(([name, of]) => ({
        name,
        points: shares(of.find((measured) => measured.rate === rate)!.latencies),
      })),
    }),
  )
  writeSection(
    'latency',
    `Machine: ${machineText('Kafka, Redis, the producer and the consumer')}.

| commands a second on ${PARTITIONS} partitions, ${values.seconds} s each | | p50 | p95 | p99 | longest |
|---|---|---|---|---|---|
${rows.join('\n')}

![Share of events that have come after so many milliseconds](latency.svg)`,
  )
}

/** How many of a hundred have come by each time. */
function shares(sorted: readonly number[]): { x: number; y: number }[] {
  const points: { x: number; y: number }[] = []
  for (let ms = 0, come = 0; ms <= PLOTTED_MS; ms += 2) {
    while (come < sorted.length && sorted[come]! <= ms) come++
    points.push({ x: ms, y: (100 * come) / sorted.length })
  }
  return points
}
