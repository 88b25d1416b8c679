/**
 * Watches that the topics that are written to stay what they were at start (core/written-topics.ts). One that is gone, or
 * is another one now, is named at once and stops the instance when it stays so: until it is back nothing is written. The
 * changelog's cleanup policy, and whether records are gone at its front, are warned of: nothing that is decided is wrong by
 * it while the store is whole, but the state cannot be rebuilt any more. Owns since when each is so.
 */
import type { Clock } from './clock.ts'
import { everyPartition, type Plan } from './core/plan.ts'
import { keepsState, type TopicTrouble, topicTroubles, writtenTopics } from './core/written-topics.ts'
import type { Listener } from './events.ts'
import { type KafkaAdmin, RequestLost } from './ports.ts'
import { RoundTimer } from './round-timer.ts'

const INTERVAL_MS = 10_000
/** While something is wrong. */
const TROUBLED_INTERVAL_MS = 5_000
/** One that is gone: a broker may not have heard of it yet. */
const MISSING_MAX_MS = 30_000
/** Another topic of its name will not become the old one again: seen twice. */
const RECREATED_MAX_MS = TROUBLED_INTERVAL_MS
const ROUNDS_PER_CHANGELOG_LOOK = 3

export class TopicWatch {
  readonly #plan: Plan
  readonly #admin: KafkaAdmin
  readonly #clock: Clock
  readonly #listener: Listener
  readonly #stop: (code: string, message: string) => void
  readonly #timer: RoundTimer
  /** Since when, by topic and code. */
  #since = new Map<string, number>()
  #rounds = 0

  constructor(
    plan: Plan,
    admin: KafkaAdmin,
    clock: Clock,
    listener: Listener,
    stop: (code: string, message: string) => void,
  ) {
    this.#plan = plan
    this.#admin = admin
    this.#clock = clock
    this.#listener = listener
    this.#stop = stop
    const delayMs = (): number => (this.#since.size > 0 ? TROUBLED_INTERVAL_MS : INTERVAL_MS)
    this.#timer = new RoundTimer(clock, delayMs, () => this.#round())
  }

  start(): void {
    this.#timer.start()
  }

  close(): void {
    this.#timer.close()
  }

  async #round(): Promise<void> {
    try {
      const found = await this.#admin.topics(writtenTopics(this.#plan))
      if (this.#timer.closed) return
      this.#judge(topicTroubles(this.#plan, found))
      if (this.#rounds++ % ROUNDS_PER_CHANGELOG_LOOK === 0 && this.#since.size === 0) await this.#lookAtChangelog()
    } catch (error) {
      // Kafka is away, which the membership tells; or this may not be asked, which is no reason to end.
      if (!(error instanceof RequestLost))
        this.#warn('topic.unwatched', error instanceof Error ? error.message : String(error))
    }
  }

  #judge(troubles: readonly TopicTrouble[]): void {
    const nowMs = this.#clock.elapsedMs()
    const before = this.#since
    this.#since = new Map(
      troubles.map(({ topic, code }) => [`${topic} ${code}`, before.get(`${topic} ${code}`) ?? nowMs]),
    )
    if (troubles.length > 0 || before.size > 0)
      this.#listener({ kind: 'topics.troubled', reasons: troubles.map(({ message }) => message) })
    for (const { topic, code, message } of troubles) {
      const maxMs = code === 'topic.recreated' ? RECREATED_MAX_MS : MISSING_MAX_MS
      if (nowMs - this.#since.get(`${topic} ${code}`)! >= maxMs) {
        this.close()
        this.#stop(code, message)
        return
      }
      this.#warn('topic.awaited', `${message}: nothing can be written; if it stays so the service stops (${code})`)
    }
  }

  async #lookAtChangelog(): Promise<void> {
    const { topic } = this.#plan.changelog
    const policy = (await this.#admin.configs(topic)).get('cleanup.policy')
    if (!keepsState(policy))
      this.#warn(
        'topic.config',
        `${topic} has cleanup.policy=${policy}: it loses state when retention passes; set cleanup.policy=compact`,
      )
    const cut = (await this.#admin.listOffsets(everyPartition(this.#plan.changelog), 'earliest')).filter(
      ({ code, position }) => code === 0 && position > 0,
    )
    for (const { partition, position } of cut)
      this.#warn(
        'changelog.cut',
        `${topic}-${partition} begins at offset ${position}: records are gone, and the state cannot be rebuilt from it`,
      )
  }

  #warn(code: string, message: string): void {
    if (!this.#timer.closed) this.#listener({ kind: 'warning', code, message })
  }
}
