/**
 * Keeps the running tasks supplied: one fetch at a time over all their partitions, from behind what is buffered. An answer
 * counts only if the task's attempt and the position are still the ones it was asked with; anything else is dropped
 * (an answer in flight across our own abort would else skip the aborted batch, and no gap tells).
 */
import { type Clock, sleep } from './clock.ts'
import type { PartitionIntake, TaskIntake } from './core/intake.ts'
import { codes, nameOf } from './core/kafka-errors.ts'
import { type FetchClient, type FetchedPartition, RequestLost } from './ports.ts'
import { fetchEnd } from './wire/fetch-end.ts'
import { FetchedRecords } from './wire/fetched-records.ts'

export interface FetchingTask {
  readonly task: number
  readonly attempt: number
  /** Nothing is to be fetched for it now. */
  readonly isHeld: boolean
  /** Null while it takes no records. */
  readonly intake: TaskIntake | null
  /** New records are in the intake. */
  supplied(): void
  /** Nothing can be read any more until an operator has acted. */
  stopped(code: string, message: string): void
}

/** Idle wait of a fetch; also how long a task that has just started may wait for its first fetch. */
const IDLE_WAIT_MS = 100
/** While a partition waits for room in its buffer: it must be in the next fetch soon. */
const CROWDED_WAIT_MS = 10
/** Above the largest default batch (1,048,588 bytes), so that every partition can move. */
const PARTITION_BYTES_MAX = 2 * 1024 * 1024
const FETCH_BYTES_MAX = 16 * 1024 * 1024
const RETRY_MS = 50

/** Answers that mean something to an operator when they persist. */
const PERSISTENT = new Set<number>([
  codes.UNKNOWN_TOPIC_OR_PARTITION,
  codes.UNKNOWN_TOPIC_ID,
  codes.INCONSISTENT_TOPIC_ID,
  codes.TOPIC_AUTHORIZATION_FAILED,
  codes.CORRUPT_MESSAGE,
])
const REFUSED_MAX_MS = 30_000

export class Fetcher {
  readonly #client: FetchClient
  readonly #clock: Clock
  readonly #tasks: () => Iterable<FetchingTask>
  #running = false
  #wake: (() => void) | null = null
  #rotation = 0

  constructor(client: FetchClient, clock: Clock, tasks: () => Iterable<FetchingTask>) {
    this.#client = client
    this.#clock = clock
    this.#tasks = tasks
  }

  start(): void {
    this.#running = true
    void this.#loop()
  }

  /** A task has begun to run, or has made room in its buffers. */
  wake(): void {
    this.#wake?.()
  }

  async close(): Promise<void> {
    this.#running = false
    this.wake()
    await this.#client.close()
  }

  async #loop(): Promise<void> {
    while (this.#running) {
      const asked: { task: FetchingTask; attempt: number; intake: PartitionIntake }[] = []
      let crowded = false
      for (const task of this.#tasks())
        for (const intake of task.isHeld ? [] : (task.intake?.partitions ?? [])) {
          if (intake.full) crowded = true
          else asked.push({ task, attempt: task.attempt, intake })
        }
      if (asked.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = null
        continue
      }
      // The broker fills an answer in the order asked: rotate, so that none is always last.
      const turn = this.#rotation++ % asked.length
      const ordered = [...asked.slice(turn), ...asked.slice(0, turn)]
      try {
        const answers = await this.#client.fetch(
          ordered.map(({ intake }) => ({
            topic: intake.topic,
            partition: intake.partition,
            position: intake.fetchPosition,
            maxBytes: PARTITION_BYTES_MAX,
          })),
          { maxWaitMs: crowded ? CROWDED_WAIT_MS : IDLE_WAIT_MS, minBytes: 1, maxBytes: FETCH_BYTES_MAX },
        )
        if (this.#take(ordered, answers)) await sleep(this.#clock, RETRY_MS)
      } catch (error) {
        if (!this.#running) return
        if (!(error instanceof RequestLost)) throw error
        await sleep(this.#clock, RETRY_MS)
      }
    }
  }

  /** True when an answer asks for patience. */
  #take(
    asked: readonly { task: FetchingTask; attempt: number; intake: PartitionIntake }[],
    answers: readonly FetchedPartition[],
  ): boolean {
    let patience = false
    const supplied = new Set<FetchingTask>()
    const byName = new Map(asked.map((a) => [`${a.intake.topic}-${a.intake.partition}`, a]))
    for (const answer of answers) {
      const ask = byName.get(`${answer.topic}-${answer.partition}`)
      if (!ask) continue
      const { task, attempt, intake } = ask
      if (
        task.attempt !== attempt ||
        !task.intake?.partitions.includes(intake) ||
        answer.asked !== intake.fetchPosition
      )
        continue
      if (answer.code !== 0) {
        patience = true
        this.#refused(task, intake, answer)
        continue
      }
      const end = fetchEnd(answer.records, answer.asked)
      // A broker answers one whole batch at least, or nothing: where its length is damaged there would never be one.
      if (end === answer.asked && answer.records.length > 0) {
        patience = true
        this.#refused(task, intake, { ...answer, code: codes.CORRUPT_MESSAGE })
        continue
      }
      intake.refused = null
      intake.lastStableOffset = answer.lastStableOffset
      intake.highWatermark = answer.highWatermark
      if (answer.records.length === 0) continue
      intake.push(new FetchedRecords(answer.records, answer.aborted, answer.asked), end)
      supplied.add(task)
    }
    for (const task of supplied) task.supplied()
    return patience
  }

  #refused(task: FetchingTask, intake: PartitionIntake, answer: FetchedPartition): void {
    const where = `${answer.topic}-${answer.partition}`
    if (answer.code === codes.OFFSET_OUT_OF_RANGE) {
      // What is fetched has its turn first: if it is damaged, this position is, too, and that must be told.
      if (!intake.isEmpty) return
      task.stopped('offset.out_of_range', `${where}: position ${answer.asked} is outside the log`)
      return
    }
    // Leadership moves, a broker comes back, metadata of a new topic spreads: the next round asks again.
    const nowMs = this.#clock.elapsedMs()
    const { sinceMs } = intake.refused ?? { sinceMs: nowMs }
    intake.refused = { sinceMs, code: answer.code }
    if (!PERSISTENT.has(answer.code) || nowMs - sinceMs < REFUSED_MAX_MS) return
    if (answer.code === codes.TOPIC_AUTHORIZATION_FAILED)
      task.stopped('topic.refused', `${where}: ${nameOf(answer.code)}`)
    else if (answer.code === codes.CORRUPT_MESSAGE)
      task.stopped('input.corrupt', `${where}: what the broker has at offset ${answer.asked} is no whole batch`)
    else
      task.stopped(
        'topic.recreated',
        `${where}: the topic is gone or another one has its name (${nameOf(answer.code)})`,
      )
  }
}
