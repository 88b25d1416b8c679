/** Health as probes see it: live, ready and why not. Listens to the engine; owns no connection. */
import type { EngineEvent, TaskState } from '../engine/events.ts'

export interface Readiness {
  readonly ready: boolean
  /** One line per reason why not. */
  readonly reasons: readonly string[]
}

export class Health {
  readonly #tasks = new Map<number, { state: TaskState; reason: string | null }>()
  #member = false
  #draining = false
  #stopped: string | null = null
  #waiters: (() => void)[] = []

  hear(event: EngineEvent): void {
    switch (event.kind) {
      case 'group.assigned':
        this.#member = true
        for (const task of event.lost) if (!event.gained.includes(task)) this.#tasks.delete(task)
        break
      case 'group.evicted':
        this.#member = false
        this.#tasks.clear()
        break
      case 'task.state':
        if (event.state === 'lost') this.#tasks.delete(event.task)
        else this.#tasks.set(event.task, { state: event.state, reason: event.reason })
        break
      case 'instance.stopped':
        this.#stopped = `${event.code}: ${event.message}`
        break
      default:
        return
    }
    // In a later turn: an assignment is told before its tasks say what they do.
    queueMicrotask(() => {
      if (this.readiness().ready) for (const resolve of this.#waiters.splice(0)) resolve()
    })
  }

  drain(): void {
    this.#draining = true
  }

  readiness(): Readiness {
    const reasons: string[] = []
    if (this.#stopped) reasons.push(this.#stopped)
    if (this.#draining) reasons.push('draining')
    if (!this.#member) reasons.push('no member of the group yet')
    for (const [task, { state, reason }] of [...this.#tasks].sort(([a], [b]) => a - b))
      if (state !== 'running') reasons.push(`task ${task}: ${state}${reason ? ` (${reason})` : ''}`)
    return { ready: reasons.length === 0, reasons }
  }

  /** Resolves when everything assigned to this process runs. */
  async ready(): Promise<void> {
    while (!this.readiness().ready) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }
}
