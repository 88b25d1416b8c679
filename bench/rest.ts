/**
 * The REST interface under load: reads and writes at a fixed rate beside a thousand event streams, against one process.
 * Every write must be answered 201 and reach exactly the streams that want it. Writes docs/benchmarks.md's section between
 * its markers.
 *
 *   node bench/rest.ts [--seconds 60] [--gets 2000] [--posts 200] [--streams 1000] [--write]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startStack } from '../embedded/stack.ts'
import { Service } from './failover-fleet.ts'
import { machineText, writeSection } from './page.ts'
import { cpuSecondsOf } from './process-cpu.ts'
import { type Answers, load } from './rest-load.ts'
import { Subscribers } from './rest-subscribers.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    gets: { type: 'string', default: '2000' },
    posts: { type: 'string', default: '200' },
    streams: { type: 'string', default: '1000' },
    write: { type: 'boolean', default: false },
  },
})
const [seconds, gets, posts, streams] = [values.seconds, values.gets, values.posts, values.streams].map(Number) as [
  number,
  number,
  number,
  number,
]
/** Of the streams, those that want everything; each other wants one character's. */
const UNFILTERED = Math.min(10, streams)
const CHARACTERS = 1_000
/** Before anything is counted: code is compiled, and there is something to read. */
const WARM_SECONDS = 10
const MEMORY_EVERY_MS = 1_000
const SETTLE_MS = 30_000
const TENANT = {
  TENANT_ID: '083839c6-c47c-42a6-9585-76492795d123',
  REGION: 'GMS',
  MAJOR_VERSION: '83',
  MINOR_VERSION: '1',
}
const say = (line: string): void => void process.stderr.write(`${line}\n`)

let written = 0
const post = () => {
  const characterId = 1 + ((Math.imul(written++, 7_919) >>> 0) % CHARACTERS)
  const attributes = { characterId, senderId: 5, message: `meet me at the old mill, ${written}`, flag: 0 }
  return { path: '/notes', body: JSON.stringify({ data: { type: 'notes', attributes } }) }
}
let read = 0
const get = () => {
  const characterId = 1 + ((Math.imul(read++, 104_729) >>> 0) % CHARACTERS)
  return { path: `/characters/${characterId}/notes?page%5Bsize%5D=10` }
}

const stack = await startStack({ progress: say })
let service: Service | null = null
let subscribers: Subscribers | null = null
let failed = false
try {
  service = await Service.start({
    BOOTSTRAP_SERVERS: stack.bootstrapServers,
    REDIS_URL: stack.redisUrl,
    LOG_LEVEL: 'warn',
  })
  const restUrl = await service.ready
  subscribers = await Subscribers.open(
    restUrl,
    TENANT,
    Array.from({ length: streams }, (_, at) => (at < UNFILTERED ? null : 1 + (at % CHARACTERS))),
  )
  say(`${streams} event streams are open`)
  await Promise.all(loads(restUrl, WARM_SECONDS))
  const cpuBefore = cpuSecondsOf(service.child.pid) ?? Number.NaN
  const memory = watchMemory(restUrl)
  const [reads, writes] = (await Promise.all(loads(restUrl, seconds))) as [Answers, Answers]
  const cpu = (cpuSecondsOf(service.child.pid) ?? Number.NaN) - cpuBefore
  const { rssMb, heapMb } = await memory.end()
  const streamsRight = await settled(restUrl, subscribers)
  const thirds = (samples: readonly number[], of: (some: readonly number[]) => number): readonly number[] => {
    const third = Math.max(1, Math.floor(samples.length / 3))
    return [0, 1, 2].map((at) => Math.round(of(samples.slice(at * third, (at + 1) * third))))
  }
  const result = {
    seconds,
    gets,
    posts,
    streams,
    reads,
    writes,
    cpuPercent: Math.round((100 * cpu) / seconds),
    rssThirdsMb: thirds(rssMb, (some) => some.reduce((a, b) => a + b, 0) / some.length),
    // The least that was seen in use: what was left behind a collection.
    heapThirdsMb: thirds(heapMb, (some) => Math.min(...some)),
    streamsRight,
    machine: machineText('Kafka, Redis and the clients'),
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  if (values.write) write(result)
  failed = reads.failed + writes.failed > 0 || !streamsRight
} catch (error) {
  failed = true
  say(error instanceof Error ? (error.stack ?? error.message) : String(error))
} finally {
  subscribers?.close()
  await service?.end('SIGTERM')
  await stack.stop()
}
process.exit(failed ? 1 : 0)

function loads(restUrl: string, forSeconds: number): readonly Promise<Answers>[] {
  return [
    load(restUrl, TENANT, { method: 'GET', perSecond: gets, seconds: forSeconds, connections: 40, next: get }),
    load(restUrl, TENANT, { method: 'POST', perSecond: posts, seconds: forSeconds, connections: 40, next: post }),
  ]
}

interface Memory {
  readonly rssMb: readonly number[]
  /** Of JavaScript, without buffers. */
  readonly heapMb: readonly number[]
}

function watchMemory(restUrl: string): { end(): Promise<Memory> } {
  const rssMb: number[] = []
  const heapMb: number[] = []
  let over = false
  const watching = (async () => {
    while (!over) {
      const text = await (await fetch(`${new URL(restUrl).origin}/metrics`)).text()
      rssMb.push(metric(text, 'process_resident_memory_bytes') / 2 ** 20)
      heapMb.push(metric(text, 'nodejs_heap_size_used_bytes') / 2 ** 20)
      await sleep(MEMORY_EVERY_MS)
    }
  })()
  return {
    async end() {
      over = true
      await watching
      return { rssMb, heapMb }
    },
  }
}

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1])
}

/** Every stream has got what it wants, each event once: as many as notes of its character there are. */
async function settled(restUrl: string, { all }: Subscribers): Promise<boolean> {
  const totals = new Map<number | null, number>()
  const totalOf = async (path: string): Promise<number> => {
    const response = await fetch(`${restUrl}${path}?page%5Bsize%5D=1`, { headers: TENANT })
    return ((await response.json()) as { meta: { total: number } }).meta.total
  }
  totals.set(null, await totalOf('/notes'))
  for (const { characterId } of all)
    if (!totals.has(characterId)) totals.set(characterId, await totalOf(`/characters/${characterId}/notes`))
  const deadline = performance.now() + SETTLE_MS
  const wrong = () => all.filter((one) => one.failed !== null || one.events !== totals.get(one.characterId))
  while (wrong().length > 0 && performance.now() < deadline) await sleep(100)
  for (const { characterId, events, failed: why } of wrong().slice(0, 5))
    say(`stream of ${characterId ?? 'all'}: ${events} of ${totals.get(characterId)}${why ? `, ${why}` : ''}`)
  return wrong().length === 0
}

function write(result: {
  readonly machine: string
  readonly reads: Answers
  readonly writes: Answers
  readonly rssThirdsMb: readonly number[]
  readonly heapThirdsMb: readonly number[]
  readonly [name: string]: unknown
}): void {
  const { reads, writes } = result
  const row = (name: string, rate: number, answers: Answers): string =>
    `| ${name} | ${rate.toLocaleString('en')} | ${answers.requests.toLocaleString('en')} | ${answers.failed} | ${answers.p50Ms} ms | **${answers.p99Ms} ms** | ${answers.maxMs} ms |`
  writeSection(
    'rest',
    `Machine: ${result.machine}.

| ${seconds} s beside ${streams.toLocaleString('en')} event streams | a second | answered | not 2xx | p50 | p99 | longest |
|---|---|---|---|---|---|---|
${row('GET, a page of a character', gets, reads)}
${row('POST, a new note, answered when it is committed and readable', posts, writes)}

The service used ${result['cpuPercent']} % of a core; its memory (RSS) was ${result.rssThirdsMb.join(', ')} MB in the three thirds, its heap
behind a collection ${result.heapThirdsMb.join(', ')} MB. Every stream had each of its events once: ${result['streamsRight'] ? 'yes' : '**no**'}.`,
  )
}
