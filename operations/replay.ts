/**
 * Sends dead letters again, each exactly once. The original bytes and the note that says so are one Kafka transaction, of
 * one transactional id for the application: a run first ends whatever an earlier one has left open, and only then looks which
 * letters have a note; a run that another one has fenced cannot commit any more. Whatever goes wrong in the middle, it
 * begins again from there. Owns that order.
 */

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { classify, nameOf } from '../engine/core/kafka-errors.ts'
import { partitionName } from '../engine/core/plan.ts'
import { type Code, type ProducerIdentity, RequestLost, type TransactionClient } from '../engine/ports.ts'
import { RecordBatchBuilder } from '../engine/wire/record-batch-builder.ts'
import type { KafkaContext } from './context.ts'
import { type DeadLetterRecord, type LetterPlace, placeText } from './core/dead-letter.ts'
import { chunksOf, replayHeaders, targetOf } from './core/replay.ts'
import { encodeNote } from './core/replay-note.ts'
import { type LetterFilter, type Letters, lettersAt, waitingLetters } from './dead-letters.ts'
import { OperationError } from './errors.ts'
import { answerOf } from './patience.ts'
import type { AtOpenTransaction } from './records.ts'

export interface ReplayRequest extends LetterFilter {
  /** These alone; empty: all that wait and pass the filter, oldest first. */
  readonly places: readonly LetterPlace[]
  /** False: nothing is written, not even looked at in a way that ends another's transaction. */
  readonly execute: boolean
  /** Who, for the note. */
  readonly by: string
  /** Ends it between two transactions. */
  readonly signal?: AbortSignal | undefined
}

/** `waits`: it would be sent, or was not yet · `already`: an earlier run has sent it · `refused`, `missing`: see `why`. */
export type ReplayOutcome = 'waits' | 'replayed' | 'already' | 'refused' | 'missing'

export interface ReplayItem {
  /** `partition@offset`. */
  readonly place: string
  readonly reason: string | null
  readonly outcome: ReplayOutcome
  /** `topic-partition`. */
  readonly to: string | null
  /** ISO 8601: when it was sent. */
  readonly at: string | null
  readonly why: string | null
}

export interface ReplayReport {
  readonly items: readonly ReplayItem[]
  /** False: more letters wait than were looked at. */
  readonly complete: boolean
}

const CHUNK = { records: 100, bytes: 512 * 1024 }
/** An interrupted transaction holds readers of the source topics up for so long, and until the broker looks (≤ 10 s). */
const TRANSACTION_TIMEOUT_MS = 5_000
/** In a row without one letter more. */
const TRIES = 8
const RETRY_MS = 100

export const replayTransactionalId = (application: string): string => `${application}-replay`

/** Throws OperationError, also `replay.fenced`: another run has begun meanwhile. */
export async function replay(context: KafkaContext, request: ReplayRequest): Promise<ReplayReport> {
  if (!request.execute) return report(context, request, await look(context, request, 'stop'), new Map())
  const { plan, kafka } = context
  const transactionalId = replayTransactionalId(plan.application)
  const client = kafka.transactionClient({
    transactionalId,
    groupId: plan.groupId,
    transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
  })
  try {
    return await new Replay(context, request, client).run()
  } finally {
    await client.close()
  }
}

const look = (
  context: KafkaContext,
  request: ReplayRequest,
  open: AtOpenTransaction,
  run: string | null = null,
): Promise<Letters> =>
  request.places.length > 0 ? lettersAt(context, request.places, open) : waitingLetters(context, request, open, run)

class Replay {
  readonly #context: KafkaContext
  readonly #request: ReplayRequest
  readonly #client: TransactionClient
  readonly #run = randomUUID()
  /** What this run has come to, by place. */
  readonly #done = new Map<string, ReplayItem>()
  #tries = 0
  #last = ''

  constructor(context: KafkaContext, request: ReplayRequest, client: TransactionClient) {
    this.#context = context
    this.#request = request
    this.#client = client
  }

  async run(): Promise<ReplayReport> {
    for (;;) {
      // From here on nothing of an earlier run, or of our own earlier try, is undecided.
      const { identity } = await answerOf(
        `transactional id ${this.#client.transactionalId}`,
        'end',
        () => this.#client.initProducerId(null),
        ({ code }) => code,
      )
      const found = await look(this.#context, this.#request, 'wait', this.#run)
      this.#noteOwn(found)
      const before = this.#done.size
      if (await this.#send(found, identity)) return this.#report(found)
      this.#tries = this.#done.size > before ? 0 : this.#tries + 1
      if (this.#tries >= TRIES)
        throw new OperationError('replay.failed', 'unreachable', `nothing can be written: ${this.#last}`)
      await sleep(RETRY_MS)
    }
  }

  /** A commit whose answer was lost had happened. */
  #noteOwn({ letters }: Letters): void {
    for (const { letter, note } of letters)
      if (note?.run === this.#run)
        this.#done.set(placeText(letter), { ...itemOf(letter, 'replayed', note.to), at: note.at })
  }

  /** False: begin again. */
  async #send({ letters }: Letters, first: ProducerIdentity): Promise<boolean> {
    let identity = first
    const { plan } = this.#context
    const waiting: DeadLetterRecord[] = []
    for (const { letter, note } of letters) {
      if (note || this.#done.has(placeText(letter))) continue
      const target = targetOf(plan, letter)
      if ('refused' in target) this.#done.set(placeText(letter), itemOf(letter, 'refused', null, target.refused))
      else waiting.push(letter)
    }
    const queue = [...chunksOf(waiting, CHUNK)]
    for (let chunk = queue.shift(); chunk; chunk = queue.shift()) {
      if (this.#request.signal?.aborted) return true
      const sent = await this.#transaction(chunk, identity)
      if (sent.kind === 'again') return false
      identity = sent.identity
      if (sent.kind === 'committed') for (const item of sent.items) this.#done.set(item.place, item)
      else if (chunk.length === 1)
        this.#done.set(placeText(chunk[0]!), itemOf(chunk[0]!, 'refused', null, `the broker answered ${sent.name}`))
      else queue.unshift(...chunk.map((letter) => [letter]))
    }
    return true
  }

  async #transaction(
    letters: readonly DeadLetterRecord[],
    identity: ProducerIdentity,
  ): Promise<
    | { kind: 'committed'; identity: ProducerIdentity; items: readonly ReplayItem[] }
    | { kind: 'refused'; identity: ProducerIdentity; name: string }
    | { kind: 'again' }
  > {
    const at = new Date().toISOString()
    const { batches, items } = this.#encode(letters, identity, at)
    try {
      const answers = await this.#client.produce(batches)
      const bad = answers.find(({ code }) => classify(code, 'transaction') !== 'NONE')
      if (bad && classify(bad.code, 'transaction') !== 'ISOLATE') return this.#again(bad.code)
      const ended = await this.#client.endTxn(identity, !bad)
      if (ended.code !== 0) return this.#again(ended.code)
      return bad
        ? { kind: 'refused', identity: ended.identity, name: nameOf(bad.code) }
        : { kind: 'committed', identity: ended.identity, items }
    } catch (error) {
      if (!(error instanceof RequestLost)) throw error
      this.#last = error.message
      return { kind: 'again' }
    }
  }

  #again(code: Code): { kind: 'again' } {
    const found = classify(code, 'transaction')
    if (found === 'FENCED')
      throw new OperationError('replay.fenced', 'refused', 'another replay has begun: it goes on where this one ends')
    if (found === 'FATAL') throw new OperationError('kafka.refused', 'unreachable', `replay: ${nameOf(code)}`)
    this.#last = nameOf(code)
    return { kind: 'again' }
  }

  #encode(letters: readonly DeadLetterRecord[], { producerId, epoch }: ProducerIdentity, at: string) {
    const { plan } = this.#context
    const builders = new Map<string, { topic: string; partition: number; builder: RecordBatchBuilder }>()
    const builderOf = (topic: string, partition: number): RecordBatchBuilder => {
      const name = partitionName({ topic, partition })
      const known = builders.get(name)
      if (known) return known.builder
      const builder = new RecordBatchBuilder()
      builders.set(name, { topic, partition, builder })
      return builder
    }
    const items = letters.map((letter): ReplayItem => {
      const { topic, partition } = (targetOf(plan, letter) as { to: { topic: string; partition: number } }).to
      const to = partitionName({ topic, partition })
      builderOf(topic, partition).add(letter.recordTimestampMs, letter.key, letter.value, replayHeaders(letter))
      const note = encodeNote({ of: letter, at, to, by: this.#request.by, run: this.#run })
      builderOf(plan.deadLetters.topic, letter.partition).add(Date.parse(at), null, note.value, note.headers)
      return { ...itemOf(letter, 'replayed', to), at }
    })
    // Compressed, since a record may have fitted its topic only that way.
    const stamp = { producerId, epoch, baseSequence: 0, transactional: true, compression: 'lz4' } as const
    const batches = [...builders.values()].map(({ topic, partition, builder }) => ({
      topic,
      partition,
      bytes: builder.finish(stamp),
    }))
    return { batches, items }
  }

  #report(found: Letters): ReplayReport {
    return report(this.#context, this.#request, found, this.#done)
  }
}

function report(
  { plan }: KafkaContext,
  { places }: ReplayRequest,
  { letters, complete }: Letters,
  done: ReadonlyMap<string, ReplayItem>,
): ReplayReport {
  const items = new Map(done)
  for (const { letter, note } of letters) {
    const place = placeText(letter)
    if (items.has(place)) continue
    const target = targetOf(plan, letter)
    if (note) items.set(place, { ...itemOf(letter, 'already', note.to), at: note.at })
    else if ('refused' in target) items.set(place, itemOf(letter, 'refused', null, target.refused))
    else items.set(place, itemOf(letter, 'waits', partitionName(target.to)))
  }
  for (const at of places) {
    const place = placeText(at)
    const why = 'no letter lies there'
    if (!items.has(place)) items.set(place, { place, reason: null, outcome: 'missing', to: null, at: null, why })
  }
  return { items: [...items.values()], complete }
}

const itemOf = (
  letter: DeadLetterRecord,
  outcome: ReplayOutcome,
  to: string | null,
  why: string | null = null,
): ReplayItem => ({ place: placeText(letter), reason: letter.reason, outcome, to, at: null, why })
