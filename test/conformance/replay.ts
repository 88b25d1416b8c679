/**
 * Says to the model what was said to a real cluster, in the same order and at the same times, and compares the codes. The
 * producer ids, epochs and member ids of the one are translated into those that the other has given out; where an answer
 * depended on which of two requests came first, it is not compared, and counted.
 */
import { crc32c } from '@node-rs/crc32'
import type { Kafka, ProducerIdentity } from '../../engine/ports.ts'
import * as at from '../../engine/wire/layout.ts'
import type { Answer, Call, TraceEvent } from './recording.ts'
import type { ModelStage } from './stage.ts'

export interface Replayed {
  readonly compared: ReadonlyMap<string, number>
  /** Answers that could have been others, by why. */
  readonly skipped: ReadonlyMap<string, number>
  readonly differences: readonly string[]
}

/** Whether it is there is a matter of milliseconds: coordinators that load, markers that are being written. */
const PASSING = new Set([14, 15, 16, 51, 88])
/** Its answer depends on what other members do at the same moment. */
const BY_GROUP = new Set(['heartbeat', 'join', 'sync', 'txnOffsetCommit'])
const ROUNDS = new Set(['join', 'sync', 'leave'])
/** Only these are part of the model's rules; the rest looks, or is of the cluster that was there. */
const REPLAYED: Readonly<Record<string, readonly string[]>> = {
  transactionClient: ['initProducerId', 'txnOffsetCommit', 'endTxn', 'produce'],
  groupClient: ['join', 'sync', 'heartbeat', 'leave', 'offsets'],
  fetchClient: ['fetch'],
  publisher: ['publish'],
  transactions: ['fence', 'abortAs', 'writeMarker'],
  admin: ['deleteRecords', 'listOffsets'],
}
const ENDING = new Set(['initProducerId', 'fence'])
const NETWORK_EXCEPTION = 13
const REBALANCE_IN_PROGRESS = 27
const LATE_MS = 300

type Clients = Record<string, (...args: unknown[]) => Promise<unknown>>

export async function replay(events: readonly TraceEvent[], stage: ModelStage): Promise<Replayed> {
  const { kafka } = stage
  const names = new Translation()
  const clients = new Map<string, Clients>()
  const calls = new Map(events.filter((e) => e.kind === 'call').map((call) => [call.id, call]))
  const answers = new Map(events.filter((e) => e.kind === 'answer').map((answer) => [answer.id, answer]))
  const given = new Map<number, { value: unknown; isDone: boolean }>()
  const compared = new Map<string, number>()
  const skipped = new Map<string, number>()
  const differences: string[] = []
  const count = (map: Map<string, number>, name: string): void => void map.set(name, (map.get(name) ?? 0) + 1)
  const startMs = stage.clock.nowMs()

  /** A session that ends by its timer ends a moment earlier in the one than in the other: the next heartbeat tells of it in both. */
  async function isSoonTheSame(call: Call, answer: Answer, real?: number, model?: number): Promise<boolean> {
    if (real === 0 && model === REBALANCE_IN_PROGRESS) {
      const next = events.slice(events.indexOf(answer) + 1).find((e) => {
        const of = e.kind === 'answer' ? calls.get(e.id) : undefined
        return of?.process === call.process && of.method === 'heartbeat'
      })
      return next?.kind === 'answer' && codesIn(next.value)[0] === REBALANCE_IN_PROGRESS
    }
    if (real !== REBALANCE_IN_PROGRESS || model !== 0) return false
    const client = clientOf(kafka, call, clients)
    for (let lateMs = 0; lateMs < LATE_MS; lateMs += 10) {
      await stage.pause(10)
      const again = await stage.run(client['heartbeat']!(...(names.toModel(call.args) as unknown[])))
      if (again === REBALANCE_IN_PROGRESS) return true
    }
    return false
  }

  for (const event of events) {
    const waitMs = startMs + event.atMs - stage.clock.nowMs()
    if (waitMs > 0) await stage.pause(waitMs)
    const call = event.kind === 'call' ? event : calls.get(event.id)
    if (!call || !REPLAYED[call.client]?.includes(call.method)) continue
    const answer = answers.get(call.id)
    if (event.kind === 'call') {
      // One that was sent away has done nothing, but for an InitProducerId, which may have ended what was open.
      if (answer && !ENDING.has(call.method) && codesIn(answer.value).some((code) => PASSING.has(code))) {
        if (call.method !== 'offsets') count(skipped, 'asked again')
        continue
      }
      const slot = { value: undefined as unknown, isDone: false }
      given.set(call.id, slot)
      const client = clientOf(kafka, call, clients)
      void client[call.method]!(...(names.toModel(call.args) as unknown[])).then(
        (value) => Object.assign(slot, { value, isDone: true }),
        (error: unknown) => Object.assign(slot, { value: String(error), isDone: true }),
      )
      await stage.quiet()
      continue
    }
    const slot = given.get(event.id)
    // Code 13 is the client's own: its connection was closed.
    if (!slot || event.isLost || codesIn(event.value).includes(NETWORK_EXCEPTION)) continue
    for (let lateMs = 0; !slot.isDone && lateMs < LATE_MS; lateMs += 10) await stage.pause(10)
    names.learn(event.value, slot.value)
    const [real, model] = [codesIn(event.value), codesIn(slot.value)]
    const name = `${call.client}.${call.method}`
    if (!slot.isDone) differences.push(`${name} of ${call.process} is not answered, ${real} was`)
    else if (String(real) === String(model)) count(compared, name)
    else if (real.some((code) => PASSING.has(code))) count(skipped, 'asked again')
    else if (BY_GROUP.has(call.method) && isContested(call, event, events)) count(skipped, 'at the same moment')
    else if (call.method === 'heartbeat' && (await isSoonTheSame(call, event, real[0], model[0])))
      count(skipped, 'at the same moment')
    else
      differences.push(
        `${name} of ${call.process} at ${Math.round(event.atMs)} ms: ${real} and in the model ${typeof slot.value === 'string' ? slot.value : model}`,
      )
  }
  return { compared, skipped, differences }
}

/** Between request and answer somebody began or ended a round of the group. */
function isContested(call: Call, answer: Answer, events: readonly TraceEvent[]): boolean {
  const [from, to] = [events.indexOf(call), events.indexOf(answer)]
  const ids = new Set(events.flatMap((e) => (e.kind === 'call' && ROUNDS.has(e.method) ? [e.id] : [])))
  return events.slice(from + 1, to).some((e) => ids.has(e.id)) || call.method === 'join'
}

function clientOf(kafka: Kafka, { process, client, options }: Call, clients: Map<string, Clients>): Clients {
  if (client === 'admin' || client === 'transactions') return kafka[client] as unknown as Clients
  const key = `${process} ${client} ${JSON.stringify(options)}`
  const known = clients.get(key)
  if (known) return known
  const make = kafka[client as 'fetchClient'] as unknown as (...options: readonly unknown[]) => Clients
  // Topic ids are chance: the model's topics have others.
  const made = client === 'fetchClient' ? make() : make(...options)
  clients.set(key, made)
  return made
}

/** Every code in an answer, in its order: a number alone is one. */
function codesIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  if (Array.isArray(value)) return value.flatMap((v) => (typeof v === 'number' ? [] : codesIn(v)))
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return []
  return 'code' in value ? [Number(value.code)] : []
}

class Translation {
  readonly #identities = new Map<string, ProducerIdentity>()
  readonly #producers = new Map<bigint, bigint>()
  readonly #members = new Map<string, string>()

  learn(real: unknown, model: unknown): void {
    if (Array.isArray(real) && Array.isArray(model)) for (const [i, each] of real.entries()) this.learn(each, model[i])
    if (!isObject(real) || !isObject(model)) return
    const [theirs, ours] = [identityIn(real), identityIn(model)]
    if (theirs && ours && theirs.producerId >= 0n && ours.producerId >= 0n) {
      this.#identities.set(`${theirs.producerId}/${theirs.epoch}`, ours)
      this.#producers.set(theirs.producerId, ours.producerId)
    }
    if (typeof real['memberId'] === 'string' && typeof model['memberId'] === 'string' && real['code'] === model['code'])
      this.#members.set(real['memberId'], model['memberId'])
    this.learn(real['identity'], model['identity'])
  }

  toModel(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.toModel(each))
    if (!isObject(value)) return value
    const translated = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, this.toModel(v)]))
    const identity = identityIn(value)
    if (identity) Object.assign(translated, this.#identity(identity))
    if (typeof value['memberId'] === 'string')
      translated['memberId'] = this.#members.get(value['memberId']) ?? value['memberId']
    if (Buffer.isBuffer(value['bytes'])) translated['bytes'] = this.#batch(value['bytes'])
    return translated
  }

  #identity(real: ProducerIdentity): ProducerIdentity {
    const known = this.#identities.get(`${real.producerId}/${real.epoch}`)
    return known ?? { producerId: this.#producers.get(real.producerId) ?? real.producerId, epoch: real.epoch }
  }

  #batch(bytes: Buffer): Buffer {
    const producerId = bytes.readBigInt64BE(at.PRODUCER_ID_AT)
    if (producerId < 0n) return bytes
    const known = this.#identity({ producerId, epoch: bytes.readInt16BE(at.EPOCH_AT) })
    const batch = Buffer.from(bytes)
    batch.writeBigInt64BE(known.producerId, at.PRODUCER_ID_AT)
    batch.writeInt16BE(known.epoch, at.EPOCH_AT)
    batch.writeUInt32BE(crc32c(batch.subarray(at.ATTRIBUTES_AT)), at.CRC_AT)
    return batch
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Buffer.isBuffer(value) && !Array.isArray(value)

const identityIn = ({ producerId, epoch }: Record<string, unknown>): ProducerIdentity | null =>
  typeof producerId === 'bigint' && typeof epoch === 'number' ? { producerId, epoch } : null
