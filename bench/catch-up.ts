/**
 * How fast one process catches up: loads recorded commands on 4 partitions of an embedded Kafka, then starts the service
 * and measures until the last is committed. Writes docs/benchmarks.md's section between its markers, and a plot.
 *
 *   node bench/catch-up.ts [--commands 1000000] [--compression lz4] [--write]
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startStack } from '../embedded/stack.ts'
import { connectKafka } from '../engine/kafka/kafka.ts'
import { machineText, writeSection } from './page.ts'
import { plotLine } from './plot.ts'
import { cpuSecondsOf } from './process-cpu.ts'
import { loadCommands } from './workload.ts'

const PARTITIONS = 4
const SEED = 12_345
const WARM_UP_COMMANDS = 400_000
const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '1000000' },
    compression: { type: 'string', default: 'lz4' },
    write: { type: 'boolean', default: false },
  },
})
const count = Number(values.commands)
const say = (line: string): void => void process.stderr.write(`${line}\n`)

interface Report {
  readonly count: number
  readonly seconds: number
  readonly readySeconds: number
  readonly cpuSeconds: number
  readonly mainThreadSeconds: number
  readonly heapEarlyBytes: number
  readonly heapBytes: number
  readonly rssBytes: number
  readonly samples: readonly { seconds: number; records: number }[]
}

const stack = await startStack({ progress: say })
try {
  const kafka = connectKafka({ bootstrapServers: stack.bootstrapServers, clientId: 'bench' })
  await kafka.admin.createTopics([
    { topic: 'COMMAND_TOPIC_NOTE', partitions: PARTITIONS, replicationFactor: 1, configs: { 'retention.ms': '-1' } },
  ])
  const publisher = kafka.publisher()
  say(`loading ${count} commands (seed ${SEED})`)
  await loadCommands(publisher, 'COMMAND_TOPIC_NOTE', PARTITIONS, count, SEED, Date.UTC(2024, 0, 1))
  await publisher.close()
  await kafka.close()

  // A broker that has just started compiles its code while it works: another application warms it up first.
  await measure(stack.bootstrapServers, stack.redisUrl, 'warm-up', Math.min(count, WARM_UP_COMMANDS))
  const pids = { broker: stack.kafka?.pid, redis: stack.redis?.pid }
  const before = { broker: cpu(pids.broker), redis: cpu(pids.redis) }
  const report = await measure(stack.bootstrapServers, stack.redisUrl, 'notes', count)
  const result = {
    ...report,
    brokerSeconds: cpu(pids.broker) - before.broker,
    redisSeconds: cpu(pids.redis) - before.redis,
    compression: values.compression,
    machine: machineText('Kafka and Redis'),
  }
  const { samples: _, ...shown } = result
  process.stdout.write(`${JSON.stringify({ ...shown, recordsPerSecond: Math.round(count / report.seconds) })}\n`)
  if (values.write) write(result)
} finally {
  await stack.stop()
}
process.exit(0)

function cpu(pid: number | undefined): number {
  return (pid === undefined ? null : cpuSecondsOf(pid)) ?? 0
}

function measure(bootstrapServers: string, redisUrl: string, application: string, commands: number): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        '--expose-gc',
        '--max-semi-space-size=64',
        new URL('catch-up-service.ts', import.meta.url).pathname,
        String(commands),
        String(Math.floor(commands * 0.3)),
      ],
      {
        env: {
          ...process.env,
          BOOTSTRAP_SERVERS: bootstrapServers,
          REDIS_URL: redisUrl,
          APPLICATION_ID: application,
          KAFKA_CONSUMER_GROUP: application,
          OUTPUT_COMPRESSION: values.compression,
          REST_PORT: '18089',
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.on('exit', (code) => {
      const last = text.trim().split('\n').at(-1)
      if (code === 0 && last) resolve(JSON.parse(last) as Report)
      else reject(new Error(`the measured process ended with ${code}`))
    })
  })
}

function write(
  result: Report & { brokerSeconds: number; redisSeconds: number; compression: string; machine: string },
): void {
  const perMillion = (seconds: number): string => (seconds / (count / 1e6)).toFixed(1)
  const rates = result.samples.slice(1).map((s, i) => {
    const previous = result.samples[i]!
    return { x: s.seconds, y: (s.records - previous.records) / Math.max(0.001, s.seconds - previous.seconds) }
  })
  writeFileSync(
    new URL('../docs/catch-up.svg', import.meta.url),
    plotLine({
      title: 'Records per second while catching up',
      xLabel: 'seconds since start',
      yLabel: 'records/s',
      points: smooth(rates, 10),
    }),
  )
  writeSection(
    'catch-up',
    `Machine: ${result.machine}.

| | |
|---|---|
| commands | ${count.toLocaleString('en')} on ${PARTITIONS} partitions, one process, output compression ${result.compression} |
| records/s, from process start to the last commit | **${Math.round(count / result.seconds).toLocaleString('en')}** |
| seconds until every task ran | ${result.readySeconds.toFixed(1)} |
| CPU s per million, service (of it the main thread) | ${perMillion(result.cpuSeconds)} (${perMillion(result.mainThreadSeconds)}) |
| CPU s per million, broker | ${perMillion(result.brokerSeconds)} |
| CPU s per million, Redis | ${perMillion(result.redisSeconds)} |
| heap after a collection at 30 % and at the end | ${Math.round(result.heapEarlyBytes / 1e6)} MB, ${Math.round(result.heapBytes / 1e6)} MB |

![Records per second while catching up](catch-up.svg)`,
  )
}

/** Mean over a window: batches of four tasks end in bursts. */
function smooth(points: readonly { x: number; y: number }[], window: number): readonly { x: number; y: number }[] {
  return points.map((p, i) => {
    const part = points.slice(Math.max(0, i - window), i + window + 1)
    return { x: p.x, y: part.reduce((sum, q) => sum + q.y, 0) / part.length }
  })
}
