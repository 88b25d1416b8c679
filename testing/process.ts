/**
 * One process of the application, with everything that it has to itself: its share of the clock, its connections, what it
 * has said. Killing it is the end of a process: no timer of it runs, nothing it sent later arrives, nothing it waits for
 * is answered. What it runs is the real engine.
 */
import type { EngineEvent, TaskState } from '../engine/events.ts'
import { Instance, type InstanceOptions } from '../engine/instance.ts'
import type { StoreFactory, TaskStore } from '../stores/ports.ts'
import type { MemoryConnection } from './kafka/memory-kafka.ts'
import type { ScopedClock } from './virtual-clock.ts'

export interface ProcessParts {
  readonly name: string
  readonly clock: ScopedClock
  readonly kafka: MemoryConnection
  readonly stores: StoreFactory
  readonly onEvent: (event: EngineEvent) => void
  readonly options: Omit<InstanceOptions, 'kafka' | 'stores' | 'clock' | 'listener' | 'instanceId'>
}

export class Process {
  readonly name: string
  readonly instance: Instance
  /** Why the instance, or a task of it, cannot go on. */
  stop: { readonly code: string; readonly message: string } | null = null
  readonly #clock: ScopedClock
  readonly #kafka: MemoryConnection
  /** Batches of each task that are committed and not yet applied. */
  readonly #unapplied = new Map<number, number>()
  #alive = true

  constructor({ name, clock, kafka, stores, onEvent, options }: ProcessParts) {
    this.name = name
    this.#clock = clock
    this.#kafka = kafka
    const listener = (event: EngineEvent): void => {
      if (!this.#alive) return
      this.#hear(event)
      onEvent(event)
    }
    this.instance = new Instance({
      ...options,
      kafka,
      clock,
      listener,
      stores: cuttable(stores, () => this.#alive),
      instanceId: name,
    })
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Everything that task has committed is in the store. */
  applied(task: number): boolean {
    return (this.#unapplied.get(task) ?? 0) === 0
  }

  taskStates(): readonly (readonly [task: number, state: TaskState, reason: string | null])[] {
    return [...this.instance.tasks].map(([number, task]) => [number, task.state, task.reason] as const)
  }

  kill(): void {
    this.#alive = false
    this.#clock.kill()
    this.#kafka.kill()
  }

  #hear(event: EngineEvent): void {
    switch (event.kind) {
      case 'batch.committed':
        this.#unapplied.set(event.task, (this.#unapplied.get(event.task) ?? 0) + 1)
        break
      case 'batch.applied':
        this.#unapplied.set(event.task, (this.#unapplied.get(event.task) ?? 0) - 1)
        break
      case 'task.state':
        // A takeover brings the store to the end of the changelog before the task runs again.
        if (event.state !== 'running') this.#unapplied.delete(event.task)
        break
      case 'task.stopped':
      case 'instance.stopped':
        this.stop ??= { code: event.code, message: event.message }
        break
      default:
        break
    }
  }
}

const NEVER = new Promise<never>(() => {})

function cuttable(stores: StoreFactory, alive: () => boolean): StoreFactory {
  return { ...stores, open: async (task) => cuttableStore(await stores.open(task), alive) }
}

function cuttableStore(store: TaskStore, alive: () => boolean): TaskStore {
  const through =
    <A extends unknown[], T>(work: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      if (!alive()) return NEVER
      const answer = await work(...args)
      return alive() ? answer : NEVER
    }
  return {
    claim: through(store.claim.bind(store)),
    read: through(store.read.bind(store)),
    apply: through(store.apply.bind(store)),
    replay: through(store.replay.bind(store)),
    beginRebuild: through(store.beginRebuild.bind(store)),
    switchTo: through(store.switchTo.bind(store)),
    sweep: through(store.sweep.bind(store)),
    close: through(store.close.bind(store)),
  }
}
