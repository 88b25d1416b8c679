/**
 * One process of a simulation: the real instance on its share of the clock, its own way to cluster and store. Owns its
 * life; what it says goes to `hear`.
 */
import type { EngineEvent } from '../../engine/events.ts'
import { Instance, type InstanceOptions } from '../../engine/instance.ts'
import type { ProcessClock } from './clock.ts'

/** Numbers of processes that use the instance id of another. */
export const DUPLICATE = 100

export interface SimProcessParts {
  readonly name: string
  readonly clock: ProcessClock
  readonly hear: (event: EngineEvent, process: SimProcess) => void
  readonly options: Omit<InstanceOptions, 'clock' | 'listener'>
}

export class SimProcess {
  readonly name: string
  readonly clock: ProcessClock
  readonly instance: Instance
  /** Drains, and will be gone. */
  leaving = false

  constructor({ name, clock, hear, options }: SimProcessParts) {
    this.name = name
    this.clock = clock
    this.instance = new Instance({ ...options, clock, listener: (event) => clock.alive && hear(event, this) })
    this.instance.start()
  }
}
