/**
 * The soak: three instances under a steady feed, random faults with a printed seed, and what they use sampled all the
 * while. At the end memory and descriptors must be flat (last third against first third), and the checker has its say.
 */
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { below, pick, seeded } from '../feed/random.ts'
import { Cluster } from '../harness/cluster.ts'
import { FAULTS, type FaultName, type Fleet } from '../harness/faults.ts'
import { Scenario } from '../harness/scenario.ts'

interface Sample {
  readonly heapBytes: number
  readonly rssBytes: number
  readonly descriptors: number
}

const INSTANCES = 3
const PER_SECOND = 200
const FAULT_EVERY_MS = 10_000
const SAMPLE_EVERY_MS = 5_000
/** Last third against first third. The heap may grow with what an LRU of 8 MiB holds, descriptors by a connection. */
const HEAP_RATIO_MAX = 1.5
const DESCRIPTORS_RATIO_MAX = 1.25
/** Faults that leave the processes alive: a process that is killed begins anew and can leak nothing. */
const LIVING: readonly FaultName[] = [
  'freeze for less than the session',
  'freeze beyond the transaction timeout',
  'freeze beyond the session',
  'redis FLUSHALL',
  'redis CLIENT KILL',
  'redis loses a checkpoint',
  'redis has a wrong type',
  'redis freezes',
  'redis is killed',
  'redis loses its connections every 100 ms',
  'redis is full',
  'redis goes back in time',
  'broker freezes',
  'broker freezes and redis loses its connections',
]
const DEADLY: readonly FaultName[] = ['kill in a transaction', 'stop in order']

const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length
const say = (line: string): void => void process.stdout.write(`${line}\n`)

export async function soak(minutes: number, seed: number): Promise<boolean> {
  const random = seeded(seed)
  say(`soak of ${minutes} minutes, seed ${seed}`)
  const cluster = await Cluster.start()
  try {
    const scenario = await Scenario.create(cluster)
    try {
      const environment = (place: number): Record<string, string> => ({ GROUP_INSTANCE_ID: `place-${place}` })
      const services = await scenario.readyAll(INSTANCES, environment)
      const fleet: Fleet = { cluster, scenario, random, services, environment, kills: [] }
      scenario.startFeeding({ seed, mode: 'spread', perSecond: PER_SECOND })
      const samples: Sample[] = []
      const done = new Map<FaultName, number>()
      const beganMs = performance.now()
      const endMs = beganMs + minutes * 60_000
      let faultAtMs = beganMs + FAULT_EVERY_MS
      while (performance.now() < endMs) {
        await sleep(SAMPLE_EVERY_MS)
        // Place 2 alone dies now and then; the others live for the whole of it and are measured.
        samples.push(await sampled(fleet))
        if (performance.now() < faultAtMs) continue
        const name = below(random, 8) === 0 ? pick(random, DEADLY) : pick(random, LIVING)
        await (DEADLY.includes(name) ? atLastPlace(fleet, name) : FAULTS[name](fleet))
        done.set(name, (done.get(name) ?? 0) + 1)
        const minute = Math.round((performance.now() - beganMs) / 60_000)
        const { heapBytes, rssBytes, descriptors } = samples.at(-1)!
        say(
          `${minute} of ${minutes} min: ${name}; ${scenario.arrivals.length} outputs, heap ${mega(heapBytes)} MB, RSS ${mega(rssBytes)} MB, ${descriptors} descriptors`,
        )
        const calm = async (): Promise<boolean> =>
          (await Promise.all(services.filter((s) => s.running).map((s) => s.isReady()))).every(Boolean)
        const patienceMs = performance.now() + 120_000
        while (!(await calm())) {
          if (performance.now() > patienceMs) throw new Error(`not ready 120 s behind ${name}`)
          await sleep(100)
        }
        faultAtMs = performance.now() + FAULT_EVERY_MS
      }
      await scenario.stopFeeding()
      return await verdict(scenario, samples, done)
    } finally {
      await scenario.close()
    }
  } finally {
    await cluster.stop()
  }
}

/** At the last place, which keeps its instance id. */
async function atLastPlace(fleet: Fleet, name: FaultName): Promise<void> {
  const { services, environment } = fleet
  const last = services.length - 1
  const alone: Fleet = { ...fleet, services: [services[last]!], environment: () => environment(last) }
  await FAULTS[name](alone)
  services[last] = alone.services[0]!
}

async function sampled({ services }: Fleet): Promise<Sample> {
  const measured = await Promise.all(
    services.slice(0, INSTANCES - 1).map(async (s) => ({ ...(await s.measure()), fds: descriptorsOf(s.pid) })),
  )
  const sum = (of: (m: (typeof measured)[number]) => number): number => measured.reduce((all, m) => all + of(m), 0)
  return {
    heapBytes: sum((m) => m.heapUsed + m.arrayBuffers),
    rssBytes: sum((m) => m.rss),
    descriptors: sum((m) => m.fds),
  }
}

const mega = (bytes: number): number => Math.round(bytes / 1e6)

async function verdict(
  scenario: Scenario,
  samples: readonly Sample[],
  done: ReadonlyMap<FaultName, number>,
): Promise<boolean> {
  const third = Math.floor(samples.length / 3)
  const [first, last] = [samples.slice(0, third), samples.slice(-third)]
  const median = (of: readonly number[]): number =>
    of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN
  const ratio = (of: (s: Sample) => number): number => median(last.map(of)) / median(first.map(of))
  const heap = ratio((s) => s.heapBytes)
  const descriptors = ratio((s) => s.descriptors)
  const report = await scenario.finish(false, say)
  const verified = await scenario.verify()
  say(`faults: ${[...done].map(([name, times]) => `${name} ${times}`).join(', ')}`)
  say(
    `${Object.entries(report.facts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  )
  say(
    `last third against first third: heap behind a collection ${heap.toFixed(2)}, RSS ${ratio((s) => s.rssBytes).toFixed(2)}, descriptors ${descriptors.toFixed(2)}`,
  )
  if (report.text) say(report.text)
  if (verified.code !== 0) say(verified.output)
  const flat = heap <= HEAP_RATIO_MAX && descriptors <= DESCRIPTORS_RATIO_MAX
  say(
    `${report.count('lost')} lost, ${report.count('doubled')} doubled, ${report.count('reordered')} reordered, ${report.count('state')} state differences, ${flat ? 'flat' : 'NOT flat'}`,
  )
  return report.text === '' && verified.code === 0 && flat
}
