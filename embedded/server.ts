/**
 * The life of one server process: started, stopped, killed, paused and started again on the same port and data.
 *
 *   start ─→ running ─pause→ paused ─resume→ running
 *              │ kill / stop / ended by itself
 *              ▼
 *            down ─restart→ running        stop is final: the temporary data is gone, restart throws
 *
 * Owns the process and the readiness wait; knows nothing of Kafka or Redis.
 */
import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { StackError } from './errors.ts'
import type { GuardedChild } from './guarded-child.ts'

export interface ServerSpec {
  /** For messages: `Kafka`, `Redis`. */
  readonly name: string
  readonly spawn: () => Promise<GuardedChild>
  /** One question whether the server serves; never throws, and answers within about a second. */
  readonly probe: () => Promise<boolean>
  readonly readyTimeoutMs: number
  /** How long SIGTERM may take before SIGKILL; 0 = SIGKILL at once, for data that is thrown away anyway. */
  readonly termMs: number
  /** Files whose last lines explain a failed start. */
  readonly logs: readonly string[]
  /** Removed by stop(). */
  readonly temporaryFolder?: string
}

export interface Server {
  /** Process id of the server as it runs now; of the last one when it is down. */
  readonly pid: number
  /** Resolves with one line when the server ends though nobody asked it to. */
  readonly ended: Promise<string>
  /** Ends the server and removes temporary data. Idempotent; final. */
  stop(): Promise<void>
  /** SIGKILL; the data stay. Resolves when the process is gone. */
  kill(): Promise<void>
  /** Stops it in order unless it is down, and starts it again; resolves when it serves. `between` runs while it is down. */
  restart(between?: () => void): Promise<void>
  /** SIGSTOP. */
  pause(): void
  /** SIGCONT. */
  resume(): void
}

const PROBE_PAUSE_MS = 25
const LOG_LINES = 6
const LOG_BYTES_MAX = 2_000

/** Starts the server and resolves when it serves. Throws StackError `stack.start_failed` with the end of its log. */
export async function startServer(spec: ServerSpec): Promise<Server> {
  const unexpected = Promise.withResolvers<string>()
  let child: GuardedChild
  let stopped = false

  const launch = async (): Promise<void> => {
    const mine = await spec.spawn()
    child = mine
    if (stopped) mine.signal('SIGKILL')
    try {
      await ready(spec, mine)
    } catch (error) {
      mine.signal('SIGKILL')
      await mine.exited
      throw error
    }
    void mine.exited.then(({ code }) => {
      if (!expected.has(mine)) unexpected.resolve(`${spec.name} ended by itself (code ${code}).${logTail(spec.logs)}`)
    })
  }
  const expected = new WeakSet<GuardedChild>()
  const end = async (termMs: number): Promise<void> => {
    expected.add(child)
    if (termMs > 0) {
      child.signal('SIGTERM')
      // A paused process takes no SIGTERM before it continues.
      child.signal('SIGCONT')
      const timer = new AbortController()
      await Promise.race([child.exited, sleep(termMs, undefined, { signal: timer.signal }).catch(() => {})])
      timer.abort()
    }
    child.signal('SIGKILL')
    await child.exited
  }
  const removeTemporary = (): void => {
    if (spec.temporaryFolder) rmSync(spec.temporaryFolder, { recursive: true, force: true })
  }

  try {
    await launch()
  } catch (error) {
    removeTemporary()
    throw error
  }
  return {
    get pid() {
      return child.pid
    },
    ended: unexpected.promise,
    async stop() {
      stopped = true
      await end(spec.termMs)
      removeTemporary()
    },
    kill: () => end(0),
    async restart(between) {
      if (stopped) throw new Error(`${spec.name} was stopped for good; restart() is for one that runs or was killed`)
      // Data that must survive need an orderly end, also where stop() would throw them away.
      await end(RESTART_TERM_MS)
      between?.()
      await launch()
    },
    pause: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
  }
}

/** Orderly end at a restart: a broker takes half a second, a loaded one longer. */
const RESTART_TERM_MS = 10_000

async function ready(spec: ServerSpec, child: GuardedChild): Promise<void> {
  const deadline = performance.now() + spec.readyTimeoutMs
  while (!(await spec.probe())) {
    if (!child.running) {
      const { code } = await child.exited
      throw startFailed(`${spec.name} ended while it was starting (code ${code}).`, spec.logs)
    }
    if (performance.now() >= deadline) {
      throw startFailed(`${spec.name} does not answer after ${spec.readyTimeoutMs} ms.`, spec.logs)
    }
    await sleep(PROBE_PAUSE_MS)
  }
  // A probe can be answered by another server on the port while ours fails to bind it.
  if (!child.running) throw startFailed(`${spec.name} ended while it was starting.`, spec.logs)
}

function startFailed(what: string, logs: readonly string[]): StackError {
  return new StackError('stack.start_failed', what, `The end of its log:${logTail(logs)}`)
}

function logTail(logs: readonly string[]): string {
  const lines: string[] = []
  for (const file of logs) {
    try {
      const all = readFileSync(file, 'utf8').trimEnd().split('\n')
      // Without the frames of Java stack traces, which would push out the message above them.
      lines.push(...all.filter((line) => !/^\s+at /.test(line)).slice(-LOG_LINES))
    } catch {
      // Not written yet.
    }
  }
  const text = lines.filter(Boolean).join('\n')
  return text === '' ? ' (empty)' : `\n${text.slice(-LOG_BYTES_MAX)}`
}
