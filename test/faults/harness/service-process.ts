/**
 * The service as an operator runs it: `node main.ts` as a process of its own, with its log. Owns the process; every
 * signal goes to its id.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type GuardedChild, spawnGuarded } from '../../../embedded/guarded-child.ts'
import type { PreloadCommand } from './preload.ts'

export interface LogLine {
  readonly atMs: number
  readonly text: string
  /** The parsed JSON line; empty when it is none. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Where main.ts is: this repository, unless another copy of it is to be proved. */
export const SERVICE_ROOT = process.env['PROOF_SERVICE_ROOT'] ?? join(import.meta.dirname, '../../..')
const READY_TIMEOUT_MS = 90_000
const PRELOAD = join(import.meta.dirname, 'preload.ts')
const MEASURE_TIMEOUT_MS = 20_000

export interface Measured {
  readonly heapUsed: number
  readonly rss: number
  readonly external: number
  readonly arrayBuffers: number
}

export class ServiceProcess {
  readonly log: LogLine[] = []
  readonly startedAtMs = performance.now()
  /** Resolves at the line that says every assigned task runs. */
  readonly ready: Promise<void>
  readonly restPort: number
  readonly transactionalId: string | null
  /** Stop codes that the test has asked for. */
  readonly expected = new Set<string>()
  readonly #child: GuardedChild
  readonly #folder: string
  #gone = false
  #code: number | null = null

  /** `entry` is the program, relative to the root of the service. */
  static async start(environment: Readonly<Record<string, string>>, entry = 'main.ts'): Promise<ServiceProcess> {
    const { PATH = '', HOME = '' } = process.env
    const folder = mkdtempSync(join(tmpdir(), 'tributary-service-'))
    const child = await spawnGuarded({
      command: process.execPath,
      args: ['--import', PRELOAD, entry],
      cwd: SERVICE_ROOT,
      env: { PATH, HOME, PROOF_COMMANDS: join(folder, 'command.json'), ...environment },
    })
    return new ServiceProcess(child, environment, folder)
  }

  private constructor(child: GuardedChild, environment: Readonly<Record<string, string>>, folder: string) {
    this.#child = child
    this.#folder = folder
    this.restPort = Number(environment['REST_PORT'])
    const { APPLICATION_ID: application, GROUP_INSTANCE_ID: id } = environment
    this.transactionalId = id === undefined ? null : `${application}-${id}`
    createInterface({ input: child.stderr! }).on('line', (text) => this.log.push(parsed(text)))
    const ready = Promise.withResolvers<void>()
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line.includes('"ready"')) ready.resolve()
    })
    void child.exited.then(({ code }) => {
      this.#gone = true
      this.#code = code
      rmSync(folder, { recursive: true, force: true })
      ready.reject(new Error(`the service ended with ${code} before it was ready\n${this.tail()}`))
    })
    this.ready = withDeadline(ready.promise, READY_TIMEOUT_MS, () => `the service is not ready\n${this.tail()}`)
    this.ready.catch(() => {})
  }

  get running(): boolean {
    return !this.#gone
  }

  /** Exit code; null while it runs. */
  get code(): number | null {
    return this.#code
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
        ({ text, fields }) =>
          (Number(fields['level'] ?? 0) >= 50 && !this.expected.has(String(fields['code']))) ||
          /^\S*Error\b|^Node\.js v|unhandled/i.test(text),
      )
      .map((l) => l.text)
  }

  count(msg: string): number {
    return this.log.filter(({ fields }) => fields['msg'] === msg).length
  }

  /** Stop codes of tasks, of the instance and of a start that failed, as the log has them. */
  get stopCodes(): readonly string[] {
    return this.log.flatMap(({ text, fields }) => {
      if (fields['msg'] === 'task stopped' || fields['msg'] === 'instance stopped') return [String(fields['code'])]
      const start = /^([a-z]+\.[a-z_]+): /.exec(text)
      return start ? [start[1]!] : []
    })
  }

  /** Codes of warnings. */
  get warnings(): readonly string[] {
    return this.log.filter(({ fields }) => fields['level'] === 40).map(({ fields }) => String(fields['code'] ?? ''))
  }

  /** /readyz answers 200: it is a member, and every task that it has runs. */
  async isReady(): Promise<boolean> {
    if (this.#gone) return false
    try {
      const { ok } = await fetch(`http://127.0.0.1:${this.restPort}/readyz`, { signal: AbortSignal.timeout(2_000) })
      return ok
    } catch {
      return false
    }
  }

  /** The sum of a metric over its labels, of those that have all of these; 0 when the process does not answer. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.restPort}/metrics`, { signal: AbortSignal.timeout(5_000) })
      let sum = 0
      for (const line of (await answer.text()).split('\n'))
        if (
          (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) &&
          Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`))
        )
          sum += Number(line.slice(line.lastIndexOf(' ')))
      return sum
    } catch {
      return 0
    }
  }

  /** See preload.ts. */
  command(command: PreloadCommand): void {
    writeFileSync(join(this.#folder, 'command.json'), JSON.stringify(command))
    this.signal('SIGUSR2')
  }

  /** What is in use behind a collection, bytes. */
  async measure(): Promise<Measured> {
    const file = join(this.#folder, 'measured.json')
    rmSync(file, { force: true })
    const before = this.count('preload')
    this.command({ measure: file })
    const end = performance.now() + MEASURE_TIMEOUT_MS
    while (this.count('preload') === before) {
      if (this.#gone || performance.now() > end) throw new Error('the process does not say what it uses')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return JSON.parse(readFileSync(file, 'utf8')) as Measured
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
