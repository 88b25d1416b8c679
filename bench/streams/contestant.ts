/**
 * One process or several that do the note service's work on a topic of recorded commands, measured from outside in the same
 * way whatever they are written in: by the offsets that their group has committed. Owns them until they are ended.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { GuardedChild } from '../../embedded/guarded-child.ts'
import type { GroupClient, Kafka } from '../../engine/ports.ts'
import { cpuSecondsOf } from '../process-cpu.ts'

/** What it reads and what it writes to; the topics are there before it starts. */
export interface Place {
  readonly bootstrapServers: string
  readonly redisUrl: string
  readonly group: string
  readonly commands: string
  readonly events: string
  readonly sagas: string
  readonly partitions: number
}

export const placeOf = (
  { bootstrapServers, redisUrl }: Pick<Place, 'bootstrapServers' | 'redisUrl'>,
  group: string,
  commands: string,
  partitions: number,
): Place => ({
  bootstrapServers,
  redisUrl,
  group,
  commands,
  events: `${group}-events`,
  sagas: `${group}-sagas`,
  partitions,
})

export interface Contestant {
  readonly name: string
  start(place: Place): Promise<readonly GuardedChild[]>
}

export interface Sample {
  /** Since they were spawned. */
  readonly seconds: number
  /** Commands whose transaction is committed. */
  readonly records: number
}

export interface Measured {
  readonly samples: readonly Sample[]
  /** From the spawn to the last commit. */
  readonly seconds: number
  /** Commands a second between the first tenth and the last: without the start and its compiling. */
  readonly steadyPerSecond: number
  readonly cpuSeconds: number
}

const EVERY_MS = 50
const PATIENCE_MS = 10 * 60_000

/** Throws when the process ends early, or has not committed `count` commands in ten minutes. */
export async function measure(kafka: Kafka, contestant: Contestant, place: Place, count: number): Promise<Measured> {
  const group = kafka.groupClient(place.group)
  const spawnedMs = performance.now()
  const children = await contestant.start(place)
  let ended: number | null = null
  for (const { exited } of children)
    void exited.then(({ code }) => {
      ended = code
    })
  const samples: Sample[] = []
  try {
    for (let records = 0; records < count; ) {
      await sleep(EVERY_MS)
      records = await committed(group, place)
      samples.push({ seconds: (performance.now() - spawnedMs) / 1_000, records })
      if (ended !== null) throw new Error(`${contestant.name} ended with ${ended} at ${records} commands`)
      if (performance.now() - spawnedMs > PATIENCE_MS)
        throw new Error(`${contestant.name} stands at ${records} commands`)
    }
    const last = samples.at(-1)!
    const first = samples.find(({ records }) => records >= count / 10)!
    return {
      samples,
      seconds: last.seconds,
      steadyPerSecond: (last.records - first.records) / (last.seconds - first.seconds),
      cpuSeconds: children.reduce((sum, { pid }) => sum + (cpuSecondsOf(pid) ?? Number.NaN), 0),
    }
  } finally {
    await end(children)
    await group.close()
  }
}

/** In order; resolves when all are gone. */
export async function end(children: readonly GuardedChild[]): Promise<void> {
  for (const child of children) child.signal('SIGTERM')
  await Promise.all(children.map(({ exited }) => exited))
}

async function committed(group: GroupClient, { commands, partitions }: Place): Promise<number> {
  const asked = Array.from({ length: partitions }, (_, partition) => ({ topic: commands, partition }))
  const { offsets } = await group.offsets(asked, false)
  return offsets.reduce((sum, { position }) => sum + position, 0)
}
