/**
 * A run whose outputs are decided before it begins: one source, every record on its character's home partition, timestamps
 * fixed by the start, ids computed. Pure.
 */
import { partitionOf } from '../checker/murmur2.ts'
import { type Message, message, TENANTS, traceOf } from './message.ts'
import { below, seeded } from './random.ts'

export interface ExactRun {
  readonly seed: number
  readonly topic: string
  readonly tasks: number
  readonly stride: number
  readonly count: number
  readonly startMs: number
}

export function exactRun({ seed, topic, tasks, stride, count, startMs }: ExactRun): readonly Message[] {
  const random = seeded(seed)
  const run = below(random, 0x7fffffff)
  const made = new Array<number>(tasks).fill(0)
  const live = new Map<number, number[]>()
  return Array.from({ length: count }, (_, i) => {
    const characterId = 1 + below(random, 97)
    const partition = partitionOf(characterId, tasks)
    const to = {
      topic,
      partition,
      tenant: TENANTS[characterId % TENANTS.length]!,
      trace: traceOf(run, i),
      timestampMs: startMs + i,
    }
    const own = live.get(characterId) ?? []
    live.set(characterId, own)
    if (own.length > 2 && random() < 0.35) {
      const noteIds = own.splice(below(random, own.length - 1), 1 + below(random, 2))
      // Unknown, not yet given, and another character's.
      if (random() < 0.2) noteIds.unshift(made[partition]! * stride + partition + 1)
      return message(to, { worldId: 1, channelId: 2, characterId, type: 'DISCARD', body: { noteIds } })
    }
    own.push(made[partition]!++ * stride + partition + 1)
    const body = {
      senderId: random() < 0.1 ? characterId : 7_000 + below(random, 9),
      message: `exact ${i} ☃ "\\`,
      flag: i % 256,
    }
    return message(to, { worldId: 1, channelId: 2, characterId, type: 'CREATE', body })
  })
}
