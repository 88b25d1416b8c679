/**
 * This service against Kafka Streams on the same work: the same recorded commands, both exactly once, on one broker, by
 * turns. Each run has fresh output topics and state; what comes out is compared record by record. Writes
 * docs/benchmarks.md's section between its markers, and a plot.
 *
 *   node bench/versus-streams.ts [--commands 1000000] [--rounds 3] [--compression lz4] [--processes 1,2]
 *     [--threads 1,2] [--write]
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startStack } from '../embedded/stack.ts'
import { connectKafka } from '../engine/kafka/kafka.ts'
import type { Kafka } from '../engine/ports.ts'
import { RedisConnection } from '../stores/redis/connection.ts'
import { machineText, writeSection } from './page.ts'
import { plotLines, type Series } from './plot.ts'
import { cpuSecondsOf } from './process-cpu.ts'
import { type Contestant, type Measured, measure, placeOf } from './streams/contestant.ts'
import { streams, tributary } from './streams/contestants.ts'
import { outputsOf } from './streams/outputs.ts'
import { loadCommands } from './workload.ts'

const PARTITIONS = 4
const SEED = 12_345
const COMMANDS = 'COMMAND_TOPIC_NOTE'
const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    compression: { type: 'string', default: 'lz4' },
    processes: { type: 'string', default: '1,2' },
    threads: { type: 'string', default: '1,2' },
    write: { type: 'boolean', default: false },
  },
})
const count = Number(values.commands)
const rounds = Number(values.rounds)
const numbers = (list: string): readonly number[] => list.split(',').map(Number)
const say = (line: string): void => void process.stderr.write(`${line}\n`)

interface Run extends Measured {
  readonly brokerSeconds: number
  readonly redisSeconds: number
}

/** What came out of every run of the last round. */
let same = ''
const stack = await startStack({ progress: say })
const redis = await RedisConnection.open({ url: stack.redisUrl }, 'bench')
const peers = await streams(say)
try {
  const kafka = connectKafka({ bootstrapServers: stack.bootstrapServers, clientId: 'bench' })
  await createTopics(kafka, [COMMANDS])
  const publisher = kafka.publisher()
  say(`loading ${count} commands (seed ${SEED})`)
  await loadCommands(publisher, COMMANDS, PARTITIONS, count, SEED, Date.UTC(2024, 0, 1))
  await publisher.close()

  const contestants = [
    ...numbers(values.processes).map((processes) => tributary(values.compression, processes)),
    ...numbers(values.threads).map((threads) =>
      peers.contestant(`Kafka Streams, ${threads === 1 ? '1 thread' : `${threads} threads`}`, {
        'num.stream.threads': String(threads),
        'producer.compression.type': values.compression,
      }),
    ),
  ]
  const runs = new Map<string, Run[]>(contestants.map(({ name }) => [name, []]))
  // The broker compiles its code while it works: the first round only warms it up.
  for (let round = 0; round <= rounds; round++) {
    const outputs: string[] = []
    for (const [at, contestant] of contestants.entries()) {
      const run = await play(kafka, contestant, `peer-${round}-${at}`, outputs)
      if (round > 0) runs.get(contestant.name)!.push(run)
      const { seconds, steadyPerSecond, cpuSeconds, brokerSeconds, redisSeconds } = run
      say(
        `${round === 0 ? 'warm-up, ' : ''}${contestant.name}: ${Math.round(count / seconds)}/s from the start, ${Math.round(steadyPerSecond)}/s behind the first tenth; CPU s: process ${cpuSeconds.toFixed(1)}, broker ${brokerSeconds.toFixed(1)}, Redis ${redisSeconds.toFixed(1)}`,
      )
    }
    if (new Set(outputs).size !== 1) throw new Error(`outputs differ: ${outputs.join(' | ')}`)
    say(`round ${round}: outputs are the same: ${outputs[0]}`)
    same = outputs[0]!.replaceAll(/ \(\d+\)/g, '')
  }
  await kafka.close()
  const rows = [...runs].map(([name, of]) => row(name, of))
  process.stdout.write(`${rows.join('\n')}\n`)
  if (values.write) write(runs, rows)
} finally {
  redis.close()
  peers.close()
  await stack.stop()
}
process.exit(0)

async function play(kafka: Kafka, contestant: Contestant, group: string, outputs: string[]): Promise<Run> {
  const place = placeOf(stack, group, COMMANDS, PARTITIONS)
  await createTopics(kafka, [place.events, place.sagas])
  const cpu = () => [stack.kafka?.pid, stack.redis?.pid].map((pid) => cpuSecondsOf(pid ?? -1) ?? Number.NaN)
  const before = cpu()
  const measured = await measure(kafka, contestant, place, count)
  const [brokerSeconds = 0, redisSeconds = 0] = cpu().map((seconds, at) => seconds - before[at]!)
  const events = await outputsOf(kafka, place.events, PARTITIONS)
  const sagas = await outputsOf(kafka, place.sagas, PARTITIONS)
  // The state of a run that is over would only make Redis larger for the ones to come, and slower.
  await redis.call('FLUSHALL', [])
  outputs.push(`${events.records} events (${events.sum}), ${sagas.records} sagas (${sagas.sum})`)
  return { ...measured, brokerSeconds, redisSeconds }
}

function row(name: string, of: readonly Run[]): string {
  const middle = (value: (run: Run) => number): number => of.map(value).sort((a, b) => a - b)[of.length >> 1]!
  const rate = (value: (run: Run) => number): string => Math.round(middle(value)).toLocaleString('en')
  const cpu = (value: (run: Run) => number): string => (middle(value) / (count / 1e6)).toFixed(1)
  const rates = `**${rate(({ seconds }) => count / seconds)}** | ${rate(({ steadyPerSecond }) => steadyPerSecond)}`
  const busy = [
    cpu((run) => run.cpuSeconds),
    cpu((run) => run.brokerSeconds),
    cpu((run) => run.redisSeconds),
    cpu((run) => run.cpuSeconds + run.brokerSeconds + run.redisSeconds),
  ]
  return `| ${name} | ${rates} | ${busy.join(' | ')} |`
}

/** The last round's, once a second: commits come in bursts. */
function series(name: string, { samples }: Run): Series {
  const points: { x: number; y: number }[] = []
  let from = { seconds: 0, records: 0 }
  for (const sample of samples) {
    if (sample.seconds - from.seconds < 1) continue
    points.push({ x: sample.seconds, y: (sample.records - from.records) / (sample.seconds - from.seconds) })
    from = sample
  }
  return { name, points }
}

function write(runs: ReadonlyMap<string, readonly Run[]>, rows: readonly string[]): void {
  writeFileSync(
    new URL('../docs/versus-streams.svg', import.meta.url),
    plotLines({
      title: 'Commands per second',
      xLabel: 'seconds since the process was started',
      yLabel: 'commands/s',
      series: [...runs].map(([name, of]) => series(name, of.at(-1)!)),
    }),
  )
  writeSection(
    'versus-streams',
    `Machine: ${machineText('Kafka and Redis')}.

| ${count.toLocaleString('en')} commands on ${PARTITIONS} partitions, outputs in ${values.compression}, medians of ${rounds} rounds | commands/s from the start of the process | behind the first tenth | CPU s per million: process | broker | Redis | together |
|---|---|---|---|---|---|---|
${rows.join('\n')}

Each run gave ${same}, the same records.

![Commands per second of each](versus-streams.svg)`,
  )
}

async function createTopics(kafka: Kafka, topics: readonly string[]): Promise<void> {
  await kafka.admin.createTopics(
    topics.map((topic) => ({
      topic,
      partitions: PARTITIONS,
      replicationFactor: 1,
      configs: { 'retention.ms': '-1' },
    })),
  )
}
