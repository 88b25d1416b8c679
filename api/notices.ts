/** The last things worth telling an operator, of this process: from engine events, and what operators do. */
import { type CardNotice, NOTICES_MAX, shortNotice } from '../engine/core/instance-card.ts'
import type { EngineEvent } from '../engine/events.ts'

/** A restore shorter than this is no news. */
const LONG_RESTORE_MS = 1_000

export class Notices {
  readonly #nowMs: () => number
  #kept: CardNotice[] = []

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs
  }

  /** Oldest first. */
  get kept(): readonly CardNotice[] {
    return this.#kept
  }

  add(level: CardNotice['level'], code: string, text: string): void {
    this.#kept = [...this.#kept, { atMs: this.#nowMs(), level, code, text: shortNotice(text) }].slice(-NOTICES_MAX)
  }

  hear(event: EngineEvent): void {
    const notice = noticeOf(event)
    if (notice) this.add(...notice)
  }
}

type Notice = readonly [level: CardNotice['level'], code: string, text: string]

function noticeOf(event: EngineEvent): Notice | null {
  switch (event.kind) {
    case 'task.stopped':
      return ['error', event.code, `task ${event.task} stopped: ${event.message}`]
    case 'instance.stopped':
      return ['error', event.code, event.message]
    case 'task.recovering':
      return ['warn', event.kind, `task ${event.task}: ${event.reason}`]
    case 'task.mending':
      return ['warn', event.code, `task ${event.task} is rebuilt: ${event.reason}`]
    case 'task.paused':
      return event.pause
        ? ['warn', 'task.paused', `task ${event.task} was paused by ${event.pause.by}`]
        : ['warn', 'task.resumed', `task ${event.task} goes on`]
    case 'restore.done':
      return event.durationMs < LONG_RESTORE_MS
        ? null
        : ['info', event.kind, `task ${event.task}: ${event.records} records in ${event.durationMs} ms`]
    case 'group.assigned': {
      const part = (name: string, tasks: readonly number[]): string =>
        tasks.length === 0 ? '' : `; ${name} ${listed(tasks)}`
      const { generation, kept, gained, lost } = event
      const text = `generation ${generation}${part('kept', kept)}${part('gained', gained)}${part('lost', lost)}`
      return ['info', event.kind, text]
    }
    case 'group.evicted':
    case 'lane.fenced':
      return ['warn', event.kind, event.reason]
    case 'warning':
      return [event.code === 'topic.created' ? 'info' : 'warn', event.code, event.message]
    default:
      return null
  }
}

const LISTED_MAX = 20
const listed = (tasks: readonly number[]): string =>
  tasks.length <= LISTED_MAX
    ? tasks.join(', ')
    : `${tasks.slice(0, LISTED_MAX).join(', ')} and ${tasks.length - LISTED_MAX} more`
