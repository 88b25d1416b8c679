/**
 * Feeds note commands and character events for many characters, paced, and follows the committed events to learn the ids
 * that it discards, updates and purges: what it asks for is certain to exist. Deterministic by its seed but for what it
 * learns when. Owns what is still awaited.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { headerText, type LogRecord } from '../../java/log-record.ts'
import { characterKey, partitionOf } from '../checker/murmur2.ts'
import { type Message, message, TENANTS, traceOf } from './message.ts'
import { below, pick, type Random, seeded } from './random.ts'
import type { Sender } from './sender.ts'

export interface FeedOptions {
  readonly seed: number
  readonly commands: { readonly topic: string; readonly partitions: number }
  readonly characters: { readonly topic: string; readonly partitions: number }
  readonly tasks: number
  /** `spread`: any partition, whatever the key. `home`: the character's own, of both topics where it has one. */
  readonly mode: 'spread' | 'home'
  readonly perSecond: number
  /** How many characters there are; a fifth of them are purged again and again. */
  readonly population?: number
  /** No two records with the same key, so that compaction removes none. What decides is never the record's own key. */
  readonly uniqueKeys?: boolean
}

const TICK_MS = 10
const PURGED_FROM = 1_000_000
const PURGED_NOTES_MAX = 4
/** Notes with such an id are updated, once, and never discarded. */
const forUpdate = (noteId: number): boolean => noteId % 7 === 0

interface Known {
  readonly characterId: number
  readonly tenant: string
  live: number[]
  /** CREATEs sent whose event has not been seen. */
  underWay: number
  /** Trace of the last purge. */
  purge: string
}

export class Feeder {
  sent = 0
  readonly #options: FeedOptions
  readonly #sender: Sender
  readonly #random: Random
  readonly #run: number
  readonly #known = new Map<string, Known>()
  readonly #awaited = new Map<string, number>()
  readonly #creator = new Map<string, Known>()

  constructor(options: FeedOptions, sender: Sender) {
    this.#options = options
    this.#sender = sender
    this.#random = seeded(options.seed)
    this.#run = below(this.#random, 0x7fffffff)
  }

  /** Inputs whose outputs have not all been seen. */
  get awaited(): number {
    return this.#awaited.size
  }

  /** Traces of these inputs and how many outputs they lack. */
  get missing(): readonly string[] {
    return [...this.#awaited].map(([trace, outputs]) => `${trace}: ${outputs}`)
  }

  /** To be told of every committed status event. */
  heard(record: LogRecord): void {
    const trace = headerText(record, 'traceparent')?.slice(3, 35) ?? ''
    const left = this.#awaited.get(trace)
    if (left !== undefined) {
      if (left <= 1) this.#awaited.delete(trace)
      else this.#awaited.set(trace, left - 1)
    }
    const known = this.#creator.get(trace)
    if (!known) return
    this.#creator.delete(trace)
    known.underWay--
    const event = JSON.parse(record.value!.toString('utf8'))
    if (event.type === 'CREATED') known.live.push(event.body.noteId)
  }

  /** Feeds until `enough` says so, asked before every tick. */
  async run(enough: () => boolean): Promise<void> {
    const beganMs = performance.now()
    const sentBefore = this.sent
    while (!enough()) {
      const due =
        Math.floor(((performance.now() - beganMs) / 1_000) * this.#options.perSecond) - (this.sent - sentBefore)
      const batch = Array.from({ length: Math.max(0, Math.min(due, 500)) }, () => this.#made())
      if (batch.length > 0) await this.#send(batch)
      await sleep(TICK_MS)
    }
  }

  #made(): { message: Message; trace: string; outputs: number } {
    const next = this.#next()
    const key = this.#options.uniqueKeys ? Buffer.from(next.trace, 'hex') : next.message.key
    const made = { ...next, message: { ...next.message, key } }
    if (made.outputs > 0) this.#awaited.set(made.trace, made.outputs)
    return made
  }

  async #send(batch: readonly { message: Message; trace: string; outputs: number }[]): Promise<void> {
    const arrived = await this.#sender.send(batch.map((b) => b.message))
    if (!arrived) for (const { trace } of batch) this.#awaited.delete(trace)
  }

  #next(): { message: Message; trace: string; outputs: number } {
    const random = this.#random
    const trace = traceOf(this.#run, this.sent++)
    const { population = 200 } = this.#options
    const number = below(random, population)
    let purged = number % 5 === 4
    let known = this.#knownOf(purged ? PURGED_FROM + number : 1 + number)
    if (purged && (this.#awaited.has(known.purge) || (known.live.length >= PURGED_NOTES_MAX && known.underWay > 0))) {
      // A purge must have its own notes to remove: those that were seen before it was sent, and none beside.
      purged = false
      known = this.#knownOf(1 + number)
    }
    const to = { tenant: known.tenant, trace, timestampMs: Date.now(), ...this.#place(known, false) }
    const dice = random()
    if (purged) {
      if (dice < 0.7 && known.underWay === 0 && known.live.length > 0 && !this.#awaited.has(known.purge))
        return this.#purge(known, trace)
    } else if (dice < 0.3) {
      const discard = this.#discard(known, to)
      if (discard) return { ...discard, trace }
    } else if (dice < 0.36) {
      const noteId = known.live.find(forUpdate)
      if (noteId !== undefined) {
        known.live.splice(known.live.indexOf(noteId), 1)
        const body = {
          noteId,
          flag: below(random, 2),
          ...(random() < 0.5 ? { message: `changed ${trace.slice(-6)}` } : {}),
        }
        return {
          message: message(to, { worldId: 0, channelId: 0, characterId: known.characterId, type: 'UPDATE', body }),
          trace,
          outputs: 1,
        }
      }
    }
    return this.#create(known, to, trace)
  }

  #create(
    known: Known,
    to: Parameters<typeof message>[0],
    trace: string,
  ): { message: Message; trace: string; outputs: number } {
    const random = this.#random
    known.underWay++
    this.#creator.set(trace, known)
    // Now and then from the character itself, which is thanked for nothing, or from nobody, which fails.
    const dice = random()
    const senderId = dice < 0.1 ? known.characterId : dice < 0.12 ? 0 : 5_000 + below(random, 50)
    const body = { senderId, message: `note ${trace.slice(-8)} ☃`, flag: below(random, 256) }
    const transactionId =
      random() < 0.3 ? { transactionId: `${trace.slice(0, 8)}-0000-4000-8000-${trace.slice(-12)}` } : {}
    const value = { ...transactionId, worldId: 1, channelId: 2, characterId: known.characterId, type: 'CREATE', body }
    // What decides is characterId, not the record's own key.
    const key = random() < 0.1 ? (random() < 0.5 ? null : characterKey(7)) : undefined
    return { message: message(to, value, ...(key === undefined ? [] : [key])), trace, outputs: 1 }
  }

  #discard(known: Known, to: Parameters<typeof message>[0]): { message: Message; outputs: number } | null {
    const random = this.#random
    const mine = known.live.filter((id) => !forUpdate(id)).slice(0, 1 + below(random, 4))
    if (mine.length === 0) return null
    known.live = known.live.filter((id) => !mine.includes(id))
    const noteIds = mine.toSorted(() => random() - 0.5)
    if (random() < 0.2) noteIds.splice(below(random, noteIds.length + 1), 0, 4_000_000_000 + below(random, 1_000))
    if (random() < 0.2) noteIds.push(noteIds[0]!)
    const other = pick(random, [...this.#known.values()])
    if (random() < 0.2 && other !== known && other.live[0] !== undefined) noteIds.push(other.live[0])
    const type = random() < 0.8 ? 'DISCARD' : 'DELETE'
    const value = { worldId: 3, channelId: 4, characterId: known.characterId, type, body: { noteIds } }
    return { message: message(to, value), outputs: mine.length }
  }

  #purge(known: Known, trace: string): { message: Message; trace: string; outputs: number } {
    const { live: ids, characterId, tenant } = known
    known.live = []
    known.purge = trace
    const to = { tenant, trace, timestampMs: Date.now(), ...this.#place(known, true) }
    return {
      message: message(to, { worldId: 0, characterId, type: 'DELETED', body: {}, known: ids }),
      trace,
      outputs: ids.length,
    }
  }

  #place({ characterId }: Known, event: boolean): { topic: string; partition: number } {
    const { commands, characters, mode, tasks } = this.#options
    const { topic, partitions } = event ? characters : commands
    const home = partitionOf(characterId, tasks)
    return { topic, partition: mode === 'home' && home < partitions ? home : below(this.#random, partitions) }
  }

  #knownOf(characterId: number): Known {
    const tenant = TENANTS[characterId % TENANTS.length]!
    const name = `${tenant}:${characterId}`
    let known = this.#known.get(name)
    if (!known) this.#known.set(name, (known = { characterId, tenant, live: [], underWay: 0, purge: '' }))
    return known
  }
}
