/**
 * What runs, as the page shows it: a look at Kafka and Redis while somebody asks, the same for all who ask, and what the
 * instances tell, all the time, so that charts have a history when the page is opened. Owns both and their bounds.
 */
import type { Clock } from '../engine/clock.ts'
import type { InstanceCard, TaskCard } from '../engine/core/instance-card.ts'
import { remedyOf } from '../engine/core/stop-codes.ts'
import type { Context } from '../operations/context.ts'
import { CardWindow, type Flow, LIVING_MS } from '../operations/core/flow.ts'
import { passedOf } from '../operations/core/load.ts'
import { instanceCards } from '../operations/instances.ts'
import { type TaskView, viewTasks } from '../operations/tasks.ts'
import type { InstanceRow, Notice, Overview, RateTable, Series, ShownState, TaskRow } from './contract.ts'
import { rateOf } from './drawing.ts'

/** Between two readings of the cards, and two points of the series. */
export const STEP_MS = 2_000
/** A quarter of an hour. */
const POINTS_MAX = 450
/** Whoever asks within this time is shown the same. */
const LOOK_MS = 1_500
const NOTICES_SHOWN_MAX = 50

interface Point extends Flow {
  readonly atMs: number
  readonly lag: number
}

interface Seen {
  readonly atMs: number
  readonly committed: number
}

export interface LiveOptions {
  readonly context: Context
  readonly clock: Clock
  /** Of this instance. */
  readonly name: string
}

export class Live {
  readonly #options: LiveOptions
  readonly #window = new CardWindow()
  #points: readonly Point[] = []
  #look: { readonly atMs: number; readonly view: Promise<Overview>; done: boolean } | null = null
  /** By task, of the last two looks: what makes rates. */
  readonly #seen = new Map<number, readonly [Seen, Seen | null]>()
  #stopWaiting: (() => void) | null = null
  #reading: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: LiveOptions) {
    this.#options = options
  }

  start(): void {
    this.#reading = this.#step()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopWaiting?.()
    await this.#reading
  }

  /** Throws OperationError, StoreLost. */
  overview(): Promise<Overview> {
    const nowMs = this.#options.clock.nowMs()
    // While Kafka is away a look takes long: those who ask meanwhile wait for the same, and add none.
    if (this.#look && (!this.#look.done || nowMs - this.#look.atMs < LOOK_MS)) return this.#look.view
    const view = this.#view()
    const look = { atMs: nowMs, view, done: false }
    this.#look = look
    view.then(
      () => {
        look.done = true
      },
      () => {
        // Whoever comes next looks again.
        this.#look = null
      },
    )
    return view
  }

  series(): Series {
    const points = this.#points
    return {
      stepMs: STEP_MS,
      atMs: points.map(({ atMs }) => atMs),
      recordsPerSecond: points.map(({ recordsPerSecond }) => recordsPerSecond),
      lag: points.map(({ lag }) => lag),
      endToEndP50Ms: points.map(({ endToEnd }) => endToEnd?.p50Ms ?? null),
      endToEndP99Ms: points.map(({ endToEnd }) => endToEnd?.p99Ms ?? null),
      transactionP50Ms: points.map(({ transaction }) => transaction?.p50Ms ?? null),
      transactionP99Ms: points.map(({ transaction }) => transaction?.p99Ms ?? null),
    }
  }

  async #step(): Promise<void> {
    const { clock } = this.#options
    try {
      await this.#readCards()
      const nowMs = clock.nowMs()
      const lag = this.#living(nowMs).reduce((sum, [, { tasks }]) => sum + lagIn(tasks), 0)
      this.#points = [...this.#points, { atMs: nowMs, lag, ...this.#window.flow(nowMs) }].slice(-POINTS_MAX)
    } catch {
      // Redis is away: a gap in the charts, and the overview says why.
    }
    if (this.#closed) return
    this.#stopWaiting = clock.after(STEP_MS, () => {
      this.#reading = this.#step()
    })
  }

  async #readCards(): Promise<void> {
    this.#window.take(await instanceCards(this.#options.context.admin))
  }

  #living(nowMs: number): readonly (readonly [string, InstanceCard])[] {
    return [...this.#window.last].filter(([, { atMs }]) => nowMs - atMs <= LIVING_MS)
  }

  async #view(): Promise<Overview> {
    const { context, clock } = this.#options
    const [{ group, tasks: views }] = await Promise.all([viewTasks(context, { exact: false }), this.#readCards()])
    const nowMs = clock.nowMs()
    const living = this.#living(nowMs)
    // A task that has moved is told of by two for a moment: the newer card counts.
    const cards = new Map<number, { readonly name: string; readonly card: TaskCard }>()
    for (const [name, { tasks }] of living.toSorted(([, a], [, b]) => a.atMs - b.atMs))
      for (const card of tasks) if (card.state !== 'lost') cards.set(card.task, { name, card })
    const tasks = views.map((view) => this.#row(view, cards.get(view.task) ?? null, nowMs))
    return {
      atMs: nowMs,
      group: { id: group.id, state: group.state, members: group.members.length },
      instances: this.#instances(nowMs),
      tasks,
      lag: tasks.reduce((sum, { lag }) => sum + lag, 0),
      lagByTopic: this.#lagByTopic(tasks),
      flow: this.#window.flow(nowMs),
      rates: this.#rates(nowMs),
      notices: this.#notices(),
    }
  }

  #row(view: TaskView, told: { name: string; card: TaskCard } | null, nowMs: number): TaskRow {
    const state = (told ? (told.card.state ?? 'running') : 'unknown') as ShownState
    const reason = told?.card.reason ?? null
    const code = state === 'stopped' ? (reason?.split(':')[0] ?? null) : null
    const restore = told?.card.restore
    return {
      task: view.task,
      state,
      reason,
      remedy: code === null ? null : (remedyOf(code) ?? null),
      instance: told?.name ?? view.instance,
      paused: view.paused,
      restore: restore ? { done: restore[0], total: restore[1] } : null,
      batch: view.batch,
      ageMs: view.checkpointAgeMs,
      lag: view.partitions.reduce((sum, { lag }) => sum + lag, 0),
      exact: view.partitions.every(({ exact }) => exact),
      recordsPerSecond: this.#taskRate(view, nowMs),
      unapplied: told ? (told.card.unapplied ?? 0) : null,
      partitions: view.partitions,
    }
  }

  /** As `top` has it: offsets of the input, which are known of a task whoever runs it. */
  #taskRate(view: TaskView, atMs: number): number | null {
    const { task } = view
    const committed = passedOf(this.#options.context.plan.application, view)
    const [last, before] = this.#seen.get(task) ?? [null, null]
    // Looks that follow at once would make rates of nothing.
    const from = last && atMs - last.atMs >= LOOK_MS / 2 ? last : before
    this.#seen.set(task, last && from !== last ? [last, before] : [{ atMs, committed }, last])
    return from ? (1_000 * Math.max(0, committed - from.committed)) / (atMs - from.atMs) : null
  }

  #instances(nowMs: number): readonly InstanceRow[] {
    return [...this.#window.last]
      .map(
        ([name, card]): InstanceRow => ({
          name,
          self: name === this.#options.name,
          url: card.url,
          startedAt: new Date(card.startedAtMs).toISOString(),
          heardAgoMs: Math.max(0, nowMs - card.atMs),
          tasks: card.tasks
            .filter(({ state }) => state !== 'lost')
            .map(({ task }) => task)
            .sort((a, b) => a - b),
          ready: card.ready,
          reasons: card.reasons,
          recordsPerSecond: nowMs - card.atMs <= LIVING_MS ? this.#window.recordsPerSecond(name) : null,
          heapBytes: card.heapBytes,
          version: card.version,
        }),
      )
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** By declared topics, which are what the drawing knows. */
  #rates(nowMs: number): RateTable {
    const { sources, sinks } = this.#options.context.plan
    const { read, written, buried, forwarded } = this.#window.rates(nowMs)
    const table: Record<string, number> = { [rateOf.forwarded]: forwarded }
    for (const { source, topic } of sources) {
      for (const [name, rate] of read) {
        const [from, type = ''] = name.split('\0')
        if (from === topic) table[rateOf.read(source.topic, type)] = rate
      }
      table[rateOf.buried(source.topic)] = buried.get(topic) ?? 0
    }
    for (const [sink, { topic }] of sinks) table[rateOf.written(sink.topic)] = written.get(topic) ?? 0
    return table
  }

  #lagByTopic(tasks: readonly TaskRow[]): Readonly<Record<string, number>> {
    const lags = new Map<string, number>()
    for (const { partitions } of tasks)
      for (const { topic, lag } of partitions) lags.set(topic, (lags.get(topic) ?? 0) + lag)
    return Object.fromEntries(
      this.#options.context.plan.sources.map(({ source, topic }) => [source.topic, lags.get(topic) ?? 0]),
    )
  }

  #notices(): readonly Notice[] {
    return [...this.#window.last]
      .flatMap(([instance, { notices }]) => notices.map((notice) => ({ instance, ...notice })))
      .sort((a, b) => b.atMs - a.atMs)
      .slice(0, NOTICES_SHOWN_MAX)
      .map(({ atMs, ...notice }) => ({ at: new Date(atMs).toISOString(), ...notice }))
  }
}

const lagIn = (tasks: readonly TaskCard[]): number => tasks.reduce((sum, { lag = 0 }) => sum + lag, 0)
