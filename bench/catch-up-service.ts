/**
 * The measured process of bench/catch-up.ts: runs the note service until it has processed `count` commands and reports
 * one JSON line per 100 ms and a last one. Run with --expose-gc: heaps are read after a collection.
 */
import pino from 'pino'
import { readConfig } from '../config.ts'
import { startService } from '../service.ts'

const count = Number(process.argv[2])
const heapAt = Number(process.argv[3])
const config = readConfig(process.env)
const startedAt = performance.now()
const cpu0 = process.cpuUsage()
const main0 = process.threadCpuUsage()
const service = await startService(
  { ...config, BOOTSTRAP_SERVERS: config.BOOTSTRAP_SERVERS!, REDIS_URL: config.REDIS_URL! },
  pino({ level: 'warn' }, pino.destination(2)),
)
const topic = config.COMMAND_TOPIC_NOTE
const collect = globalThis.gc
const processed = (): number => {
  let sum = 0
  for (const task of service.instance.tasks.values())
    for (const [, at] of task.progress?.positions.get(topic) ?? []) sum += at
  return sum
}
const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
await service.ready
const readyAt = performance.now()
const seconds = (from: number): number => (performance.now() - from) / 1000
const samples: { seconds: number; records: number }[] = []
let heapEarlyBytes = 0
let pausedMs = 0
for (let records = processed(); records < count; records = processed()) {
  samples.push({ seconds: seconds(startedAt), records })
  if (heapEarlyBytes === 0 && heapAt > 0 && records >= heapAt && collect) {
    const before = performance.now()
    collect()
    heapEarlyBytes = process.memoryUsage().heapUsed
    pausedMs += performance.now() - before
  }
  await new Promise((resolve) => setTimeout(resolve, 50))
}
const elapsed = seconds(startedAt) - pausedMs / 1000
const cpu = process.cpuUsage(cpu0)
const main = process.threadCpuUsage(main0)
samples.push({ seconds: seconds(startedAt), records: count })
collect?.()
say({
  count,
  seconds: elapsed,
  readySeconds: (readyAt - startedAt) / 1000,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
  mainThreadSeconds: (main.user + main.system) / 1e6,
  heapEarlyBytes,
  heapBytes: process.memoryUsage().heapUsed,
  rssBytes: process.memoryUsage().rss,
  samples,
})
await service.close()
process.exit(0)
