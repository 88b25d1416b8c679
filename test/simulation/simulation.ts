/** Runs one history from its start to rest and judges it. */

import type { Coverage } from './coverage.ts'
import { keyAtHome } from './generate.ts'
import { happened } from './happening.ts'
import type { History, HistoryEvent } from './history.ts'
import { isFault } from './history.ts'
import { judgeRest } from './judge/final.ts'
import { judgeRepeats } from './judge/repeats.ts'
import { Violation } from './judge/violation.ts'
import { DRAIN_MS, SimWorld, START_MS } from './world.ts'

/** Behind the last event everything is whole again; then all must come to rest within this. */
const REST_MS = 60_000
/** More than any honest history takes: a loop that does not wait. */
const STEPS_MAX = 400_000
/** At rest, per process and second: heartbeats, fetches, their answers. */
const IDLE_STEPS_MAX = 200
const IDLE_MS = 1_000
const CHECK_MS = 25
/** They are counted when they are met. */
const ARMED = ['net', 'redis', 'kill-at']

export interface Verdict {
  readonly violation: Violation | null
  readonly steps: number
  readonly virtualMs: number
  readonly coverage: Coverage
  readonly log: readonly string[]
}

export class Simulation {
  readonly #world: SimWorld

  constructor(history: History, keepLog = false) {
    this.#world = new SimWorld(history, keepLog)
  }

  run(): Verdict {
    const world = this.#world
    const { clock, coverage, history, log } = world
    history.processes.forEach(({ atStart }, i) => {
      if (atStart) world.start(i)
    })
    for (const event of history.events) clock.after(event.atMs, () => world.guarded(() => this.#happen(event)))
    const endMs = START_MS + (history.events.at(-1)?.atMs ?? 0) + 1
    world.guarded(() => {
      this.#until(() => clock.nowMs() >= endMs, endMs + 1_000)
      if (!world.violation) this.#rest()
    })
    for (const process of world.processes.values()) process.clock.kill()
    if (world.kafka.transactions.markersLost > 0) coverage.note('markers lost')
    for (const [name, count] of world.network.met) for (let i = 0; i < count; i++) coverage.note(name)
    return { violation: world.violation, steps: clock.steps, virtualMs: clock.nowMs() - START_MS, coverage, log }
  }

  #happen(event: HistoryEvent): void {
    const world = this.#world
    world.note('world', JSON.stringify(event))
    if (happened(world, event) && isFault(event) && !ARMED.includes(event.kind)) world.coverage.note(event.kind)
  }

  #rest(): void {
    const world = this.#world
    world.network.heal()
    world.redis.heal()
    for (const process of world.processes.values()) process.clock.resume()
    if ([...world.processes.values()].every((p) => p.leaving) && world.starting === 0) world.startLater(0, DRAIN_MS * 2)
    // A task that has nothing to do does not look at the store: every task gets one more record.
    for (let task = 0; task < world.plan.tasks; task++)
      world.producer.write({
        kind: 'input',
        atMs: 0,
        source: 0,
        partition: task,
        mode: 'plain',
        records: [{ op: 'put', key: keyAtHome(task, world.plan.tasks), field: 0, value: 1 }],
      })
    let unrest = '?'
    const look = (): void => {
      world.guarded(() => {
        unrest = world.unrest()
      })
      if (unrest !== '') world.clock.after(CHECK_MS, look)
    }
    look()
    const healedMs = world.clock.nowMs()
    if (!this.#until(() => unrest === '', healedMs + REST_MS))
      throw new Violation(
        'I9',
        `no rest ${world.clock.nowMs() - healedMs} ms after everything was whole again, ${unrest}: ${world.states()}`,
      )
    if (world.violation) return
    const before = world.clock.steps
    const untilMs = world.clock.nowMs() + IDLE_MS
    this.#until(() => false, untilMs)
    const idle = world.clock.steps - before
    if (idle > IDLE_STEPS_MAX * (world.processes.size + 1))
      throw new Violation('I9', `${idle} steps in ${IDLE_MS} ms at rest`)
    // An idle task commits what it has passed: that may be under way.
    look()
    if (!this.#until(() => unrest === '', world.clock.nowMs() + REST_MS))
      throw new Violation('I9', `no rest: ${unrest}`)
    if (world.violation) return
    if (!world.history.events.some(isFault) && world.coverage.recoveriesOfOwners > 0)
      throw new Violation('I9', `${world.coverage.recoveriesOfOwners} recoveries though nothing went wrong`)
    for (const mirror of world.mirrors) mirror.update()
    // A poisoned record is an output first and a dead letter then.
    if (!world.ledger.written.some(({ record }) => record.op === 'poison'))
      world.coverage.repeats += judgeRepeats(world.kafka)
    const expected = world.ledger.expected(world.plan.tasks)
    world.coverage.requestsRepeated += expected.repeated
    judgeRest({
      plan: world.plan,
      kafka: world.kafka,
      keyspace: world.redis.keyspace,
      mirrors: world.mirrors,
      spoilt: world.spoilt,
      expected,
    })
  }

  /** False: the time has come, or nothing is planned. */
  #until(condition: () => boolean, untilMs: number): boolean {
    const world = this.#world
    const done = world.clock.run(() => world.violation !== null || condition(), untilMs, STEPS_MAX)
    if (world.clock.steps > STEPS_MAX)
      throw new Violation('I9', `${world.clock.steps} steps: it does not wait; ${world.states()}`)
    return done
  }
}
