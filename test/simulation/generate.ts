/** Makes a history out of a seed. Owns how often what happens; nothing else in a simulation chooses. */
import { partitionFor } from '../../engine/core/murmur2.ts'
import { chores, clockJumps } from './chores.ts'
import type { Fate, History, HistoryEvent, RedisFate, SimRecord } from './history.ts'
import { Random } from './random.ts'
import { requestInputs } from './requests.ts'
import type { Op } from './topology.ts'

const KEYS = 12
const FIELDS = 4
const OPS: readonly Op[] = ['new', 'put', 'put', 'put', 'take', 'take', 'sum', 'purge', 'new']
/** When faults end; healing and rest come after. */
const DURATION_MS = 16_000

const CODES: Readonly<Record<string, readonly number[]>> = {
  'init-producer-id': [51, 14, 15, 16],
  'txn-offset-commit': [51, 51, 14, 15, 16, 7, 120],
  produce: [6, 5, 19, 7, 120, 45],
  'end-txn': [51, 14, 15, 16, 7],
  join: [14, 15, 16],
  sync: [14, 15, 16, 27],
  heartbeat: [14, 15, 16],
  offsets: [14, 15, 16, 88],
}
const APIS = [
  'init-producer-id',
  'txn-offset-commit',
  'produce',
  'end-txn',
  'end-txn',
  'produce',
  'txn-offset-commit',
  'join',
  'sync',
  'heartbeat',
  'offsets',
  'fetch',
  'admin',
  'transactions',
]
const FATES: readonly Fate[] = ['drop', 'lost-answer', 'lost-answer', 'late', 'slow', 'twice']
const REDIS_COMMANDS = [
  'write',
  'write',
  'write',
  'read',
  'read',
  'claim',
  'register',
  'switchTo',
  'inspect',
  'scanKeys',
  'remove',
  'scanHash',
  'open',
]
const REDIS_FATES: readonly RedisFate[] = ['before', 'after', 'after', 'half', 'half', 'late', 'slow']
const KILL_APIS = ['txn-offset-commit', 'produce', 'end-txn', 'end-txn', 'fetch', 'join', 'sync', 'offsets']

/** Which source and partition a key is written to: one, so that its order is defined. Some are not at home there. */
function placeOf(random: Random, tasks: number, partitions: readonly [number, number]) {
  return Array.from({ length: KEYS }, (_, key) => {
    const source = random.below(2)
    const home = partitionFor(Buffer.from(keyText(key)), partitions[source]!)
    const stray = random.chance(0.35)
    return { source, partition: stray ? random.below(partitions[source]!) : home, tasks }
  })
}

export const keyText = (key: number): string => `k${key}`

/** A key beyond those that inputs use. */
export function keyAtHome(task: number, tasks: number): number {
  for (let key = KEYS; ; key++) if (partitionFor(Buffer.from(keyText(key)), tasks) === task) return key
}

export function generate(seed: number): History {
  const random = new Random(seed)
  const tasks = random.between(3, 5)
  const partitions = [tasks, random.pick([tasks, 2, tasks * 2])] as const
  const wanted = random.between(2, 3)
  const processes = Array.from({ length: wanted + 1 }, (_, i) => ({ fixed: random.chance(0.5), atStart: i < wanted }))
  const quiet = random.chance(0.15)
  const calm = random.chance(0.05)
  const places = placeOf(random, tasks, partitions)
  const events: HistoryEvent[] = [...inputs(random, places), ...housekeeping(random, calm)]
  const faults = calm ? 0 : quiet ? random.between(1, 3) : random.between(3, 14)
  for (let i = 0; i < faults; i++) events.push(...fault(random, processes.length, tasks))
  if (!calm && random.chance(0.6)) events.push(...twoRebalances(random, processes.length))
  if (!calm && random.chance(0.1)) events.push(...staleRead(random))
  const missed = !calm && random.chance(0.25)
  if (missed) events.push(...missedGeneration(random, processes.length, tasks, events))
  if (!calm && random.chance(0.2))
    events.push(...(random.chance(0.5) ? rollbackInSweep(random, tasks) : sweepInRebuild(random, tasks)))
  events.push(
    ...brokerRestarts(
      new Random(seed ^ 0x2545f491),
      events.filter((e) => e.kind === 'input'),
      processes.length,
    ),
  )
  // Random numbers of their own: what other parts of a seed's history are does not depend on it.
  const own = new Random(seed ^ 0x27d4eb2f)
  const keyed = places.map((place, key) => ({ ...place, text: keyText(key) }))
  if (own.chance(0.4)) events.push(...requestInputs(own, keyed, tasks, DURATION_MS))
  const parts = new Random(seed ^ 0x165667b1)
  if (!calm && parts.chance(0.1)) events.push(...rollbackInRebuild(parts, tasks))
  const orders = new Random(seed ^ 0x2c1b3c6d)
  if (orders.chance(0.5)) events.push(...chores(orders, processes.length, DURATION_MS, calm))
  const clocks = new Random(seed ^ 0x3c6ef372)
  const jumps = !calm && clocks.chance(0.15)
  if (jumps) events.push(...clockJumps(clocks, processes.length, DURATION_MS))
  events.sort((a, b) => a.atMs - b.atMs)
  return {
    seed,
    tasks,
    partitions,
    processes,
    // What is in memory asks no guard: then only the generation stands between two owners.
    memoryBytesMax: missed ? 1_000_000 : random.pick([0, 2_000, 10_000, 1_000_000]),
    latencyMs: random.pick([1, 2, 5, 20]),
    redisLatencyMs: random.pick([0, 1, 5, 40]),
    markerMs: random.pick([0, 1, 5, 30, 300]),
    // How old a checkpoint is must be known to within a minute: nothing is lost by a jump where deletions stay for long.
    deleteRetentionMs: jumps ? 1_000_000_000 : random.pick([3_000, 8_000, 60_000]),
    events,
  }
}

function inputs(random: Random, places: ReturnType<typeof placeOf>): HistoryEvent[] {
  const count = random.between(25, 45)
  const poisoned = random.chance(0.3)
  return Array.from({ length: count }, (): HistoryEvent => {
    const { source, partition } = places[random.below(KEYS)]!
    const keys = places.flatMap((p, key) => (p.source === source && p.partition === partition ? [key] : []))
    const records = Array.from(
      { length: random.between(1, random.chance(0.1) ? 30 : 5) },
      (): SimRecord => ({
        op: random.chance(0.03) ? 'bad' : poisoned && random.chance(0.03) ? 'poison' : random.pick(OPS),
        key: random.pick(keys),
        field: random.below(FIELDS),
        value: random.below(1_000),
      }),
    )
    const mode = random.chance(0.7) ? 'plain' : random.chance(0.5) ? 'committed' : 'aborted'
    return { kind: 'input', atMs: random.below(DURATION_MS), source, partition, mode, records }
  })
}

function housekeeping(random: Random, calm: boolean): HistoryEvent[] {
  const events: HistoryEvent[] = []
  const cleanings = random.pick([0, 0, 3, 6, 12])
  for (let i = 1; i <= cleanings; i++)
    events.push({ kind: 'compact', atMs: Math.round((i * DURATION_MS * 1.2) / cleanings) })
  if (random.chance(0.4)) events.push({ kind: 'retention', atMs: random.below(DURATION_MS) })
  if (!calm && random.chance(0.4)) {
    const atMs = random.below(DURATION_MS * 0.6)
    events.push({ kind: 'dump', atMs })
    for (let i = random.between(1, 2); i > 0; i--)
      events.push({ kind: 'rollback', atMs: random.between(atMs, DURATION_MS) })
  }
  return events
}

function fault(random: Random, processes: number, tasks: number): HistoryEvent[] {
  const atMs = random.below(DURATION_MS)
  const process = random.below(processes)
  const restartMs = random.pick([0, 50, 500, 3_000, 8_000])
  const skip = random.below(6)
  const count = random.pick([1, 1, 1, 2, 5])
  const chosen = random.next()
  if (chosen < 0.36) {
    const api = random.pick(APIS)
    const codes = CODES[api]
    const fate = codes && random.chance(0.4) ? random.pick(codes) : random.pick(FATES)
    return [{ kind: 'net', atMs, api, fate, skip, count }]
  }
  if (chosen < 0.58)
    return [{ kind: 'redis', atMs, command: random.pick(REDIS_COMMANDS), fate: random.pick(REDIS_FATES), skip, count }]
  if (chosen < 0.66)
    return [{ kind: 'kill-at', atMs, api: random.pick(KILL_APIS), carried: random.chance(0.7), restartMs }]
  if (chosen < 0.72) return [{ kind: 'kill', atMs, process, restartMs }]
  if (chosen < 0.76) return [{ kind: 'stop', atMs, process, restartMs }]
  if (chosen < 0.82) return [{ kind: 'pause', atMs, process, forMs: random.pick([300, 2_000, 7_000, 10_000]) }]
  if (chosen < 0.86) return [{ kind: 'expire', atMs, process }]
  if (chosen < 0.9) return [{ kind: 'flush', atMs }]
  if (chosen < 0.93) return [{ kind: 'cut', atMs }]
  if (chosen < 0.96) return [{ kind: 'checkpoint-deleted', atMs, task: random.below(tasks) }]
  if (chosen < 0.965) return [{ kind: 'duplicate', atMs, process }]
  if (chosen < 0.975)
    return [{ kind: 'outage', atMs, of: random.pick(['kafka', 'redis']), forMs: random.pick([50, 1_000, 7_000]) }]
  if (chosen < 0.98) return [{ kind: 'wrong-type-key', atMs, task: random.below(tasks) }]
  if (chosen < 0.985) return [{ kind: 'wrong-type', atMs, task: random.below(tasks) }]
  return [{ kind: 'join', atMs, process }]
}

/**
 * A newcomer gets a task of a member that does not hear of it, works on it and is gone before the member joins again.
 * Inputs come early, so that both have work.
 */
function missedGeneration(random: Random, processes: number, tasks: number, events: HistoryEvent[]): HistoryEvent[] {
  const atMs = random.below(DURATION_MS)
  events.forEach((event, i) => {
    if (event.kind === 'input' && random.chance(0.5))
      events[i] = { ...event, atMs: atMs + random.below(random.chance(0.7) ? 500 : 1_800) }
  })
  const fate = random.pick(['lost-long', 'lost-long', 'slow'] as const)
  const skip = random.below(3)
  const goneMs = atMs + random.between(600, 1_900)
  return [
    { kind: 'net', atMs, api: 'sync', fate, skip, count: 1 },
    { kind: 'join', atMs: atMs + 1, process: processes - 1 },
    // Out of the group first: a member that only asks again is told the generation that it missed.
    { kind: 'expire', atMs: goneMs - 1, process: processes - 1 },
    { kind: 'kill', atMs: goneMs, process: processes - 1, restartMs: random.pick([null, 0, tasks * 1_000]) },
  ]
}

/** What was saved in the middle of a rebuild is back in the middle of the sweep behind it. */
function rollbackInSweep(random: Random, tasks: number): HistoryEvent[] {
  const atMs = random.below(DURATION_MS * 0.8)
  return [
    { kind: random.pick(['wrong-type-key', 'checkpoint-deleted'] as const), atMs, task: random.below(tasks) },
    { kind: 'redis', atMs, command: 'switchTo', fate: 'dump', skip: 0, count: 1 },
    { kind: 'redis', atMs, command: random.pick(['remove', 'scanKeys']), fate: 'rollback', skip: 0, count: 1 },
  ]
}

/** What was saved between two parts of a rebuild is back before a later one, or before the switch. */
function rollbackInRebuild(random: Random, tasks: number): HistoryEvent[] {
  const atMs = random.between(DURATION_MS * 0.2, DURATION_MS * 0.9)
  return [
    { kind: 'checkpoint-deleted', atMs, task: random.below(tasks) },
    { kind: 'redis', atMs: atMs + 1, command: 'write', fate: 'dump', skip: random.below(2), count: 1 },
    { kind: 'redis', atMs: atMs + 1, command: random.pick(['switchTo', 'write']), fate: 'rollback', skip: 0, count: 1 },
  ]
}

/** A task's keys go back to what they were, right before a read, and its connection stays. */
function staleRead(random: Random): HistoryEvent[] {
  const atMs = random.below(DURATION_MS * 0.8)
  return [
    { kind: 'redis', atMs, command: 'write', fate: 'dump', skip: random.below(3), count: 2 },
    { kind: 'redis', atMs: atMs + 200, command: 'read', fate: 'rollback', skip: random.below(3), count: 2 },
  ]
}

/** An owner stops in the middle of its sweep and goes on while its successor rebuilds. */
function sweepInRebuild(random: Random, tasks: number): HistoryEvent[] {
  const atMs = random.below(DURATION_MS * 0.5)
  const task = random.below(tasks)
  return [
    { kind: 'checkpoint-deleted', atMs, task },
    { kind: 'redis', atMs, command: 'scanKeys', fate: 'pause', skip: 0, count: 1 },
    { kind: 'checkpoint-deleted', atMs: atMs + 5_000, task },
    { kind: 'redis', atMs: atMs + 5_000, command: 'switchTo', fate: 'slow', skip: 0, count: 2 },
  ]
}

/** While inputs are being worked on, and often soon behind each other, as a broker that is killed again and again. */
function brokerRestarts(random: Random, inputs: readonly HistoryEvent[], processes: number): HistoryEvent[] {
  if (!random.chance(0.3)) return []
  return Array.from({ length: random.between(1, 4) }, (): HistoryEvent[] => {
    const { atMs } = random.pick(inputs)
    const first = restart(random, atMs + random.below(120))
    const events: HistoryEvent[] = [first]
    if (random.chance(0.3)) events.push(restart(random, first.atMs + random.pick([350, 600, 3_000])))
    // Who knows how the transaction ended is gone as well.
    if (random.chance(0.4))
      events.push({
        kind: 'kill',
        atMs: first.atMs + random.below(600),
        process: random.below(processes),
        restartMs: random.pick([0, 50, 500, 3_000]),
      })
    return events
  }).flat()
}

const restart = (random: Random, atMs: number): HistoryEvent => ({
  kind: 'broker-restart',
  atMs,
  forMs: random.pick([5, 20, 300, 2_000]),
  lagMs: random.pick([30, 200, 1_000]),
  denied: random.chance(0.3),
})

/** Two rebalances, one on the heels of the other. */
function twoRebalances(random: Random, processes: number): HistoryEvent[] {
  const atMs = random.below(DURATION_MS)
  const behindMs = atMs + random.pick([0, 5, 30, 200, 400])
  const first = random.below(processes)
  const second = random.below(processes)
  return [
    random.chance(0.5) ? { kind: 'expire', atMs, process: first } : { kind: 'join', atMs, process: first },
    random.chance(0.5)
      ? { kind: 'expire', atMs: behindMs, process: second }
      : { kind: 'stop', atMs: behindMs, process: second, restartMs: 100 },
  ]
}
