/**
 * A child process that cannot outlive this one, not even when this one is killed by SIGKILL. Owns the guard: a shell
 * that runs the program, and a sub-shell of it that reads from a pipe whose other end only this process holds. When this
 * process is gone, however it went, the pipe ends and the sub-shell kills the program. The group has a session of its
 * own, so that Ctrl-C reaches this process alone, which then stops its children in order.
 * POSIX only (Linux, macOS): Windows has neither /bin/sh nor process groups.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/**
 * $1 is a folder to remove when the parent is gone ('' = none); the program and its arguments follow.
 * Descriptors: 0 ends with the parent, 1 and 2 belong to the program, 3 carries the program's process id to the parent.
 * A stopped (SIGSTOP) program does not stop the guard, and SIGKILL ends a stopped program.
 */
const GUARD = `
cleanup=$1; shift
exec 4<&0 </dev/null
"$@" 3>&- 4<&- &
pid=$!
echo $pid >&3
exec 3>&-
(
  read -r _ <&4
  trap '' TERM
  kill -KILL $pid
  while kill -0 $pid; do sleep 0.1; done
  [ -z "$cleanup" ] || rm -rf -- "$cleanup"
) >/dev/null 2>&1 &
guard=$!
exec 4<&-
wait $pid
status=$?
kill $guard 2>/dev/null
exit $status
`

export interface GuardedOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Standard output and error are appended to this file; without it they are pipes on the handle. */
  readonly logFile?: string
  /** Removed with everything in it when this process is gone; a folder made for this child alone. */
  readonly removeWhenOrphaned?: string
}

export interface Exit {
  /** The program's exit code, or 128 + signal number when a signal ended it (the shell's convention). */
  readonly code: number
}

export interface GuardedChild {
  /** The program itself, not its guard. */
  readonly pid: number
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Resolves when the program has ended and has been reaped; never rejects. */
  readonly exited: Promise<Exit>
  /** True until `exited` resolves. */
  readonly running: boolean
  /** Sends a signal to the program; nothing happens when it has ended. */
  signal(name: NodeJS.Signals): void
}

/** Starts a program under a guard. A program that is missing shows as exit code 127, one that cannot run as 126. */
export async function spawnGuarded(options: GuardedOptions): Promise<GuardedChild> {
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a')
  const output = log ?? 'pipe'
  let shell: ChildProcess
  try {
    shell = spawn(
      '/bin/sh',
      ['-c', GUARD, 'guard', options.removeWhenOrphaned ?? '', options.command, ...options.args],
      { cwd: options.cwd, env: options.env, detached: true, stdio: ['pipe', output, output, 'pipe'] },
    )
  } finally {
    if (log !== undefined) closeSync(log)
  }
  let running = true
  // 'close', not 'exit': with pipes, everything written has then been read.
  const exited = new Promise<Exit>((resolve) => {
    shell.once('close', (code) => {
      running = false
      resolve({ code: code ?? 137 })
    })
  })
  const failed = new Promise<never>((_, reject) => shell.once('error', reject))
  shell.stdin?.on('error', () => {})
  const pid = await Promise.race([readPid(shell.stdio[3] as Readable), failed])
  failed.catch(() => {})
  return {
    pid,
    stdout: shell.stdout,
    stderr: shell.stderr,
    exited,
    get running() {
      return running
    },
    signal(name) {
      if (!running) return
      try {
        process.kill(pid, name)
      } catch {
        // It has ended; the exit event is on its way.
      }
    },
  }
}

async function readPid(pipe: Readable): Promise<number> {
  pipe.on('error', () => {})
  for await (const line of createInterface({ input: pipe })) {
    const pid = Number(line)
    if (Number.isInteger(pid) && pid > 0) return pid
  }
  throw new Error('the guard of a child process ended before it had started the program')
}
