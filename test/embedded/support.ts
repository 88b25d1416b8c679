/** What the tests of the embedded stack share: waiting for conditions, processes, and folders of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { cachedArtifacts } from '../../embedded/maven-cache.ts'
import { processAlive } from '../../scripts/file-lock.mjs'

export const root = resolve(import.meta.dirname, '../..')

/** Polls until the condition holds; fails with its name after the deadline. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await sleep(20)
  }
}

export const gone = (pid: number): Promise<void> => until(`process ${pid} is gone`, () => !processAlive(pid))

/** A folder that is removed when the test ends. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tributary-test-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A cache of this test's own (value for XDG_CACHE_HOME) that shares the downloads of the user's cache. */
export function privateCache(...shared: string[]): string {
  const path = folder()
  mkdirSync(join(path, 'tributary'))
  for (const name of shared) {
    const cached = cachedArtifacts(name)
    if (cached) symlinkSync(cached, join(path, 'tributary', name))
  }
  return path
}

export interface Program {
  readonly process: ChildProcess
  readonly pid: number
  stdout: string
  stderr: string
  /** Exit code, or the name of the signal. */
  readonly exit: Promise<number | string>
}

export interface RunOptions {
  /** This Node by default. */
  readonly command?: string
  /** In a process group of its own, as a terminal gives it to what it runs. */
  readonly detached?: boolean
}

/** Runs a program; it is killed when the test ends. */
export function run(args: readonly string[], env: NodeJS.ProcessEnv = {}, options: RunOptions = {}): Program {
  const { command = process.execPath, detached = false } = options
  const child = spawn(command, [...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const program: Program = {
    process: child,
    pid: child.pid!,
    stdout: '',
    stderr: '',
    exit: new Promise((done) => child.once('close', (code, signal) => done(code ?? signal!))),
  }
  child.stdout!.on('data', (chunk) => {
    program.stdout += chunk
  })
  child.stderr!.on('data', (chunk) => {
    program.stderr += chunk
  })
  return program
}

/** Runs JavaScript text as a module that may import the project's files by `root`-relative paths. */
export function runModule(code: string, env: NodeJS.ProcessEnv = {}, options: RunOptions = {}): Program {
  return run(['--input-type=module', '-e', code.replaceAll("from './", `from '${root}/`)], env, options)
}

/** Process ids of the direct children of a process. */
export async function childrenOf(pid: number): Promise<number[]> {
  const ps = run(['-A', '-o', 'pid=,ppid='], {}, { command: 'ps' })
  await ps.exit
  return ps.stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child!)
}

/** The shell that runs a guarded child, once it has started both the child and the sub-shell that guards it. */
export async function guardOf(child: number, parent = process.pid): Promise<number> {
  let guard: number | undefined
  await until(`the guard of process ${child} is whole`, async () => {
    for (const shell of await childrenOf(parent)) {
      const group = await childrenOf(shell)
      if (group.includes(child) && group.length === 2) guard = shell
    }
    return guard !== undefined
  })
  return guard!
}

/** Sends bytes to a loopback port and answers with the first bytes that come back. */
export function ask(port: number, text: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer')))
    socket.once('error', fail)
    socket.once('data', (chunk) => {
      socket.destroy()
      done(chunk.toString())
    })
  })
}
