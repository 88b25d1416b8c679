/**
 * Writes commands to Kafka: those that come together go together, a few calls at a time. Owns what is queued and what may
 * be sent again. A command may be written twice (an answer that was lost); the processor knows it by its request id.
 */
import type { Clock } from '../../engine/clock.ts'
import { classify, codes, nameOf } from '../../engine/core/kafka-errors.ts'
import { type ProduceAnswer, type Publisher, RequestLost } from '../../engine/ports.ts'
import { PLAIN_STAMP, RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { PUBLISH_BATCH_BYTES_MAX, PUBLISH_DEADLINE_MS, PUBLISHES_UNDER_WAY_MAX } from '../limits.ts'
import { type ApiFailure, failure } from './errors.ts'

export interface CommandRecord {
  readonly partition: number
  readonly timestampMs: number
  readonly key: Buffer
  readonly value: string
  /** A raw header section. */
  readonly headers: Buffer
}

interface Waiting {
  readonly record: CommandRecord
  readonly resolve: () => void
  readonly reject: (error: ApiFailure) => void
  /** Answered, or given up by whoever waited for it. */
  over: boolean
}

const RETRY_MS = 50
export class CommandSender {
  readonly #publisher: Publisher
  readonly #topic: string
  readonly #clock: Clock
  #queue: Waiting[] = []
  #underWay = 0
  #scheduled = false

  constructor(publisher: Publisher, topic: string, clock: Clock) {
    this.#publisher = publisher
    this.#topic = topic
    this.#clock = clock
  }

  /**
   * Resolves when it is written. Throws ApiFailure `kafka.unavailable` after 1.5 s: it is unknown whether it was written
   * then, unless it was still queued, and it is not sent any more. `body.too_large`: the topic takes no such record.
   */
  send(record: CommandRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { record, resolve: settle(resolve), reject: settle(reject), over: false }
      const cancel = this.#clock.after(PUBLISH_DEADLINE_MS, () =>
        waiting.reject(failure('kafka.unavailable', `Kafka has not acknowledged within ${PUBLISH_DEADLINE_MS} ms`)),
      )
      function settle<A extends unknown[]>(then: (...args: A) => void): (...args: A) => void {
        return (...args) => {
          if (waiting.over) return
          waiting.over = true
          cancel()
          then(...args)
        }
      }
      this.#queue.push(waiting)
      this.#schedule()
    })
  }

  /** In a later turn of the event loop, so that what comes in one turn goes in one call. */
  #schedule(): void {
    if (this.#scheduled || this.#underWay >= PUBLISHES_UNDER_WAY_MAX) return
    this.#scheduled = true
    this.#clock.soon(() => {
      this.#scheduled = false
      this.#next()
    })
  }

  #next(): void {
    if (this.#underWay >= PUBLISHES_UNDER_WAY_MAX) return
    const batches = this.#take()
    if (batches.size === 0) return
    this.#underWay++
    void this.#publish(batches).finally(() => {
      this.#underWay--
      this.#schedule()
    })
    if (this.#queue.length > 0) this.#schedule()
  }

  /** Of what is queued, as much per partition as one batch takes. */
  #take(): Map<number, { readonly builder: RecordBatchBuilder; readonly waiting: Waiting[] }> {
    const batches = new Map<number, { builder: RecordBatchBuilder; waiting: Waiting[] }>()
    const rest: Waiting[] = []
    for (const waiting of this.#queue) {
      if (waiting.over) continue
      const { partition, timestampMs, key, value, headers } = waiting.record
      const batch = batches.get(partition) ?? { builder: new RecordBatchBuilder(), waiting: [] }
      batches.set(partition, batch)
      const limit = batch.waiting.length === 0 ? Number.MAX_SAFE_INTEGER : PUBLISH_BATCH_BYTES_MAX
      if (batch.builder.tryAdd(limit, timestampMs, key, value, headers)) batch.waiting.push(waiting)
      else rest.push(waiting)
    }
    this.#queue = rest
    return batches
  }

  async #publish(
    batches: ReadonlyMap<number, { readonly builder: RecordBatchBuilder; readonly waiting: readonly Waiting[] }>,
  ): Promise<void> {
    const again: Waiting[] = []
    try {
      const answers = await this.#publisher.publish(
        [...batches].map(([partition, { builder }]) => ({
          topic: this.#topic,
          partition,
          bytes: builder.finish(PLAIN_STAMP),
        })),
      )
      for (const answer of answers)
        for (const waiting of batches.get(answer.partition)?.waiting ?? [])
          if (this.#settle(waiting, answer) === 'again') again.push(waiting)
    } catch (error) {
      const all = [...batches.values()].flatMap(({ waiting }) => waiting)
      if (error instanceof RequestLost) again.push(...all)
      else {
        const detail = error instanceof Error ? error.message : String(error)
        for (const waiting of all) waiting.reject(failure('kafka.unavailable', detail))
      }
    }
    const wanted = again.filter(({ over }) => !over)
    if (wanted.length === 0) return
    this.#clock.after(RETRY_MS, () => {
      this.#queue.unshift(...wanted)
      this.#schedule()
    })
  }

  #settle(waiting: Waiting, { code }: ProduceAnswer): 'done' | 'again' {
    if (code === codes.NONE) waiting.resolve()
    else if (code === codes.MESSAGE_TOO_LARGE || code === codes.RECORD_LIST_TOO_LARGE)
      waiting.reject(failure('body.too_large', `${this.#topic} takes no record of this size`))
    else if (classify(code, 'transaction') === 'RETRY' || code === codes.REQUEST_TIMED_OUT) return 'again'
    else waiting.reject(failure('kafka.unavailable', `${this.#topic} refuses the command: ${nameOf(code)}`))
    return 'done'
  }
}
