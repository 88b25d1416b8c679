/**
 * The service as an operator runs it: `node main.ts` as a process of its own, with its log. Owns the process; every
 * signal goes to its id.
 */

import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type GuardedChild, spawnGuarded } from '../../../embedded/guarded-child.ts'

export interface LogLine {
  readonly atMs: number
  readonly text: string
  /** The parsed JSON line; empty when it is none. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Where main.ts is: this repository, unless another copy of it is to be proved. */
export const SERVICE_ROOT = process.env['PROOF_SERVICE_ROOT'] ?? join(import.meta.dirname, '../../..')
const READY_TIMEOUT_MS = 90_000

export class ServiceProcess {
  readonly log: LogLine[] = []
  readonly startedAtMs = performance.now()
  /** Resolves at the line that says every assigned task runs. */
  readonly ready: Promise<void>
  readonly restPort: number
  readonly #child: GuardedChild
  #gone = false

  static async start(environment: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const { PATH = '', HOME = '' } = process.env
    const child = await spawnGuarded({
      command: process.execPath,
      args: ['main.ts'],
      cwd: SERVICE_ROOT,
      env: { PATH, HOME, ...environment },
    })
    return new ServiceProcess(child, Number(environment['REST_PORT']))
  }

  private constructor(child: GuardedChild, restPort: number) {
    this.#child = child
    this.restPort = restPort
    createInterface({ input: child.stderr! }).on('line', (text) => this.log.push(parsed(text)))
    const ready = Promise.withResolvers<void>()
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line.includes('"ready"')) ready.resolve()
    })
    void child.exited.then(({ code }) => {
      this.#gone = true
      ready.reject(new Error(`the service ended with ${code} before it was ready\n${this.tail()}`))
    })
    this.ready = withDeadline(ready.promise, READY_TIMEOUT_MS, () => `the service is not ready\n${this.tail()}`)
    this.ready.catch(() => {})
  }

  get running(): boolean {
    return !this.#gone
  }

  get pid(): number {
    return this.#child.pid
  }

  signal(name: NodeJS.Signals): void {
    this.#child.signal(name)
  }

  get exited(): Promise<{ code: number }> {
    return this.#child.exited
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.exited
  }

  /** SIGTERM; how long it took, ms, and the exit code. */
  async terminate(): Promise<{ ms: number; code: number }> {
    const beganMs = performance.now()
    this.signal('SIGTERM')
    const { code } = await this.exited
    return { ms: performance.now() - beganMs, code }
  }

  tail(lines = 15): string {
    return this.log
      .slice(-lines)
      .map((l) => l.text)
      .join('\n')
  }

  /** Lines that no run may have: a task or the instance that gave up, or a crash. */
  get disasters(): readonly string[] {
    return this.log
      .filter(
        ({ text, fields }) => Number(fields['level'] ?? 0) >= 50 || /^\S*Error\b|^Node\.js v|unhandled/i.test(text),
      )
      .map((l) => l.text)
  }

  count(msg: string): number {
    return this.log.filter(({ fields }) => fields['msg'] === msg).length
  }
}

/** The tasks that its last assignment gave it; none when it has been evicted since. */
export function tasksOf(service: ServiceProcess): readonly number[] {
  const last = service.log.findLast(({ fields }) => String(fields['msg']).startsWith('group.'))?.fields
  return last?.['msg'] === 'group.assigned' ? [...(last['kept'] as number[]), ...(last['gained'] as number[])] : []
}

function parsed(text: string): LogLine {
  let fields: Record<string, unknown> = {}
  try {
    if (text.startsWith('{')) fields = JSON.parse(text) as Record<string, unknown>
  } catch {
    // A line of a stack trace.
  }
  return { atMs: performance.now(), text, fields }
}

export async function withDeadline<T>(work: Promise<T>, deadlineMs: number, what: () => string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${what()} (after ${deadlineMs} ms)`)), deadlineMs)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
