/**
 * The part of a history that tells requests: records that are to be done once, in a time of their own that leaps. Those that
 * belong to one task are all written to one partition, so that the order of that task is known. Clocks are less than an hour
 * apart, as the service asks for; so whether a record is a repetition depends on nothing but itself and its own request.
 */
import { partitionFor } from '../../engine/core/murmur2.ts'
import type { HistoryEvent, SimRecord } from './history.ts'
import type { Random } from './random.ts'

const HOUR = 60
const DAY = 24 * HOUR
const SKEW = 55
const REQUESTS = 6

export interface KeyPlace {
  readonly source: number
  readonly partition: number
  /** The key as text. */
  readonly text: string
}

/** `places`: where each key is written to, by number of the key. */
export function requestInputs(
  random: Random,
  places: readonly KeyPlace[],
  tasks: number,
  durationMs: number,
): HistoryEvent[] {
  const lanes = lanesOf(places, tasks)
  const times = Array.from({ length: random.between(6, 18) }, () => random.below(durationMs)).sort((a, b) => a - b)
  const events: HistoryEvent[] = []
  let minute = 0
  for (const atMs of times) {
    minute += random.pick([0, 5, HOUR, 12 * HOUR, 27 * HOUR])
    const lane = random.pick(lanes)
    const once = (at: number, field = random.below(REQUESTS)): SimRecord => ({
      op: 'once',
      key: random.pick(lane.keys),
      field,
      value: random.below(1_000),
      minute: at + random.below(SKEW),
    })
    const records = Array.from({ length: random.between(1, 4) }, () => once(minute))
    if (random.chance(0.4)) {
      // A day later, all but a few minutes, a request comes again; another record, whose clock is ahead, came before it.
      const first: SimRecord = { ...once(minute), minute: minute + 5 }
      minute += DAY
      records.push(
        first,
        { ...once(minute), minute: minute + 5 + random.between(1, SKEW) },
        { ...first, minute: minute + 5 - random.between(1, 5) },
      )
    }
    const mode = random.chance(0.7) ? 'plain' : random.chance(0.6) ? 'committed' : 'aborted'
    events.push({ kind: 'input', atMs, source: lane.source, partition: lane.partition, mode, records })
  }
  return events
}

interface Lane {
  readonly source: number
  readonly partition: number
  readonly keys: number[]
}

/** For each task the first partition that one of its keys is written to, with all of its keys there. */
function lanesOf(places: readonly KeyPlace[], tasks: number): readonly Lane[] {
  const lanes = new Map<number, Lane>()
  for (const [key, { source, partition, text }] of places.entries()) {
    const home = partitionFor(Buffer.from(text), tasks)
    const lane = lanes.get(home)
    if (!lane) lanes.set(home, { source, partition, keys: [key] })
    else if (lane.source === source && lane.partition === partition) lane.keys.push(key)
  }
  return [...lanes.values()]
}
